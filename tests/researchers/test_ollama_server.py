"""What the researcher `ollama` knows of its server: the window, the models, the memory; and that it speaks to no other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from typing import cast

import msgspec
import pytest

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.ollama import Ollama
from autoresearch_tui.researchers.ollama_models import Pulling
from tests.researchers.ollamas import CALM, REPLY, REQUEST, SHORT, Bed, bed, said
from tests.servers.ollama import Ollama as Stand_in
from tests.servers.ollama import turns_a_knob
from tests.servers.ollama_shapes import Model
from tests.servers.wire import Heard, Line, serving

# ------------------------------------------------------------------------------------------------------------------------------
# The window
# ------------------------------------------------------------------------------------------------------------------------------

LONG = msgspec.structs.replace(REQUEST, prompt=Prompt(rules="", code="LR = 0.2\n" * 4000, ask="", tokens=9000))


def test_a_prompt_that_does_not_fit_is_refused_by_the_server_and_said() -> None:
    with (
        bed(window=8192) as it,
        pytest.raises(WindowExceeded, match="the prompt does not fit the window of qwen3:8b: the prompt is longer"),
    ):
        it.ask(LONG)


def test_a_prompt_that_an_old_server_cut_in_silence_is_noticed() -> None:
    only = r"ollama read only 2048 tokens of about 9000: its window is not the 16384 tokens that were asked for\."
    with bed(models=(Model(window=4096),), old=True) as it, pytest.raises(WindowExceeded, match=only):
        it.ask(LONG)


def test_a_window_that_is_smaller_than_was_asked_is_noticed_with_its_size() -> None:
    with bed(models=(Model(window=4096),)) as it:
        assert said(it.ask()) == REPLY  # this one fits
        assert it.researcher.window == 4096
        assert it.researcher.warning == "ollama gave qwen3:8b a window of 4096 tokens instead of 16384."
        it.ask()
    assert [body["options"]["num_ctx"] for body in it.ollama.chats] == [16384, 16384]  # another one would load the model again


def test_a_model_that_is_partly_on_the_cpu_is_a_warning() -> None:
    with bed(models=(Model(on_gpu=0.75),)) as it:
        assert it.ask()[-1].seen["on_cpu_share"] == pytest.approx(0.25)
    assert "25% of it is on the CPU" in it.researcher.warning


def test_a_server_that_does_not_tell_what_it_holds_is_asked_no_longer_than_that() -> None:
    stand_in = Stand_in(lambda heard: REPLY)

    def answer(heard: Heard, line: Line) -> None:
        if heard.path == "/api/ps":
            line.silence(60)
            line.cut()
        else:
            stand_in.answer(heard, line)

    with serving(answer) as server:
        parts = Bed(Ollama("qwen3:8b", server.address, patience=SHORT), stand_in, server).ask()
    assert said(parts) == REPLY and "context_length" not in parts[-1].seen and parts[-1].tokens_in > 0


# ------------------------------------------------------------------------------------------------------------------------------
# Checking
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "there"), [("qwen3:8b", "qwen3:8b"), ("devstral", "devstral:latest"), ("devstral:latest", "devstral")])
def test_a_model_that_is_there_is_fine_with_and_without_its_tag(asked: str, there: str) -> None:
    with bed(models=(Model(there),), model=asked) as it:
        assert asyncio.run(it.researcher.check()) is None
        assert "context_length" in it.ask()[-1].seen
    assert it.researcher.name == f"ollama:{asked}" and not it.researcher.remote and not it.researcher.metered


def test_a_missing_model_is_offered_as_a_pull_beside_those_there_are() -> None:
    with bed(model="qwen3.5:9b") as it:
        found = asyncio.run(it.researcher.check())
    assert found == "ollama has no model `qwen3.5:9b`: `ollama pull qwen3.5:9b` fetches it. Installed: qwen3:8b."
    assert it.researcher.missing


def test_a_model_that_only_embeds_is_refused() -> None:
    with bed(models=(Model("nomic-embed-text", abilities=("embedding",), thinks=False),)) as it:
        assert "cannot write" in (asyncio.run(it.researcher.check()) or "")


def test_a_model_with_a_shorter_window_is_asked_for_no_more() -> None:
    with bed(models=(Model(context=8192),)) as it:
        assert asyncio.run(it.researcher.check()) is None
        it.ask()
    assert it.researcher.window == it.ollama.chats[0]["options"]["num_ctx"] == 8192
    assert it.researcher.warning == "qwen3:8b has a window of 8192 tokens: it is asked for no more."


def test_a_window_without_room_for_a_prompt_is_refused() -> None:
    with bed(models=(Model(context=2048),)) as it:
        assert "leaves no room for a prompt" in (asyncio.run(it.researcher.check()) or "")


def test_a_check_learns_the_size_and_that_there_is_no_thinking() -> None:
    with bed(models=(Model("mine", parameters="32.8B", thinks=False),), think=True) as it:
        assert it.researcher.dialects[0] == "set"
        asyncio.run(it.researcher.check())
        it.ask()
    assert it.researcher.dialects[0] == "blocks"
    assert len(it.ollama.chats) == 1 and "think" not in it.ollama.chats[0]


def test_a_forwarded_model_is_remote_by_its_name_or_by_what_the_server_says() -> None:
    assert Ollama("gpt-oss:120b-cloud").remote
    assert Ollama("qwen3:8b", "http://192.168.1.5:11434").remote
    with bed(models=(Model("mine:8b", remote_host="https://ollama.com:443"),)) as it:
        assert not it.researcher.remote
        asyncio.run(it.researcher.check())
        assert it.researcher.remote and it.researcher.metered
        assert it.ask()[-1].cost is None


def test_a_model_that_turns_out_to_be_forwarded_is_left_at_its_first_word() -> None:
    says = r"mine:8b is not computed at http://127.0.0.1:\d+ but forwarded to https://ollama.com:443"
    with bed(models=(Model("mine:8b", remote_host="https://ollama.com:443"),)) as it, pytest.raises(ResearcherDown, match=says) as down:
        it.ask()
    assert down.value.for_good and it.researcher.remote


def test_a_silent_server_is_checked_no_longer_than_patience_says() -> None:
    with serving(lambda heard, line: line.cut() if line.silence(60) else None) as server:
        began = time.monotonic()
        assert "is there and does not answer" in (asyncio.run(Ollama("x", server.address, patience=SHORT).check()) or "")
        assert time.monotonic() - began < 2.0


# ------------------------------------------------------------------------------------------------------------------------------
# Memory and disk
# ------------------------------------------------------------------------------------------------------------------------------


def test_released_means_gone() -> None:
    with bed() as it:
        it.ollama.slow_to_leave_s = 0.2
        it.ask()
        assert it.ollama.loaded
        asyncio.run(it.researcher.release())
        assert not it.ollama.loaded
        asyncio.run(it.researcher.release())  # once more is no harm
        assert said(it.ask()) == REPLY


def test_nothing_is_released_that_is_computed_elsewhere() -> None:
    with bed(models=(Model("glm-5:cloud", remote_host="https://ollama.com:443"),)) as it:
        asyncio.run(it.researcher.release())
    assert not it.server.heard


async def pulled(researcher: Ollama) -> list[Pulling]:
    return [step async for step in researcher.pull()]


def test_a_missing_model_is_pulled_with_progress() -> None:
    with bed(model="devstral") as it:
        it.ollama.downloads["devstral:latest"] = Model("devstral", size=14_000_000)
        steps = asyncio.run(pulled(it.researcher))
        assert steps[0] == Pulling("pulling manifest") and steps[-1] == Pulling("success", 14_000_000, 14_000_000)
        assert [step.completed for step in steps] == sorted(step.completed for step in steps)
        assert asyncio.run(it.researcher.check()) is None


def test_a_model_that_nobody_has_cannot_be_pulled() -> None:
    with bed(model="nonesuch") as it, pytest.raises(ResearcherDown, match="pull model manifest: file does not exist"):
        asyncio.run(pulled(it.researcher))


def test_all_models_are_listed_as_what_they_are() -> None:
    models = (Model(), Model("bert", abilities=("embedding",), family="nomic-bert"), Model("glm-5:cloud", remote_host="https://ollama.com"))
    with bed(models=models) as it:
        listed = asyncio.run(it.researcher.models())
    assert [(one.name, one.writes, one.forwarded) for one in listed] == [
        ("qwen3:8b", True, False),
        ("bert:latest", False, False),
        ("glm-5:cloud", True, True),
    ]
    assert listed[0].size == 5_200_000_000 and listed[0].parameters == 8.2


# ------------------------------------------------------------------------------------------------------------------------------
# Where nothing else is spoken to
# ------------------------------------------------------------------------------------------------------------------------------


def test_neither_a_proxy_variable_nor_a_redirect_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda heard, line: line.answer(500, b"{}")) as elsewhere:
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, elsewhere.address)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with bed() as it:
            assert said(it.ask()) == REPLY
            assert asyncio.run(it.researcher.check()) is None
            asyncio.run(it.researcher.release())
        with serving(lambda heard, line: line.answer(307, b"", location=f"{elsewhere.address}{heard.path}")) as redirecting:
            researcher = Ollama("qwen3:8b", redirecting.address, patience=CALM)
            with pytest.raises(ResearcherDown, match="with status 307"):
                Bed(researcher, cast(Stand_in, None), redirecting).ask()
            assert asyncio.run(researcher.check())
            asyncio.run(researcher.release())
        assert not elsewhere.heard


CHECK = """
import asyncio
from autoresearch_tui.researchers.ollama import Ollama
one = Ollama("qwen3:8b", "http://127.0.0.1:9")
print(asyncio.run(one.check()))
asyncio.run(one.release())
"""


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OLLAMA_API_KEY", "sk-\u00e4-canary", "OLLAMA_API_KEY holds a sign that no key has"),
        ("OLLAMA_API_KEY", "sk-canary\nx", "OLLAMA_API_KEY holds a sign that no key has"),
        ("OLLAMA_HOST", "box:port", "the `ollama` package cannot be loaded here"),
    ],
)
def test_a_variable_on_which_the_package_would_break_is_a_sentence(variable: str, value: str, words: str) -> None:
    """In a Python of its own: the package reads them once, when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env={**os.environ, variable: value}, capture_output=True, encoding="utf-8", check=False
    )
    assert words in done.stdout and "canary" not in done.stdout and not done.stderr


def test_a_key_that_a_server_repeats_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "canary-1234")

    def answer(heard: Heard, line: Line) -> None:
        line.answer(401, b'{"error": "wrong key canary-1234"}')

    with serving(answer) as server:
        said = asyncio.run(Ollama("qwen3:8b", server.address, patience=CALM).check())
    assert said and "wrong key (a key)" in said


def test_nothing_heavy_is_imported_before_it_speaks() -> None:
    code = (
        "import sys, autoresearch_tui.researchers.ollama as o; o.Ollama('x'); sys.exit('ollama' in sys.modules or 'httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_stand_in_proposes_by_itself_for_nights_by_hand() -> None:
    heard = Heard("POST", "/api/chat", {}, b'{"messages": [{"content": "MATRIX_LR = 0.04  # rate\\nDEPTH = 8\\n"}]}', 0.0)
    assert "SET MATRIX_LR = 0.0" in turns_a_knob(heard)
