"""How a run stands is worked out once for each state: of ten thousand experiments a frame is drawn as quickly as of ten."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts import gpu, log, progress, proposal, results, status
from autoresearch_tui.cockpit.parts.runs import Known
from autoresearch_tui.cockpit.parts.settings import limits_of
from autoresearch_tui.cockpit.standing import standing
from autoresearch_tui.finding import Found
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import Gain
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.accounting import account_of
from autoresearch_tui.morning.reading import read
from autoresearch_tui.packed import opened
from autoresearch_tui.workspace import RunFolder
from tests.engine.histories import History

MANY = 10_000
WALKS = 5  # over all experiments: what a frame that changes nothing may take at most, and one that asks them anew takes ten times


def large() -> Run:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    history.settle(1, 0, 1.1)
    history.launch(2, 0)
    judged, running = history.run.experiments[1], history.run.experiments[2]
    some = {number: replace(judged, number=number) for number in range(1, MANY)}
    return replace(history.run, experiments={0: history.run.experiments[0], **some, MANY: replace(running, number=MANY)})


def frame(moment: Moment) -> None:
    status.rows(status.part_of(moment), 120, 2)
    for pane in (gpu, results, proposal):
        pane.part_of(moment)
    log.part_of(moment, RunFolder(Path("nowhere")), lambda path: None)
    part = progress.part_of(moment, None)
    progress.title(part), progress.subtitle(part, 100)
    results.title(results.part_of(moment))


def shortest(do: Callable[[], object]) -> float:
    taken = []
    for _ in range(7):
        began = time.process_time()
        do()
        taken.append(time.process_time() - began)
    return min(taken)


def test_a_frame_that_changes_nothing_does_not_ask_ten_thousand_experiments_again() -> None:
    run = large()
    moment = Moment(run=run, now=run.at + 10.0, alive=True)
    frame(moment)
    walk = shortest(lambda: sum(bool(one.verdict) for one in run.experiments.values()))
    assert shortest(lambda: frame(moment)) < WALKS * walk


def test_what_runs_and_what_was_judged_is_as_the_run_has_it() -> None:
    run = large()
    stands = standing(run)
    assert (stands.phase, stands.running, stands.latest) == ("training", run.running, run.running)
    assert (stands.judged, stands.counts) == (MANY, run.counts)


def test_a_change_counts_as_the_metric_does_and_is_never_less_than_nothing_by_a_sign() -> None:
    assert Gain(0.25, None).change("lower") == -0.25 and Gain(0.25, None).change("higher") == 0.25
    assert f"{Gain(0.0, None).change('lower'):+.4f}" == "+0.0000"


def test_the_list_of_runs_tells_the_gain_that_the_screen_tells() -> None:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    assert Known("night", history.run).gain == "-"
    history.settle(1, 0, 0.9)
    found = standing(history.run).gain
    assert found is not None and Known("night", history.run).gain == f"{found.value:+.6f}" == "+0.100000"


def test_the_status_and_the_settings_count_the_same_towards_the_limit() -> None:
    history = History()
    history.begin(e.Limits(experiments=17))
    history.settle(0, None, 1.0)
    history.launch(1, 0)
    below = "".join(span.text for row in status.part_of(Moment(run=history.run, now=history.run.at, alive=True)).below for span in row)
    assert "1 of 17" in below and dict(limits_of(history.run))["experiments"] == "17, of which 1 are judged"


def test_the_screen_is_as_sure_of_the_night_as_its_report() -> None:
    with opened() as (night, git):
        read_night = read(Found(night, git, packed=True))
    found = standing(read_night.run).gain
    assert found is not None and found.word == account_of(read_night).result.word == "likely"
