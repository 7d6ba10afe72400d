"""The loop of a night, part by part."""
