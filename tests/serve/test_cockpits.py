"""Real cockpits behind a real server: each browser has its own, and none is left, whatever ends it. The night does not notice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Journal, Writer
from autoresearch_tui.serving.server import FULL, MOST
from tests.e2e.engine import TAG, start
from tests.e2e.ptys import is_alive, wait_until
from tests.serve.served import Served, Tab, tab

pytestmark = [pytest.mark.needs("proc"), pytest.mark.slow]
LEFT, GOING_AWAY = 1000, 1001


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With a stand-in for an engine, at work."""
    folder = tmp_path_factory.mktemp("night") / "lab"
    stand = start(folder, "quiet")
    try:
        yield folder
        assert stand.poll() is None
    finally:
        stand.kill()
        stand.wait()
        assert stand.stdout
        stand.stdout.close()


@pytest.fixture(scope="module")
def served(lab: Path) -> Iterator[Served]:
    with Served(lab, "--tag", TAG) as one:
        yield one


def sent(lab: Path) -> list[c.Command | None]:
    with Journal(lab / ".autoresearch" / TAG / "journal.sqlite") as journal:
        return [one.wish for one in journal.commands()]


def gone(processes: list[int]) -> bool:
    return not any(map(is_alive, processes))


async def test_a_key_is_a_command_and_its_answer_is_drawn(lab: Path, served: Served) -> None:
    async with tab(served) as one:
        await (await one.connect()).until("s skip #12")
        before = len(sent(lab))
        await one.type("p")
        await one.until("accepted: pause")
        assert sent(lab)[before:] == [c.Pause(1)]
        await one.until("p resume")
        await one.type("p")
        await one.until("p pause")


async def test_to_watch_is_to_send_nothing(lab: Path) -> None:
    with Served(lab, "--tag", TAG, "--watch") as watched:
        assert "may look at the screen, and do nothing else" in watched.said
        async with tab(watched) as one:
            await (await one.connect()).until("watching sends nothing")
            before = sent(lab)
            for key in "psKXAyvniw:ce":
                await one.type(key)
            await one.until("this is a view: nothing is sent.")
            assert sent(lab) == before
            await one.type("q")
            assert await one.ended() == LEFT  # nothing is asked: nothing could be stopped from here


async def test_what_a_browser_has_not_is_said(lab: Path, served: Served) -> None:
    async with tab(served) as one:
        await (await one.connect()).until("s skip #12")
        await one.type("e")
        await one.until("a browser has no editor of yours")
        await one.type("\x1a")
        await one.until("there is no shell to go back to in a browser")


async def test_whoever_leaves_ends_their_own_screen_and_no_other(lab: Path, served: Served) -> None:
    async with tab(served) as ann, tab(served) as bob:
        await (await ann.connect()).until("s skip #12")
        await (await bob.connect(45, 30)).until("panes")
        assert len(served.cockpits()) == 2
        await ann.type("q")
        await ann.until("leave it running")
        await ann.type("l")
        assert await ann.ended() == LEFT
        wait_until(lambda: len(served.cockpits()) == 1)
        await bob.type("?")
        await bob.until("on this screen")


async def test_a_closed_tab_ends_its_cockpit(served: Served) -> None:
    async with tab(served) as one:
        await (await one.connect()).until("s skip #12")
        assert len(served.cockpits()) == 1
    wait_until(lambda: not served.cockpits())


async def test_one_that_hangs_is_ended(served: Served) -> None:
    async with tab(served) as one:
        await (await one.connect()).until("s skip #12")
        (cockpit,) = served.cockpits()
        os.kill(cockpit, signal.SIGSTOP)
    wait_until(lambda: not served.cockpits())


async def test_one_whose_browser_stopped_reading_ends_too(served: Served) -> None:
    """It waits in the middle of its drawing, and hears nothing."""
    async with tab(served) as one:
        await (await one.connect(900, 900)).until("s skip #12")
        for step in range(400):
            await one.resize(900 - step % 2, 900)
        time.sleep(3)
    wait_until(lambda: not served.cockpits())


