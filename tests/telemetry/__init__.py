"""What is observed."""
