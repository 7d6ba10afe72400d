"""Several nights side by side."""
