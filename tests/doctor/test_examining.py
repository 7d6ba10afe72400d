"""`doctor` as it is called: real programs, servers, repositories, and a driver that stands in for NVIDIA's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.cli import main
from autoresearch_tui.doctor import bench, card, history, proposers, wheel
from autoresearch_tui.doctor.history import History
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import load
from autoresearch_tui.telemetry.machine import boot_id
from autoresearch_tui.workspace import Workspace, open_workspace
from tests.cards import GB, MISMATCH, OnCard, write
from tests.cards import Card as Told
from tests.cards import environment as seeing
from tests.doctor.conftest import Doctor
from tests.doctor.machines import DEBIAN
from tests.servers.ollama import Ollama
from tests.servers.ollama_shapes import Model
from tests.servers.wire import serving
from tests.telemetry.conftest import Libraries

CANARY = "sk-ant-canary-0123456789"


def having(**sections: dict[str, object]) -> Settings:
    return msgspec.convert(sections, Settings)


def opened(folder: Path) -> Workspace:
    return open_workspace(folder, load(folder, {}).settings)


# ---- the whole ----


def test_a_checkout_that_lacks_nothing_could_be_started_and_no_key_is_shown(checkout: Path, doctor: Doctor) -> None:
    chain = "anthropic:claude-sonnet-5-5,sweep"
    told = doctor(checkout, "--json", TERM="xterm-256color", ANTHROPIC_API_KEY=CANARY, AUTORESEARCH_TUI_RUN_RESEARCHER=chain)
    assert (told.code, told.err, told.lacks()) == (0, "", [])
    assert told.json["could_start"] is True
    assert CANARY not in told.out
    assert told.finding("anthropic:claude-sonnet-5-5")["found"] == "ANTHROPIC_API_KEY is set, and it is asked when a run begins"
    assert told.finding("torch")["found"] == "the training is `sh train.sh`: what it needs is not looked at"
    assert told.finding("researcher")["found"] == "anthropic:claude-sonnet-5-5, else sweep, as the settings say"
    assert sorted(path.name for path in checkout.iterdir()) == [".git", "autoresearch.toml", "prepare.py", "train.py"]


def test_without_programs_a_home_or_a_terminal_it_says_so_and_nothing_breaks(checkout: Path, doctor: Doctor, tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "HOME": None, "TERM": None, "LANG": None, "LC_ALL": None, "LC_CTYPE": None, "XDG_CACHE_HOME": None}
    told = doctor(checkout, COLUMNS="45", **bare)
    assert told.code == 1 and not told.err
    said = " ".join(told.out.split())
    assert "✗ No run can start yet: git missing" in said
    assert "✗ missing git not installed: the history of a night is kept in it" in said
    assert "! warning colours TERM is not set" in said
    assert "could not be looked at" not in said


@pytest.mark.slow  # it loads torch
def test_a_mistake_in_the_settings_is_a_line_with_the_rest_around_it(checkout: Path, doctor: Doctor) -> None:
    (checkout / "autoresearch.toml").write_text('[experiment]\ntrain = ["sh", "x"]\n[limit]\n')
    told = doctor(checkout, "--json")
    assert told.code == 1
    assert "autoresearch.toml:3" in told.finding("settings")["found"]
    assert told.finding("git")["state"] == "ok"


@pytest.mark.needs("gcc")
@pytest.mark.slow
def test_a_driver_that_was_updated_under_way_wants_a_restart(checkout: Path, doctor: Doctor, tmp_path: Path, libraries: Libraries) -> None:
    scenario = tmp_path / "scenario"
    write(scenario, Told(), init=MISMATCH)
    told = doctor(checkout, "--json", **seeing(scenario, libraries(3)))
    assert (told.code, told.lacks()) == (1, ["card"])
    assert "its library and its kernel module differ" in told.finding("card")["found"]
    assert told.finding("card")["mend"].endswith("reboot")


@pytest.mark.slow
@pytest.mark.needs("gcc")
def test_a_driver_that_hangs_is_a_warning_and_holds_nobody(checkout: Path, doctor: Doctor, tmp_path: Path, libraries: Libraries) -> None:
    scenario = tmp_path / "scenario"
    write(scenario, Told(), blocks={"nvmlInitWithFlags": 50.0})
    began = time.monotonic()
    told = doctor(checkout, "--json", **seeing(scenario, libraries(3)), AUTORESEARCH_TUI_RUN_RESEARCHER=None)
    assert time.monotonic() - began < 30, "it blocks for 50"
    assert told.finding("card")["found"].startswith("its driver does not answer")
    assert told.finding("researcher")["found"] == "it could not be looked at: it hangs"
    assert told.code == 0


# ---- the card ----


@pytest.mark.needs("gcc")
def test_a_card_tells_who_holds_its_memory(scene: Path) -> None:
    write(scene, Told(total=24 * GB, used=12 * GB, processes=(OnCard(os.getpid(), 11 * GB), OnCard(2**22 + 1, GB))))
    seen = card.look()
    assert (seen.kind, seen.name, seen.free) == ("nvidia", "NVIDIA GeForce RTX 4090", 12 * GB)
    assert [one.memory for one in seen.holders] == [11 * GB, GB]


# ---- torch ----


def test_a_python_without_torch_one_that_breaks_and_one_that_is_no_python(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    assert wheel.look((str(bare), "train.py"), tmp_path).absent
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\necho 'Illegal instruction' >&2\nexit 132\n")
    broken.chmod(0o755)
    assert wheel.look((str(broken), "train.py"), tmp_path).fails == "Illegal instruction"
    assert "cannot be started" in wheel.look(("python-is-not-there", "train.py"), tmp_path).fails
    assert wheel.look(("make", "train"), tmp_path).other == "make train"


@pytest.mark.slow
def test_the_torch_of_this_python_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('not me')\n")
    seen = wheel.look((sys.executable, "train.py"), tmp_path)
    assert seen.version.startswith("2.") and not seen.fails and seen.threads > 0


# ---- git ----


def test_a_repository_is_looked_at_as_a_run_would_begin_from_it(checkout: Path, tmp_path: Path) -> None:
    seen = history.look(opened(checkout))
    assert (seen.branch, seen.wrong, seen.frozen, seen.edited) == ("main", "", (), "")
    (checkout / "prepare.py").write_text("TIME_BUDGET = 61\n")
    (checkout / "train.py").write_text("print('val_bpb: 2.0')\n")
    assert (history.look(opened(checkout)).frozen, history.look(opened(checkout)).edited) == (("prepare.py",), "train.py")
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "train.py").touch()
    assert "is not a git repository" in history.look(opened(plain)).wrong


def test_the_command_that_mends_a_repository_mends_it(checkout: Path) -> None:
    (checkout / "prepare.py").write_text("TIME_BUDGET = 61\n")
    seen = history.look(opened(checkout))
    (mend,) = [one.mend for one in history.say(seen, DEBIAN) if one.state == "missing"]
    who = {f"GIT_{role}_{part}": "ann@localhost" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    subprocess.run(["sh", "-c", mend], env=dict(os.environ) | who, check=True, capture_output=True)
    assert history.look(opened(checkout)).frozen == ()


# ---- runs ----


def test_a_damaged_journal_is_told_and_hides_no_other_line(checkout: Path) -> None:
    run = checkout / ".autoresearch" / "nov20"
    run.mkdir(parents=True)
    (run / "journal.sqlite").write_bytes(b"not a journal at all" * 100)
    seen = bench.look(checkout, opened(checkout), bench.Wrong())
    said = {one.check: one for one in bench.say(seen, "pip")}
    assert said["journal"].state == "warning" and str(run) in said["journal"].found
    assert said["runs"].found.startswith("1 run,")


def test_a_run_whose_engine_died_is_told_with_the_command_that_goes_on(checkout: Path) -> None:
    run = checkout / ".autoresearch" / "nov20"
    with Writer(run / "journal.sqlite") as journal:
        journal.append(
            e.RunStarted("nov20", "a" * 40, "HEAD", {}, "reported", 42, "train.py", "val_bpb", "lower", 60.0),
            e.EngineStarted(pid=2**22 + 1, born=1, boot=boot_id(), version="0", researcher="sweep", limits=e.Limits()),
        )
    seen = bench.look(checkout, opened(checkout), bench.Wrong())
    assert (seen.runs, seen.newest, seen.state) == (1, "nov20", "died")


# ---- who proposes ----


def test_an_ollama_without_a_model_says_which_command_fetches_one() -> None:
    with serving(Ollama(lambda heard: "", models=()).answer) as server:
        seen = proposers.look(having(run={"researcher": "ollama:qwen3:8b"}), {"OLLAMA_HOST": server.address})
        unnamed = proposers.look(Settings(), {"OLLAMA_HOST": server.address})
    assert [(one.name, one.absent) for one in seen.said] == [("ollama:qwen3:8b", True)]
    assert (seen.server.version, seen.server.models) == ("0.33.0", ())
    assert [one.name for one in unnamed.said] == ["sweep"]


def test_a_model_that_is_there_is_asked_for_its_window() -> None:
    with serving(Ollama(lambda heard: "", models=(Model(context=8192),)).answer) as server:
        seen = proposers.look(having(run={"researcher": ["ollama:qwen3:8b", "sweep"]}), {"OLLAMA_HOST": server.address})
    assert [(one.why, one.window) for one in seen.said] == [("", 8192), ("", 0)]
    assert "has a window of 8192 tokens" in seen.said[0].warning
    assert [name for name, _ in seen.server.models] == ["qwen3:8b"]


def test_where_only_this_machine_may_be_spoken_to_nothing_else_is() -> None:
    elsewhere = {"OLLAMA_HOST": "http://192.0.2.1:11434"}
    seen = proposers.look(having(privacy={"local_only": True}), elsewhere)
    assert seen.server.elsewhere and [one.name for one in seen.said] == ["sweep"]
    named = proposers.look(having(privacy={"local_only": True}, run={"researcher": "ollama:qwen3:8b"}), elsewhere)
    assert "this run speaks to this machine only" in named.wrong and named.server.elsewhere


@pytest.mark.slow
def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    async def look() -> float:
        silent = asyncio.Event()

        async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await silent.wait()
            writer.close()

        server = await asyncio.start_server(says_nothing, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        began = time.monotonic()
        seen = await asyncio.to_thread(proposers.look, having(run={"researcher": "ollama:x"}), {"OLLAMA_HOST": address})
        assert seen.said[0].why and seen.server.down
        silent.set()
        server.close()
        return time.monotonic() - began

    assert asyncio.run(look()) < 8


def test_a_hosted_researcher_without_its_key_cannot_propose() -> None:
    named = having(run={"researcher": "anthropic:claude-sonnet-5-5"}, anthropic={"key_from": "MY_KEY"})
    assert [(one.why, one.key) for one in proposers.look(named, {}).said] == [("it needs a key, and MY_KEY is not set", "MY_KEY")]
    assert proposers.look(named, {"MY_KEY": CANARY}).said[0].why == ""


def test_a_file_is_no_folder_to_examine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter").touch()
    with pytest.raises(SystemExit) as ended:
        main(["doctor", str(tmp_path / "letter")])
    assert ended.value.code == 2
    assert "is a file: name a folder" in capsys.readouterr().err


def test_no_git_is_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert history.look(None) == History()
