"""The end of a night that has a limit of time: baseline and trunk, measured afresh, side by side. Pure.

A run that confirms another one's gain is this and nothing else, with as many trials as it was told.

Every kept number was chosen for being low, so the numbers of a night claim too much. These were not chosen. Owns when it is made, on
which class of device, and what it says; how far numbers differ by chance is `journal/noise.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from autoresearch_tui.engine.doubt import More
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial, is_same_device
from autoresearch_tui.journal.noise import gain, noise_of
from autoresearch_tui.journal.state import Run

PAIRS = 3  # of trials, at most
SHARE = 30  # trials of a night for each pair
LONGER = 1.3  # a trial of it compiles from nothing, and is measured on two texts


def next_trial(run: Run, now: float, trial_s: float, early: bool = False, devices: Sequence[str] = ("",)) -> More | None:
    """What is trained next for it, or None: too early, complete, too late, or nothing was kept.

    `early`: there is nothing else to do. `devices`: the classes that there are.
    """
    if not _has_begun(run, now, trial_s, early) or run.tip is None or _is_late(run, now + LONGER * trial_s):
        return None
    pairs, device = _pairs(run, trial_s), _device_for(run, devices)
    missing = [number for number in (0, run.tip) if len(_fresh(run, number, device)) < pairs and len(run.closing(number)) < 2 * pairs]
    number = min(missing, key=lambda number: len(_made(run, number, device)), default=None)
    return None if number is None else More(number, "closing", device)


def is_over(run: Run, now: float, trial_s: float, early: bool = False) -> bool:
    return _has_begun(run, now, trial_s, early) and next_trial(run, now, trial_s, early) is None


def is_due(run: Run) -> bool:
    """Whether there is something to say that was not said."""
    if run.tip in (None, 0):
        return False
    device = _device_of(run)
    counts = len(_fresh(run, 0, device)), len(_fresh(run, run.tip or 0, device))
    said = run.conclusion
    return all(counts) and (said is None or (said.tip, said.baseline_trials, said.tip_trials) != (run.tip, *counts))


def conclusion(run: Run) -> e.Concluded:
    assert run.tip is not None
    device = _device_of(run)
    before, after = _fresh(run, 0, device), _fresh(run, run.tip, device)
    noise = noise_of(run, device)
    found = gain(run, _values(after), _values(before), noise)
    low, high = found.interval
    said = e.Concluded(run.tip, found.value, low, high, found.p, baseline_trials=len(before), tip_trials=len(after))
    audits = [[trial.audit for trial in trials if trial.audit is not None] for trials in (before, after)]
    if not all(audits):
        return said
    audit = gain(run, audits[1], audits[0], noise)  # by the noise of the text that decided: the other was read too seldom to know its own
    low, high = audit.interval
    return replace(said, audit_gain=audit.value, audit_low=low, audit_high=high, audit_p=audit.p)


def _values(trials: list[Trial]) -> list[float]:
    return [trial.value for trial in trials if trial.value is not None]


def _has_begun(run: Run, now: float, trial_s: float, early: bool) -> bool:
    """It begins when one more experiment would leave no room for it. What began goes on, unless somebody gives the night more time."""
    pairs = _pairs(run, trial_s)
    if not pairs or run.tip in (None, 0):
        return False
    if early or run.repeats:
        return True
    room = (2 * pairs * LONGER + 1) * trial_s
    return _is_late(run, now + room) or (bool(run.closing(0)) and _is_late(run, now + 2 * room))


def _is_late(run: Run, moment: float) -> bool:
    return run.limits.deadline is not None and moment > run.limits.deadline


def _pairs(run: Run, trial_s: float) -> int:
    """A night of a hundred trials has room for three pairs, an hour for one or none."""
    if run.repeats:
        return run.repeats
    if run.limits.deadline is None or trial_s <= 0:
        return 0
    return min(PAIRS, int((run.limits.deadline - run.session_at) / trial_s) // SHARE)


# ------------------------------------------------------------------------------------------------------------------------------
# One class of device for all of it
# ------------------------------------------------------------------------------------------------------------------------------


def _device_for(run: Run, devices: Sequence[str]) -> str:
    """Where it goes on, or begins: on the baseline's class if that is there."""
    begun = [device for device in _devices(run) if any(is_same_device(device, other) for other in devices)]
    base = run.experiments[0].device
    usual = base if any(is_same_device(base, other) for other in devices) else next(iter(devices), "")
    return max(begun, key=lambda device: _complete(run, device), default=usual)


def _device_of(run: Run) -> str:
    """Of what there is of it: the class with the most pairs."""
    return max(_devices(run), key=lambda device: _complete(run, device), default="")


def _devices(run: Run) -> list[str]:
    """The classes that it was begun on, in order."""
    return list(dict.fromkeys(trial.device for number in (0, run.tip or 0) for trial in run.closing(number)))


def _complete(run: Run, device: str) -> int:
    return min(len(_fresh(run, number, device)) for number in (0, run.tip or 0))


def _made(run: Run, number: int, device: str) -> list[Trial]:
    return [trial for trial in run.closing(number) if is_same_device(trial.device, device)]


def _fresh(run: Run, number: int, device: str) -> list[Trial]:
    return [trial for trial in _made(run, number, device) if trial.counts]
