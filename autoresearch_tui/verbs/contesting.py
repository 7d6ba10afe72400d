"""`bench`: which model is the better researcher."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoresearch_tui.verbs.confirming import refuse_beside
from autoresearch_tui.verbs.output import columns, deliver, file_of, form_of
from autoresearch_tui.verbs.shared import Failed, Usage, folder_of

if TYPE_CHECKING:
    from autoresearch_tui.contest.places import Entry
    from autoresearch_tui.contest.standing import Contest

FORMS = {".txt": "text", ".json": "json"}
REPEATS, EXPERIMENTS = 3, 15
MOST_REPEATS, MOST_EXPERIMENTS = 100, 100_000
ENDED = 128  # and the number of the signal, as anywhere


def bench(options: argparse.Namespace) -> int:
    from autoresearch_tui.contest.beginning import is_measured, refuse_lost
    from autoresearch_tui.contest.places import entries, first_of, home_of, state
    from autoresearch_tui.settings import load
    from autoresearch_tui.workspace import open_workspace

    form, output = form_of(options, FORMS), file_of(options.output)
    flags = {"run.slots": options.slots, "run.seed": options.seed, "limits.max_cost": options.max_cost}
    settings = load(folder_of(options), flags).settings
    workspace = open_workspace(folder_of(options), settings)
    home = home_of(workspace)
    for name, value, most in (("--repeats", options.repeats, MOST_REPEATS), ("--experiments", options.experiments, MOST_EXPERIMENTS)):
        if value is not None and not 1 <= value <= most:
            raise Usage(f"{name} is a number from 1 to {most}, not {value}")
    if not options.researchers:
        refuse_lost(home, ())
        if not first_of(home).folder.exists():
            raise Usage("name who takes part: `autoresearch-tui bench climb`, or a model as `--researcher` takes it")
        if not is_measured(state(first_of(home))):
            raise Failed(f"nothing is measured yet in {home}: name who takes part, as in `autoresearch-tui bench climb`, and it goes on.")
        _refuse_less(entries(home), options.experiments)
        _show(home, entries(home), {}, options.experiments, form, output)
        return 0
    course = _played(workspace, settings, options)
    found = _show(home, [*entries(home), *course.lineup.entries], course.why, course.lineup.experiments, form, output)
    if course.ended_by:
        return ENDED + int(course.ended_by)
    return int(any(one.gain is None for one in found.standings if one.researcher in options.researchers))


def _played(workspace: Any, settings: Any, options: argparse.Namespace) -> Any:
    """The course of this session, when it is over or somebody ended it."""
    from autoresearch_tui.contest.beginning import forget_unmeasured, refuse_another, refuse_lost, refuse_uncommitted
    from autoresearch_tui.contest.course import Course, Lineup
    from autoresearch_tui.contest.places import CONTROL, company_of, entries, entry_of, first_of, home_of
    from autoresearch_tui.engine.lock import engine_lock
    from autoresearch_tui.engine.opening import refuse_a_network_disk

    names = list(dict.fromkeys([CONTROL, *options.researchers]))
    sharing, home = _sharing(names, settings), home_of(workspace)
    _refuse_beside_a_run(workspace)
    _hide(workspace)
    refuse_a_network_disk(workspace.runs_folder)
    with engine_lock(workspace.hidden / "engine.lock", "bench", f"a contest of researchers is at work in {home}"):
        refuse_uncommitted(workspace)
        forget_unmeasured(home)
        wanted = [entry_of(home, name, repeat) for repeat in range(1, (options.repeats or REPEATS) + 1) for name in names]
        refuse_lost(home, wanted)
        refuse_another(workspace, settings)
        experiments = options.experiments or EXPERIMENTS
        _refuse_less(entries(home), experiments)
        devices = _devices(workspace, settings, first_of(home))
        company = company_of(home, len(devices) - 1 if devices[0].cores else 0)  # cards disturb each other less than cores do
        lineup = Lineup(first_of(home), tuple(wanted), tuple(company), experiments)
        _warn_of_the_silent(wanted, settings, experiments)
        course = Course(workspace, settings, lineup, devices, sharing, _say)
        course.run()
    return course


def _sharing(names: list[str], settings: Any) -> frozenset[str]:
    """Those that have memory of the card; raises where a name is nobody's. Whether they answer, their first turn shows."""
    from autoresearch_tui.engine.choosing import researcher
    from autoresearch_tui.researchers import UnknownResearcher

    for name in names:
        if "," in name:
            raise UnknownResearcher(f"{name}: a contest is between single researchers; name them with spaces between.")
    return frozenset(name for name in names if researcher(name, settings, os.environ).shares)


