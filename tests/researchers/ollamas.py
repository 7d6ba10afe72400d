"""A researcher `ollama` and the server that it asks, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Part, Request
from autoresearch_tui.researchers.ollama import Ollama
from autoresearch_tui.researchers.patience import Patience
from tests.servers.ollama import Ollama as Stand_in
from tests.servers.ollama_shapes import Model
from tests.servers.wire import Server, serving

REPLY = "<idea>lower it & see</idea>\n<why>It may be high.</why>\n<edit>\nSET LR = 0.1\n</edit>\n"
CALM = Patience(connect=5.0, first=20.0, gap=20.0, whole=60.0)
SHORT = Patience(connect=0.5, first=0.3, gap=0.3, whole=5.0)
REQUEST = Request(
    draft="d7",
    operator="tune",
    source="LR = 0.2\n",
    number=3,
    seed=42,
    prompt=Prompt(rules="Improve train.py.", code="LR = 0.2\n" * 40, ask="What is your edit?", tokens=120),
)


class Bed(msgspec.Struct):
    """A researcher and the server that it asks."""

    researcher: Ollama
    ollama: Stand_in
    server: Server

    def ask(self, request: Request = REQUEST) -> list[Part]:
        async def listen() -> list[Part]:
            return [part async for part in self.researcher.propose(request)]

        return asyncio.run(listen())


@contextlib.contextmanager
def bed(*faults: str, models: tuple[Model, ...] = (Model(),), reply: str = REPLY, old: bool = False, **how: Any) -> Iterator[Bed]:
    stand_in = Stand_in(lambda heard: reply, models, faults, old=old)
    with serving(stand_in.answer) as server:
        yield Bed(Ollama(how.pop("model", models[0].name), server.address, patience=how.pop("patience", CALM), **how), stand_in, server)


def said(parts: list[Part], kind: str = "text") -> str:
    return "".join(part.text for part in parts if part.kind == kind)


def unheard_address() -> str:
    server = Server(lambda heard, line: None)
    server.close()
    return server.address


def assert_idle(server: Server, within_s: float = 0.2) -> None:
    ends = time.monotonic() + within_s
    while server.busy and time.monotonic() < ends:
        time.sleep(0.005)
    assert server.busy == 0
