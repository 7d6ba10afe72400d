"""What the researcher `ollama` makes of a reply, and of every way in which there comes none: the package's own client, real sockets."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec
import pytest

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.ollama import Ollama
from tests.researchers.ollamas import CALM, REPLY, REQUEST, SHORT, Bed, assert_idle, bed, said, unheard_address
from tests.servers.ollama import Ollama as Stand_in
from tests.servers.ollama_faults import FAULTS
from tests.servers.ollama_shapes import Model
from tests.servers.wire import Heard, Line, Server, serving

# ------------------------------------------------------------------------------------------------------------------------------
# A reply
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_reply_streams_as_thinking_then_text_then_what_it_took() -> None:
    with bed() as it:
        parts = it.ask()
    assert said(parts) == REPLY
    assert said(parts, "thinking").startswith("Let me think.")
    kinds = [part.kind for part in parts]
    assert kinds == sorted(kinds, key=["thinking", "text", "usage"].index)
    assert len(parts) > 20
    last = parts[-1]
    assert (last.kind, last.cut, last.cost) == ("usage", "", 0.0)
    assert last.tokens_in == 111 and last.tokens_out == 32
    assert last.seen["tokens_per_s"] == pytest.approx(1000, rel=0.01)
    assert last.seen["context_length"] == 16384 and last.seen["size_vram_gb"] == 5.2 and last.seen["on_cpu_share"] == 0
    assert last.seen["load_s"] > 0 and last.seen["prompt_s"] == 0.21 and last.seen["total_s"] > 0
    assert it.researcher.warning == ""


def test_the_request_asks_for_a_whole_window_and_for_nothing_to_be_cut() -> None:
    with bed(think="low", window=8192, answer=1000) as it:
        it.ask()
        it.ask()
    body, again = it.ollama.chats
    assert body == again  # the same request gets the same reply, from a server that can
    assert body["truncate"] is False and body["shift"] is False and body["stream"] is True
    assert body["model"] == "qwen3:8b" and body["think"] == "low" and body["keep_alive"] == "30m"
    assert body["options"]["num_ctx"] == 8192 and body["options"]["num_predict"] == 1000 and body["options"]["temperature"] == 0.7
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"] == "Improve train.py."
    assert body["messages"][1]["content"].startswith("LR = 0.2\n") and body["messages"][1]["content"].endswith("What is your edit?")


def test_it_is_bolder_when_nothing_helped_and_careful_when_it_repairs() -> None:
    replace = msgspec.structs.replace
    with bed() as it:
        for request in (replace(REQUEST, heat=1.0), replace(REQUEST, refusals=("no such knob",)), replace(REQUEST, operator="repair")):
            it.ask(request)
    bold, again, repair = (body["options"] for body in it.ollama.chats)
    assert [one["temperature"] for one in (bold, again, repair)] == [1.2, 0.2, 0.2]
    assert bold["seed"] != again["seed"]
    assert "think" not in it.ollama.chats[0]  # as the model does by itself


def test_a_train_py_with_bytes_that_are_no_text_can_be_asked_about() -> None:
    odd = Prompt(rules="x", code=b"# \xff\nLR = 0.2".decode("utf-8", "surrogateescape"), ask="x", tokens=10)
    with bed() as it:
        assert said(it.ask(msgspec.structs.replace(REQUEST, prompt=odd))) == REPLY
    assert it.ollama.chats[0]["messages"][1]["content"].startswith("# ?\nLR")


def test_thinking_inside_the_words_is_thinking() -> None:
    with bed(models=(Model(thinks=False),), reply=f"<think>SET LR = 9, or not?</think>{REPLY}") as it:
        parts = it.ask()
    assert said(parts) == REPLY
    assert said(parts, "thinking") == "SET LR = 9, or not?"


def test_a_model_without_thinking_is_asked_again_without_and_never_again_with() -> None:
    with bed(models=(Model(thinks=False),), think=True) as it:
        assert said(it.ask()) == REPLY
        assert said(it.ask()) == REPLY
    assert [body.get("think") for body in it.ollama.chats] == [True, None, None]


def test_a_reply_at_its_limit_of_tokens_is_marked_as_cut() -> None:
    with bed(answer=20) as it:
        parts = it.ask()
    assert parts[-1].cut == "the limit of 20 tokens" and parts[-1].tokens_out == 20
    with bed("cut") as it:
        assert it.ask()[-1].cut == "the limit of 4096 tokens"


def test_a_reply_may_end_with_what_looks_like_the_beginning_of_a_tag() -> None:
    with bed(reply=f"{REPLY}<") as it:
        assert said(it.ask()) == f"{REPLY}<"


@pytest.mark.parametrize("fault", ["empty", "thinking only"])
def test_a_reply_without_words_is_what_it_is(fault: str) -> None:
    with bed(fault) as it:
        parts = it.ask()
    assert said(parts).strip() == "" and parts[-1].kind == "usage" and parts[-1].cut == ""


def test_fifty_megabytes_are_not_read_to_their_end() -> None:
    with bed("50 MB") as it:
        parts = it.ask()
        assert len(said(parts)) < 3_000_000
        assert parts[-1].cut == "more than 2 MB"
        assert_idle(it.server)


def test_a_line_of_fifty_megabytes_is_not_read_to_its_end() -> None:
    def flood(heard: Heard, line: Line) -> None:
        line.stream()
        while not line.left:
            line.chunk(b"x" * 100_000)

    with serving(flood) as server:
        parts = Bed(Ollama("qwen3:8b", server.address, patience=CALM), cast(Stand_in, None), server).ask()
        assert [part.cut for part in parts] == ["more than 2 MB"]
        assert_idle(server)


# ------------------------------------------------------------------------------------------------------------------------------
# What goes wrong
# ------------------------------------------------------------------------------------------------------------------------------

DOWN = {
    "hangs up": "the connection to ollama at ADDRESS broke: ",
    "slow to first byte": "ollama:qwen3:8b said nothing for 0.3 s before its first word",
    "silent midway": "ollama:qwen3:8b said nothing for 0.3 s in the middle of a reply",
    "closed midway": "the connection to ollama at ADDRESS broke: ",
    "ended midway": "ollama at ADDRESS closed the connection in the middle of a reply",
    "error midway": "failed in the middle of a reply: an error was encountered while running the model: CUDA error: out of memory.",
    "garbage": "ollama at ADDRESS sent what is no reply (`",
    "500": "failed with status 500: llama runner process has terminated: exit status 2.",
    "502": "failed with status 502: upstream could not be reached.",
    "503": "is busy (server busy, please try again. maximum pending requests exceeded).",
    "429": "is busy (rate limit exceeded).",
}
FOR_GOOD = {
    "404 model": "ollama has no model `qwen3:8b`: `ollama pull qwen3:8b` fetches it.",
    "404 page": "refuses to run qwen3:8b, with status 404: 404 page not found.",
    "400 chat": 'refuses to run qwen3:8b, with status 400: "qwen3:8b" does not support chat.',
    "401": "does not know who asks (unauthorized): set OLLAMA_API_KEY",
    "402": "has no credit for qwen3:8b (you have reached the end of your credit)",
    "403": "refuses to run qwen3:8b, with status 403: ollama cloud is disabled",
}
WAITS = {"429 retry after": 7.0, "503 retry after": 2.0}
TOO_LONG = {"400 window": "the input length exceeds the context length", "413": "the prompt is too large for the server at "}
NO_ERROR = {"", "400 thinking", "thinking only", "empty", "cut", "50 MB"}


def test_every_fault_is_tested() -> None:
    assert set(FAULTS) == {*DOWN, *FOR_GOOD, *WAITS, *TOO_LONG, *NO_ERROR}


@pytest.mark.parametrize("fault", [*DOWN, *FOR_GOOD, *WAITS])
def test_a_fault_is_said_and_the_next_reply_comes(fault: str) -> None:
    with bed(fault, patience=SHORT if "said nothing" in DOWN.get(fault, "") else CALM) as it:
        with pytest.raises(ResearcherDown) as down:
            it.ask()
        sentence = {**DOWN, **FOR_GOOD}.get(fault, "is busy").replace("ADDRESS", it.server.address)
        assert sentence in str(down.value)
        assert "\x1b" not in str(down.value) and "\n" not in str(down.value)
        assert down.value.for_good is (fault in FOR_GOOD)
        assert down.value.retry_s == WAITS.get(fault)
        assert_idle(it.server)
        assert said(it.ask()) == REPLY


@pytest.mark.parametrize("fault", TOO_LONG)
def test_a_window_that_is_too_small_is_said_as_that(fault: str) -> None:
    with bed(fault) as it:
        with pytest.raises(WindowExceeded, match=TOO_LONG[fault]):
            it.ask()
        assert said(it.ask()) == REPLY


def test_nobody_there() -> None:
    researcher = Ollama("qwen3:8b", unheard_address(), patience=CALM)
    with pytest.raises(ResearcherDown, match=r"no ollama answers at http://127.0.0.1:\d+: `ollama serve` starts it"):
        Bed(researcher, cast(Stand_in, None), cast(Server, None)).ask()
    assert "no ollama answers" in (asyncio.run(researcher.check()) or "")
    asyncio.run(researcher.release())


def test_a_server_that_comes_back_is_heard_again() -> None:
    with bed() as it:
        assert said(it.ask()) == REPLY
        it.server.close()
        with pytest.raises(ResearcherDown, match="no ollama answers"):
            it.ask()
        with serving(it.ollama.answer, it.server.port):
            assert said(it.ask()) == REPLY


def test_no_thinking_is_asked_for_and_yet_refused() -> None:
    with bed("400 thinking") as it, pytest.raises(ResearcherDown, match="does not support thinking") as down:
        it.ask()
    assert down.value.for_good and len(it.ollama.chats) == 1


@pytest.mark.parametrize(
    "answer", [b"[1]", b"null", b"<html>", b"[" * 100_000, b'{"error": {"message": "odd"}}', b'{"message": 3}', b"\xff"]
)
def test_another_server_on_its_port_is_no_traceback(answer: bytes) -> None:
    with serving(lambda heard, line: line.answer(200, answer)) as server:
        researcher = Ollama("qwen3:8b", server.address, patience=CALM)
        with pytest.raises(ResearcherDown):
            Bed(researcher, cast(Stand_in, None), server).ask()
        asyncio.run(researcher.check())
        asyncio.run(researcher.release())


# ------------------------------------------------------------------------------------------------------------------------------
# Leaving early
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Model(load_s=30.0), Model(tokens_per_s=5.0)], ids=["while it loads", "while it writes"])
def test_a_cancelled_request_leaves_the_server_idle_at_once(model: Model) -> None:
    with bed(models=(model,)) as it:

        async def cancel() -> None:
            async def listen() -> None:
                async for _ in it.researcher.propose(REQUEST):
                    pass

            task = asyncio.create_task(listen())
            while not it.ollama.chats:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert it.server.busy == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(assert_idle, it.server)

        asyncio.run(cancel())


def test_a_closed_reply_leaves_the_server_idle_at_once() -> None:
    with bed(models=(Model(tokens_per_s=5.0),)) as it:

        async def close() -> None:
            parts = it.researcher.propose(REQUEST)
            assert (await anext(parts)).kind == "thinking"
            assert it.server.busy == 1
            await parts.aclose()
            assert_idle(it.server)  # with no turn of the loop between

        asyncio.run(close())
