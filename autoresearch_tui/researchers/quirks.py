"""What an endpoint does not take of a chat request, learned from its own words and kept, and the request that it does take. Pure."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Request
from autoresearch_tui.researchers.asking import messages, seed, temperature
from autoresearch_tui.researchers.complaints import Complaint

OPTIONAL = ("stream_options", "chat_template_kwargs", "temperature", "seed")  # a reply comes without them too
SYSTEM = re.compile(r"system (role|message|prompt)|messages\[0\]\.role|roles?\b.{0,20}\bsystem|developer instruction", re.IGNORECASE)
AT_MOST = re.compile(r"(?:at most|<=|less than or equal to|maximum (?:value )?(?:is|of)) (\d+)", re.IGNORECASE)


class Quirks(msgspec.Struct, frozen=True):
    """Of one model at one endpoint."""

    without: tuple[str, ...] = ()
    """Parameters that it refuses."""
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What it calls the limit of an answer."""
    most: int = 0
    """The most that it takes as that limit; 0: it did not say."""
    system: bool = True
    """It takes a message of the role system."""
    counts: bool = True
    """Where its replies do not say what they took, it counts a text on request, as llama-cpp-python does."""
    think: bool = True
    """Left to think as it likes. False: it thought until nothing was left for an answer."""


def chat_request(model: str, prompt: Prompt, answer: int, request: Request, quirks: Quirks) -> dict[str, Any]:
    """The body of the request. Where the prompt begins the same it stays the same, for servers keep what they have read."""
    body: dict[str, Any] = {
        "model": model,
        "messages": messages(prompt, quirks.system),
        "stream": True,
        "stream_options": {"include_usage": True},
        quirks.limit: min(answer, quirks.most) if quirks.most else answer,
        "seed": seed(request),
    }
    if not quirks.think:
        body["chat_template_kwargs"] = {"enable_thinking": False}
    if request.heat or request.refusals or request.operator == "repair":  # else as the model does by itself
        body["temperature"] = temperature(request)
    return {name: value for name, value in body.items() if name not in quirks.without}


def smallest(body: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    """The same request for one token and no stream: what keeps the server from answering, it says to this one too."""
    return {name: value for name, value in body.items() if name != "stream_options"} | {"stream": False, quirks.limit: 1}


def learned(quirks: Quirks, one: Complaint, sent: dict[str, Any]) -> Quirks | None:
    """The quirks with what this complaint teaches; None: the request was refused for another reason, or this was known already."""
    if quirks.system and one.status in (400, 422, 500) and SYSTEM.search(f"{one.param} {one.words}"):
        return replace(quirks, system=False)  # llama.cpp answers 500 where the model's template will not have it
    if one.status not in (400, 422):
        return None
    if quirks.limit in sent and _names(one, quirks.limit):
        return _limit(quirks, one, sent[quirks.limit])
    name = next((name for name in OPTIONAL if name in sent and _names(one, name)), None)
    return replace(quirks, without=(*quirks.without, name)) if name else None


def _limit(quirks: Quirks, one: Complaint, sent: int) -> Quirks | None:
    most = AT_MOST.search(one.words)
    if most and 0 < int(most[1]) < sent:
        return replace(quirks, most=int(most[1]))
    return replace(quirks, limit="max_completion_tokens") if quirks.limit == "max_tokens" else None


def _names(one: Complaint, name: str) -> bool:
    return bool(re.search(rf"(?<!\w){name}(?!\w)", f"{one.param} {one.words}"))
