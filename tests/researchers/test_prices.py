"""What tokens cost: the bundled table, a person's own over it, and every way in which that can be wrong."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from autoresearch_tui.researchers.prices import Prices, PricesError, Usage

BUNDLED = Prices.load()


def test_the_table_says_of_when_it_is() -> None:
    assert BUNDLED.as_of == datetime.date(2026, 11, 20)


def test_each_kind_of_token_has_its_price() -> None:
    usage = Usage(fresh=1_000_000, written_5m=1_000_000, written_1h=1_000_000, read=1_000_000, out=1_000_000)
    assert BUNDLED.cost("claude-opus-5-5", usage) == pytest.approx(4 + 5 + 8 + 0.20 + 20)
    assert BUNDLED.cost("claude-sonnet-5-5", Usage(read=1_000_000)) == pytest.approx(0.10)


def test_a_long_prompt_reprices_all_of_the_request_and_a_long_answer_does_not() -> None:
    assert BUNDLED.cost("claude-haiku-5-5", Usage(fresh=60_000, read=40_000, out=200_000)) == pytest.approx(0.0060 + 0.0004 + 0.10)
    assert BUNDLED.cost("claude-haiku-5-5", Usage(fresh=60_000, read=40_001, out=1000)) == pytest.approx(0.030 + 0.00200005 + 0.0025)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-opus-5-20260724", "claude-opus-5"),
    ],
)
def test_a_dated_model_costs_what_its_family_does(model: str, family: str) -> None:
    assert BUNDLED.of(model) == BUNDLED.of(family) is not None


@pytest.mark.parametrize(
    "model",
    [
        "",
        "claude-opus-6",
        "claude-opus-5-6",
        "claude-opus-55",
        "claude-haiku",
        "claude-haiku-4-5-2025",
        "claude-haiku-4-5-20251001-x",
        "qwen3",
    ],
)
def test_an_unknown_model_has_no_cost_and_never_none_at_all(model: str) -> None:
    assert BUNDLED.cost(model, Usage()) is None


def test_a_file_of_ones_own_adds_models_and_replaces_the_bundled(tmp_path: Path) -> None:
    own = _file(tmp_path, '[model."qwen/qwen3-coder"]\ninput = 1\noutput = 2.5\n\n[model.claude-opus-5-5]\ninput = 3\noutput = 15\n')
    prices = Prices.load(own)
    assert prices.cost("qwen/qwen3-coder", Usage(fresh=1_000_000, read=1_000_000, out=1_000_000)) == pytest.approx(1 + 1 + 2.5)
    assert prices.cost("claude-opus-5-5", Usage(written_1h=1_000_000)) == pytest.approx(3)  # what it leaves out costs as input
    assert prices.of("claude-haiku-5-5") == BUNDLED.of("claude-haiku-5-5")
    assert prices.as_of == BUNDLED.as_of


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("[model.x]\ninput = 1", 'model."x": object missing required field `output`'),
        ("[model.x]\ninput = 1\noutput = 2\ncached = 3", 'model."x": object contains unknown field `cached`'),
        ('[model.x]\ninput = "1 dollar"\noutput = 2', 'model."x".input'),
        ("[model.x]\ninput = 1\noutput = -2", 'model."x".output'),
        ("[model.x]\ninput = nan\noutput = 2", 'model."x".input'),
        ("[model.x]\ninput = 1\noutput = inf", 'model."x".output'),
        ("[model.x]\ninput = true\noutput = 2", 'model."x".input'),
        ("[model.x]\ninput = 1\noutput = 2\nabove = {tokens = 0, input = 1, output = 2}", 'model."x".above.tokens'),
        ("[model]\nx = 3", 'model."x"'),
        ("model = 3", "`model`"),
        ("[modell.x]\ninput = 1", "`modell`"),
        ('as_of = "today"', "`as_of`"),
        ("[model.x\ninput = 1", "line 1"),
        ("x" * (1 << 20) + "x", "1048576 bytes"),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_file_and_key(tmp_path: Path, written: str, key: str) -> None:
    own = _file(tmp_path, written)
    with pytest.raises(PricesError) as refused:
        Prices.load(own)
    said = str(refused.value)
    assert str(own) in said and key in said
    assert said.endswith(".") and "\n" not in said


def test_a_file_that_cannot_be_read_is_a_sentence_too(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[model."\xe9"]')
    for path in (tmp_path, tmp_path / "missing.toml", latin):
        with pytest.raises(PricesError, match=str(path)):
            Prices.load(path)


def _file(folder: Path, written: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(written)
    return path
