# The one command before each commit.
.PHONY: check

check:
	ruff check .
	ruff format --check .
	mypy