async def test_what_a_browser_says_that_no_page_says_is_nothing(served: Served) -> None:
    async with tab(served) as one:
        await (await one.connect()).until("s skip #12")
        assert one.line
        for said in (
            "",
            "[]",
            "{}",
            "no",
            '["stdin"]',
            '["stdin", 3]',
            '["resize", {}]',
            '["resize", {"width": [], "height": null}]',
            "[[[",
            '"x"',
        ):
            await one.line.send_str(said)
        await one.line.send_str('["resize", {"width": 1e999, "height": -5}]')
        await one.line.send_str('["stdin", "\\ud800"]')
        await one.line.send_bytes(b"\xff\xfe")
        await one.line.send_json(["resize", {"width": 100, "height": 35}])
        await one.type("?")
        await one.until("on this screen")


async def test_a_folder_whose_night_cannot_be_shown_says_so_in_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    stand = start(folder, "quiet", 2)
    with Served(folder) as served:
        stand.kill()
        stand.wait()
        (folder / "autoresearch.toml").write_text("[limit]\nexperiments = 3\n")
        async with tab(served) as one:
            await (await one.connect()).until("limit")
            assert await one.ended() == LEFT
        wait_until(lambda: not served.cockpits())
    assert stand.stdout
    stand.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_end_of_the_server_ends_every_cockpit(lab: Path, number: signal.Signals) -> None:
    with Served(lab, "--tag", TAG) as served:
        async with tab(served) as ann, tab(served) as bob:
            for one in (ann, bob):
                await (await one.connect()).until("s skip #12")
            cockpits = served.cockpits()
            began = time.monotonic()
            served.program.send_signal(number)
            assert [await ann.ended(), await bob.ended()] == [GOING_AWAY, GOING_AWAY]
            assert served.program.wait(10) == 128 + number
            assert time.monotonic() - began < 8
            assert len(cockpits) == 2 and gone(cockpits)


HANGS = """
import asyncio, sys
from autoresearch_tui.serving import server
from autoresearch_tui.serving.door import new_door
from autoresearch_tui.serving.listening import listen

async def hang(site):
    await asyncio.sleep(600)

server.Site.close, server.ANYWAY_S = hang, 0.3
sys.exit(asyncio.run(server.serve(listen(0), new_door(None), ["true"], "lab", lambda: print("up", flush=True))))
"""


def test_a_server_that_hangs_at_its_end_ends_all_the_same() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE) as server:
        assert server.stdout
        server.stdout.readline()
        server.terminate()
        assert server.wait(30) == 128 + signal.SIGTERM


async def test_a_server_that_is_killed_leaves_none(lab: Path) -> None:
    """Neither one that draws nor one over a night that has ended, where nothing is drawn any more."""
    with Writer(lab / ".autoresearch" / "over" / "journal.sqlite") as journal:
        journal.append(e.RunStarted("over", "c0"), e.EngineEnded("3 experiments are done"))
    for tag, text in ((TAG, "s skip #12"), ("over", "over is over")):
        with Served(lab, "--tag", tag) as served:
            async with tab(served) as one:
                await (await one.connect()).until(text)
                cockpits = served.cockpits()
                served.program.kill()
                assert len(cockpits) == 1
                wait_until(partial(gone, cockpits))


async def test_there_are_so_many_at_most_and_then_a_sentence(lab: Path) -> None:
    with Served(lab, "--tag", TAG) as served:
        async with contextlib.AsyncExitStack() as opened:
            tabs: list[Tab] = [await opened.enter_async_context(tab(served)) for _ in range(MOST + 1)]
            for one in tabs[:MOST]:
                await one.connect(80, 24)
            await (await tabs[MOST].connect()).until(FULL[:40])
            assert await tabs[MOST].ended() == LEFT
            assert len(served.cockpits()) == MOST
            await tabs[0].until("panes")
            assert tabs[0].line
            await tabs[0].line.close()
            wait_until(lambda: len(served.cockpits()) == MOST - 1)
            await (await tabs[MOST].connect()).until("s skip #12")
