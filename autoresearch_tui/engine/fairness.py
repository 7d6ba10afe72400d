"""Whether a trial's conditions were fair, as the card and the cores tell it. Pure.

Owns what is kept of a trial's samples, and the reason in words where the machine was not the same as for the others. Does not own the
comparison of paces (`taint.py`), nor what follows (`doubt.py`). What nobody knows is never unfair, and neither is what a machine always
does: a laptop that is hot all night is compared with itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from statistics import mean, median

from autoresearch_tui.engine.debt import LEAST
from autoresearch_tui.engine.sharing import GB, named_process, said
from autoresearch_tui.journal.events import Card
from autoresearch_tui.telemetry.owners import owned, strangers
from autoresearch_tui.telemetry.sample import Process, Sample

BUSY = 50  # per cent: the clock of a card that waits for data, or for a compiler, says nothing of its state
BRIEF = 0.02  # of a trial: who is there no longer looked in, and took nothing; and one look alone may have met a child of ours
SLOWED = 0.05  # of the time: more than that, beyond the usual, is felt in the number of steps
BELOW = 0.05  # a clock this much below the usual one is another card
WAITED = 0.15  # of the time, beyond the usual
TOOK = " took "
GRAVE = {"heat": "heat", "hardware": "its hardware (power supply or cooling)"}  # the other reasons count by the clock that they leave


# ---------------------------------------------------------------------------------------------------------------------------------
# What a trial keeps
# ---------------------------------------------------------------------------------------------------------------------------------


def summary(
    samples: Sequence[Sample],
    training: Set[int] = frozenset(),
    llm: Set[int] = frozenset(),
    residents: Set[int] = frozenset(),
    *,
    llm_said: int | None = None,
    before: int | None = None,
    waited: float | None = None,
) -> Card:
    """Of the samples from a training's release to its end, and of the pids that its tree, and the model's, had at any time meanwhile."""
    if waited is not None:
        waited = round(waited, 3)
    if not samples:
        return Card(waited=waited)
    busy = [one for one in samples if one.util is None or one.util >= BUSY] or list(samples)
    parts = [owned(one, training, llm, llm_said=llm_said, before=before, residents=residents) for one in samples]
    reasons = {reason for one in busy for reason in one.throttle if reason != "idle"}
    return Card(
        seconds=round(samples[-1].at - samples[0].at, 1),
        util=_mean(one.util for one in samples),
        memory_gb=_most_gb(one.memory_used for one in samples),
        training_gb=_most_gb(part.training for part in parts),
        llm_gb=_most_gb(part.llm for part in parts),
        power_w=_mean(one.power_w for one in busy),
        temperature_c=max(_known(one.temperature_c for one in samples), default=None),
        sm_mhz=_mean(one.sm_mhz for one in busy),
        throttled={reason: round(mean(reason in one.throttle for one in busy), 3) for reason in sorted(reasons)},
        strangers=_strangers(samples, training | llm, residents),
        waited=waited,
    )


def _strangers(samples: Sequence[Sample], ours: Set[int], residents: Set[int]) -> tuple[str, ...]:
    """Those with a part of the card worth the name, the largest first."""
    seen: dict[int, list[tuple[float, Process]]] = {}
    for sample in samples:
        for one in strangers(sample, ours, residents):
            seen.setdefault(one.pid, []).append((sample.at, one))
    first, last = samples[0].at, samples[-1].at
    told: list[tuple[int, str]] = []
    for moments in seen.values():
        most = max(one.memory or 0 for _, one in moments)
        if most >= LEAST and len(moments) > max(1, BRIEF * len(samples)):
            until = "on" if moments[-1][0] == last else f"to {_minutes(moments[-1][0] - first)}"
            when = f"from {_minutes(moments[0][0] - first)} {until}"
            told.append((most, f"{named_process(moments[0][1])}{TOOK}{said(most)} of the card {when}"))
    return tuple(sentence for _, sentence in sorted(told, reverse=True))


# ---------------------------------------------------------------------------------------------------------------------------------
# Whether that was fair
# ---------------------------------------------------------------------------------------------------------------------------------


def unfair(card: Card, earlier: Sequence[Card], same: Sequence[Card] = ()) -> str:
    """The reason in words, or "".

    `earlier` are the fair trials of the run, `same` those among them of the very same code, the best to compare with. A trial that is run
    again because the first was unfair finds the first in both: what the machine does both times is how it is.
    """
    usual = same or earlier
    reasons = (_by_strangers(card, same), _by_throttling(card, usual), _by_clock(card, earlier, same), _by_waiting(card, usual))
    return next(filter(None, reasons), "")


def _by_strangers(card: Card, same: Sequence[Card]) -> str:
    there = {_who(stranger) for one in same for stranger in one.strangers}
    new = [stranger for stranger in card.strangers if _who(stranger) not in there]
    more = f", and {len(new) - 1} more did" if len(new) > 1 else ""
    return f"{new[0]}{more}" if new else ""


def _who(stranger: str) -> str:
    return stranger.partition(TOOK)[0]


def _by_throttling(card: Card, earlier: Sequence[Card]) -> str:
    for reason, words in GRAVE.items():
        share = card.throttled.get(reason, 0.0)
        usual = median(one.throttled.get(reason, 0.0) for one in earlier) if earlier else None
        if share > SLOWED + (usual or 0.0):
            return f"throttled by {words} for {share:.0%} of the time{_beside(usual, '.0%')}"
    return ""


def _by_clock(card: Card, earlier: Sequence[Card], same: Sequence[Card]) -> str:
    """A power cap is normal at full load. One that was lowered leaves a lower clock at less power; where the power is the same, it may be
    that other code draws more at each tick, and only the same code tells.
    """
    if card.sm_mhz is None or not any(share > SLOWED for share in card.throttled.values()):
        return ""
    usual, power = _usual(same or earlier, lambda one: one.sm_mhz), _usual(earlier, lambda one: one.power_w)
    if usual is None or card.sm_mhz >= (1 - BELOW) * usual:
        return ""
    if not same and (card.power_w is None or power is None or card.power_w >= (1 - BELOW) * power):
        return ""
    return f"its clock was {card.sm_mhz:.0f} MHz{_beside(usual, '.0f')}"


def _by_waiting(card: Card, earlier: Sequence[Card]) -> str:
    usual = _usual(earlier, lambda one: one.waited)
    if card.waited is None or card.waited <= WAITED + (usual or 0.0):
        return ""
    return f"it waited for the cores {card.waited:.0%} of the time{_beside(usual, '.0%')}"


def _usual(earlier: Sequence[Card], of: Callable[[Card], float | None]) -> float | None:
    known = _known(of(one) for one in earlier)
    return median(known) if known else None


def _beside(usual: float | None, form: str) -> str:
    return "" if usual is None else f", {usual:{form}} in fair trials"


def _mean(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return round(mean(known), 1) if known else None


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _most_gb(sizes: Iterable[int | None]) -> float | None:
    most = max(_known(sizes), default=0)
    return round(most / GB, 2) if most else None


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
