"""The researcher `openai` and the server that it asks, as its tests have them: real httpx, real sockets, little patience."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import time
from collections.abc import Callable, Iterator
from typing import TypeVar, get_args

import pytest

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Part, Request
from autoresearch_tui.researchers.openai import OpenAI
from autoresearch_tui.researchers.patience import Patience
from tests.servers import openai as servers
from tests.servers.wire import Heard, Line, Server, serving

E = TypeVar("E", bound=Exception)

importlib.import_module("httpx")  # which takes a while, once, and is no fault of a server
SHORT = Patience(connect=5.0, first=1.0, gap=0.8, whole=10.0)
CALM = Patience(connect=5.0, first=30.0, gap=30.0, whole=60.0)
PROMPT = Prompt(rules="Be brief.", code="LR = 1\n" * 40, ask="What now?", tokens=100)
REQUEST = Request(draft="d0001", operator="tune", source="LR = 1\n", number=1, seed=42, prompt=PROMPT)
CANARY = "sk-canary"
FLAVOURS: tuple[servers.Flavour, ...] = get_args(servers.Flavour)

flavoured = pytest.mark.parametrize("flavour", FLAVOURS)


@contextlib.contextmanager
def night(standin: servers.OpenAI, model: str = "toy", **how: object) -> Iterator[tuple[OpenAI, Server]]:
    """A researcher and the server that it asks."""
    prefix = "/api/v1" if standin.flavour == "openrouter" else "/v1"
    with serving(standin.answer) as server:
        yield OpenAI(model, server.address + prefix, **{"patience": CALM, **how}), server  # type: ignore[arg-type]


async def replied(researcher: OpenAI, request: Request) -> list[Part]:
    return [part async for part in researcher.propose(request)]


def ask(researcher: OpenAI, request: Request = REQUEST) -> list[Part]:
    return asyncio.run(replied(researcher, request))


def text_of(parts: list[Part], kind: str = "text") -> str:
    return "".join(part.text for part in parts if part.kind == kind)


def usage_of(parts: list[Part]) -> Part:
    assert [part.kind for part in parts].index("usage") == len(parts) - 1, "usage comes last, and once"
    return parts[-1]


def refusal(kind: type[E], researcher: OpenAI, request: Request = REQUEST) -> E:
    with pytest.raises(kind) as caught:
        ask(researcher, request)
    return caught.value


def saying(*raw: bytes, content_type: str = "text/event-stream") -> Callable[[Heard, Line], None]:
    """A server that answers every request with these chunks."""

    def answer(heard: Heard, line: Line) -> None:
        line.stream(content_type=content_type)
        for piece in raw:
            line.chunk(piece)
        line.done()

    return answer


def told(*raw: bytes, **how: object) -> list[Part]:
    with serving(saying(*raw)) as server:
        return ask(OpenAI("toy", server.address, **{"patience": CALM, **how}))  # type: ignore[arg-type]


def chunk(delta: dict[str, object], finish: str | None = None, **more: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}).encode() + b"\n\n"


def until(true: Callable[[], bool], seconds: float = 2.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.005)


STOP = chunk({}, "stop", usage={"prompt_tokens": 9, "completion_tokens": 2})
