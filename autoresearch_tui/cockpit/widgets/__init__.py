"""The panes: thin widgets over `parts/`, one method each to be told something."""
