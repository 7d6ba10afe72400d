"""Anthropic's models, through the official SDK: a prompt with a cached beginning, a reply as it streams, and what it cost.

A refusal, an empty purse and an overloaded server are told apart, for the engine does something else about each. It neither tries again
nor looks for a key: when to ask again is the engine's to say, and which key may be used is the person's.
"""

from __future__ import annotations

import asyncio
import datetime
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from autoresearch_tui.addresses import is_local
from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Declined, Part, Request, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.anthropic_reply import Reply, limits
from autoresearch_tui.researchers.asking import OPERATORS, fits_a_header, sendable
from autoresearch_tui.researchers.patience import Patience, patiently
from autoresearch_tui.researchers.prices import Prices
from autoresearch_tui.researchers.sentences import offered, quoted
from autoresearch_tui.researchers.sizes import dialects_for

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import ModelInfo, RawMessageStreamEvent

ADDRESS = "https://api.anthropic.com"
PROBE_S = 6.0  # the Models API computes nothing: it answers at once, or not at all
LEAST_BYTES, BYTES_PER_TOKEN = 4 << 20, 256  # how heavy a reply may get: an event for each token, and much room

REFUSED_BY = {"display": r"\bdisplay\b", "thinking": r"thinking", "effort": r"effort|output_config"}
"""What a model may not know of what is asked for, by what it says of it then."""
TERMS = {
    "frontier_llm": "Anthropic's commercial terms restrict help with competing AI models, and harmless work on machine learning is "
    "sometimes taken for it. Whether they allow yours is for you to settle: https://www.anthropic.com/legal/commercial-terms",
}
POLICY = "Its usage policy says what it declines: https://www.anthropic.com/legal/aup"


