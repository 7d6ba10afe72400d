"""The researcher climb: one knob at random, never what was made from here before, and no account of what helped."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from autoresearch_tui.proposals.checks import fingerprint, refusal
from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import changed_knobs, read_knobs
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.reply import read_reply
from autoresearch_tui.researchers import NothingLeft, NotUnderstood, Request
from autoresearch_tui.researchers.climb import Climb
from tests.researchers.nights import HEAD, UPSTREAM, first

TWO = 'MATRIX_LR = 0.04\nACTIVATION = "relu"  # one of: relu, gelu\n'


def reply(request: Request) -> str:
    async def text() -> str:
        return "".join([part.text async for part in Climb().propose(request)])

    return asyncio.run(text())


def edited(request: Request) -> str:
    return apply(request.source, read_reply(reply(request)).edit)


@pytest.mark.parametrize("source", [HEAD, UPSTREAM], ids=["ours", "upstream"])
def test_it_turns_one_knob_to_a_value_that_makes_sense_and_none_twice(source: str) -> None:
    request, known = first(source), {fingerprint(source): "experiment 0"}
    turned: Counter[str] = Counter()
    for number in range(1, 31):
        request = replace(request, draft=f"d{number:04}", number=number)
        made = edited(request)
        if number % 6 == 0:
            assert refusal(source, made, known) is None
        known[fingerprint(made)] = f"experiment {number}"
        changes = changed_knobs(source, made) or {}
        assert len(changes.keys() - {"DEVICE_BATCH_SIZE"}) <= 1, "a smaller batch takes its passes along"
        turned.update(changes.keys())
        request = replace(request, tried=(*request.tried, Tried(number, changes, "discard", 0.01, 0, 1, "tune")))
    assert len(known) == 31
    assert len(turned) >= len(read_knobs(source)) // 2 and max(turned.values()) <= 8


def test_what_helped_makes_no_difference_to_what_comes_next() -> None:
    tried = [Tried(1, {"MATRIX_LR": ("0.04", "0.08")}, "discard", delta, 0, 1, "tune") for delta in (-1.0, 1.0)]
    assert len({reply(first(UPSTREAM, tried=(one,))) for one in tried}) == 1


def test_it_leaves_alone_what_another_slot_is_trying_as_long_as_there_is_anything_else() -> None:
    busy = Tried(1, {"MATRIX_LR": ("0.04", "0.08")}, "", None, 0, 0, "tune")
    for seed in range(6):
        assert "ACTIVATION" in reply(first(TWO, tried=(busy,), seed=seed))


def test_the_same_request_gets_the_same_reply_and_another_seed_another() -> None:
    assert reply(first(seed=7)) == reply(first(seed=7))
    assert len({reply(first(seed=seed)) for seed in range(6)}) > 3


def test_a_refused_reply_is_followed_by_another_until_nothing_is_left() -> None:
    request, replies = first(TWO), []
    with pytest.raises(NothingLeft, match=r"climb has nothing left to try: every move from this train\.py was made or refused\."):
        while True:
            replies.append(reply(request))
            request = replace(request, refusals=(*request.refusals, "no"))
    assert len(replies) == len(set(replies)) > 5


def test_what_has_no_knobs_ends_it_in_a_sentence() -> None:
    with pytest.raises(NothingLeft, match=r"climb finds no knobs in train\.py: line 1 is not Python"):
        reply(first("def ("))
    with pytest.raises(NotUnderstood, match="climb turns knobs at random and takes nobody's idea"):
        reply(first(idea="SET DEPTH = 3"))
