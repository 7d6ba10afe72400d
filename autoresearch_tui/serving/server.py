"""The server: the way in, the page, its files, and the line on which a cockpit draws.

Owns how many cockpits there are, and that none is left. Who may come in is `door.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from autoresearch_tui.lines import printable
from autoresearch_tui.serving.child import Child, child, environment_of
from autoresearch_tui.serving.door import COOKIE, Door, headers

PAGE = Path(__file__).with_name("page")
MOST = 8
FULL = f"{MOST} screens are open already, and each is a program of its own: close one, and open this page again."
BEAT_S = 15.0  # a browser that says nothing for so long is gone, and its cockpit with it
LEAVE_S = 1.0
ANYWAY_S = 15.0  # that the end of all of it may take: a cockpit leaves by itself when its server has gone
LONGEST = 2**16  # bytes that a browser may send at once
SMALLEST, LARGEST = 1, 1000  # columns or rows
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(sockets: Sequence[socket.socket], door: Door, command: Sequence[str], title: str, began: Callable[[], None]) -> int:
    """Until a signal ends it; 128 and its number."""
    ended: asyncio.Queue[int] = asyncio.Queue()
    for number in ENDS:
        asyncio.get_running_loop().add_signal_handler(number, ended.put_nowait, number)
    site = Site(door, command, title)
    runner = web.AppRunner(site.application(), access_log=None, logger=_silent(), shutdown_timeout=LEAVE_S)
    await runner.setup()
    try:
        for one in sockets:
            await web.SockSite(runner, one).start()
        began()
        code = 128 + await ended.get()
        _end_anyway(code)
        return code
    finally:
        await site.close()
        await runner.cleanup()


def _end_anyway(code: int) -> None:
    """Whoever asked for the end waits for it, whatever hangs."""
    late = threading.Timer(ANYWAY_S, os._exit, (code,))
    late.daemon = True
    late.start()


def _silent() -> logging.Logger:
    """Anybody on this machine may send what is no request; it is refused, and not printed over the address with the token."""
    silent = logging.getLogger("autoresearch_tui.serving")
    silent.disabled = True
    return silent


class Site:
    def __init__(self, door: Door, command: Sequence[str], title: str) -> None:
        self._door, self._command = door, command
        self._page = (PAGE / "page.html").read_text(encoding="utf-8").replace("{title}", html.escape(title))
        self._open: set[asyncio.Task[Any]] = set()

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        within = f"/{self._door.place}/"
        application.add_routes(
            [
                web.get("/", self._enter),
                web.get(within, self._show_page),
                web.get(f"{within}ws", self._show_cockpit),
                web.static(f"{within}page", PAGE),
                web.static(f"{within}static", str(files("textual_serve") / "static")),
            ]
        )
        application.on_response_prepare.append(_protect)
        return application

    async def close(self) -> None:
        """Every cockpit ends; their engines do not notice."""
        for one in self._open:
            one.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    # ---- who may come in ----

    @web.middleware
    async def _guard(self, request: web.Request, handler: Answer) -> web.StreamResponse:
        """Before anything else, and before it is known whether there is such a page."""
        why = self._door.stranger(request.host)
        if not why:
            entering = request.path == "/"
            why = self._door.unknown(request.query.get("token") if entering else request.cookies.get(COOKIE))
        if why:
            return _said(403, why)
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _said(error.status, "there is no such page here: open the address that `autoresearch-tui serve` printed.")

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        """The token leaves the address, where it could be read over a shoulder or kept in a history. The cookie comes along when a link to
        here is followed, from a mail or a chat in the browser (Lax), and with nothing that another page asks for by itself."""
        within, secure = f"/{self._door.place}/", self._door.is_secure(request.host)
        answer = web.Response(status=303, headers={"Location": within})
        answer.set_cookie(COOKIE, self._door.token, path=within, httponly=True, samesite="Lax", secure=secure)
        return answer

    async def _show_page(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=self._page, content_type="text/html")

    # ---- the line ----

    async def _show_cockpit(self, request: web.Request) -> web.StreamResponse:
        if why := self._door.foreign(request.host, request.headers.get("Origin")):
            return _said(403, why)
        line = web.WebSocketResponse(heartbeat=BEAT_S, timeout=LEAVE_S, max_msg_size=LONGEST)
        await line.prepare(request)
        task = asyncio.current_task()
        if task is None or len(self._open) >= MOST:
            await _write(line, FULL)
            return line
        self._open.add(task)
        try:
            size = [_size(request.query.get(name)) for name in ("width", "height")]
            async with child(self._command, environment_of(os.environ), *size) as one:
                await _connect(line, one)
        finally:
            self._open.discard(task)
        return line


async def _connect(line: web.WebSocketResponse, one: Child) -> None:
    """Until the browser goes, or the cockpit ends."""
    drawing = asyncio.create_task(_draw(line, one))
    drawing.add_done_callback(_hear)
    try:
        async for message in line:
            if message.type is WSMsgType.TEXT:
                await _heed(line, one, message.data)
        await _stop(drawing)
    except TimeoutError:  # the cockpit hears nothing any more
        await _stop(drawing)
        await line.close(code=WSCloseCode.INTERNAL_ERROR)
    except asyncio.CancelledError:  # the server ends
        await _stop(drawing)
        await line.close(code=WSCloseCode.GOING_AWAY)
        raise
    finally:
        await _stop(drawing)  # whatever broke: two must not read what the cockpit draws


def _hear(drawing: asyncio.Task[None]) -> None:
    """A browser that has gone is no news; nobody else asks how the drawing ended."""
    if not drawing.cancelled():
        drawing.exception()


async def _stop(drawing: asyncio.Task[None]) -> None:
    drawing.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError):
        await drawing


async def _draw(line: web.WebSocketResponse, one: Child) -> None:
    async for frame in one.frames():
        await line.send_bytes(frame)
    await _write(line, await one.last_words())  # nothing, where somebody left it


async def _write(line: web.WebSocketResponse, sentence: str) -> None:
    """Into the terminal of the page, as all that stands there."""
    if sentence:
        await line.send_bytes(f"\x1b[0m\x1b[2J\x1b[H{printable(sentence)}".encode())
    await line.close()


async def _heed(line: web.WebSocketResponse, one: Child, said: str) -> None:
    """What the terminal of the page says, in a list: what it is, and what there is to it."""
    try:
        what, *more = json.loads(said)
        match what, *more:
            case "stdin", str(text):
                await one.type(text)
            case "resize", {"width": columns, "height": rows}:
                await one.tell("resize", width=_size(columns), height=_size(rows))
            case "focus" | "blur", *_:
                await one.tell(what)
            case "ping", str(number):
                await line.send_str(json.dumps(["pong", number]))
    except (ValueError, TypeError, RecursionError):  # no list, or no JSON: nothing that our page says
        return


def _size(given: object) -> int:
    try:
        return max(SMALLEST, min(LARGEST, int(str(given))))
    except ValueError:
        return 80


# ---- answers ----


def _said(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, text=f"autoresearch-tui: {sentence}\n")


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(headers(request.host))
    response.headers.pop("Server", None)
