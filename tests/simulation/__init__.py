"""A stand-in for training, fitted to real measurements, on which searchers are compared. Nothing is trained here."""
