"""What a card says that is not NVIDIA's: AMD's in the files of its driver, and what can be said of a Mac."""

from __future__ import annotations

import platform
import shutil
import time
from pathlib import Path

import pytest

from autoresearch_tui.telemetry import amd
from autoresearch_tui.telemetry.amd import AmdCard
from autoresearch_tui.telemetry.apple import AppleCard
from autoresearch_tui.telemetry.gpu import Sampler
from autoresearch_tui.telemetry.sample import Absent, Faulty

GB = 10**9
FILES = {
    "vendor": "0x1002",
    "device": "0x744c",
    "unique_id": "8f3a11c0deadbeef",
    "product_name": "AMD Radeon RX 7900 XTX",
    "mem_info_vram_total": str(24 * GB),
    "mem_info_vram_used": str(7 * GB),
    "gpu_busy_percent": "97",
    "pp_dpm_sclk": "0: 500Mhz\n1: 2304Mhz *\n2: 2526Mhz",
    "hwmon/hwmon3/power1_average": "301000000",
    "hwmon/hwmon3/power1_cap": "327000000",
    "hwmon/hwmon3/temp1_input": "66000",
    "hwmon/hwmon3/freq1_input": "2304000000",
}
UNTOLD = {"processes", "throttle", "energy_j"}


def put(name: str, **changes: str) -> Path:
    """A card's folder; a change to nothing takes a file away."""
    device = amd.DRM / name / "device"
    for file, text in {**FILES, **changes}.items():
        if text:
            (device / file).parent.mkdir(parents=True, exist_ok=True)
            (device / file).write_text(text + "\n")
    return device


def test_a_card_of_amd_tells_its_load_from_files() -> None:
    put("card0")
    before = time.time()
    sample = AmdCard().read()
    assert before <= sample.at <= time.time()
    assert (sample.name, sample.uuid, sample.source) == ("AMD Radeon RX 7900 XTX", "GPU-8f3a11c0deadbeef", "amd sysfs")
    assert (sample.memory_total, sample.memory_used, sample.util) == (24 * GB, 7 * GB, 97)
    assert (sample.power_w, sample.power_limit_w, sample.temperature_c) == (301.0, 327.0, 66)
    assert (sample.sm_mhz, sample.sm_mhz_max) == (2304, 2526)
    assert sample.why == dict.fromkeys(UNTOLD, "the driver's files do not tell it") and not sample.fault


def test_newer_cards_tell_their_power_under_another_name() -> None:
    put("card0", **{"hwmon/hwmon3/power1_average": "", "hwmon/hwmon3/power1_input": "55000000"})
    assert AmdCard().read().power_w == 55.0


def test_a_file_that_is_missing_or_strange_hides_no_other() -> None:
    put("card0", gpu_busy_percent="", pp_dpm_sclk="", **{"hwmon/hwmon3/temp1_input": "n/a"})
    sample = AmdCard().read()
    assert sample.why.keys() - UNTOLD == {"util", "sm_mhz_max", "temperature_c"}
    assert all(sample.why.values()) and sample.memory_used == 7 * GB


def test_the_card_with_the_most_memory_comes_before_a_processor_that_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    put("card0", mem_info_vram_total=str(GB // 2), product_name="", unique_id="")
    put("card1")
    put("card2", vendor="0x10de")
    put("card3", mem_info_vram_total="")
    assert [(card.index, card.uuid, card.name) for card in amd.cards()] == [
        (0, "GPU-8f3a11c0deadbeef", "AMD Radeon RX 7900 XTX"),
        (1, "card0", "AMD 0x744c"),
    ]
    assert AmdCard().read().memory_total == 24 * GB
    assert AmdCard("1").read().memory_total == AmdCard("card0").read().memory_total == GB // 2
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "1")
    assert AmdCard().read().memory_total == GB // 2
    assert [card.uuid for card in amd.cards()] == ["card0"]
    with pytest.raises(Faulty, match=r"There is no GPU 5 here: name one of 0 \(AMD Radeon RX 7900 XTX\), 1 \(AMD 0x744c\)\."):
        AmdCard("5")


def test_a_card_whose_driver_was_unloaded_is_gone() -> None:
    device = put("card0")
    card = AmdCard()
    shutil.rmtree(device)
    sample = card.read()
    assert sample.fault == "gone" and "sudo modprobe amdgpu" in sample.said
    with pytest.raises(Absent, match="No AMD card is here"):
        AmdCard()


def test_a_card_of_amd_is_watched_where_there_is_none_of_nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # NVIDIA's, if any, are hidden
    put("card0")
    sampler = Sampler(period_s=0.01)
    sampler.start()
    deadline = time.monotonic() + 10
    while sampler.latest() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    sampler.stop()
    latest = sampler.latest()
    assert latest is not None and latest.source == "amd sysfs"


def test_of_a_mac_little_can_be_said_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Absent):
        AppleCard()
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr("subprocess.run", lambda *words, **how: __import__("types").SimpleNamespace(stdout="Apple M4 Max\n"))
    sample = AppleCard().read()
    assert (sample.name, sample.unified, sample.source, sample.fault) == ("Apple M4 Max", True, "apple", "")
    assert (sample.memory_total or 0) > 0 and "sudo powermetrics" in sample.said
    assert sample.why["util"] == sample.why["processes"] == "a Mac tells it to root alone"
