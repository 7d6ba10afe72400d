"""Which experiments are shown, and in which order.

Numbers go up: the newest is the last, as in results.tsv, in the log and from left to right in the chart, and what runs stands where the
eye ends. In every other order the best is the first, and what runs stands before it. Rows of an earlier night stand apart from all of
these: they were measured elsewhere and are never ranked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from autoresearch_tui.cockpit.parts.marking import sought
from autoresearch_tui.cockpit.standing import once_for_each, standing
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.results import Row as Elsewhere
from autoresearch_tui.journal.state import Draft, Run

ORDERS = ("number", "value", "change", "memory")
VERDICTS = ("all", "keep", "discard", "crash", "running")

Entry = Experiment | Draft | Elsewhere


class Filter(msgspec.Struct, frozen=True):
    verdict: str = "all"
    text: str = ""
    """That a row holds in its number, idea, commit, reason or researcher."""


EVERYTHING = Filter()


class Table(msgspec.Struct, frozen=True):
    """The rows in their order, before they are drawn."""

    entries: tuple[Entry, ...]
    places: dict[int, int]
    """Of each experiment among them."""
    numbers: tuple[int, ...]
    """Of the experiments; they stand together."""


def table(run: Run, order: str, filter: Filter) -> Table:
    """Worked out once for each state of a run and each way to look at it."""
    known = _tables(run)
    if (order, filter) not in known:
        known[order, filter] = _arranged(run, order, filter)
    return known[order, filter]


@once_for_each
def _tables(run: Run) -> dict[tuple[str, Filter], Table]:
    """Filled as they are asked for."""
    return {}


def _arranged(run: Run, order: str, filter: Filter) -> Table:
    ones = list(_passed(run, filter))
    drafts = [draft for draft in run.drafts.values() if draft.waits and filter.verdict in ("all", "running") and holds(filter, draft.idea)]
    elsewhere = [
        row
        for row in run.elsewhere
        if filter.verdict in ("all", row.status) and holds(filter, f"{row.commit} elsewhere\n{row.description}")
    ]
    if order == "number":
        entries: tuple[Entry, ...] = (*elsewhere, *ones, *drafts)
    else:
        entries = (*drafts, *_ranked(run, ones, order), *elsewhere)
    places = {entry.number: place for place, entry in enumerate(entries) if isinstance(entry, Experiment)}
    return Table(entries, places, tuple(places))


def _passed(run: Run, filter: Filter) -> Iterator[Experiment]:
    for number, one in sorted(run.experiments.items()):
        fits = filter.verdict == "all" or (is_due(one) if filter.verdict == "running" else one.verdict == filter.verdict)
        if fits and (not filter.text or holds(filter, f"#{number} {one.commit} {one.researcher}\n{one.idea}\n{one.reason}")):
            yield one


def is_due(one: Experiment) -> bool:
    """It trains, or its verdict on what was trained is still to come."""
    return one.training or one.due


def holds(filter: Filter, text: str) -> bool:
    return not filter.text or sought(filter.text).search(text) is not None


def _ranked(run: Run, ones: list[Experiment], order: str) -> list[Experiment]:
    """First what has no verdict yet, then the best; at the end what has nothing to be ranked by."""
    gains = standing(run).gains if order == "change" else {}

    def rank(one: Experiment) -> tuple[bool, float]:
        by = math.inf
        if order == "value":
            by = run.badness(value_of(one))
        elif order == "change" and one.number in gains:
            by = -gains[one.number].value
        elif order == "memory" and one.memory_gb:
            by = -one.memory_gb
        return bool(one.verdict), by

    return sorted(ones, key=rank)


def value_of(one: Experiment) -> float | None:
    """The number that is shown of it: what crashed has none."""
    if one.verdict == "crash":
        return None
    value = one.trials[0].value if len(one.trials) == 1 else one.value  # ten thousand with one trial are ranked in an instant
    return value if value is not None and math.isfinite(value) else None


def change_of(run: Run, one: Experiment) -> tuple[float, str] | None:
    """Against its parent, as the metric counts, and how sure it is that there is a difference at all."""
    gain = standing(run).gains.get(one.number)
    if gain is None:
        return None
    return gain.change(run.goal), replace(gain, value=abs(gain.value)).word
