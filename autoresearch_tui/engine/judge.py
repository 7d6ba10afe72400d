"""Keep, discard or crash: the verdict on an experiment whose last trial is over. Pure.

It rests on the numbers that there are; whether one more trial comes first is `doubt.py`'s, what numbers are worth `rule.py`'s. What a
person decided beats it, except that what has no number is never kept. Measured again, a verdict is reconsidered only where its parent
is the trunk.
"""

from __future__ import annotations

from autoresearch_tui.engine import doubt
from autoresearch_tui.engine.drift import drift
from autoresearch_tui.engine.rule import refitted, rule
from autoresearch_tui.engine.taint import odd_trials, slow_trials
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run, Waiting

DRIFTED = "the trunk was not measured since the machine drifted"


def noticed(run: Run, number: int) -> list[e.Event]:
    """What its trials say about one another, to be written down before anything follows from them."""
    one = run.experiments[number]
    if tainted := slow_trials(one) or odd_trials(one):
        return tainted
    suspicious = doubt.suspicious(run, one)
    if len(suspicious) == 1 and one.trials[-1].counts and one.trials[-1] is not suspicious[0]:  # what does not repeat was an accident
        return [e.Tainted(number, suspicious[0].number, "; ".join(doubt.signs(run, one, suspicious[0])))]
    if number == run.tip and (drifted := drift(run, one)):
        return [drifted]
    return []


def judge(run: Run, number: int) -> list[e.Event]:
    """The verdict, with what becomes of the wishes that waited for it."""
    one = run.experiments[number]
    assert run.tip is not None
    word = _word(run, number)
    if one.value is None:
        return _without_a_number(run, one, word)
    last = one.trials[-1]
    if last.outcome == "skipped" and not one.verdict and not word:  # it was trained again to be sure, and nobody wants to know
        return [e.Judged(number, "discard", "skipped by hand", run.tip, last.by)]
    if word and (decided := by_hand(run, one, word.wish, word.by)):
        return [decided, e.Fulfilled(word.command), *lost_rewinds(run, decided)]
    if _stands(run, one):
        return [e.Judged(number, one.verdict, one.reason, run.tip, one.by)]  # a word that must be trained first waits for that
    verdict, reason, by = ("keep", "kept by hand", word.by) if word else _decided(run, one)
    if verdict == "discard":
        judged = e.Judged(number, "discard", reason, run.tip, by)
        return [judged, *lost_rewinds(run, judged)]
    if number in run.trunk or one.parent == run.tip:
        kept = e.Judged(number, "keep", reason, run.tip if number in run.trunk else number, by)
        if one.operator == "refit" and one.of is not None and not one.verdict:  # and now what there was no memory for
            return [kept, e.Drafting(next_draft(run), "keep", number, "", of=one.of)]
        return [kept]
    moved = f"{reason}, but the trunk moved while it trained: tried on it next"
    person = by if by != "policy" else ""
    return [e.Judged(number, "discard", moved, run.tip, by), *([] if word else [_on_the_trunk(run, number, person)])]


def by_hand(run: Run, one: Experiment, wish: c.Command, by: str) -> e.Judged | None:
    """A person's word on an experiment, where the resulting code is already measured; None where it must be trained first."""
    assert run.tip is not None
    if isinstance(wish, c.Keep):
        if one.number in run.trunk:
            return e.Judged(one.number, "keep", "kept by hand", run.tip, by)
        if one.parent == run.tip and one.value is not None:
            return e.Judged(one.number, "keep", "kept by hand", one.number, by)
        return None
    if one.number not in run.trunk:
        return e.Judged(one.number, "discard", "discarded by hand", run.tip, by)
    if one.number != run.tip or one.parent is None or run.experiments[one.parent].value is None:
        return None
    return e.Judged(one.number, "discard", "discarded by hand", one.parent, by)


def lost_rewinds(run: Run, judged: e.Judged) -> list[e.Event]:
    """Nobody goes back to what is discarded meanwhile."""
    lost = [wish for wish in run.wishes.values() if isinstance(wish.wish, c.Rewind) and wish.wish.experiment == judged.number]
    return [e.Lapsed(wish.command, f"#{judged.number} was discarded meanwhile") for wish in lost if judged.verdict == "discard"]


def next_draft(run: Run) -> str:
    return f"d{run.drafted + 1:04}"


