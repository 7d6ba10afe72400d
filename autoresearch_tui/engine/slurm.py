"""The allocation of a Slurm cluster that this session may live in: when it ends, and how many cards of the machine it has.

Owns who is asked for that. Does not own what follows from a deadline (`plan.py`), nor which cards may be seen: Slurm hides the others.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from autoresearch_tui.clock import LOCAL

JOB, END, CARDS = "SLURM_JOB_ID", "SLURM_JOB_END_TIME", "SLURM_GPUS_ON_NODE"
MARGIN_S = 60.0  # before the end, for the last facts and files: what Slurm ends, it ends without asking twice
ASK_S = 5.0  # a controller that is busy is not waited for any longer
ENDLESS_S = 180 * 86400.0  # a job without an end is given a year
MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"


class Allocation(msgspec.Struct, frozen=True):
    """A job."""

    job: str
    ends: float | None = None
    """Seconds, UTC; None: it does not end, or nobody says when."""
    known: bool = True
    """Somebody said when it ends, or that it does not."""

    @property
    def deadline(self) -> float | None:
        """When a night in it has to be over."""
        return None if self.ends is None else self.ends - MARGIN_S

    def said(self, now: datetime) -> str:
        """`the allocation 4711 ends at 06:00, and the night a minute before`; empty for one without an end."""
        if not self.known:
            return f"the allocation {self.job} does not say when it ends: `--until HH:MM` ends the night before Slurm does."
        if self.ends is None:
            return ""
        ends = datetime.fromtimestamp(self.ends, now.tzinfo)
        shown = ends.strftime("%H:%M" if ends.date() == now.date() else "%d %b %H:%M")
        return f"the allocation {self.job} ends at {shown}: the night ends a minute before, unless another limit ends it earlier."


def allocation(environment: Mapping[str, str], now: datetime) -> Allocation | None:
    """The one that this process lives in. Asks the cluster where the environment does not tell, which takes seconds at most."""
    job = environment.get(JOB, "")
    if not (job.isascii() and job.isdecimal()):
        return None
    told = environment.get(END, "")
    if told.isascii() and told.isdecimal():
        return _ending(job, float(told), now)
    asked = ["scontrol", "show", "job", job, "-o"], ["squeue", "-h", "-j", job, "-o", "EndTime=%e TimeLimit=%l"]
    for words in asked:
        if (found := read_end(_answer(words, environment))) is not None:
            return _ending(job, found, now)
    return Allocation(job, known=False)


def cards_on_node(environment: Mapping[str, str]) -> int | None:
    """How many of this machine's cards the allocation has; None: there is none, or it does not say."""
    told = environment.get(CARDS, "")
    return int(told) if JOB in environment and told.isascii() and told.isdecimal() else None


def read_end(answer: str) -> float | None:
    """When the job of this answer ends, in the cluster's words; infinite for one that does not."""
    if re.search(r"\bTimeLimit=(?:UNLIMITED|INVALID)\b", answer):
        return float("inf")
    if not (found := re.search(rf"\bEndTime=({MOMENT})\b", answer)):
        return None
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=LOCAL).timestamp()
    except (ValueError, OverflowError):
        return None


def _ending(job: str, ends: float, now: datetime) -> Allocation:
    return Allocation(job, ends if ends - now.timestamp() < ENDLESS_S else None)


def _answer(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Empty where there is no such command, or it fails."""
    plainly = dict(environment) | {"SLURM_TIME_FORMAT": "standard"}  # a person may have another one
    try:
        asked = subprocess.run(
            words, env=plainly, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=ASK_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout if asked.returncode == 0 else ""
