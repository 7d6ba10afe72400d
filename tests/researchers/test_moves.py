"""Which values make sense for a knob."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import read_knobs
from autoresearch_tui.researchers.moves import Move, moves_from
from tests.researchers.nights import CONTEXT, HEAD, UPSTREAM


def moves(source: str, context: int = 0) -> list[Move]:
    return list(moves_from(read_knobs(source + "\n"), context))


def new_values(source: str, context: int = 0) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for move in moves(source, context):
        found.setdefault(move.axis.knob, []).append(move.changes[0][2])
    return found


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("MATRIX_LR = 0.04", "0.08 0.02 0.057 0.028 0.048 0.034 0.16 0.01"),
        ("LR = 6e-4 * 2", "0.0024 0.0006 0.0017 0.00085 0.0014 0.001 0.0048 0.0003"),
        ("SHIFT = -1.0", "-2.0 -0.5 -1.4 -0.71 -1.2 -0.84 -4.0 -0.25"),
        ("DEPTH = 8", "16 4 11 6 10 7 32 2"),
        ("DEPTH = 2", "4 1 3 8"),
        ("DEPTH = 1", "2 4"),
        ("WIDTH = 768", "1536 512 1024"),
        ("ROPE_BASE = 10000", "20000 5000 14000 7000 12000 8000 40000 2000"),
        ("WIDTH = 2 ** 8", "2**9 2**7"),
        ("HEAD_DIM = 128", "256 64"),
        ("MOMENTUM = 0.95", "0.975 0.9 0.965 0.929 0.958 0.941 0.987 0.8"),
        ("MOMENTUM = 0.5", "0.75 0.65 0.29 0.58 0.41 0.88"),
        ("WARMDOWN_RATIO = 0.7", "1.0 0.34 0.92 0.51 0.81 0.6 0.11"),
        ("WARMDOWN_RATIO = 1.0", "0.56 0.77 0.88 0.25"),
        ("WARMDOWN_RATIO = 0.0", "0.06 0.02 0.25"),
        ("SHORT = 0.5  # as a share of the context", "0.92 0.21 0.69 0.34 0.59 0.42 1.0 0.04"),
        ("WEIGHT_DECAY = 0.0", "0.001 0.01 0.1"),
        ("WEIGHT_DECAY = 0.2", "0.4 0.1 0.28 0.14 0.24 0.17 0.8 0.05 0.0"),
        ("SOFTCAP = 15.0  # 0: no cap", "30.0 7.5 21.0 11.0 18.0 13.0 60.0 3.8 0.0"),
        ("BIAS = False", "True"),
        ("STEPS = 5  # one of: 3, 4, 5; more is slower", "3 4"),
        ("KIND = 'a'  # one of: a, b", "'b'"),
        ("HUGE_LR = 1e308", "5e+307 1.4e+308 7.1e+307 1.2e+308 8.4e+307 2.5e+307"),
    ],
)
def test_a_knob_moves_to_values_that_make_sense_for_it(source: str, values: str) -> None:
    assert new_values(source) == {source.split()[0]: values.split()}


@pytest.mark.parametrize("source", ["DROPOUT = 0.9", "LAYER_PROB = 0.6  # share of layers", "EMA = 0.6"])
def test_what_would_stop_everything_at_one_stays_below_it(source: str) -> None:
    assert all(0 <= float(value) < 1 for values in new_values(source).values() for value in values)


def test_of_a_tuple_one_number_moves_at_a_time() -> None:
    found = moves("ADAM_BETAS = (0.8, 0.95)")
    for move in found:
        assert isinstance(move.value, tuple)
        assert [i for i, (old, new) in enumerate(zip((0.8, 0.95), move.value, strict=True)) if old != new] == [move.axis.element]
    assert {move.axis.element for move in found} == {0, 1}


@pytest.mark.parametrize(
    "source", ["SEED = 42", "EVAL_TOKENS = 64", "KIND = 'a'", "KV_HEADS = 0", "OFFSET = 0.0", "X = None", "PEAK_FLOPS = 1e12"]
)
def test_luck_the_evaluation_and_what_cannot_be_scaled_are_left_alone(source: str) -> None:
    assert not moves(source)


def test_an_upstream_train_is_understood_as_it_is() -> None:
    found = new_values(UPSTREAM, CONTEXT)
    assert found.keys() == read_knobs(UPSTREAM).keys() - {"WINDOW_PATTERN", "H100_BF16_PEAK_FLOPS"}
    assert found["TOTAL_BATCH_SIZE"] == ["2**20", "2**18", "2**21", "2**17"]


def test_a_smaller_batch_takes_the_pass_along_that_no_longer_fits_in_it() -> None:
    source = "TOTAL_BATCH_SIZE = 4096\nDEVICE_BATCH_SIZE = 16"
    changes = [move.changes for move in moves(source, 256) if move.axis.knob == "TOTAL_BATCH_SIZE"]
    assert (("TOTAL_BATCH_SIZE", "4096", "2048"), ("DEVICE_BATCH_SIZE", "16", "8")) in changes
    assert (("TOTAL_BATCH_SIZE", "4096", "8192"),) in changes


@settings(max_examples=50)
@given(st.integers(0, 12), st.integers(0, 8), st.integers(0, 12), st.booleans())
def test_a_step_stays_whole_passes_of_whole_rows(passes: int, device: int, context: int, known: bool) -> None:
    sizes = {"TOTAL_BATCH_SIZE": (passes + 1) * 2**device * 2**context, "DEVICE_BATCH_SIZE": 2**device}
    source = "".join(f"{name} = {size}\n" for name, size in sizes.items())
    for move in moves(source, 2**context if known else 0):
        new = sizes | {name: int(literal) for name, _, literal in move.changes}
        accumulate, rest = divmod(new["TOTAL_BATCH_SIZE"], new["DEVICE_BATCH_SIZE"] * 2**context)
        assert accumulate and not rest
    assert str(2 * sizes["TOTAL_BATCH_SIZE"]) in new_values(source)["TOTAL_BATCH_SIZE"]


@pytest.mark.parametrize("source", [HEAD, UPSTREAM], ids=["ours", "upstream"])
def test_every_move_is_an_edit_that_applies(source: str) -> None:
    knobs = read_knobs(source)
    for move in moves_from(knobs, CONTEXT):
        edited = read_knobs(apply(source, "\n".join(f"SET {knob} = {new}" for knob, _, new in move.changes)))
        assert repr(edited[move.axis.knob].value) == repr(move.value) != repr(knobs[move.axis.knob].value)
        assert {name for name, knob in knobs.items() if knob != edited[name]} == {knob for knob, _, _ in move.changes}
