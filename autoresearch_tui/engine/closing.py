"""The end of a night that has a limit of time: baseline and trunk, measured afresh, side by side. Pure.

Every kept number was chosen for being low, so the numbers of a night claim too much. These were not chosen.
"""

from __future__ import annotations

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import Gain, Noise, edge, gain, noise_of
from autoresearch_tui.journal.state import Experiment, Run, Trial

PAIRS = 3  # of trials, at most
SHARE = 30  # trials of a night for each pair
LONGER = 1.3  # a trial of it compiles from nothing, and is measured on two texts
IN_TWENTY = 0.025  # on either side of the interval


def next_trial(run: Run, now: float, trial_s: float) -> int | None:
    """What is trained next for it, or None: too early, complete, or nothing was kept."""
    if not _has_begun(run, now, trial_s):
        return None
    assert run.tip is not None
    baseline, tip = (_launched(run, number) for number in (0, run.tip))
    if min(baseline, tip) >= _pairs(run, trial_s):
        return None
    return 0 if baseline <= tip else run.tip


def is_over(run: Run, now: float, trial_s: float) -> bool:
    return _has_begun(run, now, trial_s) and next_trial(run, now, trial_s) is None


def is_due(run: Run) -> bool:
    """Whether there is something to say that was not said."""
    return run.conclusion is None and run.tip not in (None, 0) and bool(_fresh(run, 0) and _fresh(run, run.tip or 0))


def conclusion(run: Run) -> e.Concluded:
    assert run.tip is not None
    before, after = _fresh(run, 0), _fresh(run, run.tip)
    noise = noise_of(run)
    number = gain(run, _values(after), _values(before), noise)
    low, high = _interval(number, noise)
    said = e.Concluded(run.tip, number.value, low, high, number.p, baseline_trials=len(before), tip_trials=len(after))
    audits = [[trial.audit for trial in trials if trial.audit is not None] for trials in (before, after)]
    if not all(audits):
        return said
    audit = gain(run, audits[1], audits[0], noise)
    low, high = _interval(audit, noise)
    return e.Concluded(
        said.tip, said.gain, said.low, said.high, said.p, audit.value, low, high, audit.p, said.baseline_trials, said.tip_trials
    )


def _values(trials: list[Trial]) -> list[float]:
    return [trial.value for trial in trials if trial.value is not None]


def _interval(found: Gain, noise: Noise) -> tuple[float, float]:
    if not found.error:
        return found.value, found.value
    reach = edge(IN_TWENTY, noise.freedom) * found.error
    return found.value - reach, found.value + reach


def _has_begun(run: Run, now: float, trial_s: float) -> bool:
    """It begins when one more experiment would leave no room for it, and what began goes on."""
    deadline, pairs = run.limits.deadline, _pairs(run, trial_s)
    if deadline is None or not pairs or run.tip in (None, 0):
        return False
    begun = _launched(run, 0) > 0
    return begun or now + (2 * pairs * LONGER + 1) * trial_s > deadline


def _pairs(run: Run, trial_s: float) -> int:
    """A night of a hundred trials has room for three pairs, an hour for one or none."""
    if run.limits.deadline is None or trial_s <= 0:
        return 0
    return min(PAIRS, int((run.limits.deadline - run.session_at) / trial_s) // SHARE)


def _launched(run: Run, number: int) -> int:
    return sum(trial.outcome != "interrupted" for trial in _of_this_session(run, run.experiments[number]))


def _fresh(run: Run, number: int) -> list[Trial]:
    return [trial for trial in _of_this_session(run, run.experiments[number]) if trial.counts]


def _of_this_session(run: Run, one: Experiment) -> list[Trial]:
    return [trial for trial in one.trials if trial.purpose == "closing" and trial.at >= run.session_at]
