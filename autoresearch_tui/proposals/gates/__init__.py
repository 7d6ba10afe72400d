"""What `checks.py` and `honesty.py` ask of a train.py."""
