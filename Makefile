# `make check` is the one command before each commit.
.PHONY: check test demo pictures soak

check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports

test:
	pytest

demo:
	autoresearch-tui demo

pictures:
	python -m tests.cockpit.pictures

soak:
	AUTORESEARCH_SOAK=1 pytest -n 0 -s -m soak
