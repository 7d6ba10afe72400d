"""A night of autonomous pretraining research, supervised from a terminal."""
