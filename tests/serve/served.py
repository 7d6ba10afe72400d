"""`autoresearch-tui serve` as a process of its own, and what a browser would say to it, byte by byte where that matters."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tests.e2e.ptys import is_alive, plain

PATIENCE_S = 30.0
REPAINT_S = 0.7


class Served:
    def __init__(self, lab: Path, *options: str) -> None:
        words = [sys.executable, "-P", "-m", "autoresearch_tui", "serve", str(lab), "--port", "0", *options]
        self.program = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.program.stdout and self.program.stderr
        self.said = self.program.stdout.readline()
        assert self.said, self.program.stderr.read()
        self.url = self.program.stdout.readline().strip()
        while "Ctrl+C" not in self.said:
            self.said += self.program.stdout.readline()
        self.token = self.url.partition("token=")[2]
        port = re.search(r"ssh -L (\d+)", self.said)
        self.port = int(port[1]) if port else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGTERM)
        self.program.wait(PATIENCE_S)
        for pipe in (self.program.stdout, self.program.stderr):
            assert pipe
            pipe.close()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cockpits(self) -> list[int]:
        """The processes that it started and that live."""
        found = []
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == self.program.pid and is_alive(int(folder.name)):
                    found.append(int(folder.name))
        return found


class Tab:
    """A browser with the cookie, at the page; and, once it is open, its line."""

    def __init__(self, served: Served, client: aiohttp.ClientSession, page: str, cookie: str) -> None:
        self.served, self.client, self.page, self.cookie = served, client, page, cookie
        self.line: aiohttp.ClientWebSocketResponse | None = None
        self.size = 120, 40

    def headers(self, **more: str) -> dict[str, str]:
        return {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in more.items()}}

    async def get(self, path: str = "", headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """As it is written here: nobody takes a `..` out of it, or what stands for one, before it is sent."""
        url = URL(path if path.startswith("http") else self.page + path, encoded=True)
        async with self.client.get(url, headers=self.headers() if headers is None else headers, allow_redirects=False) as answer:
            return answer.status, await answer.text(errors="replace")

    async def connect(self, columns: int = 120, rows: int = 40) -> Self:
        base = "http://{0.hostname}:{0.port}".format(urlsplit(self.page))
        url = f"{self.page}ws?width={columns}&height={rows}"
        self.size = columns, rows
        self.line = await self.client.ws_connect(url, headers=self.headers(Origin=base))
        return self

    async def type(self, text: str) -> None:
        await self.say("stdin", text)

    async def resize(self, columns: int, rows: int) -> None:
        await self.say("resize", {"width": columns, "height": rows})

    async def say(self, *what: object) -> None:
        assert self.line
        await self.line.send_json(what)

    async def until(self, text: str) -> None:
        """It stands on the screen. Only what changes is drawn, so the screen is made to be drawn anew, by another size."""
        end, (columns, rows) = time.monotonic() + PATIENCE_S, self.size
        while text not in (seen := plain(await self._drawn())):
            assert time.monotonic() < end, f"{text!r} does not stand there: {seen}"
            rows = 2 * self.size[1] - 1 - rows
            await self.resize(columns, rows)

    async def _drawn(self) -> bytes:
        """In the next moment, or until the end."""
        assert self.line
        came, end = b"", time.monotonic() + REPAINT_S
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                message = await self.line.receive(left)
                if message.type is not aiohttp.WSMsgType.BINARY:
                    break
                came += message.data
        return came

    async def ended(self) -> int:
        """The code that its line was closed with."""
        assert self.line
        while (await self.line.receive(PATIENCE_S)).type is aiohttp.WSMsgType.BINARY:
            pass
        return int(self.line.close_code or 0)


@contextlib.asynccontextmanager
async def tab(served: Served) -> AsyncIterator[Tab]:
    """Opened as a person does, by the address that was printed."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        async with client.get(served.url, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            cookie, page = answer.headers["Set-Cookie"].partition(";")[0], answer.headers["Location"]
        yield Tab(served, client, served.base + page, cookie)
