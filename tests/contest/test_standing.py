"""What a contest comes to, against runs that were made by hand."""

from __future__ import annotations

import json

import msgspec
import pytest

from autoresearch_tui.contest.intervals import Against, against_of, repeats_to_tell
from autoresearch_tui.contest.standing import Contest
from autoresearch_tui.contest.table import as_text
from autoresearch_tui.contest.words import contest_of
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from tests.contest.games import measured, played, search, trained_again
from tests.engine.histories import History

FIRST = measured().run
SWEEP = [search([0.90, None, 1.10], [0.91, 0.93]), search([0.94, 1.2, 1.10], [0.95, 0.97]), search([0.92, 1.2, 1.10], [0.93, 0.95])]
CLIMB = [search([1.2, 1.2, 1.10], [1.0, 1.004]), search([0.98, 1.2, 1.10], [0.98, 0.98]), search([1.2, 1.2, None], [1.0, 1.0])]


def contest() -> Contest:
    return contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", *CLIMB)], 3)


def test_a_gain_is_what_the_fresh_trainings_are_better_than_the_shared_baseline() -> None:
    sweep, climb = contest().standings
    assert sweep.gains == pytest.approx((0.082, 0.042, 0.062)) and sweep.gain == pytest.approx(0.062)
    assert climb.gains == pytest.approx((0.0, 0.022, 0.002)) and sweep.fresh and climb.fresh
    assert (sweep.experiments, sweep.crashed, sweep.sure, climb.kept) == (9, 1, 3, 1)


def test_the_difference_to_the_control_is_of_means_with_a_spread_of_its_own_each() -> None:
    """Welch's t is -3.995 with 3.30 degrees of freedom here; p by adding up Student's density, step by step."""
    against = contest().standings[1].against
    assert against is not None and against.low is not None and against.high is not None and against.p is not None
    assert against.value == pytest.approx(-0.054)
    assert (against.low, against.high) == pytest.approx((-0.094871, -0.013129), abs=1e-6)
    assert against.p == pytest.approx(0.023464, abs=1e-6) and against.word == "likely"


def test_the_noise_of_the_shared_baseline_widens_a_gain_and_no_difference() -> None:
    loud = contest_of(measured((0.90, 1.0, 1.1)).run, [*played("sweep", *SWEEP), *played("climb", *CLIMB)], 3)
    for there, here in zip(loud.standings, contest().standings, strict=True):
        assert there.low is not None and here.low is not None and there.low < here.low
        assert there.against == here.against


def test_who_is_better_is_said_as_far_as_it_can_be_told() -> None:
    assert contest().sentence.startswith("sweep is likely the better researcher here: it gained more than climb, by 0.054000 (+0.0")
    alike = contest_of(FIRST, [*played("sweep", *CLIMB), *played("ollama:a", CLIMB[1], CLIMB[0], SWEEP[1])], 3)
    assert alike.sentence.startswith(
        "Whether ollama:a or sweep is the better researcher nobody can tell: ollama:a is ahead by 0.013333 (-0.0"
    )
    assert "repeats of each would tell" in alike.sentence
    once = contest_of(FIRST, [*played("sweep", SWEEP[0]), *played("climb", CLIMB[0])], 3)
    assert "nobody can tell from one run: sweep is ahead by 0.082000; `--repeats 3` tells more." in once.sentence
    alone = contest_of(FIRST, played("sweep", *SWEEP), 3)
    assert alone.sentence == "Nobody but sweep took part: there is nothing to compare it with."
    same = contest_of(FIRST, [*played("sweep", CLIMB[1], CLIMB[1]), *played("climb", CLIMB[1], CLIMB[1])], 3)
    assert same.sentence == "climb and sweep gained the same."


def test_of_several_researchers_each_has_to_be_further_ahead() -> None:
    one = contest().standings[1].against
    two = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", *CLIMB), *played("ollama:a", *CLIMB)], 3).standings[1].against
    assert one and two and one.p and two.p == pytest.approx(2 * one.p) and one.high is not None and two.high is not None
    assert two.high > one.high


def test_who_has_no_number_yet_makes_nobody_elses_lead_harder_to_believe() -> None:
    silent = played("ollama:a", FIRST, FIRST, FIRST)
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", *CLIMB), *silent], 3)
    assert found.standings[1].against == contest().standings[1].against


def test_runs_of_different_length_do_not_compare_and_the_sentence_says_how_far_each_is() -> None:
    short = [search([0.98], [0.98, 0.98]), search([0.98], [0.98, 0.98]), search([0.98, 1.2], [0.98, 0.99])]
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", *short)], 1)
    assert found.standings[1].against is None and found.standings[1].tried == (1, 1, 2)
    assert found.sentence == (
        "climb and sweep do not compare yet: climb has tried 1 to 2 experiments a run and sweep 3 experiments;"
        " `--experiments 3` brings all of them so far."
    )
    assert "3 runs of each, 1 to 3 experiments a run;" in as_text(found, 120) and "It is said of" not in as_text(found)


