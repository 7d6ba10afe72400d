"""How a chat with an ollama goes wrong, by name: what it answers instead, or what happens in the middle of a reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tests.servers.wire import Line

FOR_EVER = 3600.0  # until the client has had enough
MEGABYTES = "x = 1  # again and again\n" * 2_000_000  # fifty of them


class Chat(msgspec.Struct, frozen=True):
    """What is wrong with one chat; nothing, as it stands."""

    status: int = 0
    """It is answered with an error at once."""
    said: str = ""
    """Of the error; `{}` is the model's name."""
    body: bytes = b""
    """What is answered instead of an error's JSON."""
    retry_after: str = ""
    hangs_up: bool = False
    waits_s: float = 0.0
    empty: bool = False
    only_thinks: bool = False
    half: bool = False
    """The limit of tokens is reached in the middle of the words."""
    text: str = ""
    """Said instead of the reply."""
    midway: str = ""
    """What happens in the middle."""

    def strikes(self, line: Line, marshal: Callable[[Any], bytes]) -> bool:
        """In the middle of the reply; True if it ends there."""
        match self.midway:
            case "silent":
                line.silence(FOR_EVER)
            case "closed":
                line.cut()
            case "ended":
                line.done()
            case "error":
                line.chunk(marshal({"error": "an error was encountered while running the model: CUDA error: out of memory"}) + b"\n")
                line.done()
            case "garbage":
                line.chunk(b"\x00\xff\xfe<html>\x1b[31mnot a reply</html>\n")
                line.done()
            case _:
                return False
        return True


FAULTS: dict[str, Chat] = {
    "": Chat(),
    "hangs up": Chat(hangs_up=True),
    "slow to first byte": Chat(waits_s=FOR_EVER),
    "silent midway": Chat(midway="silent"),
    "closed midway": Chat(midway="closed"),
    "ended midway": Chat(midway="ended"),
    "error midway": Chat(midway="error"),
    "garbage": Chat(midway="garbage"),
    "404 model": Chat(404, "model '{}' not found"),
    "404 page": Chat(404, body=b"404 page not found"),
    "400 window": Chat(400, "the input length exceeds the context length"),
    "400 thinking": Chat(400, '"{}" does not support thinking'),
    "400 chat": Chat(400, '"{}" does not support chat'),
    "401": Chat(401, body=b'{"error":"unauthorized","signin_url":"https://example.invalid/connect"}'),
    "402": Chat(402, "you have reached the end of your credit"),
    "403": Chat(403, "ollama cloud is disabled: remote inference is unavailable"),
    "413": Chat(413, body=b"<html>413 Request Entity Too Large</html>"),
    "429": Chat(429, "rate limit exceeded"),
    "429 retry after": Chat(429, "rate limit exceeded", retry_after="7"),
    "500": Chat(500, "llama runner process has terminated: exit status 2"),
    "502": Chat(502, "upstream could not be reached"),
    "503": Chat(503, "server busy, please try again.  maximum pending requests exceeded"),
    "503 retry after": Chat(503, "server busy, please try again.  maximum pending requests exceeded", retry_after="2"),
    "thinking only": Chat(only_thinks=True),
    "empty": Chat(empty=True),
    "cut": Chat(half=True),
    "50 MB": Chat(text=MEGABYTES),
}
