"""`python -m tests.cards --scenario FILE -- COMMAND ..`: a command that sees the cards of a scenario. The library is built beside it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tests.cards import NEWEST, build, environment


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cards", description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--driver", type=int, choices=(1, 2, 3), default=NEWEST, help="the version of the list of processes that it knows")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    library = build(asked.scenario.resolve().parent / f"nvml-{asked.driver}", asked.driver)
    os.execvpe(asked.command[0], asked.command, os.environ | environment(asked.scenario, library))


if __name__ == "__main__":
    main()
