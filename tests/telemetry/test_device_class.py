"""The device whose numbers compare with each other: a card of any kind by its name, else the processor."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from autoresearch_tui.telemetry import amd
from autoresearch_tui.telemetry.machine import device_class
from tests.cards import LOST, MISMATCH, NO_PERMISSION, RESET, Card, write

pytestmark = pytest.mark.needs("gcc")


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    device_class.cache_clear()
    yield
    device_class.cache_clear()


def put_amd() -> None:
    folder = amd.DRM / "card0" / "device"
    folder.mkdir(parents=True)
    for name, text in {"vendor": "0x1002", "product_name": "AMD Radeon RX 7900 XTX", "mem_info_vram_total": "24000000000"}.items():
        (folder / name).write_text(text + "\n")


def test_numbers_compare_on_cards_of_the_same_name(scene: Path) -> None:
    write(scene, Card("GPU-8f3a"), Card("GPU-11c0", "NVIDIA RTX A6000"))
    assert device_class() == "NVIDIA GeForce RTX 4090"
    assert device_class("cpu").startswith("cpu ")


def test_a_card_of_amd_is_named_where_there_is_none_of_nvidia(scene: Path) -> None:
    put_amd()
    assert device_class() == "AMD Radeon RX 7900 XTX"
    assert device_class("cpu").startswith("cpu ")


def test_without_a_card_it_is_the_processor(scene: Path) -> None:
    assert device_class().startswith("cpu ")


def test_a_mac_is_named_by_its_chip(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr("subprocess.run", lambda *words, **how: SimpleNamespace(stdout="Apple M4 Max\n"))
    assert device_class() == "Apple M4 Max"


@pytest.mark.parametrize(("code", "fault"), [(MISMATCH, "mismatch"), (NO_PERMISSION, "unknown")])
def test_a_driver_that_does_not_open_makes_no_processor_of_a_card(scene: Path, code: int, fault: str) -> None:
    put_amd()
    write(scene, Card(), init=code)
    assert device_class() == f"unusable GPU: {fault}", "and no other card takes its place"


@pytest.mark.parametrize(("code", "fault"), [(LOST, "lost"), (RESET, "reset")])
def test_a_card_that_is_lost_is_a_card_and_one_that_still_says_its_name_is_known_by_it(scene: Path, code: int, fault: str) -> None:
    write(scene, Card(answers={"nvmlDeviceGetHandleByIndex_v2": code}))
    assert device_class() == f"unusable GPU: {fault}"
    device_class.cache_clear()
    write(scene, Card(answers={"nvmlDeviceGetMemoryInfo": code}))
    assert device_class() == "NVIDIA GeForce RTX 4090"
