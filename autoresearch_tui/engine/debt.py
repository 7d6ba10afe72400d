"""What a training took of the card's memory, and whether it came back. Pure.

Owns the comparison of two samples of one card: by how much, and whose the difference is. Does not own for how long that is waited for
(`sharing.py`).
"""

from __future__ import annotations

import msgspec

from autoresearch_tui.telemetry.sample import Process, Sample

LEAST = 2**28  # a difference of memory below this is nobody's: a window that was opened, a context that grew
SHARE, SHARE_OF_ALL = 0.01, 0.03  # the same of a card's memory, and of the whole machine's where that is one
PARTLY = 0.75  # a process gives back all or nothing: more than so much of it gone is all, and what is left somebody else's


class Debt(msgspec.Struct, frozen=True):
    """What one trial took and has to give back."""

    before: Sample
    """The card as it was before the launch."""
    peak: int | None = None
    """The most that was used meanwhile, in bytes."""
    ours: frozenset[int] = frozenset()
    """The processes of the trial."""

    def is_paid(self, sample: Sample) -> bool:
        taken = (self.peak or 0) - (self.before.memory_used or 0)
        return self.kept(sample) <= max(slack(sample), (1 - PARTLY) * taken)

    def kept(self, sample: Sample) -> int:
        """What is used more than before the launch, but for what others took meanwhile: they may stay.

        Who has no name cannot be seen from here, as our own processes cannot by the numbers that they have outside of a container.
        """
        if sample.memory_used is None or self.before.memory_used is None:
            return 0
        others = sum(more for one, more in growth(sample, self.before) if one.name and one.pid not in self.ours)
        return max(0, sample.memory_used - self.before.memory_used - others)


def growth(sample: Sample, before: Sample | None) -> list[tuple[Process, int]]:
    """What each process has more than before, the largest first."""
    had = {one.pid: one.memory or 0 for one in ((before.processes if before else None) or ())}
    grown = [(one, (one.memory or 0) - had.get(one.pid, 0)) for one in sample.processes or ()]
    return sorted(((one, more) for one, more in grown if more > 0), key=lambda pair: -pair[1])


def slack(sample: Sample) -> float:
    """How far two samples of the same state may differ."""
    return max(LEAST, (SHARE_OF_ALL if sample.unified else SHARE) * (sample.memory_total or 0))
