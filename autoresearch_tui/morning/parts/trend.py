"""Whether a night was still getting better when it ended: by how long ago the last gain was, and by what the last fifth brought. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import Noise
from autoresearch_tui.morning.account import Kept, Trend
from autoresearch_tui.morning.wording import gain, number, several, share

EARLY = 10  # experiments, the baseline included: before that nothing can be said
WITHOUT = 10  # experiments without a gain: a plateau, as the screen has it; of a long night, a fifth of it
STUCK = 20  # experiments: the same, and it is stuck; of a long night, two fifths of it
CLEAR = 2.0  # sigmas that the last fifth has to bring
FIFTHS = 5


def trend_of(judged: Sequence[Experiment], kept: Sequence[Kept], noise: Noise, small: float | None) -> Trend:
    """Of experiments that have a verdict, in their order; `kept` are those of the trunk, without the baseline."""
    fifths = _fifths(judged)
    if len(judged) < EARLY:
        return Trend("too early", f"{several(len(judged), 'verdict')} so far: too few to tell.", fifths)
    gained = [one for one in kept if one.gain is not None and one.gain > 0]
    if not gained:
        return Trend("stuck", f"{several(len(judged), 'experiment')} and no gain.", fifths)
    last = max(one.number for one in gained)
    since = sum(one.number > last for one in judged)
    late = judged[len(judged) * (FIFTHS - 1) // FIFTHS].number
    brought, whole = (sum(one.gain or 0.0 for one in gained if one.number >= start) for start in (late, 0))
    ago = f"{several(since, 'experiment')} before the end" if since else "the last experiment"
    said = f"The last gain was #{last}, {ago}; the last fifth brought {gain(brought)}, {share(brought, whole)} of all gains"
    if noise.sigma and brought <= CLEAR * noise.sigma:
        said += f", which chance brings too: two sigma are {number(CLEAR * noise.sigma)}"
    return Trend(_word(since, len(judged), brought, noise, small), f"{said}.", fifths)


def _word(since: int, judged: int, brought: float, noise: Noise, small: float | None) -> str:
    if since >= max(STUCK, 2 * judged / FIFTHS):
        return "stuck"
    least = CLEAR * noise.sigma if noise.sigma is not None else small or 0.0
    if since >= max(WITHOUT, judged / FIFTHS) or brought <= least:
        return "plateau"
    return "improving"


def _fifths(judged: Sequence[Experiment]) -> tuple[float, ...]:
    """The share kept in each; none where a fifth is nobody."""
    if len(judged) < FIFTHS:
        return ()
    edges = [len(judged) * part // FIFTHS for part in range(FIFTHS + 1)]
    parts = [judged[start:end] for start, end in itertools.pairwise(edges)]
    return tuple(sum(one.verdict == "keep" for one in part) / len(part) for part in parts)
