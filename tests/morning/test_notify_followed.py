"""A follower beside a run: real processes, a real journal, a real server. Each thing is told once, whoever was killed in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.nights import tui, wait_for
from tests.morning.followers import Lived, follower, lab
from tests.morning.sinks import Sink


def ended(one: subprocess.Popen[bytes], seconds: float = 20.0) -> int:
    return one.wait(seconds)


def log(folder: Path) -> str:
    return (folder / ".autoresearch" / "night" / "notices.log").read_text()


def test_each_thing_is_told_once_though_engine_and_follower_are_killed(tmp_path: Path) -> None:
    with Sink() as sink, Lived(lab(tmp_path / "lab", f'to = ["{sink.address}"]')) as run:
        run.judge(0, 1.0)
        first = follower(run.folder)
        run.judge(1, 0.9, 0)
        sink.wait(1)
        wait_for(lambda: "sent to" in log(run.folder))  # it is written down
        first.kill()
        first.wait()
        run.judge(2, 0.8, 1)  # nobody listens
        run.kill()
        run.start(after="signal 9")
        second = follower(run.folder)
        sink.wait(2)
        third = follower(run.folder)  # one is enough
        assert ended(third) == 0
        run.end()
        assert ended(second) == 0
        titles = [title.removeprefix("lab/night: ") for title in sink.titles]
        assert titles[:2] == ["#1 is the best so far", "#2 is the best so far"]
        assert titles[2].startswith("ended: val_bpb 0.800000, better by 0.200000") and len(titles) == 3
        assert "a-secret-path" not in log(run.folder) + (run.folder / ".autoresearch" / "night" / "notices.json").read_text()


@pytest.mark.parametrize("polite", [signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_told_to_end_while_it_sends_ends_when_what_it_sent_is_written_down(tmp_path: Path, polite: signal.Signals) -> None:
    with Sink(slow_s=0.5) as sink, Lived(lab(tmp_path / "lab", f'to = ["{sink.address}"]')) as run:
        run.judge(0, 1.0)
        first = follower(run.folder)
        run.judge(1, 0.9, 0)
        sink.wait(1)
        first.send_signal(polite)
        assert ended(first) == -polite
        run.end()
        assert ended(follower(run.folder)) == 0
        assert [title.split()[1] for title in sink.titles] == ["#1", "ended:"]


@pytest.mark.slow
def test_an_engine_that_stays_dead_is_told_once_and_so_is_that_it_works_again(tmp_path: Path) -> None:
    with Sink() as sink, Lived(lab(tmp_path / "lab", f'to = ["{sink.address}"]')) as run:
        run.judge(0, 1.0)
        run.kill()
        assert ended(follower(run.folder)) == 0
        assert sink.titles == ["lab/night: the engine died"]
        assert ended(follower(run.folder)) == 0
        run.start()
        run.end()
        assert ended(follower(run.folder)) == 0
        assert [title.partition(":")[2][:9] for title in sink.titles] == [" the engi", " ended: v"]
        assert "the engine works again" in sink.got[1][1]


@pytest.mark.slow
def test_of_a_run_that_was_there_before_only_what_comes_is_told(tmp_path: Path) -> None:
    with Sink() as sink, Lived(lab(tmp_path / "lab", f'to = ["{sink.address}"]')) as run:
        run.judge(0, 1.0)
        run.judge(1, 0.9, 0)
        run.end()
        run.start()
        listening = follower(run.folder)
        wait_for(lambda: (run.folder / ".autoresearch" / "night" / "notices.json").exists())
        run.judge(2, 0.8, 1)
        sink.wait(1)
        run.end()
        assert ended(listening) == 0
        assert "#1" not in str(sink.got)


@pytest.mark.slow
def test_a_server_that_fails_hangs_or_is_not_there_costs_the_others_nothing(tmp_path: Path) -> None:
    with Sink(500) as failing, Sink(hangs=True) as hanging, Sink() as sink:
        nowhere = "json://127.0.0.1:1/"
        to = json.dumps([failing.address, hanging.address, nowhere, sink.address])
        with Lived(lab(tmp_path / "lab", f"to = {to}")) as run:
            run.judge(0, 1.0)
            listening = follower(run.folder)
            run.judge(1, 0.9, 0)
            sink.wait(1)
            wait_for(lambda: failing.asked >= 2 and hanging.asked >= 1)
            failing.code = 200
            run.judge(2, 0.8, 1)
            sink.wait(2)
            failing.wait(1)
            run.end()
            sink.wait(3)
            assert "error=500" in log(run.folder) and "it did not answer within 1 s" in log(run.folder)
            assert "a-secret-path" not in log(run.folder)
            listening.send_signal(signal.SIGTERM)  # it would go on trying for hours
            ended(listening)
            assert len(sink.got) == 3


def test_whoever_is_not_to_be_told_gets_no_process_and_no_file(tmp_path: Path) -> None:
    with Lived(lab(tmp_path / "lab", "to = []")) as run:
        assert ended(follower(run.folder)) == 0
        assert not list((run.folder / ".autoresearch" / "night").glob("notices*"))


@pytest.mark.slow
def test_a_run_that_speaks_to_this_machine_only_tells_nobody_elsewhere(tmp_path: Path) -> None:
    folder = lab(tmp_path / "lab", 'to = ["json://192.0.2.1/a-secret-path"]')
    with (folder / "autoresearch.toml").open("a") as file:
        file.write("\n[privacy]\nlocal_only = true\n")
    said = tui(folder, "notify", "--test", code=1)
    assert said == "NOT sent to json://…: it is not on this machine, and `[privacy] local_only = true` keeps this run to it\n"


def test_a_test_message_says_to_whom_it_went_and_to_whom_it_did_not(tmp_path: Path) -> None:
    with Sink() as sink, Sink(404) as failing:
        folder = lab(tmp_path / "lab", f'to = ["{sink.address}"]', 'to_from = "MORE"')
        said = tui(folder, "notify", "--test", code=1, MORE=f"{failing.address} nonsense://a-secret-path")
        assert sink.titles == ["autoresearch-tui: this is a test"]
    sent, failed, wrong = said.splitlines()
    assert sent == f"sent to json://127.0.0.1:{sink.port}/…"
    assert failed.startswith(f"NOT sent to json://127.0.0.1:{failing.port}/…: ") and "404" in failed
    assert wrong == "NOT sent to nonsense://…: no service is written like that: https://appriseit.com lists them"
    assert "a-secret-path" not in said


def test_without_anybody_to_tell_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    assert 'write `to = ["ntfy://TOPIC"]` under `[notify]`' in tui(lab(tmp_path / "lab"), "notify", code=2)


def test_without_the_extra_a_sentence_names_it_and_the_night_goes_on(tmp_path: Path) -> None:
    lacking = "import sys\nsys.modules['apprise'] = None\n"
    with Lived(lab(tmp_path / "lab", 'to = ["ntfy://a-secret-path"]')) as run:
        tried = [sys.executable, "-c", f"{lacking}from autoresearch_tui import cli\ncli.main(sys.argv[1:])", "notify", str(run.folder)]
        done = subprocess.run(tried, capture_output=True, text=True)
        assert (done.returncode, "[notify]'` brings it" in done.stderr) == (1, True)
        script = f"{lacking}from autoresearch_tui.morning.notices import follower\nsys.exit(follower.main(*sys.argv[1:]))"
        assert subprocess.run([sys.executable, "-c", script, str(run.folder), "night", "0"]).returncode == 0
        assert "[notify]'` brings it" in log(run.folder)


@pytest.mark.slow
def test_a_follower_in_a_terminal_says_what_it_sends_and_ends_with_the_run(tmp_path: Path) -> None:
    with Sink() as sink, Lived(lab(tmp_path / "lab", f'to = ["{sink.address}"]')) as run:
        run.judge(0, 1.0)
        line = [sys.executable, "-m", "autoresearch_tui", "notify", str(run.folder)]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as one:
            wait_for(lambda: (run.folder / ".autoresearch" / "night" / "notices.json").exists())
            assert "tells of night already" in tui(run.folder, "notify", code=1)
            run.judge(1, 0.9, 0)
            sink.wait(1)
            run.end()
            said, _ = one.communicate(timeout=30)
        assert one.returncode == 0
        first, best, end, last = said.splitlines()
        assert first == f"telling json://127.0.0.1:{sink.port}/… of night: best, ended, died, down, card, disk. Ctrl+C ends it."
        assert "#1 is the best so far" in best and "ended: val_bpb 0.9" in end
        assert last == "no engine works on night: nothing more will happen."
