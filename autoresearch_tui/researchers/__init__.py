"""Who proposes: one file each, one protocol. A researcher gets a request that holds all it may need, and streams a reply.

The reply is tagged plain text, which `proposals` reads: no researcher touches train.py, the journal or git, and none knows what became
of its reply but by the next request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.prompt import Prompt


class ResearcherDown(Exception):
    """It cannot answer now, and why, in one sentence; asked later, it may."""

    def __init__(self, why: str, retry_s: float | None = None, for_good: bool = False) -> None:
        super().__init__(why)
        self.retry_s = retry_s
        """How long it asked to be left alone; None: it did not say."""
        self.for_good = for_good
        """No time mends it, only a person: a wrong key, a model that is not there, no credit."""


class NothingLeft(ResearcherDown):
    """It knows no further move from this train.py: asking it again changes nothing, another parent or idea does."""


class Declined(Exception):
    """The model will not answer this request: `CATEGORY: why`. Another researcher may; the same words are not tried again."""


class WindowExceeded(Exception):
    """The prompt and its answer do not fit, in one sentence; nothing of it was cut in silence."""

    def __init__(self, why: str, window: int = 0) -> None:
        super().__init__(why)
        self.window = window
        """What fits, in tokens, if the server said so."""


class NotUnderstood(Exception):
    """A person's idea that this researcher cannot make an edit of, and what it would understand."""


class UnknownResearcher(ValueError):
    """There is none of this name; the sentence lists those there are."""


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
    """What was tried lately, and what the parent is made of; without a verdict what is being tried now."""
    waiting: tuple[Tried, ...] = ()
    """What others drafted, and what waits to be trained."""
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
    prompt: Prompt | None = None
    """For those that read; who turns knobs needs none."""
    scratch: Path | None = None
    """An empty folder of this draft's, for a command that edits files."""

    @property
    def under_way(self) -> tuple[Tried, ...]:
        """What others are trying, or will before this: nobody knows yet what it is worth."""
        return (*(one for one in self.tried if not one.verdict), *self.waiting)

    @property
    def held(self) -> frozenset[str]:
        """The knobs that others turn now: whoever has the choice turns another one."""
        return frozenset(knob for one in self.under_way for knob in one.changes)


class Part(msgspec.Struct, frozen=True):
    """A piece of a reply as it streams. The texts, joined, are the reply; what it took comes last, and as far as it is known before."""

    kind: Literal["thinking", "text", "usage"]
    text: str = ""
    tokens_in: int = 0
    """As the server counted them, those read from a cache included."""
    tokens_out: int = 0
    """Thinking included."""
    cost: float | None = None
    """In dollars; None: not known."""
    cut: str = ""
    """Why the reply is not whole: `the limit of 4096 tokens`."""
    seen: dict[str, float] = {}
    """What else the server told, by a name that says the unit: `load_s`, `tokens_per_s`, `size_vram_gb`, `context_length`."""


class Researcher(Protocol):
    """The one protocol. What is said of it here may be known only after `check`."""

    name: str
    """As the journal has it, and as a person named it: `sweep`, `ollama:qwen3.5:9b`."""
    operators: tuple[str, ...]
    """The kinds of move that it can make, of those in the words table."""
    dialects: tuple[str, ...]
    """Forms of an edit that it may be taught, the surest first; none: it needs no prompt."""
    window: int
    """Tokens that prompt and answer share; 0: not known, or no matter."""
    answer: int
    """Tokens of that which an answer may take, thinking included."""
    remote: bool
    """What it is told leaves this machine."""
    metered: bool
    """Somebody pays for each token."""
    shares: bool
    """It computes where the trainings do: while one is timed, it is not asked."""

    def propose(self, request: Request) -> AsyncIterator[Part]:
        """Stream a reply; raises ResearcherDown, Declined, WindowExceeded or NotUnderstood. Closed early, it leaves the server idle."""
        ...

    async def check(self) -> str | None:
        """What keeps it from answering, in a sentence that says what to do; None if nothing does."""
        ...

    async def release(self) -> None:
        """Give back the memory of the GPU; the next request takes it again."""
        ...
