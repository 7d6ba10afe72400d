"""A stand-in for Anthropic's API and a researcher that asks it, through the real SDK and real sockets; what tests of both share."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Declined, Part, Request, Researcher, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.anthropic import Anthropic
from autoresearch_tui.researchers.patience import Patience
from autoresearch_tui.researchers.prices import Prices
from tests.servers.anthropic import KEY
from tests.servers.anthropic import Anthropic as StandIn
from tests.servers.wire import Server, serving

MODEL = "claude-opus-5-5"
PRICES = Prices.load()
LONG = Patience(connect=2.0, first=60.0, gap=10.0, whole=90.0)
SHORT = Patience(connect=2.0, first=0.4, gap=0.4, whole=20.0)
PROMPT = Prompt(rules="Only train.py may change.", code="MATRIX_LR = 0.04\n", ask="Propose one change.", tokens=30)
REQUEST = Request(draft="d0001", operator="tune", source="MATRIX_LR = 0.04\n", number=1, seed=42, prompt=PROMPT)


class Night:
    """A stand-in that listens, and a researcher that asks it."""

    def __init__(self, stand_in: StandIn, server: Server) -> None:
        self.stand_in = stand_in
        self.server = server

    def one(self, model: str = MODEL, key: str | None = KEY, patience: Patience = LONG) -> Anthropic:
        return Anthropic(model, key, PRICES, address=self.server.address, patience=patience)

    def bodies(self) -> list[Any]:
        return [heard.json for heard in self.server.heard if heard.method == "POST"]

    def hung_up(self, within: float = 0.3) -> bool:
        """Whether nothing is being answered any more."""
        ends = time.monotonic() + within
        while self.server.busy and time.monotonic() < ends:
            time.sleep(0.005)
        return not self.server.busy


@contextlib.contextmanager
def listening() -> Iterator[Night]:
    stand_in = StandIn()
    with serving(stand_in.answer) as server:
        yield Night(stand_in, server)


def warm_up() -> None:
    """The SDK takes seconds to import and to be used for the first time, which is no part of anybody's patience here."""
    with listening() as night:
        asked(night.one())


def asked(one: Researcher, request: Request = REQUEST) -> list[Part]:
    async def ask() -> list[Part]:
        return [part async for part in one.propose(request)]

    return asyncio.run(ask())


def failed(one: Researcher, request: Request = REQUEST) -> tuple[list[Part], Exception]:
    """The parts that came, and what was raised in the end: ours, and one sentence that holds no key."""
    parts: list[Part] = []

    async def ask() -> Exception:
        try:
            async for part in one.propose(request):
                parts.append(part)
        except (ResearcherDown, Declined, WindowExceeded) as error:
            return error
        raise AssertionError("it answered")

    error = asyncio.run(ask())
    said = str(error)
    assert said.isprintable() and KEY not in said and 20 < len(said) < 500
    return parts, error


def text(parts: list[Part], kind: str = "text") -> str:
    return "".join(part.text for part in parts if part.kind == kind)
