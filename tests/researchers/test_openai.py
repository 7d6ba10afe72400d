"""The researcher `openai`: a reply as it streams, from servers that are tidy and from those that are not, and hanging up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

import msgspec
import pytest

from autoresearch_tui.proposals.reply import LONGEST, read_reply
from autoresearch_tui.researchers import Part
from autoresearch_tui.researchers.openai import OpenAI
from autoresearch_tui.researchers.quirks import Quirks
from tests.researchers.openai_nights import (
    CALM,
    PROMPT,
    REQUEST,
    STOP,
    ask,
    chunk,
    flavoured,
    night,
    replied,
    saying,
    text_of,
    told,
    until,
    usage_of,
)
from tests.servers import openai as servers
from tests.servers.openai_faults import REPLY, THOUGHT
from tests.servers.wire import Heard, Line, serving

# ------------------------------------------------------------------------------------------------------------------------------
# A reply
# ------------------------------------------------------------------------------------------------------------------------------


@flavoured
def test_a_reply_streams_in_pieces_and_what_it_took_comes_last(flavour: servers.Flavour) -> None:
    with night(servers.OpenAI(flavour, thinking=THOUGHT)) as (researcher, _):
        parts = ask(researcher)
    assert text_of(parts) == REPLY
    assert text_of(parts, "thinking") == THOUGHT
    assert len(parts) > 10
    usage = usage_of(parts)
    assert (usage.tokens_in, usage.tokens_out, usage.cut) == (len(PROMPT.text) // 4, len(THOUGHT + REPLY) // 4, "")
    assert usage.seen["prompt_s"] >= 0
    assert read_reply(text_of(parts)).edit == "SET MATRIX_LR = 0.05"


def test_what_is_asked_begins_with_what_lasts_longest() -> None:
    standin = servers.OpenAI("vllm")
    with night(standin, answer=777) as (researcher, _):
        ask(researcher)
    body = standin.bodies[0]
    assert body["messages"] == [
        {"role": "system", "content": PROMPT.rules},
        {"role": "user", "content": f"{PROMPT.code}\n\n{PROMPT.ask}"},
    ]
    assert (body["model"], body["stream"], body["max_tokens"], "temperature" in body) == ("toy", True, 777, False)


def test_the_same_request_is_the_same_and_another_attempt_another() -> None:
    standin = servers.OpenAI("vllm")
    with night(standin) as (researcher, _):
        ask(researcher)
        ask(researcher)
        ask(researcher, msgspec.structs.replace(REQUEST, refusals=("it does not apply",)))
        ask(researcher, msgspec.structs.replace(REQUEST, heat=1.0))
    first, again, repair, hot = standin.bodies
    assert first == again
    assert repair["seed"] != first["seed"]
    assert repair["temperature"] < hot["temperature"]


def test_llama_cpp_tells_its_own_timings_and_openrouter_its_own_cost() -> None:
    with night(servers.OpenAI("llamacpp")) as (researcher, _):
        seen = usage_of(ask(researcher)).seen
    assert (seen["prompt_s"], seen["tokens_per_s"], seen["cached_tokens"]) == (0.25, 42.0, 3)
    with night(servers.OpenAI("openrouter")) as (researcher, _):
        researcher.metered = True  # as it is where it really stands
        usage = usage_of(ask(researcher))
    assert (usage.cost, usage.seen["cached_tokens"]) == (0.0125, 100)


def test_what_computes_here_costs_nothing_and_what_is_unknown_is_not_nothing() -> None:
    with night(servers.OpenAI("vllm")) as (researcher, _):
        assert usage_of(ask(researcher)).cost == 0.0
        researcher.metered = True
        assert usage_of(ask(researcher)).cost is None
        assert not researcher.priced
    with night(servers.OpenAI("vllm"), cost=lambda tokens_in, tokens_out: tokens_in * 1.0 + tokens_out) as (researcher, _):
        researcher.metered = True
        usage = usage_of(ask(researcher))
        assert usage.cost == usage.tokens_in + usage.tokens_out
        assert researcher.priced


def test_a_train_py_that_is_no_text_in_places_can_be_sent() -> None:
    standin = servers.OpenAI("vllm")
    with night(standin) as (researcher, _):
        ask(researcher, msgspec.structs.replace(REQUEST, prompt=msgspec.structs.replace(PROMPT, code="# \udcff")))
    assert standin.bodies[0]["messages"][1]["content"].startswith("# ?")


# ------------------------------------------------------------------------------------------------------------------------------
# The wild ones
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_server_that_does_not_stream_says_it_all_at_once() -> None:
    with night(servers.OpenAI("vllm", faults=["whole"], thinking=THOUGHT)) as (researcher, _):
        parts = ask(researcher)
    assert (text_of(parts), text_of(parts, "thinking")) == (REPLY, THOUGHT)
    assert usage_of(parts).tokens_out


def test_nothing_but_a_word_why_it_ended_is_needed_at_the_end() -> None:
    assert text_of(told(chunk({"content": "one"}), STOP)) == "one"
    assert text_of(told(chunk({"content": "one"}), b"data: [DONE]\n\n")) == "one"


def test_a_server_that_forgets_to_hang_up_is_not_waited_for() -> None:
    def answer(heard: Heard, line: Line) -> None:
        line.stream(content_type="text/event-stream")
        line.chunk(chunk({"content": "one"}) + STOP + b"data: [DONE]\n\n")
        line.silence(5)

    began = time.monotonic()
    with serving(answer) as server:
        assert text_of(ask(OpenAI("toy", server.address))) == "one"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("fate", ["silence", "cut"])
def test_what_becomes_of_the_line_after_the_last_word_is_no_matter(fate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(heard: Heard, line: Line) -> None:
        line.stream(content_type="text/event-stream")
        line.chunk(chunk({"content": "one"}) + STOP)
        if fate == "silence":
            line.silence(5)
        line.cut()

    monkeypatch.setattr("autoresearch_tui.researchers.line.LAST_S", 0.2)
    with serving(answer) as server:
        assert text_of(ask(OpenAI("toy", server.address, patience=CALM))) == "one"


def test_llama_cpp_may_tell_what_it_took_in_its_timings_alone() -> None:
    timings = {"cache_n": 30, "prompt_n": 12, "predicted_n": 5}
    usage = usage_of(told(chunk({"content": "one"}), chunk({}, "stop", timings=timings)))
    assert (usage.tokens_in, usage.tokens_out) == (42, 5)


def test_a_server_that_counts_only_on_request_is_asked_and_one_that_does_not_is_asked_once() -> None:
    with night(servers.OpenAI("llama-cpp-python")) as (researcher, server):
        usage = usage_of(ask(researcher))
        assert (usage.tokens_in, usage.tokens_out) == (len(PROMPT.text) // 4, len(REPLY) // 4)
    with night(servers.OpenAI("vllm"), quirks=Quirks(without=("stream_options",))) as (researcher, server):
        for _ in range(3):
            assert usage_of(ask(researcher)).tokens_in == 0
        assert sum("tokenize" in heard.path for heard in server.heard) == 2
        assert not researcher.quirks.counts


def test_an_empty_reply_is_counted_and_paid_for() -> None:
    took = {"prompt_tokens": 9, "completion_tokens": 0}
    with serving(saying(chunk({"content": ""}), chunk({}, "stop", usage=took))) as server:
        researcher = OpenAI("toy", server.address, patience=CALM, cost=lambda tokens_in, tokens_out: tokens_in * 1.0)
        researcher.metered = True
        assert usage_of(ask(researcher)).cost == 9.0


def test_letters_and_lines_may_be_cut_anywhere() -> None:
    whole = chunk({"content": "naïve 🙂 "}).replace(b"\\u00ef", "ï".encode()) + chunk({"content": "ok"}).replace(b"\n", b"\r\n") + STOP
    assert text_of(told(*(whole[place : place + 1] for place in range(len(whole))))) == "naïve 🙂 ok"


def test_null_and_missing_and_odd_fields_say_nothing() -> None:
    odd = [
        b"data: {}\n\n",
        b'data: {"choices": null}\n\n',
        b'data: {"choices": [null]}\n\n',
        b'data: {"choices": [{"delta": null}]}\n\n',
        b'data: {"choices": [{"delta": {"content": 7, "tool_calls": "x", "reasoning": {}}}]}\n\n',
        b'data: {"choices": [{"index": 1, "delta": {"content": "another choice"}}]}\n\n',
        b'data: {"choices": [], "usage": {"prompt_tokens": "many", "completion_tokens": -1}}\n\n',
    ]
    parts = told(*odd, chunk({"role": "assistant", "content": None}), chunk({"content": "one"}), chunk({}, "stop"))
    assert text_of(parts) == "one"
    assert (usage_of(parts).tokens_in, usage_of(parts).tokens_out) == (0, 0)


def test_usage_may_come_with_every_chunk_and_the_last_counts() -> None:
    def counted(tokens: int) -> dict[str, int]:
        return {"prompt_tokens": 9, "completion_tokens": tokens}

    parts = told(chunk({"content": "a"}, usage=counted(1)), chunk({"content": "b"}, usage=counted(2)), chunk({}, "stop", usage=None))
    assert (usage_of(parts).tokens_in, usage_of(parts).tokens_out) == (9, 2)


def test_thinking_may_stand_in_the_text() -> None:
    parts = told(chunk({"content": "<thi"}), chunk({"content": "nk>hm"}), chunk({"content": "</think>one"}), STOP)
    assert (text_of(parts), text_of(parts, "thinking")) == ("one", "hm")


def test_what_looks_like_the_beginning_of_a_tag_is_said_in_the_end() -> None:
    assert text_of(told(chunk({"content": "a <th"}), STOP)) == "a <th"


def test_thinking_said_twice_is_heard_once() -> None:
    parts = told(chunk({"reasoning": "hm", "reasoning_content": "hm"}), chunk({"content": "one"}), STOP)
    assert text_of(parts, "thinking") == "hm"


def test_mistral_gives_its_text_in_pieces_with_thoughts_among_them() -> None:
    pieces = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "one"}]
    parts = told(chunk({"content": pieces}), STOP)
    assert (text_of(parts), text_of(parts, "thinking")) == ("one", "hm")


def test_a_tool_that_nobody_offered_is_called_and_its_arguments_are_the_reply() -> None:
    def call(arguments: object, index: int = 0) -> bytes:
        return chunk({"tool_calls": [{"index": index, "function": {"name": "edit", "arguments": arguments}}]})

    done = chunk({}, "tool_calls")
    assert text_of(told(call('{"edit": '), call('"SET A = 1"}'), done)) == '{"edit": "SET A = 1"}'
    assert text_of(told(call("{}"), call("[]", 1), done)) == "{}\n[]"
    assert text_of(told(chunk({"content": "I will."}), call({"edit": "SET A = 1"}), done)) == 'I will.\n{"edit": "SET A = 1"}'
    assert text_of(told(chunk({"function_call": {"name": "edit", "arguments": "{}"}}), chunk({}, "function_call"))) == "{}"


def test_a_line_of_megabytes_is_read_up_to_what_a_reply_may_be() -> None:
    parts = told(chunk({"content": "x" * (LONGEST - 10)}), chunk({"content": "y" * 20_000_000}), STOP, patience=CALM)
    assert len(text_of(parts)) <= LONGEST
    assert usage_of(parts).cut == "more than 2 MB"


def test_an_endless_reply_is_cut_at_2_mb_and_the_server_let_go() -> None:
    standin = servers.OpenAI("vllm", faults=["50 MB"])
    with night(standin) as (researcher, server):
        parts = ask(researcher)
        assert usage_of(parts).cut == "more than 2 MB"
        assert len(text_of(parts)) == LONGEST
        until(lambda: not server.busy)
        assert text_of(ask(researcher)) == REPLY


# ------------------------------------------------------------------------------------------------------------------------------
# Hanging up
# ------------------------------------------------------------------------------------------------------------------------------


def test_closed_in_the_middle_it_leaves_the_server_idle_at_once() -> None:
    standin = servers.OpenAI("vllm", replies=lambda heard: REPLY * 50, pace_s=0.02)

    async def first_words(researcher: OpenAI) -> float:
        parts: AsyncGenerator[Part, None] = researcher.propose(REQUEST)
        async with contextlib.aclosing(parts):
            async for part in parts:
                if part.kind == "text":
                    return time.monotonic()
        raise AssertionError("it said nothing")

    with night(standin) as (researcher, server):
        left = asyncio.run(first_words(researcher))
        until(lambda: bool(standin.left_at) and not server.busy)
        assert standin.left_at[0] - left < 0.2


@pytest.mark.parametrize("fault", ["slow", "silent"])
def test_cancelled_while_it_waits_it_hangs_up_at_once(fault: str) -> None:
    standin = servers.OpenAI("vllm", faults=[fault])

    async def cancelled(researcher: OpenAI) -> float:
        task = asyncio.create_task(replied(researcher, REQUEST))
        while not standin.bodies:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        began = time.monotonic()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return began

    with night(standin, patience=CALM) as (researcher, server):
        began = asyncio.run(cancelled(researcher))
        until(lambda: bool(standin.left_at) and not server.busy)
        assert standin.left_at[0] - began < 0.2
        assert text_of(ask(researcher)) == REPLY
