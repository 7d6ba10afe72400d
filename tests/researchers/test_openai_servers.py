"""What the researcher `openai` finds out about its server, and what an address and a name tell by themselves."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_tui.researchers import Part, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.complaints import complaint, window_of
from autoresearch_tui.researchers.endpoint import base_of
from autoresearch_tui.researchers.openai import OpenAI
from tests.researchers.openai_nights import (
    CALM,
    CANARY,
    REQUEST,
    ask,
    flavoured,
    night,
    refusal,
    replied,
    text_of,
    usage_of,
)
from tests.servers import openai as servers
from tests.servers.openai_faults import REPLY
from tests.servers.wire import Heard, Line, serving

# ------------------------------------------------------------------------------------------------------------------------------
# What the server is
# ------------------------------------------------------------------------------------------------------------------------------


@flavoured
def test_a_look_finds_the_window_and_the_price(flavour: servers.Flavour) -> None:
    with night(servers.OpenAI(flavour, window=20_000)) as (researcher, _):
        assert asyncio.run(researcher.check()) is None
        assert (researcher.window, researcher.answer) == (0 if flavour == "llama-cpp-python" else 20_000, 4096)
        researcher.metered = True
        assert researcher.priced is (flavour == "openrouter")
        assert researcher.cost_of(1_000_000, 100_000) == (pytest.approx(3.0) if flavour == "openrouter" else None)
        assert usage_of(ask(researcher)).seen.get("context_length", 0) == researcher.window


def test_a_window_that_a_person_named_is_never_made_larger() -> None:
    with night(servers.OpenAI("vllm", window=20_000), window=8000) as (researcher, _):
        assert asyncio.run(researcher.check()) is None
        assert (researcher.window, researcher.answer) == (8000, 4000)
    with night(servers.OpenAI("vllm", window=20_000), window=50_000) as (researcher, _):
        assert asyncio.run(researcher.check()) is None
        assert researcher.window == 20_000


def test_a_server_that_was_started_again_with_a_larger_window_is_believed() -> None:
    standin = servers.OpenAI("vllm", window=4000)
    with night(standin) as (researcher, _):
        asyncio.run(researcher.check())
        assert (researcher.window, researcher.answer) == (4000, 2000)
        standin.window = 20_000
        asyncio.run(researcher.check())
        assert (researcher.window, researcher.answer) == (20_000, 4096)


def test_no_model_named_is_the_first_that_writes() -> None:
    standin = servers.OpenAI("lmstudio", models=("text-embedding-nomic", "qwen3-32b"))
    with night(standin, model="") as (researcher, _):
        assert asyncio.run(researcher.check()) is None
        assert (researcher.name, researcher.model, researcher.dialects[0]) == ("openai", "qwen3-32b", "blocks")
    with night(standin, model="") as (researcher, _):
        assert text_of(ask(researcher)) == REPLY  # asked before it was looked at
        assert standin.bodies[0]["model"] == "qwen3-32b"


def test_a_model_that_is_not_there_is_said_with_those_that_are() -> None:
    models = ("llama-3", "qwen3-8b", "qwen3-14b", "a", "b", "c", "d")
    with night(servers.OpenAI("vllm", models=models), model="qwen3-9b") as (researcher, _):
        assert "has no model `qwen3-9b`; it offers qwen3-" in (said := asyncio.run(researcher.check()) or "")
        assert said.endswith("and 2 more.")
    with night(servers.OpenAI("vllm", models=()), model="toy") as (researcher, _):
        assert "has no model loaded" in (asyncio.run(researcher.check()) or "")


def test_a_way_to_a_model_is_the_model() -> None:
    with night(servers.OpenAI("openrouter"), model="toy:nitro") as (researcher, _):
        assert asyncio.run(researcher.check()) is None
        researcher.metered = True
        assert not researcher.priced, "another way may have another price"


def test_a_server_that_lists_no_models_is_believed() -> None:
    def answer(heard: Heard, line: Line) -> None:
        line.answer(404, b"{}")

    with serving(answer) as server:
        assert asyncio.run(OpenAI("toy", server.address).check()) is None
        assert "knows no chat completions" in str(refusal(ResearcherDown, OpenAI("toy", server.address)))
        assert asyncio.run(OpenAI("", server.address).check()) is not None


@pytest.mark.parametrize("status", [401, 413, 500, 503])
def test_whatever_keeps_it_from_being_looked_at_is_a_sentence(status: int) -> None:
    def answer(heard: Heard, line: Line) -> None:
        line.answer(status, b"not today")

    with serving(answer) as server:
        assert "not today" in (asyncio.run(OpenAI("toy", server.address).check()) or "")


def test_what_lists_other_things_than_models_is_another_server() -> None:
    def answer(heard: Heard, line: Line) -> None:
        line.answer(200, b'{"status": "ok"}')

    with serving(answer) as server:
        assert "does not list models" in (asyncio.run(OpenAI("toy", server.address).check()) or "")


def test_a_server_on_a_unix_socket_is_this_machines(tmp_path: Path) -> None:
    async def through(path: Path, port: int) -> list[Part]:
        async def bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inside, outside = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_copy(reader, outside), _copy(inside, writer))

        async with await asyncio.start_unix_server(bridge, path):
            researcher = OpenAI("toy", f"unix:{path}", patience=CALM)
            assert not researcher.remote
            return await replied(researcher, REQUEST)

    with serving(servers.OpenAI("llamacpp").answer) as server:
        assert text_of(asyncio.run(through(tmp_path / "s", server.port))) == REPLY


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while raw := await reader.read(65536):
        writer.write(raw)
    writer.close()


# ------------------------------------------------------------------------------------------------------------------------------
# Addresses and names
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1"),
        ("localhost:1234", "http://localhost:1234/v1"),
        ("http://0.0.0.0:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ("[::]:8000", "http://[::1]:8000/v1"),
        ("example.invalid", "https://example.invalid/v1"),
        ("https://openrouter.ai/api/v1/chat/completions", "https://openrouter.ai/api/v1"),
        ("https://example.invalid/v1beta/openai", "https://example.invalid/v1beta/openai"),
        ("unix:/run/llama.sock", "unix:/run/llama.sock"),
    ],
)
def test_an_address_is_taken_as_people_write_it(address: str, base: str) -> None:
    assert base_of(address) == base


@pytest.mark.parametrize(
    "address", ["", "http://", "ftp://x", f"http://user:{CANARY}@x", "http://x:99999", f"http://x?key={CANARY}", "http://a\\@b"]
)
def test_what_is_no_address_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(ValueError, match="The address of a server is like") as caught:
        OpenAI("toy", address)
    assert CANARY not in str(caught.value)


def test_what_is_remote_is_metered_and_what_is_here_shares() -> None:
    away, here = OpenAI("toy", "https://openrouter.ai/api"), OpenAI("toy", "localhost:8080")
    assert (away.remote, away.metered, away.shares, away.priced) == (True, True, False, False)
    assert (here.remote, here.metered, here.shares, here.priced) == (False, False, True, True)
    assert not OpenAI("toy", "localhost:8080", shares=False).shares


def test_a_small_model_is_taught_the_smallest_edit() -> None:
    here, away = "localhost:8080", "https://openrouter.ai/api/v1"
    assert OpenAI("qwen3.5:9b", here).dialects[0] == OpenAI("mistralai/ministral-8b", away).dialects[0] == "set"
    assert OpenAI("some-model", here).dialects[0] == OpenAI("v4b-something", here).dialects[0] == "set"
    assert OpenAI("qwen3-30b-a3b", here).dialects[0] == OpenAI("gpt-oss-120B", here).dialects[0] == "blocks"
    assert OpenAI("some-model", away).dialects == ("blocks", "set", "function", "file")


@pytest.mark.parametrize(
    ("words", "window"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (8000 in the messages, ..", 4096),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 4096 tokens and your ..",
            4096,
        ),
        ("Trying to keep the first 9000 tokens when context the overflows. .. loaded with context length of only 4,096 tokens, ..", 4096),
        ("The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: 4096).", 4096),
        ("request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it", 8192),
        ("the request exceeds the available context size. try increasing the context size or enable context shift", 0),
        ("The input (9000 tokens) is longer than the model's context length (4096 tokens).", 4096),
        ("Requested tokens (2285) exceed context window of 2048", 2048),
        ("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000 `inputs` tokens ..", 4096),
        ("max_tokens must be at least 1, got -186.", 0),
        ("Context size has been exceeded.", 0),
    ],
)
def test_a_window_that_is_too_small_is_known_in_every_servers_words(words: str, window: int) -> None:
    assert window_of(complaint(400, {"error": {"message": words}})) == window

    def answer(heard: Heard, line: Line) -> None:
        line.answer(400, json.dumps({"object": "error", "message": words, "type": "BadRequestError", "code": 400}).encode())

    with serving(answer) as server:
        assert refusal(WindowExceeded, OpenAI("toy", server.address)).window == window


def test_httpx_is_imported_only_when_somebody_is_asked() -> None:
    code = "import sys; from autoresearch_tui.researchers.openai import OpenAI; OpenAI('toy', 'localhost'); print('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
