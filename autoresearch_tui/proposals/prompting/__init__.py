"""What a model is told: the parts of a prompt."""