class Anthropic:
    """The researcher `anthropic:MODEL`."""

    operators: tuple[str, ...] = OPERATORS
    dialects: tuple[str, ...] = dialects_for(0, hosted=True)
    metered = True
    shares = False

    def __init__(
        self,
        model: str,
        key: str | None,
        prices: Prices,
        address: str = ADDRESS,
        effort: str = "medium",
        answer: int = 8192,
        patience: Patience | None = None,
    ) -> None:
        self.name = f"anthropic:{model}"
        self.model = model
        self._key = (key or "").strip()
        self.prices = prices
        self.address = address
        self.effort = effort
        self.answer = answer
        self.patience = patience or Patience()
        self.window = 0
        self._host = _host_of(address)
        self.remote = not is_local(address)
        self.priced = prices.of(model) is not None
        """Whether what it costs is known."""
        self.warning = ""
        """What `check` found that does not keep it from answering yet: the day of its retirement."""
        self._without: set[str] = set()
        """Of REFUSED_BY, what this model turned out not to know: learned once."""

    def propose(self, request: Request) -> AsyncIterator[Part]:
        assert request.prompt is not None, "a model reads a prompt"
        return patiently(self.name, self._reply(request.prompt), self.patience)

    async def release(self) -> None:
        """It holds no memory of the GPU."""

    async def check(self) -> str | None:
        if why := self._amiss():
            return why
        try:
            return await self._look_up()
        except (ResearcherDown, WindowExceeded) as error:
            return str(error)

    def _amiss(self) -> str | None:
        """What can be seen to be wrong without asking anybody."""
        if not self._host:
            shown = self.address.rpartition("@")[2]  # what stands before it is a password
            return f"`{shown}` is no address to ask {self.name} at: write it as http://127.0.0.1:8000."
        if not self._key:
            return f"{self.name} needs a key: set ANTHROPIC_API_KEY where the run is started, or name another researcher."
        if not fits_a_header(self._key):
            return f"The key for {self.name} holds a sign that no key has: copy it again into ANTHROPIC_API_KEY."
        return None

    # --------------------------------------------------------------------------------------------------------------------------
    # Asking
    # --------------------------------------------------------------------------------------------------------------------------

    async def _reply(self, prompt: Prompt) -> AsyncGenerator[Part, None]:
        if why := self._amiss():
            raise ResearcherDown(why, for_good=True)
        reply = Reply(self.model, self.prices, self.answer)
        failed: Exception | None = None
        try:
            async with await self._client() as client, await self._ask(client, prompt) as stream:
                reply.limit = self.answer
                reply.seen = limits(stream.response.headers, datetime.datetime.now(datetime.UTC))
                async for event in stream:
                    if part := reply.hear(event):
                        yield part
                    if reply.over:
                        break
        except Exception as error:  # of the SDK, of what it stands on, or of reading what a server made up: none may escape
            failed = error
        if reply.begun:
            yield reply.bill()
        if failed is not None:
            raise await self._ours(failed, reply.begun) from None
        self._judge(reply)

    def _judge(self, reply: Reply) -> None:
        """How it ended, where that is not well."""
        if reply.stop == "refusal":
            why = TERMS.get(reply.category, POLICY)
            raise Declined(f"{reply.category}: {self.name} declined to answer this request. {why}")
        if reply.stop == "model_context_window_exceeded":
            raise WindowExceeded(f"{self.name} came to the end of its window in the middle of its reply.", self.window)
        if not reply.begun:
            raise ResearcherDown(
                f"{self.name} got an answer that is not of the Messages API: see whether {self._host} is the right address."
            )
        if not reply.over:
            raise ResearcherDown(f"{self.name} ended its reply in the middle.")

    async def _ask(self, client: AsyncAnthropic, prompt: Prompt) -> AsyncStream[RawMessageStreamEvent]:
        """The reply as soon as it begins. What the model says it does not know is left out from then on."""
        from anthropic import BadRequestError

        while True:
            try:
                stream: AsyncStream[RawMessageStreamEvent] = await client.messages.create(stream=True, **self._wanted(prompt))
            except BadRequestError as error:
                if not self._learn(str(error.api_message)):
                    raise
            else:
                return stream

    def _wanted(self, prompt: Prompt) -> dict[str, Any]:
        # An experiment takes longer than the five minutes of the short cache: only the long one is ever read.
        cached: dict[str, Any] = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
        blocks: list[dict[str, Any]] = [
            {"type": "text", "text": sendable(prompt.code), **cached},
            {"type": "text", "text": sendable(prompt.ask)},
        ]
        wanted: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.answer,
            "messages": [{"role": "user", "content": [block for block in blocks if block["text"]]}],
        }
        if prompt.rules:
            wanted["system"] = [{"type": "text", "text": sendable(prompt.rules), **cached}]
        if "thinking" not in self._without:
            # Newer models keep their thinking to themselves unless asked, and are silent for minutes.
            shown = {} if "display" in self._without else {"display": "summarized"}
            wanted["thinking"] = {"type": "adaptive", **shown}
        if "effort" not in self._without:
            wanted["output_config"] = {"effort": self.effort}
        return wanted

    def _learn(self, said: str) -> bool:
        """Whether a refusal of the request names something that can be left out of it, or a limit that can be kept."""
        if most := re.search(r"max_tokens\D{1,3}\d+ > (\d+)", said):
            smaller = int(most[1]) < self.answer
            self.answer = min(self.answer, max(1, int(most[1])))
            return smaller
        for part, sign in REFUSED_BY.items():
            if part not in self._without and re.search(sign, said):
                self._without.add(part)
                return True
        return False

    async def _client(self) -> AsyncAnthropic:
        most = LEAST_BYTES + BYTES_PER_TOKEN * self.answer
        return await asyncio.to_thread(_open, self._key, self.address, self.patience.connect, self.patience.whole, most)

    # --------------------------------------------------------------------------------------------------------------------------
    # The model
    # --------------------------------------------------------------------------------------------------------------------------

    async def _look_up(self) -> str | None:
        """What the Models API has about it. Some servers speak this protocol and have no such thing: they are believed."""
        try:
            async with await self._client() as client, asyncio.timeout(PROBE_S):
                found = await client.models.retrieve(self.model)
        except Exception as error:
            from autoresearch_tui.researchers.anthropic_api import trouble

            if trouble(error).status == 404 and await self._models() is None:
                return None
            raise await self._ours(error) from None
        return self._note(found)

    def _note(self, found: ModelInfo) -> str | None:
        if not isinstance(getattr(found, "id", None), str):
            return f"What answers at {self._host} is not Anthropic's API: see whether the address is right."
        if getattr(found, "lifecycle", None) == "retired":
            return f"{self.name} was retired and answers no more: name another model."
        self.window = _number(found, "max_input_tokens") or self.window
        self.answer = min(self.answer, _number(found, "max_tokens") or self.answer)
        if _lacks(found, "thinking", "types", "adaptive"):
            self._without.add("thinking")
        if _lacks(found, "effort"):
            self._without.add("effort")
        retires = getattr(found, "retires_at", None)
        self.warning = f"{self.name} retires on {retires:%Y-%m-%d}: name another model soon." if isinstance(retires, datetime.date) else ""
        return None

    async def _models(self) -> list[str] | None:
        """Those of this key; None: the Models API does not answer."""
        try:
            async with await self._client() as client, asyncio.timeout(PROBE_S / 2):
                return [info.id for info in (await client.models.list(limit=1000)).data if isinstance(info.id, str)]
        except Exception:  # that there is no such model is said without it, too
            return None

    # --------------------------------------------------------------------------------------------------------------------------
    # What goes wrong
    # --------------------------------------------------------------------------------------------------------------------------

    async def _ours(self, error: Exception, begun: bool = False) -> Exception:
        """An exception of the SDK, or from below it, as one of ours."""
        from autoresearch_tui.researchers.anthropic_api import refused, trouble

        what = trouble(error)
        said = quoted(what.said, self._key) or "it gave no reason"
        if what.status == 404:
            models = await self._models()
            known = f"; it offers {offered(self.model, models)}" if models else ""
            return ResearcherDown(f"{self._host} has no model {self.model} for this key{known}.", for_good=True)
        if what.status == 0:
            verb = "broke off in the middle of its reply" if begun else f"gave no reply at {self._host}"
            return ResearcherDown(f"{self.name} {verb}: {said}.", what.retry_s)
        return refused(self.name, what, said, self.window)


def _open(key: str, address: str, connect_s: float, whole_s: float, most: int) -> AsyncAnthropic:
    """In a thread: the SDK takes seconds to import, and the roots of trust some more to read."""
    from autoresearch_tui.researchers.anthropic_api import open_client

    return open_client(key, address, connect_s, whole_s, most)


def _host_of(address: str) -> str:
    """Host and port; nothing if it is no address, or one with a password in it, which would take the place of the key."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        return ""
    return parts.netloc if usable else ""


def _number(found: ModelInfo, name: str) -> int:
    number = getattr(found, name, None)
    return number if isinstance(number, int) and number > 0 else 0


def _lacks(found: ModelInfo, *names: str) -> bool:
    """Whether the Models API says plainly that the model cannot do this."""
    at: Any = getattr(found, "capabilities", None)
    for name in names:
        at = getattr(at, name, None)
    return getattr(at, "supported", None) is False
