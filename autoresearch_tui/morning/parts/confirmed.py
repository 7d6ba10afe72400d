"""What a confirmation found: the same two codes, trained longer than in their night. Pure."""

from __future__ import annotations

from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Confirmed
from autoresearch_tui.morning.parts.result import better, in_brackets, word_by


def confirmed_of(run: Run) -> Confirmed | None:
    """Of the run of a confirmation; None where it is not measured to its end."""
    said = run.conclusion
    if said is None or not run.confirms:
        return None
    known = said.low is not None and noise_of(run).sigma is not None
    word = word_by(said.gain, said.p) if known else ""
    if said.low is not None and said.low > 0:
        verdict = "the gain holds"
    elif said.high is not None and said.high < 0:
        verdict = "the gain does not hold"
    else:
        verdict = "whether the gain holds is open"
    return Confirmed(
        run.confirms,
        run.budget_s,
        said.gain,
        said.low,
        said.high,
        said.p,
        word,
        f"Trained for {run.budget_s:g} s, the best of {run.confirms} (#{run.chosen}) is {better(said.gain)} in {run.metric}"
        f" than the baseline{in_brackets(said.low, said.high, word, said.p)}: {verdict}.",
        run.chosen,
    )
