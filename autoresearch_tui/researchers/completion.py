"""A chat completion as its chunks tell it, or all at once: what is said, what was thought, why it ended, what it took. Pure.

The chunks of real servers differ in nearly everything that may be left out, be null or have another name. What is not known is skipped;
what is known and of another type than it should be is taken as not there.
"""

from __future__ import annotations

import json
from typing import Any

from autoresearch_tui.researchers import Part
from autoresearch_tui.researchers.words import Words

THOUGHTS = ("reasoning_content", "reasoning")  # DeepSeek, llama.cpp and older vLLM; vLLM since 0.11 and OpenRouter


class Completion:
    """One reply, while it arrives."""

    def __init__(self) -> None:
        self.finish = ""
        """Why it ended, in the server's word: `stop`, `length`, `content_filter`. Empty while it goes on."""
        self.done = False
        """The server said that nothing more comes."""
        self.refusal = ""
        """What it says instead of an answer."""
        self.said = 0
        """Characters, thinking included."""
        self.texts: list[str] = []
        self.first = 0.0
        """When it began to speak, on the clock of who listens; 0: it has not."""
        self.thought = False
        self.answered = False
        """Something other than thinking was said."""
        self.tokens_in: int | None = None
        """None: the server did not count."""
        self.tokens_out: int | None = None
        self.cost: float | None = None
        """In dollars, if the server says so itself."""
        self.seen: dict[str, float] = {}
        self._words = Words()
        self._call: object = None
        """The call of a tool that is being written."""

    @property
    def is_cut(self) -> bool:
        return self.finish in ("length", "max_tokens", "model_length")

    def read(self, chunk: dict[str, Any]) -> list[Part]:
        self._count(_dict(chunk.get("usage")), _dict(chunk.get("timings")))
        choices = chunk.get("choices")
        choice = _dict(choices[0]) if isinstance(choices, list) and choices else {}
        if choice.get("index") not in (None, 0):
            return []
        finish = choice.get("finish_reason")
        message = choice.get("message")
        self.finish = finish if isinstance(finish, str) and finish else self.finish or ("stop" if message else "")
        return self._parts(_dict(choice.get("delta") or message))

    def _parts(self, delta: dict[str, Any]) -> list[Part]:
        self.refusal += _text(delta.get("refusal"))
        parts = [Part("thinking", next((text for name in THOUGHTS if (text := _text(delta.get(name)))), ""))]
        for part in _content(delta.get("content")):
            parts += self._words.feed(part.text) if part.kind == "text" else [part]
        parts.append(Part("text", self._calls(delta)))
        return self._counted(parts)

    def rest(self) -> list[Part]:
        """What was held back, when nothing more comes."""
        return self._counted(self._words.rest())

    def _counted(self, parts: list[Part]) -> list[Part]:
        parts = [part for part in parts if part.text]
        self.said += sum(len(part.text) for part in parts)
        self.texts += [part.text for part in parts]
        self.thought = self.thought or any(part.kind == "thinking" for part in parts)
        self.answered = self.answered or any(part.kind == "text" and not part.text.isspace() for part in parts)
        return parts

    def _calls(self, delta: dict[str, Any]) -> str:
        """Some models call a tool although none is offered: what they would give to it is what they say."""
        said = ""
        calls = delta.get("tool_calls")
        older = [{"function": delta.get("function_call")}]
        for place, call in enumerate(calls if isinstance(calls, list) else older):
            function = _dict(_dict(call).get("function"))
            arguments = function.get("arguments")
            if isinstance(arguments, dict):  # LM Studio's and ollama's way
                arguments = json.dumps(arguments)
            if not isinstance(arguments, str) or not arguments:
                continue
            index = _dict(call).get("index", place)
            apart = "\n" if index != self._call and (self.answered or said) else ""
            self._call = index
            said += apart + arguments
        return said

    def _count(self, usage: dict[str, Any], timings: dict[str, Any]) -> None:
        """From the last chunk, or from each, the later the truer; where usage is not told, llama.cpp's timings tell it too."""
        told = {"in": _whole(usage.get("prompt_tokens")), "out": _whole(usage.get("completion_tokens"))}
        if told["out"] is None and self.tokens_out is None and timings:
            told = {
                "in": (_whole(timings.get("prompt_n")) or 0) + (_whole(timings.get("cache_n")) or 0),
                "out": _whole(timings.get("predicted_n")),
            }
        self.tokens_in = self.tokens_in if told["in"] is None else told["in"]
        self.tokens_out = self.tokens_out if told["out"] is None else told["out"]
        cached = _number(_dict(usage.get("prompt_tokens_details")).get("cached_tokens"))
        self._see("cached_tokens", cached if cached is not None else _number(timings.get("cache_n")))
        self._see("tokens_per_s", _number(timings.get("predicted_per_second")))
        prompt_ms = _number(timings.get("prompt_ms"))
        self._see("prompt_s", None if prompt_ms is None else prompt_ms / 1000)
        cost = _number(usage.get("cost"))
        if cost is not None and not usage.get("is_byok"):  # with a key of one's own, OpenRouter tells its fee alone
            self.cost = cost

    def _see(self, name: str, number: float | None) -> None:
        if number is not None:
            self.seen[name] = round(number, 3)


def _content(content: Any) -> list[Part]:
    """A text, or Mistral's list of pieces of it, some of which are thoughts."""
    if not isinstance(content, list):
        return [Part("text", _text(content))]
    parts = []
    for piece in content:
        piece = _dict(piece)
        thoughts = piece.get("thinking")
        parts += [Part("thinking", _text(_dict(one).get("text"))) for one in thoughts] if isinstance(thoughts, list) else []
        parts.append(Part("text", _text(piece.get("text"))))
    return parts


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12 else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
