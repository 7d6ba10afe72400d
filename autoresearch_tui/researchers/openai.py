"""The researcher of any server that speaks OpenAI's protocol: vLLM, llama.cpp, LM Studio, OpenRouter and their kin, over httpx.

Owns the conversation: what is asked, and asked again without what the server would not take, and what came of it. The line to the server
is `line.py`'s; what the bytes mean `sse.py` and `completion.py` know, what a refusal means `complaints.py`, what a server is `endpoint.py`,
and what it is asked `quirks.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from autoresearch_tui.addresses import is_local
from autoresearch_tui.proposals.reply import LONGEST
from autoresearch_tui.researchers import Declined, Part, Request, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.asking import ENDLESS, OPERATORS
from autoresearch_tui.researchers.complaints import Complaint, complaint, is_complaint, meaning, no_model
from autoresearch_tui.researchers.completion import Completion
from autoresearch_tui.researchers.endpoint import (
    Listed,
    base_of,
    find,
    read_models,
    root_of,
    window_in_props,
    window_in_studio,
)
from autoresearch_tui.researchers.line import Broken, Line, body_of
from autoresearch_tui.researchers.patience import Patience, patiently
from autoresearch_tui.researchers.quirks import Quirks, chat_request, learned, smallest
from autoresearch_tui.researchers.sentences import offered, quoted
from autoresearch_tui.researchers.sizes import billions, dialects_for
from autoresearch_tui.researchers.sse import Event, Garbled, TooLong

if TYPE_CHECKING:  # it takes a tenth of a second to import, and is not needed before somebody is asked
    import httpx

LESSONS = 3  # requests more than the one that counts, to learn what a server does not take
LOOK_S = 8.0  # for a look at the server, which answers at once or is not well

Body = dict[str, Any]
Cost = Callable[[int, int], float | None]


class OpenAI:
    """The researcher `openai:MODEL`. With no model it is the server's own: its only one, or the first that it lists."""

    operators: tuple[str, ...] = OPERATORS

    def __init__(
        self,
        model: str,
        address: str,
        key: str = "",
        window: int = 0,
        answer: int = 4096,
        patience: Patience = Patience(),  # noqa: B008 - it is frozen
        quirks: Quirks = Quirks(),  # noqa: B008
        cost: Cost | None = None,
        shares: bool | None = None,
    ) -> None:
        """`cost` says what tokens in and out cost, where the server does not. Raises ValueError where the address is none."""
        self.name = f"openai:{model}" if model else "openai"
        self.model = model
        self.base = base_of(address)
        self.window = window
        self.answer = answer
        self._wanted = window, answer
        self.patience = patience
        self.quirks = quirks
        """What was learned of this endpoint: to be kept, and given to the next of the same model and address."""
        self.remote = self.metered = not is_local(self.base)
        self.shares = not self.remote if shares is None else shares
        """Unless told better: what computes on this machine computes where the trainings do."""
        self.dialects = dialects_for(billions(model), self.remote)
        self._cost = cost
        self._prices: tuple[float, float] | None = None
        self._who = f"{self.name} at {self.base}"
        self._line = Line(self.base, key.strip(), self._who, patience.connect)

    @property
    def priced(self) -> bool:
        """What a request costs is known."""
        return self.cost_of(0, 0) is not None

    def cost_of(self, tokens_in: int, tokens_out: int) -> float | None:
        """In dollars; what computes on this machine costs none."""
        if not self.metered:
            return 0.0
        if self._cost is not None:
            return self._cost(tokens_in, tokens_out)
        return None if self._prices is None else tokens_in * self._prices[0] + tokens_out * self._prices[1]

    def propose(self, request: Request) -> AsyncGenerator[Part, None]:
        return patiently(self._who, self._reply(request), self.patience)

    async def check(self) -> str | None:
        try:
            async with asyncio.timeout(LOOK_S), self._line.client() as client:
                await self._look(client)
        except TimeoutError:
            return f"{self._who} did not answer for {LOOK_S:g} s: is the server well?"
        except ResearcherDown as down:
            return str(down)
        return None

    async def release(self) -> None:
        """Nothing: the protocol has no word for it. llama.cpp and vLLM hold their memory while they live, LM Studio as it is set."""

    # ------------------------------------------------------------------------------------------------------------------------------
    # A reply
    # ------------------------------------------------------------------------------------------------------------------------------

    async def _reply(self, request: Request) -> AsyncGenerator[Part, None]:
        assert request.prompt is not None, "who has dialects is given a prompt"
        async with self._line.client() as client:
            if not self.model:
                await self._look(client)
            for lesson in range(1 + LESSONS):
                body = chat_request(self.model, request.prompt, self.answer, request, self.quirks)
                reply, began = Completion(), time.monotonic()
                with self._line.failing():
                    async with client.stream("POST", f"{self._line.url}/chat/completions", json=body) as response:
                        refused = None if response.is_success else await self._line.complaint(response)
                        if refused is None:
                            async with contextlib.aclosing(self._spoken(client, body, response, reply)) as parts:
                                async for part in parts:
                                    yield part
                if refused is None:
                    cut = self._cut(reply)
                    if cut or reply.finish or reply.done or reply.tokens_out:
                        await self._count(client, request.prompt.text, reply)
                        yield self._usage(reply, cut, began)
                    self._ended(reply, cut)
                    return
                more = learned(self.quirks, refused, body)
                if more is None or lesson == LESSONS:
                    raise await self._meaning(client, refused, dict(response.headers))
                self.quirks = more

    async def _spoken(
        self, client: httpx.AsyncClient, body: Body, response: httpx.Response, reply: Completion
    ) -> AsyncGenerator[Part, None]:
        """What is said and thought, up to the end of the reply or of what a reply may be."""
        try:
            with self._line.failing():
                async with contextlib.aclosing(self._line.events(response, lambda: bool(reply.finish))) as events:
                    async for event in events:
                        for part in self._heard(event, reply):
                            reply.first = reply.first or time.monotonic()
                            yield part
                        if reply.done or reply.said > LONGEST:
                            break
        except TooLong:
            reply.said = LONGEST + 1
        except Broken:
            await self._ask_why(client, body, reply)
            raise
        await self._ask_why(client, body, reply)
        for part in reply.rest():
            yield part

    async def _ask_why(self, client: httpx.AsyncClient, body: Body, reply: Completion) -> None:
        """Without a stream, what it broke off for: llama-cpp-python meets its errors when a stream is open already, and cannot say them."""
        if reply.said or reply.finish or reply.done:
            return
        with self._line.failing():
            async with client.stream("POST", f"{self._line.url}/chat/completions", json=smallest(body, self.quirks)) as response:
                if not response.is_success:
                    raise await self._meaning(client, await self._line.complaint(response), dict(response.headers))

    async def _count(self, client: httpx.AsyncClient, prompt: str, reply: Completion) -> None:
        """What the server did not count by itself, if it counts on request."""
        if self.remote or not self.quirks.counts or reply.tokens_in is not None or reply.tokens_out is not None:
            return
        counts = []
        with contextlib.suppress(ResearcherDown, TimeoutError):
            async with asyncio.timeout(LOOK_S):
                for text in (prompt, "".join(reply.texts)):
                    asked = {"model": self.model, "input": text}
                    said = await self._line.ask(client, "POST", f"{root_of(self._line.url)}/extras/tokenize/count", asked)
                    counts.append(said.get("count") if isinstance(said, dict) else None)
            if all(isinstance(count, int) for count in counts):
                reply.tokens_in, reply.tokens_out = counts
            else:
                self.quirks = msgspec.structs.replace(self.quirks, counts=False)

    def _cut(self, reply: Completion) -> str:
        if reply.said > LONGEST:
            return ENDLESS
        return self._limit(reply) if reply.is_cut else ""

    def _heard(self, event: Event, reply: Completion) -> list[Part]:
        if event.text.strip() == "[DONE]":
            reply.done = True
            return []
        try:
            chunk = json.loads(event.text)
        except (ValueError, RecursionError):
            if not event.whole:
                return []  # the connection broke in the middle of it
            raise Garbled(self._line.shown(event.text)) from None
        if event.kind == "error" or not isinstance(chunk, dict) or is_complaint(chunk):
            error = meaning(complaint(0, chunk, self._line.key), self._who, {})
            raise self._learned_window(error)
        room = LONGEST - reply.said
        parts = reply.read(chunk)
        return parts if reply.said <= LONGEST else [msgspec.structs.replace(part, text=part.text[:room]) for part in parts]

    def _ended(self, reply: Completion, cut: str) -> None:
        """After its last word: was it a reply?"""
        if reply.refusal or reply.finish == "content_filter":
            raise Declined(f"refusal: {quoted(reply.refusal)}" if reply.refusal else "content filter")
        if cut:
            if reply.thought and not reply.answered:
                self.quirks = msgspec.structs.replace(self.quirks, think=False)
            return
        if reply.finish in ("error", "abort"):
            raise ResearcherDown(f"{self._who} failed in the middle of a reply, and does not say why.")
        if not (reply.finish or reply.done):
            where = "in the middle of a reply" if reply.said else "before its first word"
            raise Broken(f"{self._who} closed the connection {where}: its log may say why.")
        if not reply.said and 0 < self.window <= (reply.tokens_in or 0):  # LM Studio says no more than this
            raise WindowExceeded(f"{self._who} says nothing to a prompt of {reply.tokens_in} tokens: it has {self.window}.", self.window)

    def _limit(self, reply: Completion) -> str:
        answer = min(self.answer, self.quirks.most or self.answer)
        if reply.tokens_out and reply.tokens_out < 0.9 * answer:  # not all count the last token
            return f"the window: {reply.tokens_out} tokens of an answer fitted"
        return f"the limit of {answer} tokens"

    def _usage(self, reply: Completion, cut: str, began: float) -> Part:
        now, first = time.monotonic(), reply.first
        seen = dict(reply.seen)
        if first:
            seen.setdefault("prompt_s", round(first - began, 3))
            if reply.tokens_out and now - first > 0.01:
                seen.setdefault("tokens_per_s", round(reply.tokens_out / (now - first), 3))
        if self.window:
            seen["context_length"] = self.window
        cost = 0.0 if not self.metered else reply.cost
        if cost is None and reply.tokens_in is not None and reply.tokens_out is not None:
            cost = self.cost_of(reply.tokens_in, reply.tokens_out)
        return Part("usage", tokens_in=reply.tokens_in or 0, tokens_out=reply.tokens_out or 0, cost=cost, cut=cut, seen=seen)

    # ------------------------------------------------------------------------------------------------------------------------------
    # What the server is
    # ------------------------------------------------------------------------------------------------------------------------------

    async def _look(self, client: httpx.AsyncClient) -> None:
        """Is the model there, with what window, at what price? Raises ResearcherDown."""
        listed = await self._models(client)
        if listed is None and self.model:
            return  # a server that lists none may have it all the same
        one = find(self.model, listed or [])
        if one is None:
            raise self._missing(listed or [])
        if not self.model:
            self.model = one.model
            self.dialects = dialects_for(billions(one.model), self.remote)
        self._prices = one.prices if self.model in (one.model, *one.names) else None  # another way to it may have another price
        size = one.window or window_in_props(await self._line.ask(client, "GET", f"{root_of(self._line.url)}/props"))
        size = size or window_in_studio(self.model, await self._line.ask(client, "GET", f"{root_of(self._line.url)}/api/v0/models"))
        self._fit(size)

    def _fit(self, size: int) -> None:
        """To the window that the server has now: it may have been started again with another."""
        if size > 0:
            self.window = min(self._wanted[0], size) if self._wanted[0] else size
            self.answer = min(self._wanted[1], self.window // 2)

    async def _models(self, client: httpx.AsyncClient) -> list[Listed] | None:
        """None: this server lists none."""
        with self._line.failing():
            async with client.stream("GET", f"{self._line.url}/models") as response:
                if response.status_code in (404, 405, 501) and self.model:
                    return None
                if not response.is_success:
                    error = meaning(await self._line.complaint(response), self._who, response.headers)
                    raise error if isinstance(error, ResearcherDown) else ResearcherDown(str(error))
                listed = read_models(await body_of(response))
        if listed is None:
            raise ResearcherDown(f"{self._who} does not list models as OpenAI's protocol has it: is the address right?", for_good=True)
        return listed

    def _missing(self, listed: list[Listed]) -> ResearcherDown:
        if not listed:
            return ResearcherDown(f"{self._who} has no model loaded: load one there.")
        wanted = f"has no model `{self.model}`" if self.model else "has no model that writes"
        return ResearcherDown(f"{self._who} {wanted}; it offers {offered(self.model, [one.model for one in listed])}.", for_good=True)

    async def _meaning(self, client: httpx.AsyncClient, refused: Complaint, headers: dict[str, str]) -> Exception:
        if no_model(refused):
            with contextlib.suppress(ResearcherDown, WindowExceeded, Declined):
                async with asyncio.timeout(LOOK_S):
                    return self._missing(await self._models(client) or [])
        return self._learned_window(meaning(refused, self._who, headers))

    def _learned_window(self, error: Exception) -> Exception:
        if isinstance(error, WindowExceeded):
            self._fit(error.window)
        return error
