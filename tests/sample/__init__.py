"""How the night that comes along with the package was recorded: `python -m tests.sample.record`."""
