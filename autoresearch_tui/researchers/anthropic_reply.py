"""A reply of the Messages API as it streams: its words, what they cost, and how it ended. Pure, and free of the SDK's import."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from autoresearch_tui.proposals.reply import LONGEST
from autoresearch_tui.researchers import Part
from autoresearch_tui.researchers.asking import ENDLESS
from autoresearch_tui.researchers.prices import Prices, Usage

CHARACTERS_PER_TOKEN = 4  # where nobody counted
LIMITS = {"requests_left": "anthropic-ratelimit-requests-remaining", "tokens_left": "anthropic-ratelimit-tokens-remaining"}
RESETS = ("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset")


class Reply:
    """What was heard of one reply so far."""

    def __init__(self, model: str, prices: Prices, limit: int) -> None:
        self.model = model
        self.prices = prices
        self.limit = limit
        """Tokens that it may have."""
        self.begun = False
        self.stop = ""
        """Why the model ended it; nothing while it did not."""
        self.category = ""
        """Of a refusal."""
        self.seen: dict[str, float] = {}
        self._counted: dict[str, int] = {}
        self._written_5m: int | None = None
        self._length = 0

    @property
    def full(self) -> bool:
        return self._length >= LONGEST

    @property
    def over(self) -> bool:
        return self.full or bool(self.stop)

    @property
    def cut(self) -> str:
        """Why it is not whole."""
        if self.full:
            return ENDLESS
        return f"the limit of {self.limit} tokens" if self.stop == "max_tokens" else "" if self.stop else "it broke off"

    def hear(self, event: Any) -> Part | None:
        """The next event, as the SDK made it of what came: not validated, so that anything may be missing or of another type."""
        match event.type:
            case "message_start":
                self.begun = True
                self._count(event.message.usage)
                cached = event.message.usage.cache_creation
                self._written_5m = cached.ephemeral_5m_input_tokens if cached else None
                return self.bill()  # the prompt is paid for, whatever becomes of the reply
            case "content_block_start":
                return self._words(event.content_block)
            case "content_block_delta":
                return self._words(event.delta)
            case "message_delta":
                self._count(event.usage)
                self.stop = event.delta.stop_reason or ""
                if self.stop == "refusal":
                    self.category = str(getattr(event.delta.stop_details, "category", None) or "no category")
        return None

    def bill(self) -> Part:
        """What it took, as far as is known."""
        usage = self._usage()
        return Part(
            "usage",
            tokens_in=usage.prompt,
            tokens_out=usage.out,
            cost=self.prices.cost(self.model, usage),
            cut=self.cut,
            seen=self.seen,
        )

    def _words(self, block: Any) -> Part | None:
        match block.type:
            case "text" | "text_delta":
                said = Part("text", block.text)
            case "thinking" | "thinking_delta":
                said = Part("thinking", block.thinking)
            case _:
                return None
        if not isinstance(said.text, str):
            raise TypeError("words that are no text")
        said = Part(said.kind, said.text[: LONGEST - self._length])
        self._length += len(said.text)
        return said if said.text else None

    def _count(self, usage: Any) -> None:
        """The figures of a later event stand for all before it."""
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"):
            tokens = getattr(usage, name, None)
            if isinstance(tokens, int):
                self._counted[name] = tokens

    def _usage(self) -> Usage:
        """A reply that was left in the middle is paid for as far as it came, but the server's count never arrived: it is estimated."""
        written = self._counted.get("cache_creation_input_tokens", 0)
        written_5m = min(self._written_5m or 0, written)
        out = self._counted.get("output_tokens", 0)
        return Usage(
            fresh=self._counted.get("input_tokens", 0),
            written_5m=written_5m,
            written_1h=written - written_5m,
            read=self._counted.get("cache_read_input_tokens", 0),
            out=out if self.stop else max(out, min(self._length // CHARACTERS_PER_TOKEN, self.limit)),
        )


def limits(headers: Mapping[str, str], now: datetime.datetime) -> dict[str, float]:
    """What is left of the rate limits, and when they are whole again; what is missing or makes no sense is left out."""
    seen = {}
    for name, header in LIMITS.items():
        if headers.get(header, "").isdecimal():
            seen[name] = float(headers[header])
    waits = [wait for header in RESETS if (wait := _until(headers.get(header, ""), now)) is not None]
    return seen | ({"reset_s": max(waits)} if waits else {})


def _until(said: str, now: datetime.datetime) -> float | None:
    try:
        return max(0.0, (datetime.datetime.fromisoformat(said) - now).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
