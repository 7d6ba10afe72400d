"""`bench`: which model is the better researcher."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoresearch_tui.verbs.confirming import refuse_beside
from autoresearch_tui.verbs.output import columns, deliver, file_of, form_of
from autoresearch_tui.verbs.shared import Failed, Usage, folder_of

FORMS = {".txt": "text", ".json": "json"}
REPEATS, EXPERIMENTS = 3, 15
MOST_REPEATS, MOST_EXPERIMENTS = 100, 100_000
INTERRUPTED = 130  # as after Ctrl+C anywhere


def bench(options: argparse.Namespace) -> int:
    from autoresearch_tui.contest.places import first_of, home_of
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
        if not first_of(home).run.journal.exists():
            raise Usage("name who takes part: `autoresearch-tui bench climb`, or a model as `--researcher` takes it")
        return _show(home, {}, options.experiments, form, output)
    course = _played(workspace, settings, options)
    return _show(home, course.why, options.experiments or EXPERIMENTS, form, output) or (INTERRUPTED if course.ended else 0)


def _played(workspace: Any, settings: Any, options: argparse.Namespace) -> Any:
    """The course of this session, when it is over or somebody ended it."""
    from autoresearch_tui.contest.beginning import refuse_another
    from autoresearch_tui.contest.course import Course, Lineup
    from autoresearch_tui.contest.places import CONTROL, company_of, entry_of, first_of, home_of
    from autoresearch_tui.engine.lock import engine_lock
    from autoresearch_tui.engine.opening import refuse_a_network_disk

    names = list(dict.fromkeys([CONTROL, *options.researchers]))
    sharing, home = _sharing(names, settings), home_of(workspace)
    _refuse_beside_a_run(workspace)
    _hide(workspace)
    refuse_a_network_disk(workspace.runs_folder)
    with engine_lock(workspace.hidden / "engine.lock", "bench", f"a contest of researchers is at work in {home}"):
        refuse_another(workspace, settings)
        devices = _devices(workspace, settings, first_of(home))
        entries = [entry_of(home, name, repeat) for repeat in range(1, (options.repeats or REPEATS) + 1) for name in names]
        company = company_of(home, len(devices) - 1 if devices[0].cores else 0)  # cards disturb each other less than cores do
        lineup = Lineup(first_of(home), tuple(entries), tuple(company), options.experiments or EXPERIMENTS)
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
    from autoresearch_tui.engine.executors.devices import devices

    found = devices(workspace, settings)
    kinds = list(dict.fromkeys(one.about.device for one in found))
    if len(kinds) > 1:
        raise Failed(f"the slots are of different kinds ({'; '.join(kinds)}), and a contest wants equal ones: take fewer, or `--slots 1`.")
    if len(found) > 1 and not hasattr(os, "sched_setaffinity") and found[0].cores:
        raise Failed("this system keeps no program on a part of the cores: take `--slots 1`.")
    before, now = (kind.partition(", torch")[0] for kind in (state(first).key.get("device", ""), kinds[0]))
    if before.startswith("cpu") and now.startswith("cpu") and before != now:
        raise Failed(f"the contest in {first.folder.parent} was begun on slots of {before}, and these are {now}: take as many as then.")
    return found


def _say(text: str) -> None:
    """On the side: what is made of it goes to standard output."""
    import time

    from autoresearch_tui.lines import printable

    print(f"{time.strftime('%H:%M:%S')}  {printable(text)}", file=sys.stderr, flush=True)


def _show(home: Path, why: Mapping[str, str], experiments: int | None, form: str, output: Path | None) -> int:
    from autoresearch_tui.contest.places import entries, first_of, state
    from autoresearch_tui.contest.rounds import tried
    from autoresearch_tui.contest.standing import Played
    from autoresearch_tui.contest.words import contest_of

    played = [Played(one.tag, one.researcher, one.repeat, state(one), why.get(one.tag, "")) for one in entries(home)]
    most = experiments or max((tried(one.run) for one in played), default=0)
    found = contest_of(state(first_of(home)), played, most)
    if form == "json":
        import msgspec

        made = msgspec.json.format(msgspec.json.encode(found)) + b"\n"
    else:
        from autoresearch_tui.contest.table import as_text

        made = as_text(found, columns(output)).encode("utf-8", "replace")
    deliver(made, output)
    return 0
