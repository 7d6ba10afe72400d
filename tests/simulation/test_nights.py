"""The judge beside the rule that everybody uses, on the same ideas: two hundred whole nights at each noise."""

from __future__ import annotations

import pytest

from tests.simulation.nights import compare, judged


@pytest.mark.slow
@pytest.mark.parametrize(("sigma", "gain"), [(3e-4, 0.85), (1e-3, 0.95), (3e-3, 1.3)])
def test_the_judge_finds_as_much_and_claims_less(sigma: float, gain: float) -> None:
    """Second looks, the noise, drift and the closing measurement are all paid for out of the same 96 trials."""
    nights = compare(sigma, 200)
    assert nights.gain >= gain
    assert nights.over_claim <= 0.6 and abs(nights.over_claim_closed) <= 0.2
    assert nights.honest("sure") > 0.9 > nights.honest("unsure")
    assert sum(night.covered for night in nights.judged) >= 180  # nineteen of twenty, less what two hundred nights may be off


def test_the_same_night_is_the_same_night() -> None:
    assert judged(1e-3, 7) == judged(1e-3, 7)
