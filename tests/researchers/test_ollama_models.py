"""Which model of an ollama: names, sizes, addresses, and the one that fits the card."""

from __future__ import annotations

import pytest

from autoresearch_tui.researchers.ollama_models import (
    Installed,
    address_of,
    choose,
    is_cloud,
    needed,
    same,
)

GB = 1000**3


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0:8080/", "http://127.0.0.1:8080"),
        ("'gpu-box:11435'", "http://gpu-box:11435"),
        ("gpu-box.lan/", "http://gpu-box.lan:11434"),
        ("http://gpu-box", "http://gpu-box:80"),
        ("https://gpu-box/ollama/", "https://gpu-box:443/ollama"),
        ("gpu-box:1/ollama", "http://gpu-box:1/ollama"),
        ("http://me:secret@gpu-box", "http://gpu-box:80"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ("[::]:8080", "http://[::1]:8080"),
        ("http://[fe80::1]:8080/", "http://[fe80::1]:8080"),
    ],
)
def test_whatever_names_a_server_becomes_its_address(text: str, address: str) -> None:
    assert address_of(text) == address
    assert address_of(address) == address


@pytest.mark.parametrize("text", ["ftp://box", "box:port", "box:99999", "a b", "http://[::1", "http://" + "x" * 64])
def test_what_names_none_is_refused_with_what_it_was(text: str) -> None:
    with pytest.raises(ValueError, match="OLLAMA_HOST is"):
        address_of(text)


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "glm-5:cloud", "me/glm:CLOUD", "gpt-oss:20b:cloud"])
def test_names_that_are_forwarded_are_known(name: str) -> None:
    assert is_cloud(name)


@pytest.mark.parametrize("name", ["cloud", "my-cloud", "my-cloud:8b", "qwen3:8b", "box:5000/cloud/qwen3:8b"])
def test_a_cloud_in_another_place_forwards_nothing(name: str) -> None:
    assert not is_cloud(name)


def test_a_name_without_a_tag_is_the_latest() -> None:
    assert same("qwen3", "qwen3:latest")
    assert same("Qwen3:8B", "qwen3:8b")
    assert same("box:5000/me/qwen3", "box:5000/me/qwen3:latest")
    assert not same("qwen3", "qwen3:8b")


QWEN8 = Installed("qwen3:8b", 5_200_000_000, 8.2)
CODER32 = Installed("qwen2.5-coder:32b", 19_900_000_000, 32.8)
MINE = Installed("mine:70b", 43 * GB, 70.0)
EMBEDS = Installed("nomic-embed-text", 274_000_000, 0.137, "nomic-bert", writes=False)
FORWARDED = Installed("gpt-oss:120b-cloud", 384, 117, forwarded=True)
ALL = (QWEN8, CODER32, MINE, EMBEDS, FORWARDED)


@pytest.mark.parametrize(
    ("free_gb", "chosen"),
    [(80, "qwen2.5-coder:32b"), (24, None), (27, "qwen2.5-coder:32b"), (12, "qwen3:8b"), (6, None), (0, None)],
)
def test_the_largest_that_fits_with_its_window_is_chosen(free_gb: int, chosen: str | None) -> None:
    assert choose([CODER32, EMBEDS, FORWARDED] if chosen is None else ALL, free_gb * GB) == chosen


def test_an_unknown_model_is_better_than_none() -> None:
    assert choose([MINE, EMBEDS], 80 * GB) == "mine:70b"


def test_a_longer_window_needs_more_of_the_card() -> None:
    assert 7 * GB < needed(QWEN8, 8192) < needed(QWEN8, 16384) < 10 * GB
    assert choose([QWEN8], 9 * GB, 16384) == "qwen3:8b"
    assert choose([QWEN8], 9 * GB, 65536) is None
