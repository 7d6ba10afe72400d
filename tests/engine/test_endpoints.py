"""What a server does not take is learned once, and known the next night."""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.engine.endpoints import keep, known, remind
from autoresearch_tui.researchers.openai import OpenAI
from autoresearch_tui.researchers.quirks import Quirks
from autoresearch_tui.researchers.sweep import Sweep

ODD = Quirks(without=("stream_options",), limit="max_completion_tokens")


def at(port: int) -> OpenAI:
    return OpenAI("toy", f"http://127.0.0.1:{port}/v1")


def test_each_endpoint_is_remembered_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "quirks.json"
    odd, plain = at(8080), at(8081)
    odd.quirks = ODD
    keep(path, [odd, plain, Sweep()])
    again, other = at(8080), at(8081)
    remind(path, [again, other, Sweep()])
    assert (again.quirks, other.quirks) == (ODD, Quirks())


def test_a_file_that_is_damaged_or_cannot_be_written_costs_a_few_requests(tmp_path: Path) -> None:
    path = tmp_path / "quirks.json"
    path.write_text("{")
    assert known(path) == {}
    odd = at(8080)
    odd.quirks = ODD
    keep(tmp_path / "nowhere" / "quirks.json", [odd])
