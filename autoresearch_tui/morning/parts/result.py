"""What a night came to, in a sentence, and what has to be known about it. Pure.

The closing measurement counts where there is one. The numbers of the night itself were chosen for being good, so their gain claims too
much: that is said beside it, and interval and word allow for it (`chosen.py`). Of a table there is one number a row.
"""

from __future__ import annotations

from msgspec.structs import replace

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import LIKELY, SURE, Noise
from autoresearch_tui.journal.noise import gain as compared
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Result
from autoresearch_tui.morning.parts.chosen import Ends, ends_of, weigh
from autoresearch_tui.morning.parts.gains import root_of
from autoresearch_tui.morning.wording import chance, number, several, share
from autoresearch_tui.morning.wording import gain as signed

CHOSEN = "These numbers decided what was kept: the lucky ones were chosen, so the gain claims too much."
ONCE = "Each row was measured once, and what was kept was chosen for its number: this gain claims too much."


def result_of(run: Run, noise: Noise, source: str) -> Result:
    base, best = root_of(run), run.best
    if best is None or best.value is None or base is None:
        return Result(_nothing(run))
    known = Result("", baseline=base.value, best=best.number, commit=best.commit, value=best.value, trust=best.trust, basis=_basis(source))
    closing = run.conclusion
    if closing is not None and closing.tip == run.tip and source != "table":
        return _measured_afresh(run, known, closing, noise)
    if best is base:
        return replace(known, sentence=_no_gain(run, base))
    ends = ends_of(run, source)
    if ends is None:
        return replace(
            known,
            sentence=f"#{best.number} has the best {run.metric}, {number(best.value)}; it does not compare with the baseline's"
            f" {number(base.value)}, which was measured under other conditions.",
        )
    return _as_chosen(run, known, ends, noise)


def _as_chosen(run: Run, known: Result, ends: Ends, noise: Noise) -> Result:
    """By the numbers of the night, the best of which was chosen for being that."""
    found = compared(run, ends.end, ends.base, noise)
    said = f"{run.metric} went from {number(known.baseline)} to {number(known.value)} at #{known.best}: {better(found.value)}"
    of = share(found.value, abs(known.baseline or 0.0))
    if found.error is None:
        return replace(known, sentence=f"{said}, {of} of the baseline.", gain=found.value, caveat=_caveat(known.basis, 0))
    weighed = weigh(found.value, found.error, found.freedom, (ends.brought(noise), 0.0))
    how = in_brackets(weighed.low, weighed.high, weighed.word, weighed.p)
    return replace(
        known,
        sentence=f"{said}{how}, {of} of the baseline.",
        gain=found.value,
        low=weighed.low,
        high=weighed.high,
        p=weighed.p,
        word=weighed.word,
        chosen=weighed.brought,
        caveat=_caveat(known.basis, ends.tried if weighed.brought else 0),
    )


def _caveat(basis: str, tried: int) -> str:
    """`tried`: among how many the best was chosen, where interval and word allow for that."""
    if not tried:
        return ONCE if basis == "rows" else CHOSEN
    once = "Each row was measured once, and the" if basis == "rows" else "The"
    return f"{once} best of {tried} was chosen for its number, so the gain claims too much; interval and word allow for that."


def _basis(source: str) -> str:
    return "rows" if source == "table" else "night"


def better(value: float) -> str:
    return f"better by {number(value)}" if value >= 0 else f"worse by {number(-value)}"


def in_brackets(low: float | None, high: float | None, word: str = "", p: float | None = None) -> str:
    """The interval and how sure it is, after a space; nothing where nobody knows the noise."""
    if low is None or high is None:
        return ""
    said = [f"{signed(low)} to {signed(high)}", word, chance(p)]
    return f" ({', '.join(part for part in said if part)})"


def _measured_afresh(run: Run, known: Result, closing: e.Concluded, noise: Noise) -> Result:
    one = run.experiments[closing.tip]
    word = word_by(closing.gain, closing.p) if closing.low is not None else ""
    how = in_brackets(closing.low, closing.high, word, closing.p)
    said = f"Measured afresh at the end, #{closing.tip} is {better(closing.gain)} in {run.metric} than the baseline{how}"
    audit = ""
    if closing.audit_gain is not None:
        how = in_brackets(closing.audit_low, closing.audit_high)
        audit = f"; on text that decided nothing it is {better(closing.audit_gain)}{how}"
    return replace(
        known,
        sentence=f"{said}{audit}.",
        best=closing.tip,
        commit=one.commit,
        value=one.value,
        trust=one.trust,
        gain=closing.gain,
        low=closing.low,
        high=closing.high,
        p=closing.p,
        word=word,
        basis="closing",
        audit_gain=closing.audit_gain,
        audit_low=closing.audit_low,
        audit_high=closing.audit_high,
        caveat="" if noise.sigma is not None else "How far equal trainings differ here is not known.",
    )


def word_by(value: float, p: float | None) -> str:
    """For a gain whose p is known; none means that nothing is left to chance."""
    if p is None:
        return "sure" if value > 0 else "unsure"
    return "sure" if p < SURE else "likely" if p < LIKELY else "unsure"


def _no_gain(run: Run, base: Experiment) -> str:
    tried = sum(bool(one.verdict) for one in run.experiments.values() if one is not base)
    if tried <= 0:
        return f"Only the baseline was measured: {run.metric} {number(base.value)}."
    return f"Nothing was gained: after {several(tried, 'experiment')} the baseline is still the best, {run.metric} {number(base.value)}."


def _nothing(run: Run) -> str:
    count = len(run.experiments)
    if not count:
        return "There is no experiment yet."
    crashed = sum(one.verdict == "crash" for one in run.experiments.values())
    if crashed == count:
        return f"There is no number: {'the one experiment' if count == 1 else f'all {count} experiments'} crashed."
    return f"There is no number yet: {several(count, 'experiment')}, of which {crashed} crashed."
