"""A real server is asked by those who may and by those who may not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from autoresearch_tui.serving.door import NO_NAME, NO_PAGE, NO_TOKEN
from tests.serve.served import Served, tab

OPENING = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
FILES = ("", "ws", "page/page.js", "page/page.css", "static/js/textual.js", "static/", "download/x", "nothing")
OUTSIDE = (
    *("../" * above + file for above in (1, 2, 9) for file in ("etc/passwd", "server.py")),
    *(
        f"{within}/{up}server.py"
        for within in ("page", "static")
        for up in ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..%5c", "../../", "//")
    ),
    *(f"{within}/{root}etc/passwd" for within in ("page", "static") for root in ("../" * 20, "..%2f" * 20, "/", "%2f")),
)
"""Ways out of the folders of the page, written as no browser writes them."""


pytestmark = pytest.mark.needs("proc")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Of a folder that is no workspace yet; nobody opens a screen here."""
    with Served(tmp_path_factory.mktemp("lab")) as one:
        yield one
        assert not one.cockpits()


async def test_the_token_is_changed_for_a_cookie_and_leaves_the_address(served: Served) -> None:
    async with aiohttp.ClientSession() as client, client.get(served.url, allow_redirects=False) as answer:
        (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert answer.status == 303 and "token" not in answer.headers["Location"]
        assert cookie["httponly"] and cookie["path"] == answer.headers["Location"] != "/"
        assert cookie["samesite"] == "Lax", "it comes along when a link in another page is followed, and with nothing else of that page"
        assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"


async def test_whoever_has_the_cookie_gets_the_page_and_its_files(served: Served) -> None:
    async with tab(served) as one:
        status, page = await one.get()
        assert status == 200 and "<title>autoresearch lab" in page and served.token not in page
        for file in ("page/page.js", "page/page.css", "static/js/textual.js", "static/css/xterm.css"):
            assert (await one.get(file))[0] == 200


async def test_the_page_names_files_of_its_own_and_nobody_else(served: Served) -> None:
    async with tab(served) as one:
        _, page = await one.get()
        named = re.findall(r'(?:src|href)="([^"]*)"', page)
        assert len(named) == 5 and all(name.startswith(("static/", "page/", "data:")) for name in named)
        for file in ("", "page/page.js", "page/page.css"):
            assert "://" not in (await one.get(file))[1].replace("${scheme}://${location.host}", "")


async def test_without_token_and_cookie_everything_is_refused_alike(served: Served) -> None:
    async with tab(served) as one:
        for path in (
            *FILES,
            *OUTSIDE,
            served.base,
            f"{served.base}/",
            f"{served.base}/?token=",
            f"{served.base}/?token=x",
            f"{served.base}/nothing",
        ):
            for headers in ({}, {"Cookie": "autoresearch=x"}, {"Cookie": f"autoresearch={served.token[:-1]}"}):
                status, text = await one.get(path, headers)
                assert (status, text) == (403, f"autoresearch-tui: {NO_TOKEN}\n"), path


async def test_the_token_opens_the_first_address_only(served: Served) -> None:
    async with tab(served) as one:
        for path in ("", "ws", "page/page.js"):
            assert (await one.get(f"{path}?token={served.token}", {}))[0] == 403


async def test_what_is_not_there_is_not_there_for_whoever_may_look(served: Served) -> None:
    async with tab(served) as one:
        for path in ("nothing", "download/x", "static/", *OUTSIDE):
            status, text = await one.get(path)
            assert status in (403, 404) and "import" not in text and "root:" not in text, path
        async with one.client.post(one.page, headers=one.headers()) as answer:
            assert answer.status == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8200", "localhost."])
async def test_a_name_that_was_pointed_at_this_machine_gets_nothing_even_with_the_cookie(served: Served, host: str) -> None:
    async with tab(served) as one:
        for path in ("", "ws", f"{served.base}/?token={served.token}"):
            assert await one.get(path, one.headers(Host=host)) == (403, f"autoresearch-tui: {NO_NAME}\n")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:{port}", ""])
async def test_another_page_gets_no_line_even_with_the_cookie(served: Served, origin: str) -> None:
    async with tab(served) as one:
        asked = one.headers(Origin=origin.format(port=served.port)) if origin else one.headers()
        assert await one.get("ws", asked | OPENING) == (403, f"autoresearch-tui: {NO_PAGE}\n")


async def test_the_page_gets_no_line_without_the_cookie(served: Served) -> None:
    async with tab(served) as one:
        assert (await one.get("ws", {"Origin": served.base} | OPENING))[0] == 403


async def test_it_is_not_reached_from_elsewhere(served: Served) -> None:
    with pytest.raises(OSError):
        await asyncio.wait_for(asyncio.open_connection("127.0.0.2", served.port), 5)


async def test_the_token_stands_on_no_command_line(served: Served) -> None:
    assert served.token not in Path(f"/proc/{served.program.pid}/cmdline").read_text()
