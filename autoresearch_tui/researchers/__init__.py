"""Who proposes: one file each, one protocol. A researcher gets a request that holds all it may need, and streams a reply.

The reply is tagged plain text, which `proposals` reads: no researcher touches train.py, the journal or git, and none knows what became
of its reply but by the next request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, Protocol

import msgspec

KNOWN = ("sweep",)


class ResearcherDown(Exception):
    """It cannot answer now, and why, in one sentence; asked later, it may."""


class NothingLeft(ResearcherDown):
    """It knows no further move from this train.py: asking it again changes nothing, another parent or idea does."""


class NotUnderstood(Exception):
    """A person's idea that this researcher cannot make an edit of, and what it would understand."""


class UnknownResearcher(ValueError):
    """There is none of this name; the sentence lists those there are."""


class Tried(msgspec.Struct, frozen=True):
    """An experiment that was made, or is being made, as a researcher needs to know it."""

    number: int
    changes: dict[str, tuple[str, str]] = {}
    """Old and new literal of every knob that differed from its parent's; empty if more than knobs differed."""
    verdict: str = ""
    """keep, discard or crash; empty while it has none."""
    delta: float | None = None
    """How much worse it is than its parent: below zero it is better, whatever the goal."""
    parent: int = 0
    trials: int = 1
    """How many its number is the mean of."""
    operator: str = ""


class Request(msgspec.Struct, frozen=True):
    """All that a researcher may know. The same request, asked again after a restart, gets the same reply from whoever can do that."""

    draft: str
    operator: str
    source: str
    """The parent's train.py."""
    number: int
    """Of the experiment that it will be."""
    seed: int
    """Of the run."""
    tried: tuple[Tried, ...] = ()
    idea: str = ""
    """A person's idea, to be tried now."""
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    """Why each earlier reply of this draft was refused, oldest first."""
    trunk: tuple[int, ...] = (0,)
    """The experiments that the parent is made of, itself the last."""
    near: tuple[int, ...] = ()
    """Near misses, the best first: discarded, and hardly worse than the trunk."""
    sigma: float | None = None
    """How far two trainings of the same code differ."""
    heat: float = 0.0
    """From 0, the usual, to 1: nothing has helped for long, so be bolder."""
    context: int = 0
    """Tokens in a row, as prepare.py has it; 0: not known."""
    scratch: Path | None = None


class Part(msgspec.Struct, frozen=True):
    """A piece of a reply as it streams. The texts, joined, are the reply."""

    kind: Literal["thinking", "text", "usage"]
    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    """In dollars; None: not known."""


class Researcher(Protocol):
    """The one protocol."""

    name: str
    operators: tuple[str, ...]
    """The kinds of move that it can make, of those in the words table."""

    def propose(self, request: Request) -> AsyncIterator[Part]:
        """Stream a reply; raises ResearcherDown or NotUnderstood."""
        ...

    async def check(self) -> str | None:
        """What keeps it from answering, in a sentence; None if nothing does."""
        ...

    async def release(self) -> None:
        """Give back the memory of the GPU; the next request takes it again."""
        ...


def named(spec: str) -> Researcher:
    """The researcher of a setting, `NAME` or `NAME:MODEL`; raises UnknownResearcher."""
    if spec == "sweep":
        from autoresearch_tui.researchers.sweep import Sweep

        return Sweep()
    raise UnknownResearcher(f"There is no researcher `{spec}`; there is: {', '.join(KNOWN)}.")