def test_one_run_that_somebody_carried_on_by_hand_keeps_its_researcher_from_being_compared() -> None:
    longer = search([0.90, None, 1.10, 0.80], [0.80, 0.80])
    found = contest_of(FIRST, [*played("sweep", *SWEEP[:2], longer), *played("climb", *CLIMB)], 3)
    assert found.standings[1].against is None and "sweep 3 to 4 experiments; `--experiments 4` brings" in found.sentence


def test_a_run_without_a_number_does_not_keep_the_others_from_being_compared() -> None:
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", *CLIMB, FIRST)], 3)
    assert found.standings[1].against == contest().standings[1].against
    assert "this device and 3 experiments a run" in " ".join(found.notes)


def test_two_equal_runs_of_each_may_be_equal_by_chance_and_are_likely_at_most() -> None:
    assert [_equal(repeats).word for repeats in (2, 3)] == ["likely", "sure"]
    assert against_of([0.0, 0.0], [0.0, 0.0], 1) == Against(0.0, 0.0, 0.0, word="unsure")


def _equal(repeats: int) -> Against:
    found = against_of([0.02] * repeats, [0.01] * repeats, 1)
    assert found is not None
    return found


def test_what_was_trained_afresh_on_another_device_is_compared_with_the_baseline_there_or_not_at_all() -> None:
    first, run = _on("old", 1.0, 1.002, 1.004), _on("old", 1.0, 1.002, 1.004)
    run.settle(1, 0, 0.9)
    for _ in range(2):
        trained_again(run, 1, 0.95, "new")
    found = contest_of(first.run, [*played("sweep", *SWEEP), *played("climb", run.run)], 1)
    assert found.standings[1].gains == (None,)
    assert "climb-1: measured afresh on new, and the baseline was not" in " ".join(found.notes)
    trained_again(first, 0, 1.05, "new")
    found = contest_of(first.run, [*played("sweep", *SWEEP), *played("climb", run.run)], 1)
    assert found.standings[1].gains == pytest.approx((0.1,)) and "afresh on new" not in " ".join(found.notes)


def _on(device: str, *values: float) -> History:
    """The baseline, trained on one class of device."""
    history = History()
    history.begin()
    history.add(e.Proposed(0))
    history.add(e.Committed(0, "c0"))
    for value in values:
        trained_again(history, 0, value, device)
    return history


def test_an_end_before_every_run_had_begun_is_said_and_that_it_goes_on() -> None:
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", Run())], 3)
    assert found.sentence.startswith("It was ended before every run had begun: the same command goes on. climb cannot be compared")
    assert contest_of(FIRST, [], 0).sentence == "No run has begun yet: name who takes part, and it goes on."


def test_how_many_repeats_would_tell_follows_from_the_spread() -> None:
    """A difference of one spread wants 17 of each at five percent and four in five, as any table of sample sizes has it."""
    assert repeats_to_tell(1.0, 1.0) == 17
    assert repeats_to_tell(2.0, 1.0) == 6
    assert repeats_to_tell(2.0, 1.0, made=9) == 10, "as many as there are did not tell"
    assert repeats_to_tell(0.001, 1.0) is None


def test_what_is_not_measured_afresh_yet_is_marked_and_named() -> None:
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", search([0.98, 1.2]), why="it is down")], 3)
    assert not found.standings[1].fresh and found.standings[1].gains == pytest.approx((0.022,))
    assert "climb-1: 2 of 3 experiments (it is down)" in " ".join(found.notes)
    assert "+0.022000?" in as_text(found)


def test_what_was_disturbed_each_time_is_not_measured_afresh_and_says_why() -> None:
    history = measured()
    history.settle(1, 0, 0.98)
    for _ in range(2):
        trained_again(history, 1, 0.99)
        history.add(e.Tainted(1, len(history.run.experiments[1].trials), "slow"))
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("climb", history.run)], 1)
    assert not found.standings[1].fresh
    assert "climb-1: not measured afresh, disturbed each time (slow)" in " ".join(found.notes)


def test_a_run_that_tried_nothing_has_no_gain_and_says_why() -> None:
    found = contest_of(FIRST, [*played("sweep", *SWEEP), *played("ollama:a", FIRST, why="ollama cannot be reached")], 3)
    assert found.standings[1].gain is None and found.standings[1].against is None
    assert found.sentence == "ollama:a cannot be compared with sweep: one of them has no number yet."
    assert "ollama cannot be reached" in " ".join(found.notes)


@pytest.mark.parametrize("width", [40, 45, 80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    runs = [*played("sweep", *SWEEP), *played("ollama:qwen3.5-coder:32b-instruct-q4", *CLIMB), *played("command:a\x1b[31m b", *CLIMB)]
    text = as_text(contest_of(FIRST, runs, 3), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text and "qwen3.5-coder" in text.replace("\n", "").replace("  ", "")


def test_as_json_it_is_all_there() -> None:
    document = json.loads(msgspec.json.encode(contest()))
    assert document["version"] == 1 and document["baseline"] == pytest.approx(1.002) and len(document["standings"]) == 2
    assert document["standings"][1]["against"]["word"] == "likely"
