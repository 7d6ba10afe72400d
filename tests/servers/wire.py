"""A real HTTP server on loopback that a test holds in its hand: it hears requests, and answers each with the bytes that it is told to.

What the bytes mean is the protocol's: `ollama.py`, `anthropic.py`, `openai.py` beside this file.
"""

from __future__ import annotations

import contextlib
import http
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

REASONS = {status.value: status.phrase for status in http.HTTPStatus}


class Heard(msgspec.Struct, frozen=True):
    """A request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    at: float
    """On the monotonic clock."""

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


class Line:
    """The server's end of one connection, while it answers one request."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self.connection = connection
        self.over = over
        """The server is closing."""
        self.left = False
        """The client went away."""
        self.chunked = False

    def send(self, raw: bytes) -> None:
        """These bytes as they stand; nothing once the client has gone."""
        try:
            self.connection.sendall(raw)
        except OSError:
            self.left = True

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """A whole response."""
        self.send(_head(status, {"content-type": "application/json", **_dashed(headers), "content-length": str(len(body))}) + body)

    def stream(self, status: int = 200, **headers: str) -> None:
        """The head of a response that comes in chunks; `chunk` and `done` follow."""
        self.chunked = True
        self.send(_head(status, {**_dashed(headers), "transfer-encoding": "chunked"}))

    def chunk(self, raw: bytes) -> None:
        self.send(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    def done(self) -> None:
        self.chunked = False
        self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        """Hang up in the middle."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def silence(self, seconds: float) -> bool:
        """Say nothing for so long; False as soon as the client has gone or the server closes."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self.over.is_set() or self._has_gone(min(left, 0.02)):
                return False
        return True

    def _has_gone(self, seconds: float) -> bool:
        try:
            self.connection.settimeout(seconds)
            self.left = self.left or self.connection.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False
        except OSError:
            self.left = True
        finally:
            with contextlib.suppress(OSError):
                self.connection.settimeout(None)
        return self.left


Answer = Callable[[Heard, Line], None]


class Server:
    """Listens until it is closed. `answer` may be replaced at any time; what it raises is the test's to see in `errors`."""

    def __init__(self, answer: Answer, port: int = 0) -> None:
        self.answer = answer
        self.heard: list[Heard] = []
        self.errors: list[BaseException] = []
        self.busy = 0
        """Requests that are being answered now."""
        self._counting = threading.Lock()
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        """Known also after it was closed, for another to listen there."""
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Nobody listens any more: a later connection is refused."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.add(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            reader = connection.makefile("rb")
            while not self._over.is_set() and (heard := _read(reader)):
                self.heard.append(heard)
                line = Line(connection, self._over)
                self._count(1)
                try:
                    self.answer(heard, line)
                except BaseException as error:
                    self.errors.append(error)
                    line.cut()
                finally:
                    self._count(-1)
                if line.left or line.chunked:  # an answer that was left in the middle ends the connection
                    line.cut()
                    break
        self._connections.discard(connection)

    def _count(self, change: int) -> None:
        with self._counting:
            self.busy += change


@contextlib.contextmanager
def serving(answer: Answer, port: int = 0) -> Iterator[Server]:
    server = Server(answer, port)
    try:
        yield server
    finally:
        server.close()
    if server.errors:
        raise server.errors[0]


def _read(reader: Any) -> Heard | None:
    try:
        first = reader.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers: dict[str, str] = {}
        while line := reader.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = _chunks(reader) if headers.get("transfer-encoding") == "chunked" else reader.read(int(headers.get("content-length", "0")))
        return Heard(first[0], first[1], headers, body, time.monotonic())
    except OSError:
        return None


def _chunks(reader: Any) -> bytes:
    body = b""
    while size := int(reader.readline(), 16):
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
