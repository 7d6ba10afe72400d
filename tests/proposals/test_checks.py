"""What would waste a trial is refused before one starts, and what is an idea is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.proposals.checks import fingerprint, refusal
from autoresearch_tui.proposals.knobs import NotPython

TRAIN = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")
SMALL = '''import torch
import prepare

SEED = 42
LR = 0.04  # of all
LAYERS = 2**3


def build_model(width=64, *, bias=False):
    """The model."""
    torch.manual_seed(prepare.SEED)
    return torch.nn.Linear(width, LAYERS, bias=bias)


if __name__ == "__main__":
    prepare.save(build_model(), shuffle=torch.Generator().manual_seed(SEED))
'''


def judged(old: str, new: str, *, contract: bool = False) -> str | None:
    assert SMALL.count(old) == 1
    problem = refusal(SMALL, SMALL.replace(old, new), {}, contract=contract)
    return str(problem) if problem else None


def test_an_idea_may_be_trained() -> None:
    assert judged("LR = 0.04", "LR = 0.02", contract=True) is None
    assert judged("width=64", "width=32", contract=True) is None
    assert judged("return torch", "torch.set_float32_matmul_precision('high')\n    return torch") is None
    assert refusal(TRAIN, TRAIN.replace("DEPTH = 8", "DEPTH = 6"), {}, contract=True) is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("LR", "LR", "changes nothing"),
        ("  # of all", "  # of everything", "nothing but comments"),
        ('"""The model."""\n    ', "", "nothing but comments"),
        ("LAYERS = 2**3", "\nLAYERS = 8", "nothing but comments"),
        ("SEED = 42", "SEED = 43", "only the seed"),
        ("SEED = 42", "SEED: int = 43", "only the seed"),
        ("SEED = 42\n", "SEED = 42\nMY_SEED = 7\ntorch.cuda.manual_seed_all(MY_SEED)\n", "only the seed"),
        ("prepare.SEED", "prepare.SEED + 1", "only the seed"),
        ("    torch.manual_seed(prepare.SEED)\n", "", "only the seed"),
        ("manual_seed(SEED)", "manual_seed(7)", "only the seed"),
        ("bias=bias)", "bias=bias", "line 12 is not Python"),
        ("LR = 0.04", "return", "line 5: 'return' outside function"),
        ("LR = 0.04", "LR = '\0'", "NUL"),
        ("LR = 0.04", "LR = '\ud800'", "characters that no file can hold"),
        ("LR = 0.04", "LR = " + "(" * 300 + ")" * 300, "nested|parenthes"),
        ("LR = 0.04", "LR = LAYERS" + " + LAYERS" * 3000, "nested too deeply"),
        ("LR = 0.04", "LR = " + "-" * 50_000 + "1", "nested too deeply"),
        ("LR = 0.04", f"LR = '{'x' * 400_000}'", "characters long"),
    ],
)
def test_what_would_waste_a_trial_is_refused_with_the_reason(old: str, new: str, reason: str) -> None:
    said = judged(old, new)
    assert said is not None
    assert said.endswith(".") and len(said) < 200
    assert any(part in said for part in reason.split("|")), said


def test_a_seed_that_changes_beside_an_idea_is_no_reason() -> None:
    assert judged("SEED = 42\nLR = 0.04", "SEED = 43\nLR = 0.02") is None


def test_an_experiment_is_not_made_twice_however_it_is_written() -> None:
    tried = {fingerprint(SMALL.replace("2**3", "16")): "experiment 12"}
    said = refusal(SMALL, SMALL.replace("2**3  ", "2**4").replace("2**3", "2**4  # wider").replace("LR = 0.04", "LR = 4e-2"), tried)
    assert str(said) == "This is experiment 12 again: the very same code was trained already."


def test_a_train_that_is_broken_may_be_mended() -> None:
    assert refusal(SMALL + "if\n", SMALL, {}) is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("import prepare\n", "import prepare.py as prepare\n", "must import prepare"),
        ('if __name__ == "__main__":', "if True:", "__main__"),
        ("def build_model(", "def make_model(", "must define `build_model()`"),
        ("def build_model(", "async def build_model(", "must define `build_model()`"),
        ("def build_model(width=64, *, bias=False)", "def build_model(width, /, *, bias)", "this one needs width, bias"),
    ],
)
def test_the_contract_is_asked_for_only_where_the_harness_needs_it(old: str, new: str, reason: str) -> None:
    assert reason in (judged(old, new, contract=True) or "")
    assert judged(old, new) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("import prepare\n", "from prepare import save\nimport prepare\n"),
        ('__name__ == "__main__"', '"__main__" == __name__ and LR'),
        ("def build_model(", "if LR:\n    def build_model(): pass\nelse:\n    build_model = print\ndef build_model("),
    ],
)
def test_the_contract_can_be_kept_in_more_than_one_way(old: str, new: str) -> None:
    assert judged(old, new, contract=True) is None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_refused_or_can_be_told_from_others(text: str) -> None:
    if refusal(SMALL, text, {}) is None:
        assert fingerprint(text) != fingerprint(SMALL)


def test_what_is_not_python_has_no_fingerprint() -> None:
    with pytest.raises(NotPython):
        fingerprint("x = (")
