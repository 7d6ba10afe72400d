"""Observing, with no opinion. Imports nothing else of the package."""
