"""What the engine can do next, one class for each kind of step. How each is done is `controller.py`'s, which comes next `plan.py`'s."""

from __future__ import annotations

import msgspec

from autoresearch_tui.journal.state import Waiting


class Step(msgspec.Struct, frozen=True):
    """One thing to do."""


class Restore(Step, frozen=True):
    """Make the world say what the journal says: the first step of a session."""


# ------------------------------------------------------------------------------------------------------------------------------
# An experiment
# ------------------------------------------------------------------------------------------------------------------------------


class Begin(Step, frozen=True):
    """Propose the baseline."""


class Confirm(Step, frozen=True):
    """Propose the best code of another night."""


class Commit(Step, frozen=True):
    number: int


class Train(Step, frozen=True):
    number: int
    trial: int
    again: Waiting | None = None
    purpose: str = ""
    """Why the same code is trained again."""
    device: str = ""
    """The class of device that it has to be trained on; empty: any."""
    slot: str = ""
    """Where it has to be trained; empty: in any of that class."""


class Bury(Step, frozen=True):
    """A trial was running when an engine died."""

    number: int
    trial: int


class Measure(Step, frozen=True):
    number: int
    trial: int


class Notice(Step, frozen=True):
    """The trials of an experiment say something about one another."""

    number: int


class Judge(Step, frozen=True):
    number: int


class Apply(Step, frozen=True):
    number: int


# ------------------------------------------------------------------------------------------------------------------------------
# The trunk
# ------------------------------------------------------------------------------------------------------------------------------


class Rewinding(Step, frozen=True):
    wish: Waiting
    to: int


class StepBack(Step, frozen=True):
    """The trunk does not train any more: it goes back to what it was made from."""

    to: int


class SetAside(Step, frozen=True):
    """Use a slot no more, for the trunk crashes there, and trains in another one."""

    slot: str
    trains_in: str


class ByHand(Step, frozen=True):
    """A person's word on a row whose moment has come."""

    wish: Waiting


class Conclude(Step, frozen=True):
    """Say what the closing measurement came to."""


# ------------------------------------------------------------------------------------------------------------------------------
# A draft
# ------------------------------------------------------------------------------------------------------------------------------


class Draw(Step, frozen=True):
    """Begin a draft."""

    idea: Waiting | None = None


class Refit(Step, frozen=True):
    """Lower the trunk's device batch, for this experiment died of memory."""

    number: int


class Ask(Step, frozen=True):
    """Get a reply for a draft and make a train.py of it."""

    draft: str


class Hold(Step, frozen=True):
    """Let a person see the draft first."""

    draft: str


class Propose(Step, frozen=True):
    draft: str


class GiveUp(Step, frozen=True):
    """Give a draft up."""

    draft: str
    why: str


# ------------------------------------------------------------------------------------------------------------------------------
# Nothing
# ------------------------------------------------------------------------------------------------------------------------------


class Rest(Step, frozen=True):
    """Nothing can start now. `until` is when to look again, unless something happens before."""

    why: str
    until: float | None = None
    pause: bool = False
    """A person wants it so; otherwise it goes on by itself."""


class Busy(Step, frozen=True):
    """Nothing can be done before something of what is under way is over."""


class End(Step, frozen=True):
    why: str
    failed: bool = False
