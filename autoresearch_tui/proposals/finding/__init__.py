"""From a piece of an edit to its one place in the file, or none."""
