"""A stand-in for servers that speak OpenAI's chat completions: vLLM, llama.cpp, llama-cpp-python, LM Studio and OpenRouter, byte for byte
where they differ.

It answers with whatever `replies` says, unless a fault is due: each request for a completion uses up one of `faults`, `""` being none.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

from tests.servers.openai_faults import FAULTS, REPLY, STATUSES, STREAMED, headers_of
from tests.servers.wire import Heard, Line, Server

Flavour = Literal["vllm", "llamacpp", "lmstudio", "openrouter", "llama-cpp-python"]

PIECE = 12  # characters in a chunk


class OpenAI:
    """The `answer` of a `wire.Server`."""

    def __init__(
        self,
        flavour: Flavour = "llamacpp",
        models: tuple[str, ...] = ("toy",),
        window: int = 32768,
        key: str = "",
        replies: Callable[[Heard], str] = lambda heard: REPLY,
        thinking: str = "",
        refuses: tuple[str, ...] = (),
        faults: list[str] | None = None,
        pace_s: float = 0.0,
    ) -> None:
        self.flavour = flavour
        self.models = models
        self.window = window
        self.key = key
        self.replies = replies
        self.thinking = thinking
        self.refuses = refuses
        """Parameters that it answers with 400 and their name, and `system` for the role."""
        self.faults = faults if faults is not None else []
        self.pace_s = pace_s
        """Between two chunks."""
        self.slow_s = 60.0
        """How long it is silent where a fault says so."""
        self.bodies: list[dict[str, Any]] = []
        """Of the requests for completions, the refused ones among them."""
        self.left_at: list[float] = []
        """When a client was seen to hang up, on the monotonic clock."""

    def answer(self, heard: Heard, line: Line) -> None:
        path = heard.path.partition("?")[0].removeprefix("/api/v1" if self.flavour == "openrouter" else "/v1")
        if self.key and heard.headers.get("authorization") != f"Bearer {self.key}" and self.flavour != "openrouter":
            self._refuse(line, 401, f"Incorrect API key provided: {heard.headers.get('authorization', '')[7:]}", "invalid_api_key")
        elif path == "/models":
            _json(line, 200, {"object": "list", "data": [self._model(name) for name in self.models]})
        elif path == "/props" and self.flavour == "llamacpp":
            _json(
                line, 200, {"default_generation_settings": {"id": 0, "n_ctx": self.window}, "total_slots": 1, "model_alias": self.models[0]}
            )
        elif path == "/api/v0/models" and self.flavour == "lmstudio":
            _json(line, 200, {"object": "list", "data": [self._studio(name) for name in self.models]})
        elif path == "/extras/tokenize/count" and heard.method == "POST" and self.flavour == "llama-cpp-python":
            _json(line, 200, {"count": len(heard.json["input"]) // 4})
        elif path == "/chat/completions" and heard.method == "POST":
            self._complete(heard, line)
        elif self.flavour == "lmstudio":
            _json(line, 200, {"error": f"Unexpected endpoint or method. ({heard.method} {heard.path})"})
        else:
            _json(line, 404, {"detail": "Not Found"})

    # ------------------------------------------------------------------------------------------------------------------------------
    # What it is
    # ------------------------------------------------------------------------------------------------------------------------------

    def _model(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"id": name, "object": "model"}
        if self.flavour == "vllm":
            return {**entry, "created": 1, "owned_by": "vllm", "root": name, "parent": None, "max_model_len": self.window, "permission": []}
        if self.flavour == "llamacpp":
            return {**entry, "created": 1, "owned_by": "llamacpp", "meta": {"vocab_type": 2, "n_ctx_train": 131072}}
        if self.flavour == "openrouter":
            pricing = {"prompt": "0.000002", "completion": "0.00001", "request": "0", "image": "0"}
            return {"id": name, "name": name, "context_length": self.window, "pricing": pricing, "top_provider": {"is_moderated": False}}
        return {**entry, "owned_by": "organization_owner"}

    def _studio(self, name: str) -> dict[str, Any]:
        loaded = {"id": name, "object": "model", "type": "llm", "state": "loaded", "max_context_length": 131072}
        return {**loaded, "loaded_context_length": self.window}

    # ------------------------------------------------------------------------------------------------------------------------------
    # A completion
    # ------------------------------------------------------------------------------------------------------------------------------

    def _complete(self, heard: Heard, line: Line) -> None:
        body = heard.json
        self.bodies.append(body)
        if fault := self.faults.pop(0) if self.faults else "":
            self._fail(fault, heard, line)
        elif self.key and heard.headers.get("authorization") != f"Bearer {self.key}":
            self._refuse(line, 401, "No auth credentials found", "")
        elif self.flavour != "llamacpp" and body["model"] not in self.models:  # llama.cpp does not look
            self._refuse(line, 404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        elif refused := next((name for name in self.refuses if name in body or (name == "system" and _has_system(body))), None):
            self._refuse_parameter(line, refused)
        elif _tokens(body) > self.window:
            self._overflow(line, body)
        elif not body.get("stream"):
            self._whole(line, body, self.replies(heard))
        else:
            self._stream(line, body, self.replies(heard))

    def _stream(self, line: Line, body: dict[str, Any], reply: str, finish: str | None = "stop", thinking: str | None = None) -> None:
        """All of a reply, or with no word why it ended, the half of it: the caller breaks off."""
        line.stream(content_type="text/event-stream", cache_control="no-cache")
        if self.flavour == "openrouter":
            line.chunk(b": OPENROUTER PROCESSING\n\n")
        self._event(line, {"role": "assistant", "content": None if self.flavour == "llamacpp" else ""})
        for delta in self._deltas(self.thinking if thinking is None else thinking, reply if finish else reply[: len(reply) // 2]):
            if not self._event(line, delta):
                return
        if finish is None:
            return
        self._event(line, {}, finish)
        if "stream_options" in body and self.flavour != "llama-cpp-python":
            line.chunk(_data({"id": "c", "object": "chat.completion.chunk", "choices": [], **self._took(body, reply)}))
        line.chunk(b"data: [DONE]\n\n")
        line.done()

    def _deltas(self, thinking: str, reply: str) -> Iterator[dict[str, Any]]:
        field = "reasoning_content" if self.flavour in ("llamacpp", "lmstudio") else "reasoning"
        for piece in _pieces(thinking):
            yield {field: piece, **({"content": None} if self.flavour == "llamacpp" else {"content": ""})}
        for piece in _pieces(reply):
            yield {"content": piece}

    def _event(self, line: Line, delta: dict[str, Any], finish: str | None = None) -> bool:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        line.chunk(_data({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": self.models[0], "choices": [choice]}))
        if line.left or (self.pace_s and not line.silence(self.pace_s)):
            self._gone(line)
            return False
        return True

    def _gone(self, line: Line) -> None:
        if line.left:
            self.left_at.append(time.monotonic())

    def _whole(self, line: Line, body: dict[str, Any], reply: str) -> None:
        message = {"role": "assistant", "content": reply, **({"reasoning_content": self.thinking} if self.thinking else {})}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        _json(line, 200, {"id": "c", "object": "chat.completion", "choices": [choice], **self._took(body, reply)})

    def _took(self, body: dict[str, Any], reply: str) -> dict[str, Any]:
        tokens_in, tokens_out = _tokens(body), len(self.thinking + reply) // 4
        usage: dict[str, Any] = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
        if self.flavour == "openrouter":
            return {"usage": {**usage, "cost": 0.0125, "is_byok": False, "prompt_tokens_details": {"cached_tokens": 100}}}
        if self.flavour == "llamacpp":
            timings = {"cache_n": 3, "prompt_n": tokens_in - 3, "prompt_ms": 250.0, "predicted_n": tokens_out, "predicted_per_second": 42.0}
            return {"usage": usage, "timings": timings}
        return {"usage": usage}

    # ------------------------------------------------------------------------------------------------------------------------------
    # What goes wrong
    # ------------------------------------------------------------------------------------------------------------------------------

    def _fail(self, fault: str, heard: Heard, line: Line) -> None:
        body, reply = heard.json, self.replies(heard)
        if fault in STATUSES:
            status, words, code = STATUSES[fault]
            self._refuse(line, status, words, code, **headers_of(fault))
        elif fault == "window":
            self._overflow(line, body)
        elif fault in STREAMED:
            self._stream(line, body, *STREAMED[fault])
        elif fault == "slow":
            self._hang(line)
        elif fault == "closed at once":
            line.stream(content_type="text/event-stream")
            line.cut()
        elif fault == "whole":
            self._whole(line, body, reply)
        elif fault == "50 MB":
            line.stream(content_type="text/event-stream")
            for _ in range(500):
                if not self._event(line, {"content": "x" * 100_000}):
                    return
        else:
            self._stream(line, body, reply, finish=None)
            self._break_off(fault, line)

    def _break_off(self, fault: str, line: Line) -> None:
        """In the middle of a reply."""
        if fault == "silent":
            self._hang(line)
            return
        if fault == "garbage":
            line.chunk(b"\xff\xfe\x00data: \x9c\x80{{{\n\n")
        elif fault == "error":
            error = {"code": 502, "message": "Provider disconnected unexpectedly"}
            line.chunk(_data({"error": error, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}))
        elif fault == "error of vllm":
            line.chunk(
                _data({"object": "error", "message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500})
            )
        elif fault == "error of lmstudio":
            line.chunk(b'event: error\ndata: {"error":{"message":"The model has crashed without additional information."}}\n\n')
        elif fault == "error of llamacpp":
            line.chunk(b'error: {"code":500,"message":"context size exceeded","type":"server_error"}\n\n')
        elif fault == "half a line":
            line.chunk(b'data: {"choices": [{"del')
        else:
            assert fault == "closed", f"there is no fault `{fault}`"
        line.cut()

    def _hang(self, line: Line) -> None:
        line.silence(self.slow_s)
        self._gone(line)
        line.cut()

    def _refuse(self, line: Line, status: int, words: str, code: str, **headers: str) -> None:
        error: Any = {"message": words, "type": code, "param": None, "code": status}
        if self.flavour == "openrouter":
            reset = {"X-RateLimit-Reset": str(int((time.time() + 40) * 1000))} if status == 429 else {}
            error = {"message": words, "code": status, "metadata": {"headers": reset}}
        elif self.flavour == "llamacpp":
            error = {"code": status, "message": words, "type": code}
        elif self.flavour == "lmstudio":
            error = words
        _json(line, status, {"error": error}, **headers)

    def _refuse_parameter(self, line: Line, name: str) -> None:
        words = {
            "system": "System role not supported",
            "max_tokens": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "temperature": "Unsupported value: 'temperature' does not support 0.3 with this model, only the default value.",
        }.get(name, f"Extra inputs are not permitted: {name}")
        status = 500 if name == "system" and self.flavour == "llamacpp" else 400
        self._refuse(line, status, words, "invalid_request_error")

    def _overflow(self, line: Line, body: dict[str, Any]) -> None:
        tokens, window = _tokens(body), self.window
        if self.flavour == "llama-cpp-python" and body["stream"]:  # it finds out when the stream is open
            line.stream(content_type="text/event-stream")
            line.done()
            line.connection.settimeout(5)
            line.connection.recv(1)  # and it closes the connection, with the next request already in it
            line.left = True
        elif self.flavour == "llamacpp":
            words = f"request ({tokens} tokens) exceeds the available context size ({window} tokens), try increasing it"
            error = {"code": 400, "message": words, "type": "exceed_context_size_error", "n_prompt_tokens": tokens, "n_ctx": window}
            _json(line, 400, {"error": error})
        elif self.flavour == "lmstudio":
            words = "The number of tokens to keep from the initial prompt is greater than the context length"
            self._refuse(
                line, 400, f"{words} (n_keep: {tokens}>= n_ctx: {window}). Try to load the model with a larger context length.", ""
            )
        else:
            words = f"This model's maximum context length is {window} tokens. However, you requested {tokens + 4096} tokens"
            self._refuse(line, 400, f"{words} ({tokens} in the messages, 4096 in the completion).", "context_length_exceeded")


def _has_system(body: dict[str, Any]) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


def _tokens(body: dict[str, Any]) -> int:
    return sum(len(message["content"]) for message in body["messages"]) // 4


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _data(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _json(line: Line, status: int, body: Any, **headers: str) -> None:
    line.answer(status, json.dumps(body).encode(), **headers)


def main() -> None:
    """`python -m tests.servers.openai --port 8080`: until it is ended."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--flavour", choices=get_args(Flavour), default="llamacpp")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between two chunks")
    parser.add_argument("--fault", action="append", default=[], help=f"one for each request, in order: {', '.join(FAULTS)}")
    chosen = parser.parse_args()
    server = Server(OpenAI(chosen.flavour, faults=chosen.fault, pace_s=chosen.pace).answer, chosen.port)
    print(server.address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
