"""From a reply to a checked train.py: pure functions from text to text. They open no file, ask nobody and run nothing of what they read."""
