"""An honest trial: it trains, it is measured, and the same trial again gives the same number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.trials import Outcome


@pytest.mark.slow
def test_a_fixed_number_of_steps_gives_the_same_number_to_the_last_digit(trial: Callable[..., Outcome], train: str) -> None:
    first, second = (trial(train, name, steps=50) for name in ("first", "second"))
    assert first.val_bpb == second.val_bpb
    assert 1.0 < first.val_bpb < 4.0
    assert trial(train, "other", steps=50, seed=43).val_bpb != first.val_bpb
