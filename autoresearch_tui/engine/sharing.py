"""Who has the memory of the card: the language model, the training, or both.

Owns the choice (`decide`, pure), that it is carried out before a trial, and the proof that memory came back: the driver's word, never a
server's. Does not own who computes on this card, what was measured there, or who holds the card at all (`cardlock.py`). Memory is in
bytes, and said in the gigabytes of results.tsv, 2**30 bytes each, so that a card of 24 GB has 24.0 of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Literal

import msgspec

from autoresearch_tui.engine.debt import PARTLY, Debt, growth, slack
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.telemetry.sample import Process, Sample

Wanted = Literal["auto", "share", "swap"]
Mode = Literal["share", "swap", "apart"]

GB = 2**30
MORE = 1.1  # a change may take so many times what the trunk's training took
BACK = 1.25  # and so much has to fit before what did not fit is tried side by side once more: no trial to and the next fro
LOOK_S = 0.05  # between two looks at a driver, which tells nobody by itself
BOUND_S = 30.0  # a server that unloads and a driver that tidies up take a second or two
SETTLE_S = 3.0  # the same where nobody knows what is to come back
FAINT = 0.5  # of a model's size: where no more than this is used, it is not there
WAY_OUT = "`nvidia-smi` shows who holds it; it is looked at again by itself, and `autoresearch-tui send stop` ends the run"


class Room(msgspec.Struct, frozen=True):
    """What is known of a card and of those who want it."""

    local: bool = True
    """Whether a language model computes on this card at all."""
    total: int | None = None
    """None: nothing here says how much memory it has."""
    used_before: int = 0
    """What everybody else takes: a desktop, somebody's work that was there first, what the driver keeps for itself."""
    llm: int | None = None
    """The most that the model was seen to take."""
    training: int | None = None
    """The most that the trunk's training was seen to take."""
    mode: Mode | None = None
    """How it was until now; None: the first choice."""
    died_beside: bool = False
    """A training died of memory beside the model, and did not without it."""


class Decision(msgspec.Struct, frozen=True):
    """How the card is used from now on, and why: one line for the screen."""

    mode: Mode
    why: str
    guess: bool = False
    """Not everything was measured yet."""


def decide(wanted: Wanted, room: Room) -> Decision:
    """Side by side, in turn, or nothing to decide."""
    if not room.local:
        return Decision("apart", "apart: no language model computes on this card")
    if wanted != "auto":
        return Decision(wanted, f"{wanted}: asked for{_figures_of(room)}")
    if room.died_beside:
        return Decision("swap", f"swap: a training died of memory beside the LLM{_figures_of(room)}")
    if room.total is None:
        return Decision("share", "share: nothing here says how much memory the card has; the first training that dies of it changes this")
    missing = [word for word, known in (("LLM", room.llm), ("training", room.training)) if known is None]
    if missing:
        return Decision("swap", f"swap: what {' and '.join(f'the {word}' for word in missing)} will take is not known yet", guess=True)
    return _fitting(room, room.total)


def _fitting(room: Room, total: int) -> Decision:
    llm, training = room.llm or 0, room.training or 0
    spare = total - room.used_before - llm - training
    wish = training * (MORE - 1)
    if room.mode == "swap":
        wish = training * (BACK - 1)
    elif room.mode == "share":
        wish = 0.0  # what runs well goes on: a trial that does not fit any more says so
    sums = _sum(room)
    if spare < 0:
        return Decision("swap", f"swap: {sums} are {said(-spare)} more than the card's {said(total)}")
    if spare < wish:
        return Decision("swap", f"swap: {sums} would leave {said(spare)} of the card's {said(total)}, and {said(wish)} is the least")
    return Decision("share", f"share: {sums} fit the card's {said(total)}, {said(spare)} spare")


def _sum(room: Room) -> str:
    """`LLM 9.1 GB + training 11.2 GB + others 0.9 GB`"""
    parts = (("LLM", room.llm), ("training", room.training), ("others", room.used_before or None))
    return " + ".join(f"{who} {said(size)}" for who, size in parts if size is not None)


def _figures_of(room: Room) -> str:
    """What is known, behind a choice that did not come from it."""
    parts = filter(None, (_sum(room), "" if room.total is None else f"of the card's {said(room.total)}"))
    figures = " ".join(parts)
    return f"; {figures}" if figures else ""


def said(size: float) -> str:
    return f"{size / GB:.1f} GB"


# ---------------------------------------------------------------------------------------------------------------------------------
# The choice, carried out
# ---------------------------------------------------------------------------------------------------------------------------------


class Wedged(RuntimeError):
    """The card cannot be used now, and only time or a person mends it. One sentence: what is wrong, and the way out."""


class Vacated(msgspec.Struct, frozen=True):
    """The model has left the card."""

    seconds: float
    """From the request to the proof."""
    memory: int | None
    """Bytes, by the driver; None: no driver tells, and it is the server's word alone."""


