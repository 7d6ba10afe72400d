"""What a server says when it refuses, before a reply or in the middle of one, and what that means for a night. Pure.

The words are the server's; the sentence around them says what a person can do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from autoresearch_tui.researchers import Declined, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.patience import asked_to_wait
from autoresearch_tui.researchers.sentences import quoted

LOADING_S = 2.0  # a model that is being loaded is there soon
NUMBER = r"(\d[\d,]*)"

# As vLLM, llama.cpp, llama-cpp-python, LM Studio, SGLang, text-generation-inference and OpenAI say it. `max_tokens` alone is no sign of it:
# that has a limit of its own.
WINDOW = re.compile(
    r"context[ _](length|size|window)|exceed_context_size|n_ctx|context the overflows|prompt is too long|input is too long|too many tokens"
    r"|longer than the (maximum )?model|maximum model length|max_new_tokens` must be|max_tokens must be at least 1, got -"
    r"|request too large",
    re.IGNORECASE,
)
WINDOW_SIZES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"maximum (?:context|model) length (?:is|of) (?:only )?{NUMBER}",
        rf"context length of (?:only )?{NUMBER}",
        rf"context (?:size|length) \({NUMBER}",
        rf"context window (?:of|is) {NUMBER}",
        rf"n_ctx\W+{NUMBER}",
        rf"must be <= {NUMBER}",
    )
]
NO_MODEL = re.compile(
    r"model_not_found|model\b.{0,120}\b(does not exist|not found|not a valid model)|not a valid model|no (such )?model|no endpoints found",
    re.IGNORECASE,
)
NO_CREDIT = re.compile(r"insufficient_quota|insufficient credits|billing", re.IGNORECASE)
FILTERED = re.compile(r"content_filter|content_policy|moderation|flagged", re.IGNORECASE)


class Complaint(msgspec.Struct, frozen=True):
    """An answer that is none."""

    status: int
    """Of HTTP, or what an error in the middle of a reply calls itself; 0: neither."""
    words: str
    """In one line."""
    codes: str = ""
    """The words for machines, as `context_length_exceeded`."""
    param: str = ""
    """The parameter that it is about."""
    window: int = 0
    headers: dict[str, str] = {}
    """Those that OpenRouter passes on inside its answer."""

    @property
    def all(self) -> str:
        return f"{self.codes} {self.words}"


def complaint(status: int, body: Any, key: str = "") -> Complaint:
    """From the JSON of an answer, or its text where it was none: `{"error": {..}}`, `{"error": "text"}`, vLLM's flat one, `{"detail": ..}`.

    The key is taken out of it, for some servers repeat it to whom they refuse.
    """
    error = body
    if isinstance(body, dict):
        error = body.get("error") or body.get("detail") or body
    if not isinstance(error, dict):
        return Complaint(status, quoted(str(error), key))
    words = str(error.get("message") or error.get("detail") or error.get("error") or "")
    metadata = error.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if raw := metadata.get("raw"):  # the words of whom OpenRouter asked
        words += f" ({raw})"
    code, window, headers = error.get("code"), error.get("n_ctx"), metadata.get("headers")
    return Complaint(
        status or (code if isinstance(code, int) and 400 <= code < 600 else 0),
        quoted(words, key),
        quoted(" ".join(str(error[name]) for name in ("code", "type", "error_type") if error.get(name)), key),
        quoted(str(error.get("param") or ""), key),
        window if isinstance(window, int) else 0,
        {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
    )


def is_complaint(chunk: dict[str, Any]) -> bool:
    return bool(chunk.get("error")) or chunk.get("object") == "error"


def no_model(one: Complaint) -> bool:
    """Without a word on the model, a 404 is of an address that does not exist."""
    return one.status in (0, 400, 404, 422) and bool(NO_MODEL.search(one.all))


def meaning(one: Complaint, who: str, headers: Mapping[str, str]) -> Exception:
    """What to make of it; `who` is the server, as the sentences name it."""
    said = f": {one.words.rstrip('.')}" if one.words else ""
    wait = wait_s(one, headers)
    if one.status == 402 or (one.status in (0, 403, 429) and NO_CREDIT.search(one.all)):
        return ResearcherDown(f"{who} wants credit first{said}. Add credit there, or name another researcher.", for_good=True)
    if one.status in (0, 400, 403) and FILTERED.search(one.all):
        return Declined(f"content filter{said}")
    if one.status in (401, 403):
        return ResearcherDown(f"{who} refuses the key{said}. Check the key, and that it may use this model.", for_good=True)
    if one.status == 413 or (one.status != 404 and WINDOW.search(one.all)):
        return WindowExceeded(f"The prompt and its answer do not fit the model of {who}{said}.", window_of(one))
    if one.status == 429:
        return ResearcherDown(f"{who} limits how often it is asked{said}.", wait)
    if one.status == 503 and "loading" in one.words.lower():
        return ResearcherDown(f"{who} is still loading its model.", wait if wait is not None else LOADING_S)
    if one.status in (503, 529):
        return ResearcherDown(f"{who} is too busy{said}.", wait)
    if one.status == 404:
        return ResearcherDown(f"{who} knows no chat completions{said}. Does the address end where its /v1 does?", for_good=True)
    if 300 <= one.status < 400:
        return ResearcherDown(
            f"{who} sends elsewhere, and nothing is sent there unasked: name the address that it stands for.", for_good=True
        )
    if 400 <= one.status < 500:
        return ResearcherDown(f"{who} does not take the request ({one.status}){said}.", wait)
    return ResearcherDown(f"{who} failed{f' ({one.status})' if one.status else ''}{said}.", wait)


def window_of(one: Complaint) -> int:
    """The size of the window, if it was said; 0 if not."""
    found = next((match for pattern in WINDOW_SIZES if (match := pattern.search(one.words))), None)
    return one.window or (int(found[1].replace(",", "")) if found else 0)


def wait_s(one: Complaint, headers: Mapping[str, str]) -> float | None:
    """How long to wait, in seconds, if it says so."""
    said = {name.lower(): value for source in (one.headers, headers) for name, value in source.items()}
    wait = asked_to_wait(said.get("retry-after"))
    return asked_to_wait(said.get("x-ratelimit-reset")) if wait is None else wait
