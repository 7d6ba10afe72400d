"""A web service on this machine that apprise speaks to as `json://`: it keeps what it gets, or fails in one of several ways."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Sink:
    """`code` is what it answers, after `slow_s`; `hangs` that it never does."""

    def __init__(self, code: int = 200, hangs: bool = False, slow_s: float = 0.0) -> None:
        self.code, self.hangs, self.slow_s = code, hangs, slow_s
        self.got: list[tuple[str, str]] = []
        self.asked = 0
        """How often anybody tried."""
        self._over = threading.Event()
        sink = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.asked += 1
                if sink.hangs:
                    sink._over.wait(60)
                elif sink.code == 200:
                    sink.got.append((body["title"], body["message"]))
                sink._over.wait(sink.slow_s)
                self.send_response(sink.code)
                self.end_headers()

            def log_message(self, format: str, *words: object) -> None:
                """Nobody listens."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.address = f"json://127.0.0.1:{self.port}/a-secret-path"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def titles(self) -> list[str]:
        return [title for title, _ in self.got]

    def wait(self, count: int, seconds: float = 30.0) -> None:
        """Until so many messages came."""
        until = time.monotonic() + seconds
        while len(self.got) < count:
            assert time.monotonic() < until, f"{len(self.got)} of {count} came: {self.got}"
            time.sleep(0.02)
