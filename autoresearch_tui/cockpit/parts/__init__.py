"""What each pane says at a moment, and its rows of cells. Pure: no Textual, no clock, no file."""