def _word(run: Run, number: int) -> Waiting | None:
    """What a person said of it and is not yet done; what is being made again on the trunk decides nothing here."""
    under_way = {draft.idea_of for draft in run.drafts.values()}
    words = [wish for wish in run.wishes.values() if isinstance(wish.wish, c.Keep | c.Discard) and wish.wish.experiment == number]
    return next((wish for wish in reversed(words) if wish.command not in under_way), None)


def _without_a_number(run: Run, one: Experiment, word: Waiting | None) -> list[e.Event]:
    assert run.tip is not None
    last = one.trials[-1]
    if last.outcome == "hopeless":
        judged, why = e.Judged(one.number, "discard", f"hopeless {last.why}", run.tip), f"#{one.number} was hopeless: it has no number"
    elif last.outcome != "skipped":
        judged, why = e.Judged(one.number, "crash", _crash(one), run.tip), f"#{one.number} crashed"
    else:
        verdict, reason, by = (one.verdict, one.reason, one.by) if one.verdict else ("discard", "skipped by hand", last.by)
        judged, why = e.Judged(one.number, verdict, reason, run.tip, by), f"#{one.number} was skipped: it has no number"
    if word is None:
        return [judged]
    agreed = isinstance(word.wish, c.Discard) and judged.verdict == "discard"
    return [judged, e.Fulfilled(word.command) if agreed else e.Lapsed(word.command, why)]


def _stands(run: Run, one: Experiment) -> bool:
    """Whether the verdict it has is not reconsidered: nothing new is known, a person gave it, or the trunk has moved on."""
    if one.verdict in ("", "crash"):
        return False
    was_measured = any(trial.counts for trial in one.trials[: one.judged])  # else it was skipped, which says nothing of its worth
    return not one.trials[-1].counts or (one.by != "policy" and was_measured) or one.parent != run.tip


def _decided(run: Run, one: Experiment) -> tuple[str, str, str]:
    if one.number == 0:
        return "keep", "baseline", "policy"
    if run.repeats:
        return "keep", "to be measured beside the baseline", "policy"
    if one.kept_by and one.verdict in ("", "crash"):
        return "keep", "kept by hand", one.kept_by
    return (*_by_its_numbers(run, one), "policy")


def _by_its_numbers(run: Run, one: Experiment) -> tuple[str, str]:
    assert run.tip is not None
    if signs := [sign for trial in doubt.suspicious(run, one) for sign in doubt.signs(run, one, trial)]:
        return "discard", f"suspect: {'; '.join(dict.fromkeys(signs))}"
    if 0 < run.rules.max_memory_gb < one.memory_gb:
        return "discard", f"{one.memory_gb:.1f} GB of memory: the limit is {run.rules.max_memory_gb:g}"
    if not one.numbers:
        taint = next((trial.taint for trial in reversed(one.trials) if trial.taint), "")  # the last trial may have been ended by hand
        return "discard", f"not comparable: disturbed each time ({taint}); `again {one.number}` measures it once more"
    other, last = doubt.rival(run, one), one.trials[-1]
    if not doubt.compares(one, other):
        missing = f"#{other.number} was not measured on {one.device}" if _is_elsewhere(one, other) else DRIFTED
        return "discard", f"not comparable: {missing}; `again {one.number}` measures it once more"
    case = doubt.case_of(run, one, noise_of(run, one.device))
    ruling = refitted(case) if one.operator == "refit" else rule(case)
    if last.outcome == "hopeless" and not last.slow:  # what was too slow for once says nothing of code that kept its pace before
        return "discard", f"trained again, it was hopeless {last.why}"
    if last.value is None and ruling.again and not last.slow:
        return "discard", f"trained again, it came to no number: {_crash(one)}"
    return "keep" if ruling.keep else "discard", ruling.reason


def _is_elsewhere(one: Experiment, other: Experiment) -> bool:
    return bool(other.numbers) and not other.numbers_on(one.device)


def _on_the_trunk(run: Run, number: int, by: str) -> e.Drafting:
    assert run.tip is not None
    return e.Drafting(next_draft(run), "keep", run.tip, "", of=number, by=by)


def _crash(one: Experiment) -> str:
    last = one.trials[-1]
    kind = last.crash or ("contract" if last.measured else "error")
    return f"{kind}: {last.why}" if last.why else kind
