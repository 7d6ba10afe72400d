"""What may go wrong between the researcher `openai` and its server, each with the night going on after it, and what is learned of it."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from autoresearch_tui.proposals.reply import Unusable, read_reply
from autoresearch_tui.researchers import Declined, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.openai import OpenAI
from autoresearch_tui.researchers.quirks import Quirks
from tests.researchers.openai_nights import (
    CALM,
    CANARY,
    PROMPT,
    REQUEST,
    SHORT,
    STOP,
    ask,
    chunk,
    flavoured,
    night,
    refusal,
    saying,
    text_of,
    told,
    usage_of,
)
from tests.servers import openai as servers
from tests.servers.openai_faults import REPLY
from tests.servers.wire import Heard, Line, serving

# ------------------------------------------------------------------------------------------------------------------------------
# What goes wrong, each with the night going on after it
# ------------------------------------------------------------------------------------------------------------------------------

DOWN = {
    "slow": ("said nothing for 1 s before its first word", None, False),
    "silent": ("said nothing for 0.8 s in the middle of a reply", None, False),
    "closed": ("broke the connection", None, False),
    "half a line": ("broke the connection", None, False),
    "garbage": ("sends what is no reply", None, False),
    "error": ("Provider disconnected unexpectedly", None, False),
    "error of vllm": ("EngineCore encountered an issue", None, False),
    "error of lmstudio": ("The model has crashed", None, False),
    "401": ("refuses the key", None, True),
    "402": ("wants credit first", None, True),
    "404": ("has no model `toy`; it offers other", None, True),
    "429": ("limits how often", None, False),
    "429 for 7 s": ("limits how often", 7.0, False),
    "429 until a date": ("limits how often", 30.0, False),
    "429 of a quota": ("wants credit first", None, True),
    "500": ("failed (500)", None, False),
    "502": ("failed (502)", None, False),
    "503": ("too busy", None, False),
    "loading": ("still loading its model", 2.0, False),
    "529": ("too busy", None, False),
}


@pytest.mark.parametrize("fault", DOWN)
@pytest.mark.parametrize("flavour", ["vllm", "llamacpp"])
def test_a_fault_is_a_sentence_and_the_next_request_is_answered(fault: str, flavour: servers.Flavour) -> None:
    said, retry_s, for_good = DOWN[fault]
    standin = servers.OpenAI(flavour, key=CANARY, faults=[fault])
    with night(standin, key=CANARY, patience=SHORT if fault in ("slow", "silent") else CALM) as (researcher, _):
        if fault == "404":
            standin.models = ("other",)
        down = refusal(ResearcherDown, researcher)
        standin.models = ("toy",)
        researcher.patience = CALM
        assert text_of(ask(researcher)) == REPLY
    assert said in str(down)
    assert CANARY not in str(down)
    assert "127.0.0.1" in str(down)
    assert str(down).endswith(".") or str(down).endswith("?")
    assert down.for_good is for_good
    assert down.retry_s == (None if retry_s is None else pytest.approx(retry_s, abs=2))


def test_openrouter_says_inside_its_answer_until_when_it_limits() -> None:
    with night(servers.OpenAI("openrouter", faults=["429"])) as (researcher, _):
        assert refusal(ResearcherDown, researcher).retry_s == pytest.approx(40, abs=2)


@pytest.mark.parametrize("fault", ["refusal", "403"])
def test_a_refusal_is_a_fact_and_not_a_reply(fault: str) -> None:
    with night(servers.OpenAI("openrouter", faults=[fault])) as (researcher, _):
        assert "content filter" in str(refusal(Declined, researcher))
        assert text_of(ask(researcher)) == REPLY


def test_a_refusal_in_words_of_its_own_is_passed_on() -> None:
    with pytest.raises(Declined, match="refusal: I will not"):
        told(chunk({"refusal": "I will"}), chunk({"refusal": " not."}), STOP)


@flavoured
def test_what_does_not_fit_the_window_is_said_with_its_size(flavour: servers.Flavour) -> None:
    standin = servers.OpenAI(flavour, window=60)
    with night(standin, answer=4096) as (researcher, _):
        error = refusal(WindowExceeded, researcher)
        assert error.window == 60
        assert (researcher.window, researcher.answer) == (60, 30)
        assert not str(error).endswith("..")
        standin.window = 4096
        assert text_of(ask(researcher)) == REPLY


@pytest.mark.parametrize("fault", ["413", "error of llamacpp"])
def test_what_is_too_large_in_other_words_is_too_large(fault: str) -> None:
    with night(servers.OpenAI("vllm", faults=[fault])) as (researcher, _):
        assert refusal(WindowExceeded, researcher).window == 0
        assert text_of(ask(researcher)) == REPLY


def test_a_stream_that_breaks_before_its_first_word_is_asked_for_once_more_without_a_stream() -> None:
    standin = servers.OpenAI("llama-cpp-python", window=60)
    with night(standin) as (researcher, _):
        refusal(WindowExceeded, researcher)
        assert [(body["stream"], body["max_tokens"]) for body in standin.bodies] == [(True, 4096), (False, 1)]


def test_where_that_says_no_more_the_first_failure_stands() -> None:
    with night(servers.OpenAI("vllm", faults=["closed at once"])) as (researcher, server):
        assert "broke the connection" in str(refusal(ResearcherDown, researcher))
        assert len(server.heard) == 2
        assert text_of(ask(researcher)) == REPLY


def test_a_server_that_says_nothing_to_a_prompt_beyond_its_window_is_understood() -> None:
    def answer(heard: Heard, line: Line) -> None:
        line.stream(content_type="text/event-stream")
        line.chunk(chunk({"content": ""}) + chunk({}, "stop", usage={"prompt_tokens": 36_000, "completion_tokens": 0}))
        line.done()

    with serving(answer) as server:
        assert "36000 tokens" in str(refusal(WindowExceeded, OpenAI("toy", server.address, window=32_768, patience=CALM)))


@pytest.mark.parametrize("fault", ["thinking only", "empty"])
def test_a_reply_of_nothing_is_refused_where_replies_are_read(fault: str) -> None:
    with night(servers.OpenAI("vllm", faults=[fault])) as (researcher, _):
        parts = ask(researcher)
        assert usage_of(parts).cut == ""
        with pytest.raises(Unusable):
            read_reply(text_of(parts))
        assert text_of(ask(researcher)) == REPLY


def test_a_cut_reply_says_so_and_by_which_limit() -> None:
    with night(servers.OpenAI("vllm", faults=["cut", "cut"]), answer=20) as (researcher, _):
        assert usage_of(ask(researcher)).cut == "the limit of 20 tokens"
        researcher.answer = 4096
        assert usage_of(ask(researcher)).cut == "the window: 19 tokens of an answer fitted"


def test_nobody_there_is_said_with_the_address() -> None:
    with serving(lambda heard, line: None) as server:
        address = server.address
    down = refusal(ResearcherDown, OpenAI("toy", address, patience=CALM))
    assert address in str(down)
    assert "refused" in str(down)
    assert not down.for_good
    assert address in (asyncio.run(OpenAI("toy", address).check()) or "")


def test_a_name_that_no_machine_can_have_is_said_with_the_address() -> None:
    assert "http://a..b/v1" in str(refusal(ResearcherDown, OpenAI("toy", "http://a..b", patience=CALM)))


def test_a_server_that_hangs_up_at_once_or_speaks_another_language_is_no_traceback() -> None:
    def silent(heard: Heard, line: Line) -> None:
        line.cut()

    def other(heard: Heard, line: Line) -> None:
        line.send(b"220 mail.example ESMTP\r\n")
        line.cut()

    def page(heard: Heard, line: Line) -> None:
        line.answer(200, b"<html>Welcome</html>", content_type="text/html")

    def elsewhere(heard: Heard, line: Line) -> None:
        line.answer(307, b"", location="http://127.0.0.1:9/v1")

    said = []
    for answer in (silent, other, page, elsewhere):
        with serving(answer) as server:
            researcher = OpenAI("toy", server.address, patience=CALM)
            said.append(str(refusal(ResearcherDown, researcher)))
            assert server.address in (asyncio.run(researcher.check()) or "")
            assert len(server.heard) == 2
    assert "broke the connection" in said[0]
    assert "broke the connection" in said[1]
    assert "<html>Welcome</html>" in said[2]
    assert "sends elsewhere" in said[3]


def test_a_stream_that_ends_without_a_last_word_is_no_reply() -> None:
    with pytest.raises(ResearcherDown, match="closed the connection in the middle of a reply"):
        told(chunk({"content": "one"}))
    with pytest.raises(ResearcherDown, match="closed the connection before its first word"):
        told(chunk({"role": "assistant"}))
    with pytest.raises(ResearcherDown, match="in the middle of a reply"):
        told(chunk({"content": "one"}), b'data: {"choices": [{"de')


def test_a_key_is_sent_to_the_server_and_stands_in_no_sentence() -> None:
    standin = servers.OpenAI("vllm", key="another")
    with night(standin, key=f" {CANARY}\n") as (researcher, server):
        down = str(refusal(ResearcherDown, researcher))
        assert server.heard[0].headers["authorization"] == f"Bearer {CANARY}"
        assert "(a key)" in down
        assert CANARY not in down + (asyncio.run(researcher.check()) or "")
    down = str(refusal(ResearcherDown, OpenAI("toy", "http://127.0.0.1:9", key=f"{CANARY}\n\x07é", patience=CALM)))
    assert "no key has" in down
    assert CANARY not in down


def test_no_proxy_variable_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda heard, line: line.cut()) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        with night(servers.OpenAI("vllm")) as (researcher, _):
            assert text_of(ask(researcher)) == REPLY
        assert not proxy.heard


# ------------------------------------------------------------------------------------------------------------------------------
# Quirks
# ------------------------------------------------------------------------------------------------------------------------------

HOT = msgspec.structs.replace(REQUEST, heat=0.5)


@pytest.mark.parametrize(
    ("refused", "learned"),
    [
        ("stream_options", Quirks(without=("stream_options",), counts=False)),
        ("temperature", Quirks(without=("temperature",))),
        ("seed", Quirks(without=("seed",))),
        ("max_tokens", Quirks(limit="max_completion_tokens")),
        ("system", Quirks(system=False)),
    ],
)
@pytest.mark.parametrize("flavour", ["vllm", "llamacpp"])
def test_what_a_server_does_not_take_is_learned_once_and_kept(refused: str, learned: Quirks, flavour: servers.Flavour) -> None:
    standin = servers.OpenAI(flavour, refuses=(refused,))
    with night(standin) as (researcher, server):
        assert text_of(ask(researcher, HOT)) == REPLY
        assert text_of(ask(researcher, HOT)) == REPLY
        assert len(standin.bodies) == 3
        assert researcher.quirks == learned
        kept = msgspec.json.decode(msgspec.json.encode(researcher.quirks), type=Quirks)
        assert text_of(ask(OpenAI("toy", server.address, quirks=kept), HOT)) == REPLY
        assert len(standin.bodies) == 4


def test_without_a_system_role_the_rules_stand_before_the_code() -> None:
    standin = servers.OpenAI("vllm")
    with night(standin, quirks=Quirks(system=False)) as (researcher, _):
        ask(researcher)
    assert standin.bodies[0]["messages"] == [{"role": "user", "content": PROMPT.text}]


def test_at_most_three_requests_more_are_spent_on_learning() -> None:
    three, four = ("stream_options", "temperature", "seed"), ("stream_options", "temperature", "seed", "max_tokens")
    standin = servers.OpenAI("vllm", refuses=three)
    with night(standin) as (researcher, _):
        assert text_of(ask(researcher, HOT)) == REPLY
    assert len(standin.bodies) == 4
    standin = servers.OpenAI("vllm", refuses=four)
    with night(standin) as (researcher, _):
        assert "does not take the request (400)" in str(refusal(ResearcherDown, researcher, HOT))
        assert len(standin.bodies) == 4
        assert text_of(ask(researcher, HOT)) == REPLY  # what was learned is not learned again
        assert len(standin.bodies) == 6


def test_a_limit_that_is_too_large_is_lowered_to_what_the_server_takes() -> None:
    def answer(heard: Heard, line: Line) -> None:
        if heard.json["max_tokens"] > 1000:
            words = "max_tokens is too large: 4096. This model supports at most 1000 completion tokens, whereas you provided 4096."
            line.answer(400, json.dumps({"error": {"message": words, "param": "max_tokens", "code": "invalid_value"}}).encode())
        else:
            saying(chunk({"content": "one"}), STOP)(heard, line)

    with serving(answer) as server:
        researcher = OpenAI("toy", server.address, patience=CALM)
        assert text_of(ask(researcher)) == "one"
    assert researcher.quirks == Quirks(most=1000)


def test_a_model_that_thought_until_nothing_was_left_is_asked_not_to_think() -> None:
    standin = servers.OpenAI("vllm", faults=["thinking until cut"])
    with night(standin) as (researcher, _):
        assert usage_of(ask(researcher)).cut
        assert researcher.quirks == Quirks(think=False)
        ask(researcher)
        standin.refuses = ("chat_template_kwargs",)
        assert text_of(ask(researcher)) == REPLY
    before, after = standin.bodies[:2]
    assert "chat_template_kwargs" not in before
    assert after["chat_template_kwargs"] == {"enable_thinking": False}
    assert researcher.quirks == Quirks(without=("chat_template_kwargs",), think=False)
