"""What the name of a model says of its size, and what one of that size is taught."""

from __future__ import annotations

import pytest

from autoresearch_tui.researchers.sizes import billions, dialects_for


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8.2B", 8.2),
        ("334M", 0.334),
        ("8x7B", 56),
        ("qwen3:30b-a3b", 30),
        ("qwen2.5-coder:14b", 14),
        ("Qwen/Qwen2.5-14B-Instruct-1M", 14),
        ("gpt-oss", 0),
        ("", 0),
        ("gemma3n:e4b", 0),
    ],
)
def test_a_size_is_read_where_it_is_said(text: str, size: float) -> None:
    assert billions(text) == pytest.approx(size)


def test_small_models_are_taught_the_smallest_edits_first() -> None:
    assert dialects_for(8.2) == dialects_for(14) == dialects_for(0) == ("set", "blocks", "function")
    assert dialects_for(14.8) == dialects_for(120) == ("blocks", "set", "function", "file")


def test_a_hosted_model_that_does_not_say_is_a_large_one() -> None:
    assert dialects_for(0, hosted=True) == dialects_for(120)
    assert dialects_for(8.2, hosted=True) == dialects_for(8.2)
