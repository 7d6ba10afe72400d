"""A stand-in for Anthropic's API: Messages as a stream of events, and Models. It replies as it is told to, or breaks in a named way.

`python -m tests.servers.anthropic --port 8123` runs it by hand; the key is `sk-ant-stand-in`.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.servers.wire import Heard, Line, serving

KEY = "sk-ant-stand-in"
REPLY = "<idea>matrix LR 0.04 -> 0.05</idea>\n<why>One step up.</why>\n<edit>\nSET MATRIX_LR = 0.05\n</edit>\n"
PIECE = 24  # characters in an event

ERRORS: dict[str, tuple[int, str, str]] = {
    "400": (400, "invalid_request_error", "messages.0.content: at least one block is required."),
    "400 display": (400, "invalid_request_error", "thinking.adaptive.display: Extra inputs are not permitted"),
    "400 thinking": (400, "invalid_request_error", "adaptive thinking is not supported on this model"),
    "400 effort": (400, "invalid_request_error", "This model does not support the effort parameter."),
    "400 answer": (
        400,
        "invalid_request_error",
        "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude-sonnet-5-5",
    ),
    "400 window": (400, "invalid_request_error", "prompt is too long: 1200000 tokens > 1000000 maximum"),
    "400 both": (
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease input length or `max_tokens` and try again",
    ),
    "400 credit": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
    "400 spend": (
        400,
        "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    ),
    "401": (401, "authentication_error", "invalid x-api-key"),
    "402": (402, "billing_error", "Your account has a billing problem."),
    "403": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "404": (404, "not_found_error", "model: claude-sonet-5-5"),
    "413": (413, "request_too_large", "Request exceeds the maximum size"),
    "429": (429, "rate_limit_error", "This request would exceed the rate limit for your organization of 50 requests per minute."),
    "429 wait": (429, "rate_limit_error", "This request would exceed the rate limit for your organization of 50 requests per minute."),
    "429 spend": (429, "rate_limit_error", "Your organization has crossed its monthly API usage threshold."),
    "500": (500, "api_error", "Internal server error"),
    "503": (503, "api_error", "Service unavailable: the queue is full"),
    "529": (529, "overloaded_error", "Overloaded"),
    "529 wait": (529, "overloaded_error", "Overloaded"),
}
"""Answers with a status and a body, by the name of the fault."""

MID_STREAM = {"error": ("api_error", "Internal server error"), "overloaded": ("overloaded_error", "Overloaded")}
"""Errors after the first words, with status 200."""

STOPS = {"cut": "max_tokens", "full": "model_context_window_exceeded", "pause": "pause_turn", "tool": "tool_use"}
"""Whole streams that end otherwise than with `end_turn`; `refusal` and `refusal CATEGORY` are two more."""


ODD = ("slow", "reset", "garbage", "no http", "page", "bad gateway", "line", "elsewhere", "echo")
"""Answers that are not of this protocol, or none."""


class Anthropic:
    """`faults` are used up from the first, one for each request to Messages; with none left it answers with `replies`."""

    def __init__(self, replies: Callable[[Heard], str] = lambda heard: REPLY, faults: list[str] | None = None, key: str = KEY) -> None:
        self.replies = replies
        self.faults = faults if faults is not None else []
        self.key = key
        self.thinking = "The matrix LR is the first to try."
        self.usage = {
            "input_tokens": 1000,
            "cache_creation_input_tokens": 6000,
            "cache_read_input_tokens": 2000,
            "cache_creation": {"ephemeral_1h_input_tokens": 6000, "ephemeral_5m_input_tokens": 0},
        }
        self.out = 500
        """Tokens of each reply."""
        self.pace_s = 0.0
        """Between two events."""
        self.headers: dict[str, str] = {}
        """More of them, on every answer."""
        self.models: list[dict[str, Any]] = [model(id) for id in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")]
        self.models_fault = ""
        """A fault of the Models API, until it is taken away."""
        self.left: list[str] = []
        """Faults in the middle of which the client hung up."""

    def answer(self, heard: Heard, line: Line) -> None:
        path = heard.path.partition("?")[0]
        if heard.headers.get("authorization") != f"Bearer {self.key}" and heard.headers.get("x-api-key") != self.key:
            return self._error("401", line)
        if "anthropic-version" not in heard.headers:
            return self._error("400", line)
        if heard.method == "GET" and path.startswith("/v1/models"):
            return self._models(path.removeprefix("/v1/models").strip("/"), line)
        if heard.method == "POST" and path == "/v1/messages":
            return self._message(heard, line)
        return self._error("404", line)

    def _models(self, wanted: str, line: Line) -> None:
        if self.models_fault:
            return self._fault(self.models_fault, line)
        if not wanted:
            ids = [one["id"] for one in self.models]
            page = {"data": self.models, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}
            return self._json(200, page, line)
        found = next((one for one in self.models if one["id"] == wanted), None)
        return self._json(200, found, line) if found else self._error("404", line)

    def _message(self, heard: Heard, line: Line) -> None:
        if self.faults:
            return self._fault(self.faults.pop(0), line, heard)
        wanted = heard.json
        if wanted["model"] not in [one["id"] for one in self.models]:
            return self._error("404", line)
        return self._stream(heard, line, "end_turn", self.thinking, self.replies(heard))

    # --------------------------------------------------------------------------------------------------------------------------
    # The stream
    # --------------------------------------------------------------------------------------------------------------------------

    def _stream(self, heard: Heard, line: Line, stop: str, thinking: str, text: str, category: str | None = None) -> None:
        self._begin(heard, line)
        for event in self._blocks(thinking, text):
            if not self._send(event, line):
                return
        details = {"type": "refusal", "category": category, "explanation": None} if stop == "refusal" else None
        delta = {"stop_reason": stop, "stop_sequence": None, "stop_details": details, "container": None}
        counted = {name: tokens for name, tokens in self.usage.items() if name != "cache_creation"}
        self._send({"type": "message_delta", "delta": delta, "usage": counted | {"output_tokens": self.out}}, line)
        self._send({"type": "message_stop"}, line)
        line.done()

    def _begin(self, heard: Heard, line: Line) -> None:
        line.stream(200, content_type="text/event-stream; charset=utf-8", request_id="req_011CSHoEeqs5C35K2UUqR7Fy", **self.headers)
        message = {
            "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
            "type": "message",
            "role": "assistant",
            "model": heard.json["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self.usage | {"output_tokens": 1, "service_tier": "standard"},
        }
        self._send({"type": "message_start", "message": message}, line)
        self._send({"type": "ping"}, line)

    def _blocks(self, thinking: str, text: str) -> Iterator[dict[str, Any]]:
        spoken = [(kind, words) for kind, words in (("thinking", thinking), ("text", text)) if words]
        for index, (kind, words) in enumerate(spoken):
            block = {"type": kind, kind: "", **({"signature": ""} if kind == "thinking" else {"citations": None})}
            yield {"type": "content_block_start", "index": index, "content_block": block}
            for piece in (words[at : at + PIECE] for at in range(0, len(words), PIECE)):
                yield {"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", kind: piece}}
            if kind == "thinking":
                signed = {"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk"}
                yield {"type": "content_block_delta", "index": index, "delta": signed}
            yield {"type": "content_block_stop", "index": index}

    def _send(self, event: dict[str, Any], line: Line) -> bool:
        """False once the client has gone."""
        line.chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return not line.left and (not self.pace_s or line.silence(self.pace_s))

    # --------------------------------------------------------------------------------------------------------------------------
    # Faults
    # --------------------------------------------------------------------------------------------------------------------------

    def _fault(self, name: str, line: Line, heard: Heard | None = None) -> None:
        if name in ERRORS:
            return self._error(name, line)
        if heard is None or name in ODD:
            return self._odd(name, line)
        if name in STOPS:
            return self._stream(heard, line, STOPS[name], self.thinking, self.replies(heard))
        if name in ("empty", "thinking only"):
            return self._stream(heard, line, "end_turn", self.thinking if name == "thinking only" else "", "")
        if name.startswith("refusal"):
            return self._stream(heard, line, "refusal", self.thinking, self.replies(heard), name.partition(" ")[2] or None)
        self._begin(heard, line)
        for event in self._blocks("", REPLY[: 2 * PIECE]):
            if event["type"] != "content_block_stop":
                self._send(event, line)
        return self._break(name, line)

    def _break(self, name: str, line: Line) -> None:
        """What happens after the first words."""
        match name:
            case "silent":
                self._wait(name, line)
            case "closed":
                line.cut()
            case "ended":
                line.done()
            case "nonsense":
                self._send({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}}, line)
                line.done()
            case "flood":
                words = {"type": "text_delta", "text": "x" * 65536}
                for _ in range(800):
                    if not self._send({"type": "content_block_delta", "index": 0, "delta": words}, line):
                        self.left.append(name)
                        break
            case _:  # a name that nobody knows fails here, and so in the test
                kind, said = MID_STREAM[name]
                self._send({"type": "error", "error": {"type": kind, "message": said, "details": None}, "request_id": "req_0"}, line)
                line.done()

    def _odd(self, name: str, line: Line) -> None:
        match name:
            case "slow":
                self._wait(name, line)
            case "reset":
                line.cut()
            case "garbage":
                line.stream(200, content_type="text/event-stream")
                line.chunk(b"event: message_start\ndata: \xff\xfe\x00{]\n\n" + bytes(range(256)) * 8)
                line.done()
            case "no http":
                line.send(b"\x16\x03\x01\x02\x00\x01 SSH-2.0-OpenSSH_9.9\r\n\r\n")
                line.cut()
            case "page":
                line.answer(200, b"<html><body>Welcome to nginx!</body></html>", content_type="text/html")
            case "bad gateway":
                line.answer(502, b"<html>\x1b[31m502 Bad Gateway</html>", content_type="text/html")
            case "line":  # one event that never ends
                line.stream(200, content_type="text/event-stream")
                for _ in range(800):
                    line.chunk(b"x" * 65536)
                    if line.left:
                        self.left.append(name)
                        return
                line.done()
            case "elsewhere":
                line.answer(307, b"", location="/v2/messages")
            case "echo":
                body = {
                    "type": "error",
                    "error": {"type": "authentication_error", "message": f"no: Bearer {self.key}, nor sk-ant-api03-Zz9_x"},
                }
                self._json(401, body, line)
            case _:
                raise ValueError(f"no fault {name!r}")

    def _wait(self, name: str, line: Line) -> None:
        line.silence(30)
        if line.left:
            self.left.append(name)

    def _error(self, name: str, line: Line) -> None:
        status, kind, said = ERRORS[name]
        details = {"error_code": "enforced_spend_limit_reached"} if name == "429 spend" else None
        body = {"type": "error", "error": {"type": kind, "message": said, "details": details}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}
        self._json(status, body, line, **({"retry_after": "17"} if name.endswith("wait") else {}))

    def _json(self, status: int, body: Any, line: Line, **more: str) -> None:
        line.answer(status, json.dumps(body).encode(), request_id="req_011CSHoEeqs5C35K2UUqR7Fy", **self.headers, **more)


def model(id: str, **other: Any) -> dict[str, Any]:
    """A model as the Models API has it."""
    yes, no = {"supported": True}, {"supported": False}
    thinking = {"supported": True, "types": {"adaptive": yes, "between_tools": yes, "disabled": no, "enabled": no}}
    effort = {"supported": True, "low": yes, "medium": yes, "high": yes, "xhigh": yes, "max": yes}
    return {
        "type": "model",
        "id": id,
        "display_name": id.replace("-", " ").title(),
        "created_at": "2026-09-22T00:00:00Z",
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
        "capabilities": {"thinking": thinking, "effort": effort, "structured_outputs": yes},
    } | other


def main() -> None:
    parser = argparse.ArgumentParser(description="Stand in for Anthropic's API on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], help="of the next request; may be given several times")
    wanted = parser.parse_args()
    with serving(Anthropic(faults=wanted.fault).answer, wanted.port) as server:
        print(server.address, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
