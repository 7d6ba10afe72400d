"""When what happened in a night, and where each fact stands: seconds that only go forward, whatever the clock did. Pure.

Owns the seconds between two facts, the span of each training and each reply, and where the verdicts are. Does not own how fast they pass.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from autoresearch_tui.journal import events as e

Span = tuple[float, float]


class Timeline(msgspec.Struct, frozen=True):
    """Of facts in their order; a place is the number of facts before one."""

    moments: Sequence[float]
    """Of each fact, in seconds since the first."""
    clocks: Sequence[float]
    """The same as the clock showed it, in seconds of UTC."""
    seqs: Sequence[int]
    """The number of each in the journal."""
    starts: frozenset[int]
    """The places from which an engine works: before them nobody did, whatever the facts say."""
    verdicts: Sequence[float]
    """The moments of all verdicts, each later than the one before."""
    trials: dict[tuple[int, int], Span]
    """From the launch of each trial to its end."""
    replies: dict[str, list[Span]]
    """From each request for a draft's reply to the end of what came."""

    @property
    def begin(self) -> float:
        """When the first engine works; what comes before it is preparation."""
        return self.moments[min(self.starts)] if self.starts else 0.0

    @property
    def end(self) -> float:
        return self.moments[-1] if self.moments else 0.0

    def place(self, moment: float) -> int:
        """How many facts there are at this moment."""
        return bisect_right(self.moments, moment)

    def clock(self, moment: float, place: int) -> float:
        """What the clock shows then; after a fact it goes on from what that one says."""
        return self.clocks[place - 1] + moment - self.moments[place - 1] if place else 0.0


def timeline_of(facts: Iterable[e.Recorded]) -> Timeline:
    """Read in one go, and nothing of them is kept but when they were."""
    moments, clocks, seqs = array("d"), array("d"), array("q")
    starts: list[int] = []
    verdicts: list[float] = []
    trials: dict[tuple[int, int], Span] = {}
    replies: dict[str, list[Span]] = {}
    writing: set[str] = set()
    before: e.Recorded | None = None
    for recorded in facts:
        moment = moments[-1] + _seconds(before, recorded) if before else 0.0
        before = recorded
        moments.append(moment)
        clocks.append(recorded.at)
        seqs.append(recorded.seq)
        fact = recorded.event
        draft = getattr(fact, "draft", "")
        if draft in writing:  # whatever is said of it next ends what was being written
            replies[draft][-1] = (replies[draft][-1][0], moment)
            writing.discard(draft)
        match fact:
            case e.EngineStarted():
                starts.append(bisect_left(moments, moment))
            case e.Judged() if moment not in verdicts[-1:]:
                verdicts.append(moment)
            case e.Launched():
                trials[fact.number, fact.trial] = (moment, float("inf"))
            case e.Ended() if (fact.number, fact.trial) in trials:
                trials[fact.number, fact.trial] = (trials[fact.number, fact.trial][0], moment)
            case e.Asked():
                replies.setdefault(draft, []).append((moment, float("inf")))
                writing.add(draft)
    end = moments[-1] if moments else 0.0
    for span in trials:
        trials[span] = (trials[span][0], min(end, trials[span][1]))
    for draft in writing:
        replies[draft][-1] = (replies[draft][-1][0], end)
    return Timeline(moments, clocks, seqs, frozenset(starts), verdicts, trials, replies)


def _seconds(before: e.Recorded, after: e.Recorded) -> float:
    """Between two facts, by the clock that went on: one of the two may have been set, or have begun anew with the machine."""
    return min((gap for gap in (after.mono - before.mono, after.at - before.at) if gap > 0), default=0.0)


def share(span: Span, moment: float) -> float:
    """How much of it has passed, from 0 to 1."""
    begins, ends = span
    if moment >= ends:
        return 1.0
    return max(0.0, (moment - begins) / (ends - begins))
