"""Signs that a training's own words do not fit its log, its files, our clock or each other; and none of them for an honest one."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from autoresearch_tui.engine.evidence import Seen, signs

SUMMARY = {
    "val_bpb": "0.997900",
    "training_seconds": "300.1",
    "total_seconds": "325.9",
    "peak_vram_mb": "45060.2",
    "mfu_percent": "39.80",
    "total_tokens_M": "499.6",
    "num_steps": "953",
}
TRAIN = "TOTAL_BATCH_SIZE = 2**19\n"


def seen(steps: int = 953, dt_ms: float = 315, before: str = "", train: str = TRAIN, **summary: str) -> Seen:
    """A training on an H100 as upstream's readme shows it, but for what is said here."""
    lines = [f"step {step:05d} ({step / 9.53:.1f}%) | loss: 3.0 | dt: {dt_ms:.0f}ms | remaining: 1s    " for step in range(steps)]
    end = "".join(f"{name + ':':17} {value}\n" for name, value in (SUMMARY | summary).items())
    return Seen("\r".join(lines) + f"\n{before}---\n{end}", seconds=340.0, train=train)


def evidence(one: Seen, **how: Any) -> str:
    return "; ".join(signs(one, 300.0, **how))


def test_an_honest_training_leaves_none() -> None:
    assert evidence(seen()) == ""


@pytest.mark.parametrize(
    "honest",
    [
        seen(train="TOTAL_BATCH_SIZE = batch_of(DEPTH)\n", total_tokens_M="17.0"),
        seen(train="not Python (", total_tokens_M="17.0"),
        seen(mfu_percent="n/a", total_tokens_M="n/a", total_seconds="n/a"),
        seen(steps=30, dt_ms=14_000, num_steps="30", total_tokens_M="15.7", training_seconds="313.9"),
        seen(steps=24, dt_ms=20_000, num_steps="24", total_tokens_M="12.6", training_seconds="319.5"),
        replace(seen(), seconds=372.0),
        replace(seen(total_seconds="3925.9"), gap_s=3600.0),
        Seen("no summary", 1.0),
        Seen("", 0.0),
    ],
    ids=["no constant", "no Python", "not said", "slow steps", "one step too many", "slow imports", "slept", "no summary", "nothing"],
)
def test_what_is_not_known_or_has_a_reason_is_no_sign(honest: Seen) -> None:
    assert evidence(honest) == ""


@pytest.mark.parametrize(
    ("odd", "sign"),
    [
        (replace(seen(), changed=("prepare.py",)), "prepare.py was changed while it trained"),
        (replace(seen(), shrank=True), "its log shrank while it trained"),
        (seen(mfu_percent="139.80"), "it claims 139.8% of what the GPU can do"),
        (seen(before="val_bpb: 0.9\n"), "2 lines of its log begin with val_bpb:"),
        (seen(total_tokens_M="999.3"), "it counts 999.3 M tokens, but 953 steps of 524,288 are 499.6 M"),
        (seen(training_seconds="330.0"), "it says that it trained 330.0 s of a budget of 300 s"),
        (
            seen(steps=1900, num_steps="1900", total_tokens_M="996.1"),
            "its steps after the warm-up took 595.0 s by its own log, of a budget of",
        ),
        (seen(total_seconds="425.9"), "it says that it took 425.9 s, but was over after 340.0 s by our clock"),
        (replace(seen(), seconds=700.0), "it says that it took 325.9 s, but took 700.0 s by our clock"),
    ],
)
def test_each_sign_is_a_sentence_of_its_own(odd: Seen, sign: str) -> None:
    said = signs(odd, 300.0)
    assert len(said) == 1
    assert said[0].startswith(sign)


def test_with_a_judge_of_ours_the_trainings_own_words_matter_less() -> None:
    odd = replace(seen(total_tokens_M="999.3", training_seconds="900.0", before="val_bpb: 0.9\n"), seconds=9.0)
    assert evidence(odd, judged=True) == ""
    assert len(signs(replace(odd, changed=("prepare.py", "profile.toml"), shrank=True), 300.0, judged=True)) == 3
    assert "139.8%" in evidence(seen(mfu_percent="139.8"), judged=True)


def test_the_metric_may_have_another_name() -> None:
    assert evidence(seen(before="accuracy: 1\naccuracy: 2\n"), metric="accuracy") == "2 lines of its log begin with accuracy:"
