"""How long the card waits between two trials for a model that takes two seconds to answer: measured, and printed."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest

from tests.engine.models import Lab, gaps, turning
from tests.engine.nights import TRAIN
from tests.servers import openai
from tests.servers.wire import serving

THINKS_S, TRAINS_S = 2.0, 5.0


@pytest.mark.slow
@pytest.mark.parametrize(("overlap", "experiments", "most"), [("on", 20, 0.5), ("auto", 8, THINKS_S + 0.5)], ids=["beside", "in turn"])
def test_the_card_waits_half_a_second_and_for_the_answer_where_they_share_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlap: str, experiments: int, most: float
) -> None:
    monkeypatch.setenv("TORCH_STUB_SECONDS", str(TRAINS_S))
    lab = Lab(tmp_path, TRAIN)
    server = openai.OpenAI(replies=turning(THINKS_S, "SOFTCAP", 30.0, 5.0))  # each is worse, so the trunk stays where it is
    with serving(server.answer) as wire:
        lab.night("openai:toy", experiments, **{"openai.address": wire.address, "run.overlap": overlap})
    waits = sorted(gaps(lab.facts))
    print(f"\n{overlap}: between {len(waits) + 1} trials the card waited {median(waits):.2f} s in the middle, {waits[-1]:.2f} s at most")
    assert median(waits) <= most
    assert waits[-1] <= 2 * most
