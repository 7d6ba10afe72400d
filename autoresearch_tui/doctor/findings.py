"""What a check comes to, in words that people and programs read. It looks at nothing."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

State = Literal["ok", "warning", "missing"]


class Finding(msgspec.Struct, frozen=True):
    """One line of an examination. Fields are only ever added."""

    check: str
    """A name that stays: `torch`, `git`, `data`."""
    state: State
    """`missing`: no run can start as it is. `warning`: one can, and something is worth a look."""
    found: str
    mend: str = ""
    """The command that mends it; in words, where no command does. Empty where nothing is to be mended."""
    group: str = ""
    """Which heading it stands under."""


class Examination(msgspec.Struct, frozen=True):
    """Of one folder on one machine: what `doctor --json` prints."""

    folder: str
    findings: tuple[Finding, ...]
    could_start: bool
    version: int = 1
    """Of this form. A later one has more fields, and none of these means something else."""


def ok(check: str, found: str, mend: str = "") -> Finding:
    return Finding(check, "ok", found, mend)


def warning(check: str, found: str, mend: str = "") -> Finding:
    return Finding(check, "warning", found, mend)


def missing(check: str, found: str, mend: str = "") -> Finding:
    return Finding(check, "missing", found, mend)


def examination(folder: str, findings: tuple[Finding, ...]) -> Examination:
    return Examination(folder, findings, could_start=all(one.state != "missing" for one in findings))


def commands_in(sentence: str) -> str:
    """The command that a sentence of ours gives; empty where it gives none."""
    found = re.search(r"`([^`]+)`", sentence)
    return found[1] if found else ""
