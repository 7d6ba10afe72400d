"""A researcher is found by the name that a setting gives it."""

from __future__ import annotations

import asyncio

import pytest

from autoresearch_tui.researchers import KNOWN, UnknownResearcher, named


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_researcher_can_be_had(name: str) -> None:
    assert named(name).name == name


@pytest.mark.parametrize("spec", ["", "swep", "sweep:9b"])
def test_an_unknown_one_is_answered_with_those_there_are(spec: str) -> None:
    with pytest.raises(UnknownResearcher, match=f"no researcher `{spec}`; there is: sweep"):
        named(spec)


def test_sweep_needs_nothing_and_holds_nothing() -> None:
    assert asyncio.run(named("sweep").check()) is None
    asyncio.run(named("sweep").release())
