"""The researcher `anthropic`: what it asks, what it makes of a reply, what it looks at first, and that it hangs up at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Declined, Request, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.anthropic import Anthropic
from tests.researchers.anthropic_nights import MODEL, PRICES, PROMPT, Night, asked, failed, listening, text, warm_up
from tests.servers.anthropic import KEY, REPLY, model
from tests.servers.wire import Heard, Line, serving


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    warm_up()


@pytest.fixture
def night() -> Iterator[Night]:
    with listening() as night:
        yield night


def test_a_reply_streams_with_its_thinking_and_what_it_took(night: Night) -> None:
    parts = asked(night.one())
    assert text(parts) == REPLY
    assert text(parts, "thinking") == night.stand_in.thinking
    usage = parts[-1]
    assert usage.kind == parts[0].kind == "usage", "the prompt is paid for as soon as the reply begins"
    assert parts[0].tokens_in == usage.tokens_in and 0 < (parts[0].cost or 0.0) < (usage.cost or 0.0)
    assert (usage.tokens_in, usage.tokens_out, usage.cut) == (9000, 500, "")
    # 1000 fresh at 4 dollars a million, 6000 written for an hour at 8, 2000 read at 0.20, 500 out at 20
    assert usage.cost == pytest.approx(0.004 + 0.048 + 0.0004 + 0.010)


def test_what_lasts_longest_comes_first_and_is_cached_for_an_hour(night: Night) -> None:
    asked(night.one())
    (body,) = night.bodies()
    hour = {"type": "ephemeral", "ttl": "1h"}
    assert body["system"] == [{"type": "text", "text": PROMPT.rules, "cache_control": hour}]
    (message,) = body["messages"]
    assert message["role"] == "user"
    assert message["content"] == [{"type": "text", "text": PROMPT.code, "cache_control": hour}, {"type": "text", "text": PROMPT.ask}]
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": "medium"}
    assert (body["model"], body["max_tokens"], body["stream"]) == (MODEL, 8192, True)
    assert not {"temperature", "top_p", "tool_choice", "tools", "metadata"} & set(body)


def test_five_minute_writes_of_a_cache_cost_less(night: Night) -> None:
    night.stand_in.usage["cache_creation"] = {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 6000}
    assert asked(night.one())[-1].cost == pytest.approx(0.004 + 0.030 + 0.0004 + 0.010)


def test_the_cost_of_an_unknown_model_is_unknown(night: Night) -> None:
    night.stand_in.models.append(model("claude-opus-7"))
    one = night.one("claude-opus-7")
    assert asked(one)[-1].cost is None
    assert not one.priced and night.one().priced


def test_the_rate_limits_are_seen_where_they_are_told(night: Night) -> None:
    assert asked(night.one())[-1].seen == {}
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 40))
    night.stand_in.headers = {
        "anthropic_ratelimit_requests_remaining": "49",
        "anthropic_ratelimit_requests_reset": "2020-01-01T00:00:00Z",
        "anthropic_ratelimit_tokens_remaining": "391000",
        "anthropic_ratelimit_tokens_reset": soon,
    }
    seen = asked(night.one())[-1].seen
    assert (seen["requests_left"], seen["tokens_left"]) == (49, 391000)
    assert 30 < seen["reset_s"] <= 40
    night.stand_in.headers = {"anthropic_ratelimit_requests_remaining": "many", "anthropic_ratelimit_tokens_reset": "soon"}
    assert asked(night.one())[-1].seen == {}


def test_bytes_that_were_no_text_do_not_keep_a_prompt_from_being_sent(night: Night) -> None:
    odd = Prompt(rules="", code="x = '\udcff'\n", ask="caf\u00e9 \U0001f600", tokens=9)
    asked(night.one(), Request(draft="d", operator="tune", source="", number=1, seed=1, prompt=odd))
    (body,) = night.bodies()
    assert "system" not in body
    assert [block["text"] for block in body["messages"][0]["content"]] == ["x = '?'\n", "caf\u00e9 \U0001f600"]


@pytest.mark.parametrize(
    ("fault", "missing"),
    [("400 thinking", "thinking"), ("400 effort", "output_config"), ("400 display", "display")],
)
def test_what_a_model_does_not_know_is_learned_once(night: Night, fault: str, missing: str) -> None:
    night.stand_in.faults.append(fault)
    one = night.one()
    assert text(asked(one)) == REPLY == text(asked(one))
    first, *others = night.bodies()
    assert missing in {**first, **first["thinking"]}
    assert len(others) == 2
    assert all(missing not in {**body, **body.get("thinking", {})} for body in others)


def test_a_model_that_knows_none_of_it_is_asked_without_and_not_for_ever(night: Night) -> None:
    night.stand_in.faults += ["400 display", "400 thinking", "400 effort", "400 effort"]
    error = failed(night.one())[1]
    assert isinstance(error, ResearcherDown) and error.for_good
    assert len(night.bodies()) == 4


def test_a_model_that_answers_less_is_asked_for_less(night: Night) -> None:
    night.stand_in.faults.append("400 answer")
    one = night.one()
    asked(one)
    assert [body["max_tokens"] for body in night.bodies()] == [8192, 4096]
    assert one.answer == 4096


def test_a_reply_that_was_cut_says_so(night: Night) -> None:
    night.stand_in.faults.append("cut")
    assert asked(night.one())[-1].cut == "the limit of 8192 tokens"


@pytest.mark.parametrize("fault", ["pause", "tool", "empty", "thinking only"])
def test_other_ends_are_ends(night: Night, fault: str) -> None:
    night.stand_in.faults.append(fault)
    parts = asked(night.one())
    assert parts[-1].kind == "usage" and parts[-1].cut == ""
    assert text(parts) == ("" if fault in ("empty", "thinking only") else REPLY)


def test_a_reply_that_fills_the_window_is_paid_for_and_refused(night: Night) -> None:
    night.stand_in.faults.append("full")
    parts, error = failed(night.one())
    assert isinstance(error, WindowExceeded)
    assert parts[-1].kind == "usage" and parts[-1].tokens_out == 500


@pytest.mark.parametrize("category", ["frontier_llm", "cyber", "bio", ""])
def test_a_refusal_is_paid_for_and_names_its_category_and_the_terms(night: Night, category: str) -> None:
    night.stand_in.faults.append(f"refusal {category}".strip())
    parts, error = failed(night.one())
    assert isinstance(error, Declined)
    assert parts[-1].kind == "usage" and parts[-1].cost == pytest.approx(0.0624)
    said = str(error)
    assert said.partition(":")[0] == (category or "no category")
    assert ("commercial-terms" if category == "frontier_llm" else "legal/aup") in said
    assert not any(word in said.lower() for word in ("rephrase", "reword", "other words", "try again"))


def test_a_flood_is_cut_at_two_megabytes_and_hung_up_on(night: Night) -> None:
    night.stand_in.faults.append("flood")
    parts = asked(night.one())
    assert parts[-1].cut == "more than 2 MB"
    assert len(text(parts)) == 2_000_000
    assert parts[-1].tokens_out == 8192  # nobody counted them: it is estimated, and no more than was asked for
    assert night.hung_up(1.0) and night.stand_in.left == ["flood"]


def test_a_line_without_end_is_not_gathered(night: Night) -> None:
    night.stand_in.faults.append("line")
    begins = time.monotonic()
    error = failed(night.one())[1]
    assert isinstance(error, ResearcherDown) and "far more" in str(error)
    assert time.monotonic() - begins < 2
    assert night.hung_up(1.0) and night.stand_in.left == ["line"]


# ------------------------------------------------------------------------------------------------------------------------------
# Looking first
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_models_api_tells_window_and_answer(night: Night) -> None:
    night.stand_in.models.append(model("claude-small", max_input_tokens=200_000, max_tokens=4096))
    one = night.one("claude-small")
    assert asyncio.run(one.check()) is None
    assert (one.window, one.answer, one.warning) == (200_000, 4096, "")


def test_what_the_models_api_says_it_cannot_is_not_asked_for(night: Night) -> None:
    no = {"supported": False}
    night.stand_in.models.append(
        model(MODEL + "-x", capabilities={"thinking": {"supported": True, "types": {"adaptive": no}}, "effort": no})
    )
    one = night.one(MODEL + "-x")
    assert asyncio.run(one.check()) is None
    asked(one)
    (body,) = night.bodies()
    assert "thinking" not in body and "output_config" not in body


def test_a_model_that_retires_warns_and_a_retired_one_does_not_answer(night: Night) -> None:
    night.stand_in.models += [
        model("claude-sonnet-4-5", lifecycle="deprecated", retires_at="2026-11-30T00:00:00Z"),
        model("claude-2", lifecycle="retired"),
    ]
    one = night.one("claude-sonnet-4-5")
    assert asyncio.run(one.check()) is None
    assert "2026-11-30" in one.warning
    assert "retired" in str(asyncio.run(night.one("claude-2").check()))


@pytest.mark.parametrize("key", [None, "", "  \n", "sk-ant\x1b[31m", "sk ant", "sk-änt"])
def test_without_a_key_nothing_is_sent(night: Night, key: str | None) -> None:
    one = night.one(key=key)
    assert "ANTHROPIC_API_KEY" in str(asyncio.run(one.check()))
    error = failed(one)[1]
    assert isinstance(error, ResearcherDown) and error.for_good
    assert not night.server.heard


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "key was refused"),
        ("529", "overloaded"),
        ("page", "not Anthropic's API"),
        ("reset", "gave no reply"),
        ("500", "out of order"),
    ],
)
def test_check_says_what_is_wrong(night: Night, fault: str, words: str) -> None:
    night.stand_in.models_fault = fault
    assert words in str(asyncio.run(night.one().check()))


def test_a_server_without_a_models_api_is_believed(night: Night) -> None:
    night.stand_in.models_fault = "404"
    assert asyncio.run(night.one("local-model").check()) is None
    night.stand_in.models_fault = ""
    assert "it offers claude-opus-5-5" in str(asyncio.run(night.one("claude-opus-5").check()))


def test_what_leaves_this_machine_is_known(night: Night) -> None:
    for address in ("http://127.0.0.1:8000", "http://localhost", "http://[::1]:9"):
        assert not Anthropic(MODEL, KEY, PRICES, address=address).remote
    for address in (
        "https://api.anthropic.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "nonsense",
    ):
        assert Anthropic(MODEL, KEY, PRICES, address=address).remote
    assert Anthropic(MODEL, KEY, PRICES).remote
    assert night.one().metered and not night.one().shares


def test_nothing_is_taken_from_the_environment(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another key, nor another address, nor a proxy, nor headers; a listener stands in for each place that it may not go."""
    strayed: list[Heard] = []

    def stray(heard: Heard, line: Line) -> None:
        strayed.append(heard)
        line.answer(500, b"{}")

    with serving(stray) as elsewhere:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy", "ANTHROPIC_BASE_URL"):
            monkeypatch.setenv(name, elsewhere.address)
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
            monkeypatch.setenv(name, "sk-ant-of-somebody-else")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer sk-ant-of-somebody-else\nX-Canary: yes")
        assert text(asked(night.one())) == REPLY
        assert asyncio.run(night.one().check()) is None
        assert "ANTHROPIC_API_KEY" in str(asyncio.run(night.one(key=None).check()))
    assert not strayed
    for heard in night.server.heard:
        assert "x-canary" not in heard.headers and heard.headers["authorization"] == f"Bearer {KEY}"
        assert "somebody-else" not in str(heard.headers)
    assert os.environ["ANTHROPIC_API_KEY"]  # and nothing is taken away from it


def test_ten_requests_leave_no_connection_behind(night: Night) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    one = night.one()
    for _ in range(10):
        asked(one)
    assert night.hung_up()
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after <= before + 3