class Sharing:
    """The card between two trials. `look` gives the newest sample and never blocks; None: there is no card. `hurry` asks for a new one."""

    def __init__(
        self,
        release: Callable[[], Awaitable[None]],
        look: Callable[[], Sample | None],
        hurry: Callable[[], object] = lambda: None,
        bound_s: float = BOUND_S,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._release = release
        self._look = look
        self._hurry = hurry
        self._bound_s = bound_s
        self._clock = clock
        self._rest = rest
        self._debt: Debt | None = None
        """Not given back when that was last waited for."""

    async def before_trial(self, mode: Mode, room: Room) -> Vacated | None:
        """The card as this trial needs it; what was unloaded for it. Raises Wedged, and may then be asked again."""
        self.fault(self._look())
        await self._settle()
        if mode != "swap":
            return None
        before = await self._until(lambda sample: True, self._bound_s)
        began = self._clock()
        await self._release()
        if before is None or before.memory_used is None:
            return Vacated(self._clock() - began, None)
        bound_s = self._bound_s if room.llm else min(SETTLE_S, self._bound_s)
        after = await self._until(lambda sample: _is_bare(sample, before, room), bound_s)
        if after is None or after.memory_used is None:
            return Vacated(self._clock() - began, None)
        if room.llm and not _is_bare(after, before, room) and not _has_room(after, room):
            raise Wedged(
                f"the LLM was unloaded {self._bound_s:g} s ago, and {_taken(after)} still taken: {_holders(after, None)}. {WAY_OUT}"
            )
        return Vacated(self._clock() - began, max(0, before.memory_used - after.memory_used))

    async def returned(self, before: Sample | None, peak: int | None = None, ours: Collection[int] | None = None) -> float:
        """After a trial: its memory is back, after so many seconds. Raises Wedged; the next trial then waits for it too.

        `before` is the card as it was before the launch, `peak` the most that was used meanwhile, `ours` the processes of the trial.
        """
        if before is not None and before.memory_used is not None:
            self._debt = Debt(before, peak, frozenset(ours or ()))
        return await self._settle()

    @staticmethod
    def fault(sample: Sample | None) -> None:
        """Raises Wedged for a card that is lost, or whose driver does not work any more."""
        if sample is not None and sample.fault:
            raise Wedged(f"{sample.said.rstrip('.')}; it is looked at again by itself, and `autoresearch-tui send stop` ends the run")

    async def _settle(self) -> float:
        began, debt = self._clock(), self._debt
        if debt is None:
            return 0.0
        now = await self._until(debt.is_paid, self._bound_s)
        if now is not None and not debt.is_paid(now):
            kept = said(debt.kept(now))
            raise Wedged(f"{kept} have not come back {self._bound_s:g} s after the training ended: {_holders(now, debt.before)}. {WAY_OUT}")
        self._debt = None
        return self._clock() - began

    async def _until(self, satisfied: Callable[[Sample], bool], bound_s: float) -> Sample | None:
        """The first sample from now on that satisfies, or the last one that did not; None where there is no card."""
        known, began = self._look(), self._clock()
        while (sample := self._look()) is not None:
            self.fault(sample)
            new = known is None or sample.at != known.at  # one from before proves nothing
            late = self._clock() - began >= bound_s
            if late and not new:
                raise Wedged(f"the card's driver has said nothing for {bound_s:g} s. {WAY_OUT}")
            if late or (new and satisfied(sample)):
                return sample
            self._hurry()
            await self._rest(LOOK_S)
        return None


def _is_bare(sample: Sample, before: Sample, room: Room) -> bool:
    """Whether the model is gone: nearly nothing is used beside the others, or as much went as it had. Without figures nobody can tell."""
    if sample.memory_used is None or before.memory_used is None:
        return True
    used = sample.memory_used - room.used_before
    if room.llm is None:
        return used <= slack(sample)
    return used <= max(slack(sample), FAINT * room.llm) or before.memory_used - sample.memory_used >= PARTLY * room.llm


def _has_room(sample: Sample, room: Room) -> bool:
    if room.training is None or sample.memory_used is None or sample.memory_total is None:
        return False
    return sample.memory_total - sample.memory_used >= MORE * room.training


def _taken(sample: Sample) -> str:
    whole = f" of the card's {said(sample.memory_total)}" if sample.memory_total is not None else " of the card"
    return f"{said(sample.memory_used or 0)}{whole} are"


def _holders(sample: Sample, before: Sample | None) -> str:
    named = [f"{named_process(one)} holds {said(one.memory or 0)}" for one, _ in growth(sample, before)[:2]]
    return ", ".join(named) or "by nobody whom the driver names"


def named_process(one: Process) -> str:
    """`python (pid 4711, anna)`"""
    words = ", ".join(filter(None, (f"pid {one.pid}", clean_line(one.user, 32))))
    return f"{clean_line(one.name, 40) or 'somebody'} ({words})"
