"""The prompt: everything that a model may know about the next move, in a window that it fits by construction. Pure."""

from __future__ import annotations

import msgspec

from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.shelf import Known


class Briefing(msgspec.Struct, frozen=True):
    """What a prompt is made of."""

    source: str
    """The parent's train.py; it is never cut."""
    number: int
    operator: str
    dialect: str
    """The form of an edit that is taught: `set`, `blocks`, `function` or `file`."""
    window: int
    """Tokens that prompt and answer share; 0: no limit."""
    answer: int
    """Tokens kept free for the answer."""
    factor: float = 1.0
    """Tokens that this model's server counts for each one that is estimated."""
    program: str = ""
    """program.md as it is now."""
    frozen: tuple[str, ...] = ()
    """Files that may not change."""
    edit: str = "train.py"
    metric: str = "val_bpb"
    goal: str = "lower"
    budget_s: float = 300.0
    measured: tuple[str, ...] = ()
    """What the machine showed, in sentences: memory, tokens a second."""
    best: int | None = None
    tried: tuple[Tried, ...] = ()
    trunk: tuple[int, ...] = (0,)
    near: tuple[int, ...] = ()
    sigma: float | None = None
    crash: str = ""
    """The last lines of the log of the trial to be repaired, or of the last crash: foreign text."""
    idea: str = ""
    """A person's idea, to be tried now."""
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    """Why each earlier reply of this draft was refused, oldest first."""
    detail: str = ""
    """Of the last refusal: the block that failed, and the nearest real lines."""
    earlier: tuple[Tried, ...] = ()
    """Of earlier runs of this workspace."""
    shelf: tuple[Known, ...] = ()
    """Published ideas that fit the code and were not tried."""
    heat: float = 0.0


class Prompt(msgspec.Struct, frozen=True):
    """What a model is told, in three parts from the most lasting to the least, so that a server may cache its beginning."""

    rules: str
    """The same all night."""
    code: str
    """The parent's train.py: the same until something is kept."""
    ask: str
    """What was tried, what is wanted, and how to reply."""
    tokens: int
    """As estimated, and corrected by what this model's server counted before."""

    @property
    def text(self) -> str:
        return "\n\n".join((self.rules, self.code, self.ask))


def brief(briefing: Briefing) -> Prompt:
    raise NotImplementedError
