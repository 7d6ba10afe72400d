"""`python -m autoresearch_tui`."""

from autoresearch_tui.cli import main

if __name__ == "__main__":
    main()
