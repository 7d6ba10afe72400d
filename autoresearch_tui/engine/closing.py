"""The end of a night that has a limit of time: baseline and trunk, measured afresh, side by side. Pure.

Every kept number was chosen for being low, so the numbers of a night claim too much. These were not chosen. Owns when it is made and
what it says; how far numbers differ by chance is `journal/noise.py`'s.
"""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import Gain, Noise, edge, gain, noise_of
from autoresearch_tui.journal.state import Run, Trial

PAIRS = 3  # of trials, at most
SHARE = 30  # trials of a night for each pair
LONGER = 1.3  # a trial of it compiles from nothing, and is measured on two texts
IN_TWENTY = 0.025  # on either side of the interval


def next_trial(run: Run, now: float, trial_s: float, early: bool = False) -> int | None:
    """What is trained next for it, or None: too early, complete, too late, or nothing was kept. `early`: there is nothing else to do."""
    if not _has_begun(run, now, trial_s, early) or run.tip is None or _is_late(run, now + LONGER * trial_s):
        return None
    pairs = _pairs(run, trial_s)
    missing = [number for number in (0, run.tip) if len(_fresh(run, number)) < pairs and len(_trained(run, number)) < 2 * pairs]
    return min(missing, key=lambda number: len(_trained(run, number)), default=None)


def is_over(run: Run, now: float, trial_s: float, early: bool = False) -> bool:
    return _has_begun(run, now, trial_s, early) and next_trial(run, now, trial_s, early) is None


def is_due(run: Run) -> bool:
    """Whether there is something to say that was not said."""
    if run.tip in (None, 0):
        return False
    counts = len(_fresh(run, 0)), len(_fresh(run, run.tip or 0))
    said = run.conclusion
    return all(counts) and (said is None or (said.tip, said.baseline_trials, said.tip_trials) != (run.tip, *counts))


def conclusion(run: Run) -> e.Concluded:
    assert run.tip is not None
    before, after = _fresh(run, 0), _fresh(run, run.tip)
    noise = noise_of(run)
    found = gain(run, _values(after), _values(before), noise)
    low, high = _interval(found, noise)
    said = e.Concluded(run.tip, found.value, low, high, found.p, baseline_trials=len(before), tip_trials=len(after))
    audits = [[trial.audit for trial in trials if trial.audit is not None] for trials in (before, after)]
    if not all(audits):
        return said
    audit = gain(run, audits[1], audits[0], noise)  # by the noise of the text that decided: the other was read too seldom to know its own
    low, high = _interval(audit, noise)
    return replace(said, audit_gain=audit.value, audit_low=low, audit_high=high, audit_p=audit.p)


def _values(trials: list[Trial]) -> list[float]:
    return [trial.value for trial in trials if trial.value is not None]


def _interval(found: Gain, noise: Noise) -> tuple[float | None, float | None]:
    if found.error is None:
        return None, None
    reach = edge(IN_TWENTY, noise.freedom) * found.error
    return found.value - reach, found.value + reach


def _has_begun(run: Run, now: float, trial_s: float, early: bool) -> bool:
    """It begins when one more experiment would leave no room for it. What began goes on, unless somebody gives the night more time."""
    pairs = _pairs(run, trial_s)
    if not pairs or run.tip in (None, 0):
        return False
    if early:
        return True
    room = (2 * pairs * LONGER + 1) * trial_s
    return _is_late(run, now + room) or (bool(_trained(run, 0)) and _is_late(run, now + 2 * room))


def _is_late(run: Run, moment: float) -> bool:
    return run.limits.deadline is not None and moment > run.limits.deadline


def _pairs(run: Run, trial_s: float) -> int:
    """A night of a hundred trials has room for three pairs, an hour for one or none."""
    if run.limits.deadline is None or trial_s <= 0:
        return 0
    return min(PAIRS, int((run.limits.deadline - run.session_at) / trial_s) // SHARE)


def _fresh(run: Run, number: int) -> list[Trial]:
    return [trial for trial in _trained(run, number) if trial.counts]


def _trained(run: Run, number: int) -> list[Trial]:
    """Its trials for this measurement, those of this session."""
    mine = (trial for trial in run.experiments[number].trials if trial.purpose == "closing" and trial.at >= run.session_at)
    return [trial for trial in mine if trial.outcome != "interrupted"]
