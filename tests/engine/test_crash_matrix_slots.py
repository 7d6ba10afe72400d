"""The engine is killed at every arrow while another slot is in the middle of a trial; then it goes on as if nothing had happened.

Trainings of odd experiments are short and the others long, so that there is always one beside. A failing arrow names itself: it is the
name of the test.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.crashing import EFFECTS
from tests.engine.nights import TRAIN, check_whole, engine, make_checkout, state, tui
from tests.engine.test_crash_matrix import LIFE, killed, random_kills

pytestmark = pytest.mark.slow

UNEVEN = TRAIN.replace("SECONDS = float(", 'SECONDS = (0.1 if int(os.environ["AUTORESEARCH_TRIAL"][:4]) % 2 else 0.7) * float(', 1)
SLOTS = ("--slots", "2")
NIGHT = ("run", "--tag", "night", "--experiments", "5")
ARROWS = [*LIFE, *(effect for effect in EFFECTS if effect != "blob")]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab", UNEVEN)


def goes_on(folder: Path, *slots: str) -> None:
    """What trained when the engine was killed is trained again, and all is as it would have been."""
    torn = {one.number: one.trials[-1].number for one in state(folder).under_way}
    assert torn, "another slot was in the middle of a trial"
    tui(folder, *NIGHT, *slots)
    run = check_whole(folder)
    assert len(run.experiments) == 5
    for number, trial in torn.items():
        dead = run.experiments[number].trials[trial - 1]
        assert (dead.outcome, dead.why[:15]) == ("interrupted", "the engine died")
        assert run.experiments[number].value is not None, f"#{number} was trained again"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ARROWS)
def test_killed_at_this_arrow_while_another_slot_trains_it_goes_on(lab: Path, when: str, what: str) -> None:
    killed(lab, when, what, "1+", *NIGHT, *SLOTS, seconds=1.0)
    goes_on(lab, *SLOTS)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["EngineStarted", "Equipped"])
def test_killed_before_it_knew_its_slots_it_goes_on(lab: Path, when: str, what: str) -> None:
    killed(lab, when, what, 1, *NIGHT, *SLOTS)
    tui(lab, *NIGHT, *SLOTS)
    assert len(check_whole(lab).experiments) == 5


@pytest.mark.parametrize(("what", "nth"), [("Ended", 1), ("Ended", 2), ("Launched", 1), ("Launched", 2), ("spawn", 2)], ids=str)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_again_while_it_puts_right_what_two_slots_left_it_goes_on(lab: Path, when: str, what: str, nth: int) -> None:
    killed(lab, "before", "Measured", "1+", *NIGHT, *SLOTS, seconds=1.0)
    killed(lab, when, what, nth, *NIGHT, *SLOTS)
    tui(lab, *NIGHT, *SLOTS)
    assert len(check_whole(lab).experiments) == 5


@pytest.mark.parametrize("slots", [1, 3])
def test_killed_with_one_number_of_slots_it_goes_on_with_another(lab: Path, slots: int) -> None:
    killed(lab, "after", "Launched", "2+", *NIGHT, *SLOTS, seconds=1.0)
    two = [one.number for one in state(lab).under_way]
    assert len(two) == 2
    engine(lab, *NIGHT, *SLOTS, wrapped=("-m", "tests.engine.places", str(slots))).communicate(timeout=60)
    run = check_whole(lab)
    assert len(run.experiments) == 5 and len(run.slots) == (slots if slots > 1 else 0)
    assert all(run.experiments[number].value is not None for number in two)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_when_a_number_turns_out_to_be_no_good_it_goes_on(tmp_path: Path, when: str) -> None:
    """The first training of #1 prints its number twice, and no other does."""
    twice = 'if os.environ["AUTORESEARCH_TRIAL"] == "0001-1":\n    print("val_bpb: 9.0")\n'
    folder = make_checkout(tmp_path / "lab", UNEVEN + twice)
    killed(folder, when, "Tainted", 1, *NIGHT, *SLOTS, seconds=1.0)
    tui(folder, *NIGHT, *SLOTS)
    one = check_whole(folder).experiments[1]
    assert [trial.taint for trial in one.trials][:2] == ["2 lines of its log begin with val_bpb:", ""]


def test_killed_again_and_again_by_chance_with_two_slots_it_loses_nothing(tmp_path: Path) -> None:
    random_kills(make_checkout(tmp_path / "lab"), kills=20, seed=3, slots=2)
