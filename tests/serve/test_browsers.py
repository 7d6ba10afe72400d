"""The cockpit in a real Chromium, over a night at which a real engine works."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.store import Journal
from tests.browser import Browser
from tests.e2e.ptys import wait_until
from tests.engine.nights import check_whole, engine, journal_of, make_checkout, state, stop
from tests.serve.served import Served

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium", "proc")]
OPEN = "document.body.classList.contains('-first-byte')"
CLOSED = "document.body.classList.contains('-closed')"
LINE = """{
    const Line = window.WebSocket;
    window.heard = "";
    window.WebSocket = class extends Line {
        constructor(...given) {
            super(...given);
            const letters = new TextDecoder();
            this.addEventListener("message", ({ data }) => {
                if (typeof data !== "string") heard += letters.decode(data, { stream: true });
            });
        }
    };
}"""
"""Before the page: what it draws on a canvas, as what it was told."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """With trainings of a second, and what is left of the night ended in order."""
    folder = make_checkout(tmp_path / "lab")
    working = engine(folder, "run", "--tag", "night", "--experiments", "500", seconds=1.0)
    try:
        wait_until(lambda: len(state(folder).experiments) > 1, 60)
        yield folder
        assert working.poll() is None, "the night noticed"
        stop(folder)
        working.wait(60)
        check_whole(folder)
    finally:
        working.send_signal(signal.SIGTERM)
        working.communicate(timeout=30)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path) as one:
        one._call("Page.addScriptToEvaluateOnNewDocument", source=LINE)
        one.look()
        yield one


def sent(lab: Path) -> list[c.Command | None]:
    with Journal(journal_of(lab)) as journal:
        return [one.wish for one in journal.commands()]


def told(browser: Browser, text: str, seconds: float = 30.0) -> None:
    """What was drawn holds this text, without what a terminal would obey."""
    plain = r"heard.replace(/\x1b(\[[0-?]*[ -\/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\))/g, '')"
    browser.wait_for(f"{plain}.includes({json.dumps(text)})", seconds)


def pressed(browser: Browser, key: str, holds: Callable[[], bool]) -> None:
    browser.press(key)
    wait_until(holds, 30)


def test_the_screen_appears_a_key_pauses_the_run_and_the_journal_says_so(lab: Path, browser: Browser) -> None:
    with Served(lab) as served:
        browser.open(served.url)
        browser.wait_for(OPEN)
        told(browser, "autoresearch night")
        assert "token" not in browser.evaluate("location.href") and browser.evaluate("document.title") == "autoresearch lab"
        pressed(browser, "p", lambda: sent(lab) == [c.Pause(1)])
        wait_until(lambda: state(lab).paused, 30)
        told(browser, "paused")
        pressed(browser, "p", lambda: not state(lab).paused)
        browser.press("q")
        told(browser, "leave it running")
        browser.press("l")
        browser.wait_for(CLOSED)
        wait_until(lambda: not served.cockpits())
        assert "The night goes on" in browser.evaluate("document.querySelector('#closed').innerText")
        browser.click("#again")
        browser.wait_for(f"{OPEN} && !({CLOSED})")
        assert {request.split("/")[2] for request in browser.requested if "//" in request} == {f"127.0.0.1:{served.port}"}
        assert not [said for said in browser.said if "Content Security Policy" in said or "rror" in said]
        browser.open("about:blank")
        wait_until(lambda: not served.cockpits())


def test_without_the_token_there_is_a_sentence_and_no_screen(lab: Path, browser: Browser) -> None:
    with Served(lab) as served:
        for address in (served.base, f"{served.base}/?token=x"):
            browser.open(address)
            assert "for whoever has its address with the token" in browser.evaluate("document.body.innerText")
        browser.open(served.url)
        browser.wait_for(OPEN)
        page = browser.evaluate("location.href")
        browser.open(page)  # the cookie is enough from now on
        browser.wait_for(OPEN)
        port = served.port
        with Served(lab) as other:  # another port of the same host: its pages get no line to this one
            browser.open(other.url)
            line = f"new WebSocket('{page.replace('http', 'ws')}ws?width=80&height=24')"
            tried = (
                f"new Promise(done => {{ const line = {line}; line.onopen = () => done('open'); line.onerror = () => done('refused'); }})"
            )
            assert port != other.port and browser.evaluate(tried) == "refused"


@contextmanager
def letter(*links: str) -> Iterator[str]:
    """The address of a page of another site that holds these, as a mail or a chat in the browser does."""
    body = "".join(f'<p><a id="link{index}" href="{link}">{link}</a></p>' for index, link in enumerate(links)).encode()

    class Letter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Letter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_the_printed_address_opens_from_another_page_and_that_page_gets_no_line(lab: Path, browser: Browser) -> None:
    with Served(lab) as served, letter(served.url) as mail:
        browser.open(mail)
        browser.click("#link0")
        browser.wait_for(f"document.body && {OPEN}")
        page = browser.evaluate("location.href")
        assert page.startswith(served.base) and "token" not in page
        browser.open(mail)
        line = f"new WebSocket('{page.replace('http', 'ws')}ws?width=80&height=24')"
        tried = f"new Promise(done => {{ const line = {line}; line.onopen = () => done('open'); line.onerror = () => done('refused'); }})"
        assert browser.evaluate(tried) == "refused"


def test_to_watch_is_to_send_nothing(lab: Path, browser: Browser) -> None:
    with Served(lab, "--watch") as served:
        browser.open(served.url)
        browser.wait_for(OPEN)
        told(browser, "sends nothing")
        for key in ("p", "s", "K", "X", "v"):
            browser.press(key)
        told(browser, "this is a view: nothing is sent.")
        done = len(state(lab).experiments)
        wait_until(lambda: len(state(lab).experiments) > done + 1, 60)
        assert not sent(lab) and not state(lab).paused


def test_a_server_that_has_ended_is_said_and_one_that_is_back_is_not_taken_for_it(lab: Path, browser: Browser) -> None:
    with Served(lab) as served:
        browser.open(served.url)
        browser.wait_for(OPEN)
        port = served.port
    browser.wait_for(CLOSED)
    assert "connection is gone" in browser.evaluate("document.querySelector('#why').innerText")
    browser.click("#again")
    browser.wait_for("document.querySelector('#why').innerText.includes('Nothing answers here')")
    with Served(lab, f"--port={port}"):
        browser.click("#again")
        browser.wait_for("document.querySelector('#why').innerText.includes('with the token')")


@pytest.mark.parametrize(("width", "height", "columns"), [(1280, 800, 100), (390, 844, 45), (844, 390, 45)])
def test_it_fits_a_desk_and_a_phone(lab: Path, browser: Browser, width: int, height: int, columns: int) -> None:
    with Served(lab) as served:
        browser.look(width, height)
        browser.open(served.url)
        browser.wait_for(OPEN)
        (line,) = [request for request in browser.requested if request.startswith("ws:")]
        wide = int(line.partition("width=")[2].partition("&")[0])
        assert wide >= columns
        told(browser, "autoresearch night")
        size = browser.evaluate("(box => [box.right, box.bottom])(document.querySelector('.xterm-screen').getBoundingClientRect())")
        assert width - 20 < size[0] <= width and height - 25 < size[1] <= height
        assert browser.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [width, height]
