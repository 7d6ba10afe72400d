"""What a card says of itself, told by an NVML that is a table."""

from __future__ import annotations

from types import SimpleNamespace

import pynvml
import pytest

from autoresearch_tui.telemetry.gpu import energy_kwh, free_memory

CARDS = {0: SimpleNamespace(free=10_000, millijoules=3_600_000_000), 1: SimpleNamespace(free=20_000, millijoules=0)}
NAMED = {"GPU-8f3": CARDS[1]}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Two cards, of which the second has a name."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetHandleByIndex": CARDS.__getitem__,
        "nvmlDeviceGetHandleByUUID": NAMED.__getitem__,
        "nvmlDeviceGetMemoryInfo": lambda card: card,
        "nvmlDeviceGetTotalEnergyConsumption": lambda card: card.millijoules,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)
    return monkeypatch


@pytest.mark.parametrize(("visible", "free"), [("", 10_000), ("1,0", 20_000), ("GPU-8f3", 20_000)])
def test_the_first_card_that_may_be_seen_answers(table: pytest.MonkeyPatch, visible: str, free: int) -> None:
    table.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert free_memory() == free


def test_energy_is_told_in_kilowatt_hours(table: pytest.MonkeyPatch) -> None:
    assert energy_kwh() == 1.0


def test_what_a_card_does_not_say_is_not_known(table: pytest.MonkeyPatch) -> None:
    def silent(card: object) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    table.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", silent)
    assert (free_memory(), energy_kwh()) == (10_000, None)


def test_without_a_driver_nothing_is_known(table: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    table.setattr(pynvml, "nvmlInit", missing)
    assert (free_memory(), energy_kwh()) == (None, None)
