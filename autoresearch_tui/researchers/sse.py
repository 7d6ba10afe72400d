"""A stream of server-sent events, from bytes as they arrive to events. Pure: it reads no socket, and knows no protocol above.

Read as real servers write it, not only as the standard has it: any of the three ends of a line, a last event without its empty line, and
one JSON body from a server that does not stream. Bytes that are no text at all are a fault; they are never skipped in silence.
"""

from __future__ import annotations

import codecs
import re

import msgspec

LINE_END = re.compile(r"\r\n|\r|\n")
LONGEST = 16_000_000  # characters of one event: JSON may write each character of a long text as six


class Garbled(ValueError):
    """Not text."""


class TooLong(ValueError):
    """One event that does not end."""


class Event(msgspec.Struct, frozen=True):
    kind: str
    """`message`, or what the server named it: `error`."""
    text: str
    whole: bool = True
    """False: the stream ended where the event did not."""


class Events:
    """Bytes in, cut anywhere; events out, as soon as they are whole."""

    def __init__(self) -> None:
        self.beginning = ""
        """What came first, to show where it turns out to be no stream of events."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._line: list[str] = []
        self._lines: list[str] = []
        """The text of the event so far."""
        self._kind = "message"
        self._size = 0
        self._returned = False
        """The last piece ended in a carriage return, whose newline may be the first of the next."""
        self._is_one_body = False

    def feed(self, raw: bytes) -> list[Event]:
        return self._read(self._decoded(raw))

    def end(self) -> list[Event]:
        """What is left when the server has closed the stream."""
        rest = self._decoded(b"", final=True)
        if self._is_one_body:
            return [Event("message", "".join([*self._line, rest]))]
        return [*self._read(rest + "\n"), *self._ended(whole=False)]

    def _decoded(self, raw: bytes, final: bool = False) -> str:
        try:
            return self._decoder.decode(raw, final)
        except UnicodeDecodeError:
            raise Garbled("bytes that are no text") from None

    def _read(self, text: str) -> list[Event]:
        if not text:
            return []
        self._begin(text)
        self._size += len(text)
        if self._is_one_body:
            self._line.append(text)
            events = []
        else:
            events = self._split(text)
        if self._size > LONGEST:
            raise TooLong(f"an event of more than {LONGEST} characters")
        return events

    def _begin(self, text: str) -> None:
        if not self.beginning.strip():
            self.beginning = text[:200]
            self._is_one_body = text.lstrip().startswith("{")

    def _split(self, text: str) -> list[Event]:
        if self._returned and text[0] == "\n":
            text = text[1:]
        self._returned = text.endswith("\r")
        events: list[Event] = []
        *lines, rest = LINE_END.split(text)
        for line in lines:
            events += self._take("".join([*self._line, line]))
            self._line.clear()
        if rest:
            self._line.append(rest)
        return events

    def _take(self, line: str) -> list[Event]:
        if not line:
            return self._ended()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._lines.append(value)
        elif field == "event":
            self._kind = value
        elif field == "error":  # llama.cpp, until the autumn of 2025
            return [Event("error", value)]
        return []  # a comment, which has no name; an id; or what only others understand

    def _ended(self, whole: bool = True) -> list[Event]:
        events = [Event(self._kind, "\n".join(self._lines), whole)] if self._lines else []
        self._lines.clear()
        self._kind = "message"
        self._size = 0
        return events
