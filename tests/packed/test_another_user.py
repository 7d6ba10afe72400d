"""A real night, with everything private about it in use, is redacted, and opens in another folder under another user."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal.store import Journal
from tests.engine.nights import TRAIN, command, git, journal_of, make_checkout
from tests.engine.nights import state as state_of
from tests.packed.canaries import birds_in, state
from tests.servers.openai import OpenAI
from tests.servers.wire import Server

pytestmark = [pytest.mark.slow, pytest.mark.needs("root")]

WORDS = "kingfisher capercaillie nightjar ptarmigan lapwing sandpiper dotterel razorbill guillemot fulmar shelduck turnstone whinchat"
BIRDS = tuple(WORDS.split())
PRINTS = """
import traceback
print("I am", os.environ.get("USER"), "of", os.environ.get("HOME"), "with", os.environ.get("CUDA_TEAM"), "in", os.getcwd())
try:
    exec(compile("1 / 0", "/srv/fulmar/secret.py", "exec"))
except ZeroDivisionError:
    traceback.print_exc()
"""
REPLAYED = """
import sys
from contextlib import closing
from pathlib import Path
from autoresearch_tui.cockpit.replay import ReplayedNight
from autoresearch_tui.finding import found
with found(sys.argv[1], Path()) as night, closing(ReplayedNight(night.folder, night.git, 600.0)) as replay:
    replay.jump(100)
    print(len(replay.moment().run.experiments), "experiments")
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "lapwing"


@pytest.fixture(scope="module")
def redacted(home: Path) -> Path:
    """Of a run with a model, a note, an idea, a change of program.md and an address, by a user of a bird's name."""
    lab = make_checkout(home / "sandpiper", TRAIN + PRINTS)
    git(lab, "config", "user.name", "Dotterel Razorbill")
    git(lab, "commit", "-q", "--allow-empty", "-m", "shelduck", "--author", "Shelduck <shelduck@bay.example>")
    widths = itertools.count(300, 10)
    server = Server(OpenAI("vllm", ("toy",), replies=lambda _: reply(next(widths)), thinking="ptarmigan").answer)
    (lab / "autoresearch.toml").write_text(f'[run]\nresearcher = ["openai:toy", "sweep"]\n[openai]\naddress = "{server.address}/v1"\n')
    environment = {"HOME": home, "USER": "kingfisher", "LOGNAME": "kingfisher", "CUDA_TEAM": "capercaillie", "OPENAI_KEY": "nightjar-key"}
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("AUTORESEARCH_TUI_RUN_RESEARCHER", raising=False)
            for name, value in environment.items():
                patch.setenv(name, str(value))
            spend(lab)
            for options in (("-o", "plain.night"), ("--redact", "-o", "redacted.night")):
                subprocess.run(command("pack", *options, "--dir", str(lab)), cwd=home, check=True)
    finally:
        server.close()
    return home / "redacted.night"


def reply(width: int) -> str:
    return f"whinchat <idea>width {width}</idea>\n<why>wider</why>\n<edit>\nSET WIDTH = {width}\n</edit>\n"


def spend(lab: Path) -> None:
    """Two sessions, and what a person says between them."""
    subprocess.run(command("run", "--tag", "night", "--experiments", "3", "--dir", str(lab)), check=True)
    (lab / "program.md").write_text("# Lower is better, says the guillemot.\n")
    with Journal(journal_of(lab)) as journal:
        for wish in (c.Note("the turnstone wants it smaller"), c.Idea("turnstone: try a width of 64"), c.Again(1)):
            journal.send(wish, "kingfisher@nightjar.example")
    subprocess.run(command("run", "--experiments", "6", "--dir", str(lab)), check=True)


@pytest.fixture
def theirs(redacted: Path) -> Iterator[Path]:
    """A folder of another user's, outside of what is ours, with the file in it."""
    folder = Path(f"/tmp/autoresearch-theirs-{os.getpid()}")
    folder.mkdir()
    shutil.copyfile(redacted, folder / "from-a-friend.night")
    shutil.copytree(make_checkout(folder / "made"), folder / "lab")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def told(theirs: Path) -> Callable[..., str]:
    """What a command of theirs prints."""
    kept = ("AUTORESEARCH_TUI_RUN_RESEARCHER", "PATH")
    environment = {name: os.environ[name] for name in kept} | {"HOME": str(theirs), "TMPDIR": str(theirs), "USER": "nobody"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), sysconfig.get_path("purelib")])
    person = runs_python(theirs, environment)

    def tell(*arguments: str) -> str:
        done = subprocess.run([*person, *arguments], cwd=theirs, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return tell


def runs_python(folder: Path, environment: dict[str, str]) -> list[str]:
    """A Python that another user may run, and what it runs too; where there is none, ours, in a home of its own."""
    works = "import msgspec, subprocess, sys; subprocess.run([sys.executable, '-c', 'import textual'], check=True)"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        line = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", python]
        if subprocess.run([*line, "-c", works], cwd=folder, env=environment, capture_output=True, check=False).returncode == 0:
            return line
    return [sys.executable]


def test_nothing_private_is_in_the_file(redacted: Path) -> None:
    assert set(BIRDS) <= set(birds_in(redacted.with_name("plain.night"), *BIRDS)), "a bird that was never there proves nothing"
    host = [name for name in (socket.gethostname(),) if len(name) > 3]  # shorter ones are in anything
    assert birds_in(redacted, *BIRDS, *host, str(redacted.parent), sys.prefix) == {}


def test_it_is_the_same_night(redacted: Path) -> None:
    before, after = state_of(redacted.parent / "sandpiper"), state(redacted)
    assert len(before.experiments) == len(after.experiments) == 6
    for one, other in zip(before.experiments.values(), after.experiments.values(), strict=True):
        assert (one.verdict, one.numbers, one.changes, one.memory_gb) == (other.verdict, other.numbers, other.changes, other.memory_gb)
    assert before.health["openai:toy"] == after.health["openai:toy"]


def test_another_user_reads_compares_replays_and_goes_on_from_it(redacted: Path, theirs: Path, told: Callable[..., str]) -> None:
    file = "from-a-friend.night"
    assert "6 experiments" in told("-m", "autoresearch_tui", "report", file)
    assert "night" in told("-m", "autoresearch_tui", "compare", file, file)
    assert told("-c", REPLAYED, file) == "6 experiments\n"
    told("-m", "autoresearch_tui", "run", "--tag", "mine", "--from", file, "--experiments", "2", "--dir", "lab")
    with Journal(journal_of(theirs / "lab", "mine")) as journal:
        run = journal.refresh()
    best = state(redacted).best
    assert best
    assert run.experiments[0].value == best.value
    assert len(run.elsewhere) == 6
    assert [path.name for path in theirs.glob("autoresearch-*")] == []
