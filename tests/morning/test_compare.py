"""Several nights side by side: what compares, which gained more, and what is luck."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Row
from autoresearch_tui.morning.accounting import account_of
from autoresearch_tui.morning.compare.comparing import compare
from autoresearch_tui.morning.compare.comparison import Comparison, Difference
from autoresearch_tui.morning.parts.looks import Place
from autoresearch_tui.morning.parts.rows import run_of
from autoresearch_tui.morning.reading import Reading, read_table
from tests.journal.nights import NIGHTS
from tests.morning.nights_side_by_side import HERE, Night, a_night


def side_by_side(*nights: Night) -> Comparison:
    return compare([night.reading() for night in nights])


def difference(found: Comparison, pair: int = 0) -> Difference:
    gain = found.pairs[pair].gain
    assert gain is not None
    return gain


def reach(found: Comparison) -> float:
    """Of the interval, on one side, without what is allowed for the choice."""
    gain = difference(found)
    assert gain.low is not None
    return gain.value - gain.low - gain.chosen


def notes(found: Comparison) -> str:
    return " ".join(found.notes)


# ------------------------------------------------------------------------------------------------------------------------------
# Which gained more
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_one_with_the_clearly_larger_gain_is_named_with_an_interval_and_a_word() -> None:
    found = side_by_side(a_night("mon", [0.01]), a_night("tue", [0.02, 0.02], at=2e9))
    assert found.sentence.startswith("tue gained more than mon, by 0.030000 (+0.0")
    assert (found.leader, found.pairs[0].one, difference(found).word) == ("tue", "tue", "sure")
    low, value, high = difference(found).low, difference(found).value, difference(found).high
    assert low is not None and high is not None and 0 < low < value < high


def test_a_difference_within_the_noise_has_no_winner() -> None:
    found = side_by_side(a_night("mon", [0.0200]), a_night("tue", [0.0203], at=2e9))
    assert found.sentence.startswith("Whether tue or mon gained more nobody can tell")
    assert difference(found).word == "unsure"


def test_the_best_of_many_equal_codes_is_no_winner() -> None:
    """Two nights in which no change did anything: whoever was luckier must not be called better, more often than words allow."""
    chance, called = random.Random(3), 0
    for _ in range(60):
        nights = []
        for tag in ("mon", "tue"):
            night, best = Night(tag, at=chance.random() * 1e9), 1.0
            night.measure([1 + chance.gauss(0, 0.001) for _ in range(3)])
            for value in (1 + chance.gauss(0, 0.001) for _ in range(20)):
                night.measure([value], "keep" if value < best else "discard")
                best = min(best, value)
            nights.append(night)
        called += difference(side_by_side(*nights)).word != "unsure"
    assert called <= 0.1 * 60


def test_what_was_measured_afresh_needs_no_allowance_for_the_choice() -> None:
    nights = [a_night("mon", [0.01]), a_night("tue", [0.012], at=2e9)]
    chosen = difference(side_by_side(*nights))
    for night, after in zip(nights, (0.990, 0.988), strict=True):
        night.close([1.0, 1.0, 1.0], [after, after, after])
    found = side_by_side(*nights)
    assert chosen.chosen > 0 and difference(found).chosen == 0
    assert difference(found).value == pytest.approx(0.002)
    assert "claim too much" not in notes(found)
    assert found.sides[0].result.basis == "closing"


def test_where_equal_trainings_give_equal_numbers_nothing_is_left_to_chance() -> None:
    def exact(tag: str, end: float) -> Night:
        night = Night(tag, sigma=None, at=end * 1e9)
        night.measure([1.0, 1.0, 1.0])
        night.measure([end])
        return night

    found = difference(side_by_side(exact("mon", 0.9), exact("tue", 0.89)))
    assert (found.word, found.p, found.chosen) == ("sure", None, 0.0)


def test_without_the_noise_a_difference_is_said_and_called_luck() -> None:
    nights = [Night(tag, sigma=None, at=at) for tag, at in (("mon", 1e9), ("tue", 2e9))]
    for night, gain in zip(nights, (0.1, 0.2), strict=True):
        night.measure([1.0])
        night.measure([1.0 - gain])
    found = side_by_side(*nights)
    assert found.sentence.endswith("so that may be luck.")
    assert (difference(found).word, difference(found).low) == ("", None)


def test_higher_is_better_where_the_goal_says_so() -> None:
    nights = [Night(tag, goal="higher", at=at) for tag, at in (("mon", 1e9), ("tue", 2e9))]
    for night, end in zip(nights, (0.6, 0.7), strict=True):
        night.measure([0.5, 0.5005, 0.4995])
        night.measure([end, end])
    found = side_by_side(*nights)
    assert found.leader == "tue" and difference(found).word == "sure"
    assert [step.gain for step in found.sides[1].steps] == pytest.approx([0.0, 0.2])


def test_a_night_that_gained_nothing_is_compared_with_its_baseline() -> None:
    still = Night("mon")
    still.measure([1.0])
    still.measure([1.1], "discard")
    found = side_by_side(still, a_night("tue", [0.02], base=(1.0, 1.0, 1.0), at=2e9))
    assert found.sides[0].gain == 0 and difference(found).word == "sure"
    other = a_night("wed", [0.02], base=(1.0, 1.0, 1.0), at=3e9, start="b" * 40)
    gained = a_night("thu", [0.01], base=(1.0, 1.0, 1.0), at=4e9)
    assert reach(side_by_side(still, other)) < reach(side_by_side(gained, other))


# ------------------------------------------------------------------------------------------------------------------------------
# What compares
# ------------------------------------------------------------------------------------------------------------------------------


def test_from_the_same_code_the_ends_are_compared_and_the_baselines_noise_is_left_out() -> None:
    same = difference(side_by_side(a_night("mon", [0.01]), a_night("tue", [0.02], at=2e9)))
    other = side_by_side(a_night("mon", [0.01]), a_night("tue", [0.02], at=2e9, start="b" * 40))
    assert (same.by, difference(other).by) == ("end", "gain")
    assert same.high is not None and difference(other).high is not None
    assert (same.high - (same.low or 0)) < ((difference(other).high or 0) - (difference(other).low or 0))
    assert "began from different code; at the end, tue ended better by 0.010000" in notes(other)


def test_the_same_code_that_measures_otherwise_puts_the_machine_in_doubt() -> None:
    found = side_by_side(a_night("mon", [0.01]), a_night("tue", [0.01], base=(1.02, 1.021, 1.019), at=2e9))
    assert difference(found).by == "gain" and difference(found).value == pytest.approx(0, abs=1e-9)
    assert "the machines differ, whatever their keys say" in notes(found)


def test_another_budget_makes_gains_relative_and_is_named() -> None:
    long = a_night("tue", [0.02], key=HERE | {"budget_s": "600", "prepare.py": "fedcba9876543210"}, at=2e9)
    found = side_by_side(a_night("mon", [0.01]), long)
    assert not found.comparable and found.pairs[0].differs == ("prepare.py", "budget_s")
    assert "for prepare.py and budget_s (600 and 300) differ:" in notes(found)
    assert difference(found).by == "relative" and difference(found).value == pytest.approx(0.01)
    assert "by 1.00 percentage points" in found.sentence


def test_other_metrics_are_never_compared() -> None:
    accuracy = Night("tue", key=HERE | {"metric": "accuracy"}, goal="higher", metric="accuracy")
    accuracy.measure([0.5])
    accuracy.measure([0.6])
    found = side_by_side(a_night("mon", [0.01]), accuracy)
    assert "measure different things" in found.sentence and found.pairs[0].gain is None


def test_two_of_three_that_compare_are_still_compared_in_the_metric() -> None:
    nights = [a_night("mon", [0.01]), a_night("tue", [0.02], at=2e9), a_night("wed", [0.03], key=HERE | {"device": "T4"}, at=3e9)]
    found = side_by_side(*nights)
    assert [pair.gain.by for pair in found.pairs if pair.gain] == ["end", "relative", "relative"]
    assert found.leader == "wed" and not found.comparable


def test_tables_are_compared_in_parts_of_their_baselines() -> None:
    found = compare([read_table(path) for path in sorted(NIGHTS.glob("*.tsv"))])
    h100 = found.sides[0]
    assert (h100.experiments, h100.share.kept, h100.share.crashed) == (126, 22, 1)
    assert h100.gain == pytest.approx(0.028214) and found.experiments == 31
    assert "nobody knows, so numbers do not compare" in notes(found)
    assert h100.hours is None and h100.gain_at_hours is None


# ------------------------------------------------------------------------------------------------------------------------------
# Odd nights
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_same_night_twice_is_said_and_has_two_names() -> None:
    found = side_by_side(a_night("mon", [0.01]), a_night("mon", [0.01]))
    assert found.sentence == "mon and mon (2) are the same night."


def test_nights_of_one_name_are_told_apart_by_where_they_lie() -> None:
    readings = [a_night("mon", [0.01], at=at).reading() for at in (1e9, 2e9)]
    assert [side.name for side in compare(readings, ["lab", "attic"]).sides] == ["lab/mon", "attic/mon"]
    assert [side.name for side in compare(readings, ["lab", "lab"]).sides] == ["mon", "mon (2)"]


def test_a_night_of_nothing_but_crashes_and_one_without_a_row() -> None:
    crashes = Night("tue")
    for _ in range(3):
        crashes.measure([])
    found = side_by_side(crashes, Night("wed"))
    assert found.sentence == "None of these nights has a number: there is nothing to compare."
    found = side_by_side(a_night("mon", [0.01]), crashes, Night("wed"))
    assert found.sentence.startswith("Only mon has a number")
    assert found.sides[1].share.crashed == 3


def test_an_empty_table() -> None:
    empty = Reading("none", "table", run_of(()), Place("none", "none"))
    one = Reading("one", "table", run_of([Row("a", 1.0, 1.0, "keep", "baseline")]), Place("one", "one"))
    assert compare([empty, one]).sentence.startswith("Only one has a number")


def test_a_night_that_goes_on_is_said() -> None:
    found = compare([a_night("mon", [0.01]).reading(alive=True), a_night("tue", [0.01], at=2e9).reading()])
    assert "mon is still at work" in notes(found)


def test_of_ten_nights_the_leader_stands_out_only_if_it_does_against_all() -> None:
    nights = [a_night(f"night{place}", [0.01 + place * 0.02], at=place * 1e6) for place in range(10)]
    found = side_by_side(*nights)
    assert len(found.pairs) == 45
    assert found.sentence.startswith("night9 gained most (sure, against each of the others); the next is night8, 0.020000 behind.")
    nights[8] = a_night("night8", [0.1895], at=8e6)
    found = side_by_side(*nights)
    assert "night9 is ahead, and night8 may have gained as much; the other 8 gained less (sure)." in found.sentence


def test_more_pairs_need_more_than_one_pair_does() -> None:
    """Whoever compares many nights finds a difference by chance."""
    near = [a_night("mon", [0.0100]), a_night("tue", [0.0137], at=2e9)]
    others = [a_night(f"n{place}", [0.01], at=3e9 + place * 1e6) for place in range(8)]
    alone, among = side_by_side(*near), side_by_side(*near, *others)
    assert (difference(alone).word, difference(among).word) == ("likely", "unsure")


def test_it_is_the_same_in_any_order() -> None:
    nights = [a_night("mon", [0.01]), a_night("tue", [0.02], at=2e9), a_night("wed", [0.03], at=3e9)]
    one, other = side_by_side(*nights), side_by_side(*reversed(nights))
    assert one.sentence == other.sentence and one.leader == other.leader


# ------------------------------------------------------------------------------------------------------------------------------
# Gains by experiment and hour, researchers, programs
# ------------------------------------------------------------------------------------------------------------------------------


def test_gains_are_told_after_as_many_experiments_and_hours_as_the_shortest_had() -> None:
    found = side_by_side(a_night("mon", [0.01]), a_night("tue", [0.01, 0.01, 0.01], at=2e9))
    assert found.experiments == 3 and found.hours == pytest.approx(6 * 300 / 3600)
    assert [side.gain_at_experiments for side in found.sides] == pytest.approx([0.01, 0.01])
    assert [side.gain_at_hours for side in found.sides] == pytest.approx([0.01, 0.01])
    assert found.sides[1].gain == pytest.approx(0.03)


def test_hours_are_those_of_work() -> None:
    night = a_night("mon", [0.01])
    night.add(e.Paused("ann"))
    night.add(e.Resumed("ann"), seconds=3600)
    night.add(e.EngineEnded("done"))
    night.add(e.EngineStarted(2, 2, "boot", "1", "sweep"), seconds=7200)
    night.measure([0.98])
    assert side_by_side(night, night).sides[0].hours == pytest.approx(7 * 300 / 3600)


@pytest.mark.parametrize("odd", ["the clock was set back", "a keeper started it again", "it died, and nobody saw it"])
def test_its_hours_are_those_of_the_report(odd: str) -> None:
    night = a_night("mon", [0.01])
    if odd == "the clock was set back":
        night.measure([0.98])
        late = night.facts[-8:]
        night.facts[-8:] = [msgspec.structs.replace(fact, at=fact.at - 700) for fact in late]
    else:
        night.add(e.Launched(1, 3, 42, 1, 1, "boot"))
        keeper = "signal 9" if odd.startswith("a keeper") else ""
        night.add(e.EngineStarted(2, 2, "boot", "1", "sweep", after=keeper), seconds=1000)
        night.measure([0.98])
    reading = night.reading()
    hours = account_of(reading).hours
    side = compare([reading, reading]).sides[0]
    assert hours is not None and side.hours == pytest.approx(hours.worked / 3600)
    assert side.steps[-1].hour == side.hours, "and so is the hour of its last step"


def test_several_researchers_are_told_apart_over_all_nights() -> None:
    nights = [Night("mon"), Night("tue", at=2e9)]
    for night in nights:
        night.measure([1.0, 1.0, 1.0])
        night.measure([0.99], by="ollama:a", program="1" * 40)
        night.measure([0.98], by="ollama:a", program="2" * 40)
        night.measure([1.2], "discard", by="sweep", program="2" * 40)
        night.measure([], by="sweep")
    found = side_by_side(*nights)
    by_name = {share.of: share for share in found.researchers}
    assert (by_name["ollama:a"].nights, by_name["ollama:a"].experiments, by_name["ollama:a"].kept) == (2, 4, 4)
    assert by_name["ollama:a"].gain == pytest.approx(0.04) and by_name["ollama:a"].cost_usd == 1.0
    assert (by_name["sweep"].kept, by_name["sweep"].crashed, by_name["sweep"].usable) == (0, 2, 2)
    low, high = by_name["sweep"].low, by_name["sweep"].high
    assert low == 0 and high is not None and 0.4 < high < 0.7
    assert [(share.of, share.experiments, share.kept) for share in found.programs] == [("1111111", 2, 2), ("2222222", 4, 2)]


def test_as_json_it_can_be_read_back() -> None:
    found = side_by_side(a_night("mon", [0.01]), a_night("tue", [0.02], at=2e9))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Comparison) == found


def test_two_copies_of_a_table(tmp_path: Path) -> None:
    path = sorted(NIGHTS.glob("*.tsv"))[0]
    (tmp_path / "copy.tsv").write_bytes(path.read_bytes())
    assert compare([read_table(path), read_table(tmp_path / "copy.tsv")]).sentence.endswith("are the same night.")
