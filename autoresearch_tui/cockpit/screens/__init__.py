"""The main screen, and everything that is one key away from it."""
