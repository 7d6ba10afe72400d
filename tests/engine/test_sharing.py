"""Who has the card's memory: the choice and its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from autoresearch_tui.engine.sharing import GB, Decision, Room, decide


def gb(size: float) -> int:
    return round(size * GB)


def room(total: float = 24.0, llm: float | None = 9.1, training: float | None = 11.2, **known: object) -> Room:
    sizes = {"llm": None if llm is None else gb(llm), "training": None if training is None else gb(training)}
    return Room(total=gb(total), **{**sizes, **known})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "decided"),
    [
        (room(), Decision("share", "share: LLM 9.1 GB + training 11.2 GB fit the card's 24.0 GB, 3.7 GB spare")),
        (room(llm=15.4), Decision("swap", "swap: LLM 15.4 GB + training 11.2 GB are 2.6 GB more than the card's 24.0 GB")),
        (room(48.0, llm=15.4), Decision("share", "share: LLM 15.4 GB + training 11.2 GB fit the card's 48.0 GB, 21.4 GB spare")),
        (
            room(llm=11.9),
            Decision("swap", "swap: LLM 11.9 GB + training 11.2 GB would leave 0.9 GB of the card's 24.0 GB, and 1.1 GB is the least"),
        ),
        (
            room(used_before=gb(1.4)),
            Decision("share", "share: LLM 9.1 GB + training 11.2 GB + others 1.4 GB fit the card's 24.0 GB, 2.3 GB spare"),
        ),
        (
            room(used_before=gb(4.0)),
            Decision("swap", "swap: LLM 9.1 GB + training 11.2 GB + others 4.0 GB are 0.3 GB more than the card's 24.0 GB"),
        ),
    ],
    ids=["24 GB, both fit", "24 GB, a large LLM", "48 GB", "no room for a change", "a desktop", "a large desktop"],
)
def test_a_choice_from_measured_peaks_says_its_figures(known: Room, decided: Decision) -> None:
    assert decide("auto", known) == decided


@pytest.mark.parametrize(
    ("known", "who"),
    [
        (room(training=None), "the training"),
        (room(llm=None), "the LLM"),
        (room(llm=None, training=None), "the LLM and the training"),
    ],
)
def test_what_was_not_measured_yet_is_not_put_side_by_side_and_that_is_a_guess(known: Room, who: str) -> None:
    assert decide("auto", known) == Decision("swap", f"swap: what {who} will take is not known yet", guess=True)


def test_a_training_that_died_beside_the_llm_ends_the_sharing_for_good() -> None:
    died = room(mode="share", died_beside=True)
    assert decide("auto", died) == Decision(
        "swap", "swap: a training died of memory beside the LLM; LLM 9.1 GB + training 11.2 GB of the card's 24.0 GB"
    )
    assert decide("auto", replace(died, mode="swap", training=gb(8.0))).mode == "swap"


def test_what_a_person_asked_for_holds_whatever_fits() -> None:
    tight = room(llm=15.4, died_beside=True)
    assert decide("share", tight) == Decision("share", "share: asked for; LLM 15.4 GB + training 11.2 GB of the card's 24.0 GB")
    assert decide("swap", Room()) == Decision("swap", "swap: asked for")


def test_nobody_local_is_apart_whatever_was_asked_for() -> None:
    for wanted in ("auto", "share", "swap"):
        assert decide(wanted, room(local=False)) == Decision("apart", "apart: no language model computes on this card")


def test_a_card_that_says_nothing_is_shared_until_a_training_dies_of_it() -> None:
    silent = Room(llm=gb(9.0))
    assert decide("auto", silent).mode == "share"
    assert "nothing here says how much memory the card has" in decide("auto", silent).why
    assert decide("auto", replace(silent, died_beside=True)).mode == "swap"


@given(st.integers(gb(0.5), gb(40)), st.integers(gb(0.5), gb(40)), st.floats(0.96, 1.04))
def test_trainings_that_differ_by_a_little_do_not_make_it_flap(llm: int, training: int, wobble: float) -> None:
    first = Room(total=gb(48), llm=llm, training=training)
    one = decide("auto", first)
    two = decide("auto", replace(first, mode=one.mode, training=int(training * wobble)))
    three = decide("auto", replace(first, mode=two.mode))
    assert two.mode == one.mode or (one.mode, two.mode, three.mode) == ("share", "swap", "swap")


def test_what_did_not_fit_is_tried_again_only_with_room_to_spare_and_what_fits_goes_on() -> None:
    assert decide("auto", room(llm=11.0)).mode == "share"
    assert decide("auto", room(llm=11.0, mode="swap")).mode == "swap"
    assert decide("auto", room(llm=9.9, mode="swap")).mode == "share"
    assert decide("auto", room(llm=12.5, mode="share")).mode == "share"
    assert decide("auto", room(llm=12.9, mode="share")).mode == "swap"


SIZES = st.none() | st.integers(0, gb(200))
ROOMS = st.builds(
    Room,
    total=SIZES,
    llm=SIZES,
    training=SIZES,
    used_before=st.integers(0, gb(10)),
    died_beside=st.booleans(),
    mode=st.sampled_from(["share", "swap", "apart", None]),
)


@given(ROOMS)
def test_the_reason_is_one_line_that_begins_with_the_choice(known: Room) -> None:
    decided = decide("auto", known)
    assert decided.why.startswith(f"{decided.mode}: ")
    assert "\n" not in decided.why and len(decided.why) < 140
