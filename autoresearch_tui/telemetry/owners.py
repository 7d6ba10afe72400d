"""Whose a card's memory is: the LLM's, the training's, somebody else's, nobody's. Pure.

Owns the ladder of sources, of which the best that answers is taken for each owner, and its name, which is always shown. Does not own who
is who: pids come from whoever started them.
"""

from __future__ import annotations

from collections.abc import Set

import msgspec

from autoresearch_tui.telemetry.sample import Process, Sample


class Owned(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes of each; None where nobody can tell. What is known adds up to the whole card."""

    llm: int | None = None
    training: int | None = None
    others: int | None = None
    """Everybody else, and what the driver keeps for itself."""
    free: int | None = None
    source: str = ""


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of the journal's samples."""

    card: Sample
    owned: Owned


_decoder = msgspec.json.Decoder(Seen)


def seen_of(body: str) -> Seen | None:
    """A row that cannot be read is left out: a later version wrote it."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, TypeError):
        return None


def owned(
    sample: Sample,
    training: Set[int],
    llm: Set[int],
    *,
    llm_said: int | None = None,
    before: int | None = None,
    residents: Set[int] = frozenset(),
) -> Owned:
    """By process; else what the LLM's server says; else by the difference to `before` the launch; else a total."""
    used = sample.memory_used
    free = None if sample.memory_total is None or used is None else sample.memory_total - used
    if sample.mig:
        return Owned(free=free, source="total only (a MIG slice)")
    listed, doubt = _listed(sample, training | llm, residents)
    llm_bytes, llm_source = _llm(llm, listed, llm_said, f"{sample.source} per process")
    training_bytes, training_source = _training(training, listed, used, before, f"{sample.source} per process")
    others = None
    if used is not None and llm_bytes is not None and training_bytes is not None:
        others = max(0, used - llm_bytes - training_bytes)
    source = _label(llm_source, training_source) + doubt + (", unified memory" if sample.unified else "")
    return Owned(llm_bytes, training_bytes, others, free, source)


def strangers(sample: Sample, ours: Set[int], residents: Set[int]) -> tuple[Process, ...]:
    """Who is on the card, is not ours, and was not there at the start. Nobody, where the driver counts processes in another way than we."""
    if sample.processes is None or _is_foreign(sample.processes, ours, residents):
        return ()
    return tuple(one for one in sample.processes if one.pid not in ours and one.pid not in residents)


def _listed(sample: Sample, ours: Set[int], residents: Set[int]) -> tuple[dict[int, int] | None, str]:
    """The memory of each process; None, and what is wrong with the list, where it says nothing of ours."""
    if sample.processes is None:
        return None, ""
    if _is_foreign(sample.processes, ours, residents):
        return None, " (pids of a container)"
    if any(not one.memory for one in sample.processes if one.pid in ours):
        return None, " (no memory per process)"
    return {one.pid: one.memory or 0 for one in sample.processes}, ""


def _is_foreign(processes: tuple[Process, ...], ours: Set[int], residents: Set[int]) -> bool:
    """None of ours is listed, but somebody who cannot be seen from here: so it may well be ours, by another number."""
    unseen = [one for one in processes if not one.name and one.pid not in residents]
    return bool(ours and unseen) and not any(one.pid in ours for one in processes)


def _llm(pids: Set[int], listed: dict[int, int] | None, said: int | None, by_process: str) -> tuple[int | None, str]:
    """Its server is believed where the list does not have it: it may run in a container, under a number that nobody knows."""
    found = _sum(pids, listed) if listed is not None else 0
    if found:
        return found, by_process
    if said is not None:
        return said, "/api/ps" if said else ""
    if pids and listed is None:
        return None, ""
    return 0, by_process if listed is not None else ""


def _training(
    pids: Set[int], listed: dict[int, int] | None, used: int | None, before: int | None, by_process: str
) -> tuple[int | None, str]:
    """The list is believed even where it does not have it: whoever was only just launched has nothing on the card yet."""
    if listed is not None:
        return _sum(pids, listed), by_process
    if not pids:
        return 0, ""
    if used is not None and before is not None:
        return max(0, used - before), "difference"
    return None, ""


def _sum(pids: Set[int], listed: dict[int, int]) -> int:
    return sum(memory for pid, memory in listed.items() if pid in pids)


def _label(llm: str, training: str) -> str:
    if llm and training and llm != training:
        return f"LLM {llm}, training {training}"
    return llm or training or "total only"