def _refuse_less(there: Sequence[Entry], experiments: int | None) -> None:
    """Who searched longer found more for that alone: no run is to fall behind those that are there."""
    from autoresearch_tui.contest.places import state
    from autoresearch_tui.contest.rounds import tried
    from autoresearch_tui.morning.wording import several

    length, tag = max(((tried(state(one)), one.tag) for one in there), default=(0, ""))
    if experiments is not None and experiments < length:
        raise Failed(
            f"{tag} has tried {several(length, 'experiment')} already, and shorter runs do not compare with it: ask for"
            f" `--experiments {length}` or more."
        )


def _warn_of_the_silent(wanted: Sequence[Entry], settings: Any, experiments: int) -> None:
    """Hours of training come first: who cannot answer now is named before. Raises where one may not even be asked."""
    import asyncio
    from contextlib import nullcontext

    from autoresearch_tui.contest.places import state
    from autoresearch_tui.contest.rounds import tried
    from autoresearch_tui.engine.choosing import Chosen, checked, hired
    from autoresearch_tui.privacy import guard

    for name in dict.fromkeys(one.researcher for one in wanted if tried(state(one)) < experiments):
        chain = hired(Chosen((name,)), settings, os.environ)
        with guard(lambda _: None) if chain.local_only else nullcontext():
            down = asyncio.run(checked(chain))
        if name in down:
            _say(f"{name} cannot answer now: {down[name].rstrip('.')}. Its turns come to nothing until it can; Ctrl+C ends the contest.")


def _refuse_beside_a_run(workspace: Any) -> None:
    """A run holds the lock that a contest takes; a confirmation has a lock of its own."""
    refuse_beside(workspace.runs_folder)
    if workspace.measured:
        from autoresearch_tui.verbs.running import refuse_unprepared

        refuse_unprepared(workspace.folder)


def _hide(workspace: Any) -> None:
    from autoresearch_tui.engine.lineage import open_repository
    from autoresearch_tui.workspace import hide

    hide(workspace, open_repository(workspace.folder).common_dir / "info" / "exclude")
    workspace.runs_folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _devices(workspace: Any, settings: Any, first: Any) -> Any:
    """The slots, all of one class, and of that in which the baseline was trained."""
    from autoresearch_tui.contest.places import state
    from autoresearch_tui.engine import opening
    from autoresearch_tui.engine.executors.devices import devices
    from autoresearch_tui.journal.experiment import is_same_device

    opening.take_card(settings.gpu.card)  # as the engines do: the class is that of the card they train on
    found = devices(workspace, settings)
    kinds = list(dict.fromkeys(one.about.device for one in found))
    if len(kinds) > 1:
        raise Failed(f"the slots are of different kinds ({'; '.join(kinds)}), and a contest wants equal ones: take fewer, or `--slots 1`.")
    if len(found) > 1 and not hasattr(os, "sched_setaffinity") and found[0].cores:
        raise Failed("this system keeps no program on a part of the cores: take `--slots 1`.")
    baseline, now = state(first).baseline, kinds[0]
    if baseline is not None and not is_same_device(baseline.device, now):
        raise Failed(
            f"the contest in {first.folder.parent} was begun on slots of {baseline.device}, and these are {now}: take as many as then,"
            " with the same driver, power limit and torch, or move that folder away to begin another."
        )
    return found


def _say(text: str) -> None:
    """On the side: what is made of it goes to standard output."""
    import time

    from autoresearch_tui.lines import printable

    print(f"{time.strftime('%H:%M:%S')}  {printable(text)}", file=sys.stderr, flush=True)


def _show(home: Path, some: Iterable[Entry], why: Mapping[str, str], experiments: int | None, form: str, output: Path | None) -> Contest:
    from autoresearch_tui.contest.places import first_of, in_order, state
    from autoresearch_tui.contest.rounds import tried
    from autoresearch_tui.contest.standing import Played
    from autoresearch_tui.contest.words import contest_of

    played = [Played(one.tag, one.researcher, one.repeat, state(one), why.get(one.tag, "")) for one in in_order(some)]
    most = experiments or max((tried(one.run) for one in played), default=0)
    found = contest_of(state(first_of(home)), played, most)
    if form == "json":
        import msgspec

        made = msgspec.json.format(msgspec.json.encode(found)) + b"\n"
    else:
        from autoresearch_tui.contest.table import as_text

        made = as_text(found, columns(output)).encode("utf-8", "replace")
    deliver(made, output)
    return found
