"""The researcher `anthropic` on a bad night: every fault is one of our exceptions with a sentence, and the next request is answered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from autoresearch_tui.researchers import ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.anthropic import Anthropic
from autoresearch_tui.researchers.patience import Patience
from tests.researchers.anthropic_nights import LONG, MODEL, PRICES, REQUEST, SHORT, Night, asked, failed, listening, text, warm_up
from tests.servers.anthropic import KEY, REPLY
from tests.servers.anthropic import Anthropic as StandIn
from tests.servers.wire import serving


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    warm_up()


@pytest.fixture
def night() -> Iterator[Night]:
    with listening() as night:
        yield night


def down(night: Night, fault: str) -> ResearcherDown:
    """It is down; and answers the next time as if nothing had been."""
    night.stand_in.faults.append(fault)
    one = night.one(patience=SHORT if fault in ("slow", "silent") else LONG)
    error = failed(one)[1]
    assert isinstance(error, ResearcherDown)
    one.patience = LONG
    assert text(asked(one)) == REPLY
    return error


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "key was refused"),
        ("403", "key was refused"),
        ("402", "no credit"),
        ("400 credit", "no credit"),
        ("400 spend", "no credit"),
        ("429 spend", "no credit"),
        ("400", "at least one block is required"),
        ("404", f"has no model {MODEL}"),
        ("elsewhere", "no prompt follows"),
    ],
)
def test_what_only_a_person_mends_is_down_for_good(night: Night, fault: str, words: str) -> None:
    error = down(night, fault)
    assert error.for_good and error.retry_s is None
    assert words in str(error)


@pytest.mark.parametrize(
    ("fault", "retry_s", "words"),
    [
        ("429 wait", 17.0, "takes no more requests"),
        ("429", None, "takes no more requests"),
        ("529 wait", 17.0, "overloaded"),
        ("529", None, "overloaded"),
        ("500", None, "out of order (500)"),
        ("503", None, "the queue is full"),
        ("bad gateway", None, "out of order (502)"),
        ("error", None, "out of order (500): Internal server error"),
        ("overloaded", None, "overloaded"),
        ("slow", None, "said nothing for 0.4 s before its first word"),
        ("silent", None, "said nothing for 0.4 s in the middle"),
        ("closed", None, "broke off"),
        ("ended", None, "ended its reply in the middle"),
        ("nonsense", None, "not the Messages API"),
        ("garbage", None, "not the Messages API"),
        ("page", None, "not of the Messages API"),
        ("no http", None, "gave no reply"),
        ("reset", None, "gave no reply"),
    ],
)
def test_what_time_mends_is_down_for_now(night: Night, fault: str, retry_s: float | None, words: str) -> None:
    error = down(night, fault)
    assert not error.for_good and error.retry_s == retry_s
    assert words in str(error)


@pytest.mark.parametrize(("fault", "window"), [("400 window", 1_000_000), ("400 both", 200_000), ("413", 0)])
def test_a_prompt_too_long_says_what_fits(night: Night, fault: str, window: int) -> None:
    night.stand_in.faults.append(fault)
    error = failed(night.one())[1]
    assert isinstance(error, WindowExceeded) and error.window == window


@pytest.mark.parametrize("fault", ["closed", "error", "ended", "nonsense"])
def test_what_breaks_off_was_paid_for_as_far_as_it_came(night: Night, fault: str) -> None:
    night.stand_in.faults.append(fault)
    parts, _ = failed(night.one())
    usage = parts[-1]
    assert (usage.kind, usage.tokens_in, usage.cut) == ("usage", 9000, "it broke off")
    assert usage.tokens_out == len(text(parts)) // 4
    assert usage.cost is not None and usage.cost > 0.0524


def test_nobody_there_is_a_sentence() -> None:
    with serving(StandIn().answer) as server:
        address = server.address
    error = failed(Anthropic(MODEL, KEY, PRICES, address=address, patience=LONG))[1]
    assert isinstance(error, ResearcherDown) and not error.for_good
    assert "gave no reply at 127.0.0.1" in str(error)


def test_a_name_that_nobody_knows_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is stood in for, for a test asks nobody beyond this machine."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failed(Anthropic(MODEL, KEY, PRICES, address="https://api.example.test", patience=LONG))[1]
    assert str(error) == f"anthropic:{MODEL} gave no reply at api.example.test: Name or service not known."


@pytest.mark.parametrize(
    "address", ["", "nonsense", "gopher://127.0.0.1", "http://[::1", "http://127.0.0.1:99999", "http://u:secret@127.0.0.1"]
)
def test_an_address_that_is_none_is_a_sentence(address: str) -> None:
    one = Anthropic(MODEL, KEY, PRICES, address=address, patience=LONG)
    error = failed(one)[1]
    assert isinstance(error, ResearcherDown) and error.for_good
    assert "is no address" in str(error) and "secret" not in str(error)
    assert asyncio.run(one.check()) == str(error)


def test_a_missing_model_names_the_nearest(night: Night) -> None:
    _, error = failed(night.one("claude-sonet-5-5"))
    assert "it offers claude-sonnet-5-5" in str(error)
    night.stand_in.models_fault = "500"
    _, error = failed(night.one("claude-sonet-5-5"))
    assert isinstance(error, ResearcherDown) and error.for_good
    assert str(error).endswith("for this key.")


def test_a_key_is_never_said_again(night: Night) -> None:
    night.stand_in.faults.append("echo")
    said = str(failed(night.one())[1])
    assert "sk-" not in said and "(a key)" in said


# ------------------------------------------------------------------------------------------------------------------------------
# Ending early
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["", "slow", "silent"])
def test_cancelled_it_hangs_up_at_once(night: Night, fault: str) -> None:
    night.stand_in.faults += [fault] if fault else []
    night.stand_in.pace_s = 0.02

    async def cancel() -> None:
        async def ask() -> None:
            async for _ in night.one(patience=Patience()).propose(REQUEST):
                pass

        task = asyncio.create_task(ask())
        while not night.server.busy:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(night.hung_up)

    asyncio.run(cancel())


def test_closed_in_the_middle_it_hangs_up_at_once(night: Night) -> None:
    night.stand_in.pace_s = 0.02

    async def close() -> None:
        parts = night.one(patience=Patience()).propose(REQUEST)
        await anext(parts)
        await parts.aclose()  # type: ignore[attr-defined]
        assert await asyncio.to_thread(night.hung_up)

    asyncio.run(close())


def test_the_loop_does_not_wait_for_the_sdk_to_be_imported() -> None:
    """In a fresh process: the event loop stands still for a small part of the first request only."""
    program = """
import asyncio, time
from autoresearch_tui.researchers.anthropic import Anthropic
from autoresearch_tui.researchers.prices import Prices

async def beat(gaps):
    while True:
        begins = time.monotonic()
        await asyncio.sleep(0.005)
        gaps.append(time.monotonic() - begins)

async def main():
    gaps = []
    task = asyncio.create_task(beat(gaps))
    await asyncio.sleep(0.02)
    begins = time.monotonic()
    said = await Anthropic("m", "sk-x", Prices.load(), address="http://127.0.0.1:1").check()
    task.cancel()
    print(max(gaps) / (time.monotonic() - begins), said)

asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    share, said = ran.stdout.split(" ", 1)
    assert "gave no reply at 127.0.0.1:1" in said
    assert float(share) < 0.5, ran.stdout
