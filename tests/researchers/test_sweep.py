"""A sweep through the knobs: every move is one, makes sense, and is made once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.proposals.checks import fingerprint, refusal
from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import changed_knobs, read_knobs, value_of
from autoresearch_tui.proposals.reply import Reply, read_reply
from autoresearch_tui.researchers import NothingLeft, NotUnderstood, Request, ResearcherDown, Tried, named

TRAIN = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")
CONTEXT = 2048
FIRST = Request(draft="d1", operator="tune", source=TRAIN, number=1, seed=42, context=CONTEXT)

# As an upstream checkout has it: constants below the model, powers of two, no word of ours in the comments.
UPSTREAM = """import torch
from prepare import MAX_SEQ_LEN


class GPT(torch.nn.Module):
    WIDTH = 3


# Model architecture
ASPECT_RATIO = 64       # model_dim = depth * ASPECT_RATIO
WINDOW_PATTERN = "SSSL" # sliding window pattern: L=full, S=half context
TOTAL_BATCH_SIZE = 2**19 # ~524K tokens per optimizer step
WARMUP_RATIO = 0.0      # fraction of time budget for LR warmup
DEPTH = 8               # number of transformer layers
DEVICE_BATCH_SIZE = 128  # per-device batch size (reduce if OOM)

torch.manual_seed(42)
H100_BF16_PEAK_FLOPS = 989.5e12
"""


def answer(request: Request) -> Reply:
    async def text() -> str:
        return "".join([part.text async for part in named("sweep").propose(request)])

    return read_reply(asyncio.run(text()))


def changes(request: Request) -> dict[str, tuple[str, str]]:
    found = changed_knobs(request.source, apply(request.source, answer(request).edit))
    assert found is not None
    return found


def all_moves(source: str, context: int = 0, tried: tuple[Tried, ...] = ()) -> dict[str, list[str]]:
    """Every value that is ever proposed from this source, by refusing each in turn."""
    request = Request(draft="d1", operator="tune", source=source, number=1, seed=1, context=context, tried=tried)
    moves: dict[str, list[str]] = {}
    while True:
        try:
            ((name, (_, new)),) = changes(request).items()
        except NothingLeft:
            return {name: sorted(values) for name, values in moves.items()}
        moves.setdefault(name, []).append(new)
        request = msgspec.structs.replace(request, refusals=(*request.refusals, "no"))


@pytest.mark.parametrize(("moves", "context"), [(300, CONTEXT), (50, 0)], ids=["context known", "context not known"])
def test_three_hundred_moves_in_a_row_are_each_one_new_knob_that_can_be_trained(moves: int, context: int) -> None:
    request = msgspec.structs.replace(FIRST, context=context)
    seen = {TRAIN}
    for number in range(1, moves + 1):
        request = msgspec.structs.replace(request, draft=f"d{number}", number=number, refusals=())
        while (source := apply(request.source, (reply := answer(request)).edit)) in seen:  # two ways led there
            request = msgspec.structs.replace(request, refusals=(*request.refusals, "This was tried."))
        compile(source, "train.py", "exec")
        knobs = read_knobs(request.source)
        ((old, new),) = (pair for pair in zip(request.source.splitlines(), source.splitlines(), strict=True) if pair[0] != pair[1])
        name, literal = new.split(" = ")[0], reply.edit.split(" = ")[1]
        assert new == old.replace(knobs[name].literal, literal, 1)
        assert reply.idea.endswith(f" {knobs[name].literal} -> {literal}") and reply.why
        sizes = {size: knobs[size].value for size in ("TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE")} | {name: value_of(literal)}
        accumulate, rest = divmod(sizes["TOTAL_BATCH_SIZE"], sizes["DEVICE_BATCH_SIZE"] * CONTEXT)  # type: ignore[operator]
        assert accumulate and not rest
        seen.add(source)
        verdict = "keep" if number % 4 == 0 else "discard"
        tried = (*request.tried, Tried(number, {name: (knobs[name].literal, literal)}, verdict))
        request = msgspec.structs.replace(request, source=source if verdict == "keep" else request.source, tried=tried)
    assert len(seen) == moves + 1


def test_a_whole_night_passes_the_gates_until_nothing_is_left() -> None:
    source, refused = "A_LR = 0.1\nB = 4\nC = 'x'  # one of: x, y\nSEED = 3\n", 0
    tried = {fingerprint(source): "experiment 0"}
    request = Request(draft="d", operator="tune", source=source, number=1, seed=7)
    for number in range(1, 12):
        request = msgspec.structs.replace(request, number=number, draft=f"d{number}", refusals=())
        try:
            while said := refusal(source, edited := apply(source, answer(request).edit), tried):
                request = msgspec.structs.replace(request, refusals=(*request.refusals, said))
                refused += 1
        except NothingLeft as error:
            assert "nothing left to try" in str(error)
            break
        tried[fingerprint(edited)] = f"experiment {number}"
        done = Tried(number, changed_knobs(source, edited) or {}, "discard")
        request = msgspec.structs.replace(request, tried=(*request.tried, done))
    assert number == 10 and refused == 0  # 4 + 4 + 1 moves, each made once


def test_a_restart_asks_again_and_gets_the_same_reply() -> None:
    assert answer(FIRST) == answer(FIRST)
    again = msgspec.structs.replace(FIRST, refusals=("This is experiment 3 again.",))
    assert answer(again) == answer(again) != answer(FIRST)


def test_another_seed_or_draft_is_another_draw() -> None:
    assert len({answer(msgspec.structs.replace(FIRST, seed=seed)).edit for seed in range(20)}) > 10
    assert len({answer(msgspec.structs.replace(FIRST, draft=f"d{draft}")).edit for draft in range(20)}) > 10


def test_the_order_holds_when_a_move_is_tried_meanwhile() -> None:
    second = changes(msgspec.structs.replace(FIRST, refusals=("no",)))
    assert changes(msgspec.structs.replace(FIRST, tried=(Tried(1, changes(FIRST), "discard"),))) == second


def test_what_was_kept_is_not_taken_back() -> None:
    tried = (Tried(1, {"LR": ("0.1", "0.2")}, "keep"),)
    assert all_moves("LR = 0.2\n", tried=tried) == {"LR": ["0.14", "0.28", "0.4"]}


def test_a_move_is_made_again_only_on_another_trunk_and_after_all_new_ones() -> None:
    lost = Tried(1, {"CAP": ("10.0", "20.0")}, "discard")
    kept = Tried(2, {"LR": ("0.1", "0.2")}, "keep")
    source = "LR = 0.2\nCAP = 10.0\n"
    assert "20.0" not in all_moves(source, tried=(kept, lost))["CAP"]
    last = Request(draft="d", operator="tune", source=source, number=3, seed=1, tried=(lost, kept), refusals=("no",) * 6)
    assert changes(last) == {"CAP": ("10.0", "20.0")}


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("MATRIX_LR = 0.04", ["0.02", "0.028", "0.056", "0.08"]),
        ("LR = 6e-4 * 2", ["0.0006", "0.00084", "0.0017", "0.0024"]),
        ("SHIFT = -1.0", ["-0.5", "-0.7", "-1.4", "-2.0"]),
        ("DEPTH = 8", ["11", "16", "4", "6"]),
        ("DEPTH = 1", ["2"]),
        ("WIDTH = 768", ["1024", "1536", "512"]),
        ("ROPE_BASE = 10000", ["14000", "20000", "5000", "7000"]),
        ("WIDTH = 2 ** 8", ["2**7", "2**9"]),
        ("HEAD_DIM = 128", ["256", "64"]),
        ("MOMENTUM = 0.95", ["0.9", "0.93", "0.965", "0.975"]),
        ("MOMENTUM = 0.5", ["0.25", "0.35", "0.7"]),
        ("WARMDOWN_RATIO = 0.7", ["0.35", "0.49", "0.98", "1.0"]),
        ("WARMDOWN_RATIO = 1.0", ["0.5", "0.7"]),
        ("SHORT = 0.5  # as a share of the context", ["0.25", "0.35", "0.7", "1.0"]),
        ("DROPOUT = 0.0", ["0.05", "0.1", "0.2"]),
        ("WEIGHT_DECAY = 0.0", ["0.001", "0.01", "0.1"]),
        ("BETAS = (0.5, 0.9)", ["(0.25, 0.9)", "(0.35, 0.9)", "(0.5, 0.8)", "(0.5, 0.86)", "(0.5, 0.93)", "(0.5, 0.95)", "(0.7, 0.9)"]),
        ("BIAS = False", ["True"]),
        ("STEPS = 5  # one of: 3, 4, 5; more is slower", ["3", "4"]),
        ("KIND = 'a'  # one of: a, b", ["'b'"]),
    ],
)
def test_a_knob_moves_to_values_that_make_sense_for_it(source: str, values: list[str]) -> None:
    name = source.split()[0]
    assert all_moves(source + "\n") == {name: values}


@pytest.mark.parametrize(
    "source", ["SEED = 42", "EVAL_TOKENS = 64", "KIND = 'a'", "KV_HEADS = 0", "OFFSET = 0.0", "X = None", "x = 1", "", "X = ("]
)
def test_where_no_value_makes_sense_a_sentence_says_so(source: str) -> None:
    with pytest.raises(ResearcherDown, match=r"sweep (finds no knobs|has nothing left)"):
        answer(Request(draft="d", operator="tune", source=source + "\n", number=1, seed=1))


def test_an_upstream_train_is_understood_as_it_is() -> None:
    moves = all_moves(UPSTREAM, CONTEXT)
    assert moves.keys() == {"ASPECT_RATIO", "TOTAL_BATCH_SIZE", "WARMUP_RATIO", "DEPTH", "DEVICE_BATCH_SIZE"}
    assert moves["TOTAL_BATCH_SIZE"] == ["2**18", "2**20"]


@given(st.integers(0, 12), st.integers(0, 8), st.integers(0, 12), st.booleans())
def test_batch_sizes_stay_whole_passes(passes: int, device: int, context: int, known: bool) -> None:
    total = (passes + 1) * 2**device * 2**context
    source = f"TOTAL_BATCH_SIZE = {total}\nDEVICE_BATCH_SIZE = {2**device}\nLR = 1.0\n"
    moves = all_moves(source, 2**context if known else 0)
    for name in ("TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE"):
        for value in moves.get(name, []):
            new = {"TOTAL_BATCH_SIZE": total, "DEVICE_BATCH_SIZE": 2**device} | {name: int(value)}
            accumulate, rest = divmod(new["TOTAL_BATCH_SIZE"], new["DEVICE_BATCH_SIZE"] * 2**context)
            assert accumulate and not rest
    assert str(2 * total) in moves["TOTAL_BATCH_SIZE"]


def test_knobs_that_others_depend_on_come_up_less_often() -> None:
    source = "HEAD_DIM = 128\nROPE_BASE = 128\n"
    asked = (Request(draft=f"d{number}", operator="tune", source=source, number=number, seed=1) for number in range(200))
    heads = sum("HEAD_DIM" in answer(request).edit for request in asked)
    assert 20 < heads < 80


def test_a_persons_idea_is_proposed_exactly() -> None:
    reply = answer(msgspec.structs.replace(FIRST, idea="SET MATRIX_LR = 0.0123"))
    assert (reply.idea, reply.edit) == ("matrix LR 0.04 -> 0.0123", "SET MATRIX_LR = 0.0123")


@pytest.mark.parametrize(
    ("idea", "reason"),
    [
        ("use a smaller learning rate", "sweep understands `SET NAME = value`"),
        ("SET MATRX_LR = 0.02", "the nearest is MATRIX_LR"),
        ("SET MATRIX_LR = fast", "no plain value"),
        ("SET MATRIX_LR = 4e-2", "changes nothing"),
    ],
)
def test_an_idea_that_cannot_be_understood_is_said(idea: str, reason: str) -> None:
    with pytest.raises(NotUnderstood, match=reason):
        answer(msgspec.structs.replace(FIRST, idea=idea))


def test_a_refused_idea_is_not_proposed_again() -> None:
    with pytest.raises(NotUnderstood, match="This is experiment 3 again"):
        answer(msgspec.structs.replace(FIRST, idea="SET DEPTH = 6", refusals=("This is experiment 3 again.",)))
