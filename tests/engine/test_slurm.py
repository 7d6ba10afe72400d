"""A night in an allocation of Slurm ends before that does. `scontrol` and `squeue` are scripts that say what the real ones do."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.engine import slurm
from autoresearch_tui.engine.opening import first_limits
from autoresearch_tui.engine.slurm import MARGIN_S, Allocation, allocation, cards_on_node
from autoresearch_tui.sections import Limits, Settings
from tests.engine.nights import make_checkout, state, tui

NOW = datetime(2026, 11, 22, 1, 30, tzinfo=LOCAL)
SIX = datetime(2026, 11, 22, 6, 0, tzinfo=LOCAL).timestamp()
SHOWN = (
    "JobId=4711 JobName=night UserId=ada(1000) JobState=RUNNING TimeLimit={limit} StartTime=2026-11-22T00:00:00 EndTime={end} Deadline=N/A"
)


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """A folder of commands, the only ones."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def put(folder: Path, command: str, says: str, asked: str = "", code: int = 0) -> None:
    """One that says this if it is asked so, and knows nothing else."""
    words = f'[ "$*" = "{asked}" ] || exit 64' if asked else ""
    (folder / command).write_text(f"#!/bin/sh\n{words}\n{says}\nexit {code}\n")
    (folder / command).chmod(0o755)


def inside(cluster: Path, **more: str) -> dict[str, str]:
    return {"PATH": f"{cluster}:/usr/bin:/bin", "SLURM_JOB_ID": "4711", **more}


def found(cluster: Path, **more: str) -> Allocation | None:
    return allocation(inside(cluster, **more), NOW)


def test_outside_of_slurm_nobody_is_asked(cluster: Path) -> None:
    put(cluster, "scontrol", f"touch {cluster}/asked")
    assert allocation({"PATH": str(cluster)}, NOW) is None
    assert allocation({"PATH": str(cluster), "SLURM_JOB_ID": "--all"}, NOW) is None
    assert not (cluster / "asked").exists()


def test_the_end_that_slurm_told_the_job_is_believed(cluster: Path) -> None:
    assert found(cluster, SLURM_JOB_END_TIME=f"{SIX:.0f}") == Allocation("4711", SIX)


def test_else_the_cluster_is_asked_in_a_form_that_can_be_read(cluster: Path) -> None:
    shown = SHOWN.format(limit="06:00:00", end="2026-11-22T06:00:00")
    put(cluster, "scontrol", f'[ "$SLURM_TIME_FORMAT" = standard ] && echo "{shown}"', asked="show job 4711 -o")
    assert found(cluster, SLURM_TIME_FORMAT="relative") == Allocation("4711", SIX)


def test_where_the_controller_does_not_show_it_the_queue_does(cluster: Path) -> None:
    put(cluster, "scontrol", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2", code=1)
    put(cluster, "squeue", 'echo "EndTime=2026-11-22T06:00:00 TimeLimit=6:00:00"', asked="-h -j 4711 -o EndTime=%e TimeLimit=%l")
    assert found(cluster) == Allocation("4711", SIX)


@pytest.mark.parametrize("limit", ["UNLIMITED", "365-00:00:00"])
def test_a_job_without_an_end_is_no_limit(cluster: Path, limit: str) -> None:
    put(cluster, "scontrol", f'echo "{SHOWN.format(limit=limit, end="2027-11-22T00:00:00")}"')
    endless = found(cluster)
    assert endless == Allocation("4711") and endless.deadline is None and endless.said(NOW) == ""


@pytest.mark.parametrize("says", ["", "exec sleep 30", "echo EndTime=Unknown TimeLimit=06:00:00", "echo EndTime=2026-13-45T06:00:00"])
def test_who_does_not_say_it_in_time_is_said_to_be_unknown(cluster: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    monkeypatch.setattr(slurm, "ASK_S", 0.2)
    put(cluster, "scontrol", says)
    began = time.monotonic()
    silent = found(cluster)
    assert time.monotonic() - began < 5
    assert silent == Allocation("4711", known=False) and silent.deadline is None
    assert silent.said(NOW) == "the allocation 4711 does not say when it ends: `--until HH:MM` ends the night before Slurm does."


def test_it_is_said_with_the_day_where_that_is_another() -> None:
    today, tomorrow = Allocation("4711", SIX), Allocation("4711", SIX + 86400)
    assert today.said(NOW) == "the allocation 4711 ends at 06:00: the night ends a minute before, unless another limit ends it earlier."
    assert tomorrow.said(NOW).startswith("the allocation 4711 ends at 23 Nov 06:00: ")


@pytest.mark.parametrize(
    ("until", "hours", "deadline"), [(None, None, SIX - MARGIN_S), ("05:00", None, SIX - 3600), (None, 12.0, SIX - 60)]
)
def test_the_earlier_of_a_person_s_limits_and_the_allocation_s_end_holds(
    monkeypatch: pytest.MonkeyPatch, until: str | None, hours: float | None, deadline: float
) -> None:
    for name, value in inside(Path("/nowhere"), SLURM_JOB_END_TIME=f"{SIX:.0f}").items():
        monkeypatch.setenv(name, value)
    assert first_limits(Settings(limits=Limits(until=until, hours=hours)), None, NOW).deadline == deadline


def test_how_many_cards_it_has_counts_inside_of_it_alone() -> None:
    assert cards_on_node({"SLURM_JOB_ID": "4711", "SLURM_GPUS_ON_NODE": "2"}) == 2
    assert cards_on_node({"SLURM_GPUS_ON_NODE": "2"}) is None
    assert cards_on_node({"SLURM_JOB_ID": "4711", "SLURM_GPUS_ON_NODE": "gpu:2"}) is None


@pytest.mark.slow
def test_a_night_in_an_allocation_starts_nothing_that_would_be_cut_off(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    ends = datetime.now() + timedelta(seconds=MARGIN_S + 3)
    tui(lab, "run", "--tag", "night", SLURM_JOB_ID="4711", SLURM_JOB_END_TIME=f"{ends.timestamp():.0f}", PATH=os.environ["PATH"])
    run = state(lab)
    assert run.limits.deadline == pytest.approx(ends.timestamp() - MARGIN_S, abs=1)
    assert run.ended.endswith("the time is up") and not run.running
