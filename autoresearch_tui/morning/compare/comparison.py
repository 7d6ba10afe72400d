"""What is told of several nights side by side: one comparison, the same in every form. As JSON it is a documented interface.

Fields are only ever added, and with a default. What nobody knows is None, or empty. A gain is above zero where it is better, whatever
the goal. Owns what is told; how it is found is `comparing.py`'s, how it looks `text.py`'s and `chart.py`'s.
"""

from __future__ import annotations

import msgspec

from autoresearch_tui.morning.account import Result, Spent


class Step(msgspec.Struct, frozen=True):
    """From this experiment on, and from this hour on, the trunk was this good."""

    experiment: int
    hour: float | None
    """Of work: no engine's time and a person's pauses do not count. None: nobody knows when."""
    value: float
    gain: float
    """Since the baseline."""


class Share(msgspec.Struct, frozen=True):
    """How experiments did that have something in common: who proposed them, or by which version of program.md."""

    of: str
    nights: int = 1
    experiments: int = 0
    """Without baselines."""
    kept: int = 0
    sure: int = 0
    """Kept for a gain that is sure."""
    crashed: int = 0
    gain: float | None = None
    """Of the kept ones together; None where they are of nights whose numbers do not compare."""
    rate: float | None = None
    """Kept, of all."""
    low: float | None = None
    high: float | None = None
    """Nineteen of twenty such intervals hold the true rate, if experiments were all alike."""
    usable: int = 0
    refused: int = 0
    cost_usd: float | None = 0.0
    """None: some replies have no price that is known."""


class Side(msgspec.Struct, frozen=True):
    """One night."""

    name: str
    """What it is called here; no two are called the same."""
    source: str
    """`run`, `packed` or `table`."""
    result: Result
    tag: str = ""
    state: str = ""
    metric: str = "val_bpb"
    goal: str = "lower"
    key: dict[str, str] = {}
    """What must be the same for two numbers to be compared; empty where nobody knows."""
    start: str = ""
    """The commit that it began from."""
    budget_s: float | None = None
    device: str = ""
    gain: float | None = None
    """Zero where nothing was gained; None where the best and the baseline do not compare, and where nothing was measured."""
    relative: float | None = None
    """The gain as a part of the baseline."""
    sigma: float | None = None
    assumed: bool = True
    share: Share = Share("")
    """Of all its experiments."""
    experiments: int = 0
    hours: float | None = None
    """Of work."""
    per_hour: float | None = None
    """Experiments."""
    gain_per_experiment: float | None = None
    gain_per_hour: float | None = None
    spent: Spent | None = None
    researchers: tuple[Share, ...] = ()
    programs: tuple[Share, ...] = ()
    steps: tuple[Step, ...] = ()
    gain_at_experiments: float | None = None
    """After as many experiments as the shortest of these nights has."""
    gain_at_hours: float | None = None
    """After as many hours as the shortest of these nights had."""


class Difference(msgspec.Struct, frozen=True):
    """What the first of two is better by."""

    value: float
    low: float | None = None
    high: float | None = None
    """Nineteen of twenty such intervals hold the true difference; None where nobody knows the noise."""
    chosen: float = 0.0
    """How much of it the choice of the best number may have brought; interval, p and word allow for it."""
    p: float | None = None
    """How often chance alone would set two equal codes so far apart, in either direction; None where nobody knows, and where nothing is
    left to chance."""
    word: str = ""
    """`sure`, `likely` or `unsure` that the first is better, all comparisons of these nights considered; empty where nobody can say."""
    by: str = "gain"
    """`gain`; `end`: both began from the same code, so the numbers at the end tell more; `relative`: in parts of each baseline."""


class Pair(msgspec.Struct, frozen=True):
    """Two nights, the one with the larger gain first."""

    one: str
    other: str
    sentence: str
    comparable: bool = False
    """Their numbers compare in the metric itself."""
    differs: tuple[str, ...] = ()
    """The names in their keys for which they do not; none where nobody knows how one was measured."""
    same: bool = False
    """They are one night."""
    gain: Difference | None = None
    """None where there is nothing to compare."""
    end: Difference | None = None
    """Of the numbers at the end, where those compare and the two began from different code."""


class Comparison(msgspec.Struct, frozen=True):
    """Nights side by side."""

    sentence: str
    sides: tuple[Side, ...]
    version: int = 1
    pairs: tuple[Pair, ...] = ()
    comparable: bool = False
    """All that have a number compare in the metric itself."""
    leader: str = ""
    """With the largest gain, whether or not that is luck; in parts of the baseline where numbers do not compare."""
    sigma: float | None = None
    """Pooled over all of them, where they compare."""
    experiments: int | None = None
    """As many as the shortest has: `gain_at_experiments` is after these."""
    hours: float | None = None
    researchers: tuple[Share, ...] = ()
    programs: tuple[Share, ...] = ()
    notes: tuple[str, ...] = ()
    """What has to be known to read it right, in sentences."""
