"""What is told of a night: one account, the same in every form. As JSON it is a documented interface (docs/report.md).

Fields are only ever added, and with a default. What nobody knows is None, or empty, and `unknown` says so in words. Numbers are the
metric's own; a gain is above zero where it is better, whatever the goal. Owns what is told, and not how it is found (`accounting.py`)
nor how it looks (`text.py`, `page.py` and the others).
"""

from __future__ import annotations

import msgspec


class Result(msgspec.Struct, frozen=True):
    """What the night came to."""

    sentence: str
    baseline: float | None = None
    best: int | None = None
    """The experiment with the best number of the trunk."""
    commit: str = ""
    value: float | None = None
    trust: str = ""
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    """Nineteen of twenty such intervals hold the true gain, on every basis; None where nobody knows the noise."""
    p: float | None = None
    """How often chance alone, and the choice of the best, would look as good or better."""
    word: str = ""
    """`sure`, `likely` or `unsure`; empty where nobody can say."""
    basis: str = ""
    """What it rests on: `closing` (both measured afresh), `night` (numbers that were chosen for being low) or `rows` (one number each)."""
    audit_gain: float | None = None
    audit_low: float | None = None
    audit_high: float | None = None
    caveat: str = ""
    """What has to be known about this gain before it is told to anybody; a sentence or two, or nothing."""
    chosen: float = 0.0
    """How much of it the choice of the best number may have brought; interval, p and word allow for it."""


class Confirmed(msgspec.Struct, frozen=True):
    """A later answer to whether the gain holds: baseline and best code again, with more time to train."""

    of: str
    """Whose best code: the night, and the experiment in it."""
    budget_s: float
    gain: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    word: str = ""
    sentence: str = ""
    chosen: int | None = None
    """The experiment whose code was trained longer."""


class Kept(msgspec.Struct, frozen=True):
    """A change that was kept, and what it was better than its parent."""

    number: int
    commit: str
    idea: str
    value: float | None
    gain: float | None
    word: str = ""
    p: float | None = None
    trials: int = 1
    by: str = "policy"
    researcher: str = ""
    operator: str = ""
    on_trunk: bool = True
    trust: str = ""
    reason: str = ""


class Near(msgspec.Struct, frozen=True):
    """A change that was not kept, and may be worth another try."""

    number: int
    commit: str
    idea: str
    value: float
    worse: float
    """Than its parent; below zero where its number was better."""
    trials: int = 1
    why: str = ""


class Crashes(msgspec.Struct, frozen=True):
    """Crashes of one kind."""

    kind: str
    numbers: tuple[int, ...]
    why: str = ""
    """Of the last of them, in a sentence."""
    tail: tuple[str, ...] = ()
    """The last lines of its log."""


class Trend(msgspec.Struct, frozen=True):
    """Where the night was going when it ended."""

    word: str
    """`improving`, `plateau`, `stuck`, or `too early`."""
    sentence: str
    fifths: tuple[float, ...] = ()
    """The share of experiments kept, by fifths of the night."""


class Hours(msgspec.Struct, frozen=True):
    """Where the time went, in seconds."""

    whole: float
    training: float = 0.0
    starting: float = 0.0
    """From the launch to the first step: imports, compilation."""
    evaluating: float = 0.0
    drafting: float = 0.0
    """Nothing trained, and a researcher was waited for."""
    paused: float = 0.0
    idle: float = 0.0
    """None of these while an engine worked."""
    away: float = 0.0
    """No engine worked."""

    @property
    def worked(self) -> float:
        """An engine was there, and no person had it paused."""
        return self.whole - self.away - self.paused


class Spent(msgspec.Struct, frozen=True):
    """What it cost."""

    tokens_in: int = 0
    tokens_out: int = 0
    researchers_usd: float | None = None
    """None: some replies have no price that is known."""
    gpu_hours: float = 0.0
    kwh: float | None = None
    gpu: float = 0.0
    currency: str = "USD"
    per_experiment: dict[str, float] | None = None
    per_sure_gain: dict[str, float] | None = None


class Proposer(msgspec.Struct, frozen=True):
    """How a researcher did."""

    name: str
    experiments: int = 0
    kept: int = 0
    crashed: int = 0
    gain: float = 0.0
    """Of its kept changes together."""
    asked: int = 0
    usable: int = 0
    refused: int = 0
    wrong: dict[str, int] = {}
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: float | None = 0.0


class Doubt(msgspec.Struct, frozen=True):
    """A trial whose number is not taken at its word."""

    number: int
    trial: int
    kind: str
    """`tainted` or `suspect`."""
    why: str


class Point(msgspec.Struct, frozen=True):
    """An experiment in the chart."""

    number: int
    values: tuple[float, ...]
    """Of its trials; none for a crash."""
    value: float | None
    verdict: str
    idea: str
    tainted: bool = False
    """It has numbers, and none of them is compared."""


class Look(msgspec.Struct, frozen=True):
    """Something to do, and the exact command for it."""

    what: str
    command: str


class Account(msgspec.Struct, frozen=True):
    """A night, told."""

    name: str
    """Its tag, or the name of its file."""
    source: str
    """`run`, `packed` or `table`."""
    result: Result
    version: int = 1
    confirmed: tuple[Confirmed, ...] = ()
    """The shortest budget first."""
    metric: str = "val_bpb"
    goal: str = "lower"
    budget_s: float | None = None
    began: float | None = None
    """Seconds of UTC."""
    ended: float | None = None
    """When the last fact was written."""
    state: str = ""
    """How it stands: over and why, at work, or died."""
    sessions: int = 0
    device: str = ""
    trust: str = ""
    sandbox: str = ""
    sigma: float | None = None
    assumed: bool = True
    """Sigma is somebody's guess and was not measured here."""
    experiments: int = 0
    trials: int = 0
    counts: dict[str, int] = {}
    """Experiments by verdict; other words than ours stand as their file has them."""
    kept: tuple[Kept, ...] = ()
    """The largest gain first; without the baseline."""
    small: float | None = None
    """A gain below this is one in two thousand of the baseline: on most machines less than equal trainings differ."""
    small_kept: int = 0
    doubtful: int = 0
    """Kept changes of the trunk whose gain is probably noise: the unsure ones; of a table without a sigma those below `small`."""
    doubtful_gain: float | None = None
    """What they gained together; None where nothing was kept, or nobody can say."""
    gained: float = 0.0
    """What all kept changes of the trunk gained together, without those that were kept although they gained nothing."""
    near: tuple[Near, ...] = ()
    """The nearest first."""
    near_discards: int = 0
    """Discards that were within `small` of the best number of their time."""
    trend: Trend | None = None
    crashes: tuple[Crashes, ...] = ()
    """The most frequent kind first."""
    hours: Hours | None = None
    spent: Spent | None = None
    proposers: tuple[Proposer, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    diff: str = ""
    """From the baseline's code to the best's."""
    advice: tuple[str, ...] = ()
    """What to do now, in sentences, the first thing first; between backquotes stand commands that can be pasted."""
    looks: tuple[Look, ...] = ()
    points: tuple[Point, ...] = ()
    trunk: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """What this source cannot tell, in sentences."""
