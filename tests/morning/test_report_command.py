"""`report` as a person uses it: on a night, a file, a table; into a terminal, a pipe, a file; and what it says when that cannot be."""

from __future__ import annotations

import os
import pty
import random
import shutil
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import msgspec
import pytest

from autoresearch_tui.arguments import build_parser
from autoresearch_tui.finding import found
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Unreadable
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.accounting import account_of
from autoresearch_tui.morning.reading import read
from autoresearch_tui.packed import SAMPLE
from autoresearch_tui.verbs.reporting import report
from autoresearch_tui.verbs.shared import Usage
from autoresearch_tui.workspace import WorkspaceError
from tests.journal.nights import NIGHTS
from tests.journal.runs import Night
from tests.morning.stories import laid_out
from tests.pace import best_of
from tests.test_ten_thousand import EXPERIMENTS, SLACK, run_tui

TABLE = NIGHTS / "karpathy__autoresearch.tsv"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return laid_out(tmp_path_factory.mktemp("morning") / "a lab")


@pytest.fixture(autouse=True)
def garbage_is_collected_again() -> Iterator[None]:
    yield
    import gc

    gc.enable()  # the command turns it off, for its process ends with it


def run(*arguments: str) -> int:
    return report(build_parser().parse_args(["report", *arguments]))


def tui(*arguments: str, cwd: Path, expect: int = 0) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-m", "autoresearch_tui", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done.stdout, done.stderr


def test_the_newest_run_of_the_folder_is_what_is_told(lab: Path) -> None:
    said, _ = tui("report", cwd=lab)
    assert said.startswith("autoresearch sample · over: 16 experiments are done")
    assert "  autoresearch-tui finish sample\n" in said, "here nobody has to say where it is"


def test_a_packed_night_and_a_table_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(SAMPLE)) == 0
    assert "val_bpb went from 2.525075 to 2.383008 at #14" in capsys.readouterr().out
    assert run(str(TABLE)) == 0
    assert capsys.readouterr().out.startswith("karpathy__autoresearch.tsv · 126 rows: 23 kept, 102 discarded, 1 crashed")


def test_a_sigma_makes_words_of_a_tables_gains(capsys: pytest.CaptureFixture[str]) -> None:
    run(str(TABLE), "--sigma", "0.0005")
    said = capsys.readouterr().out
    assert "sigma 0.000500, as it was given" in said
    assert "unsure" in said


def test_as_json_it_is_the_account(capsys: pytest.CaptureFixture[str]) -> None:
    run(str(TABLE), "--format", "json")
    account = msgspec.json.decode(capsys.readouterr().out, type=Account)
    assert (account.experiments, account.small_kept) == (126, 12)


@pytest.mark.parametrize(
    ("name", "begins"), [("r.txt", "karpathy"), ("r.md", "# karpathy"), ("r.MARKDOWN", "# karpathy"), ("r.json", "{"), ("-", "karpathy")]
)
def test_the_name_of_the_file_says_the_form(name: str, begins: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / name
    assert run(str(TABLE), "-o", name if name == "-" else str(target)) == 0
    said = capsys.readouterr().out
    assert (said if name == "-" else target.read_text()).startswith(begins)
    assert name == "-" or said == f"{target} is written.\n"


def test_what_is_said_beats_the_name(tmp_path: Path) -> None:
    run(str(TABLE), "--format", "json", "-o", str(tmp_path / "r.txt"))
    assert (tmp_path / "r.txt").read_text().startswith("{")


def test_a_file_is_replaced_as_a_whole_and_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "r.md"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "link.md").symlink_to(target)
    run(str(TABLE), "-o", str(tmp_path / "link.md"))
    assert target.read_text().startswith("# karpathy")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (tmp_path / "link.md").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.md", "r.md"], "and nothing is left beside it"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "FOLDER"], "is no file, and is left as it is"),
        (["-o", "/dev/null", "--format", "md"], "is no file, and is left as it is"),
        (["-o", "FOLDER/nowhere/r.md"], "there is no folder"),
        (["-o", "FOLDER/r.docx"], "Name it .txt, .md, .html, .json or .png"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_read(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "d.md").mkdir()
    with pytest.raises(Usage, match=sentence):
        run("nowhere", *[part.replace("FOLDER", str(tmp_path / "d.md") if part == "FOLDER" else str(tmp_path)) for part in arguments])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.md").write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(str(TABLE), "-o", str(tmp_path / "r.md"))
    assert [path.name for path in tmp_path.iterdir()] == ["r.md"]
    assert (tmp_path / "r.md").read_text() == "old"


def test_a_sigma_is_for_tables_alone(lab: Path) -> None:
    with pytest.raises(Usage, match=r"`--sigma` is for a results\.tsv"):
        run("--dir", str(lab), "--sigma", "0.1")


def test_what_is_no_night_is_said_in_a_sentence(tmp_path: Path, lab: Path) -> None:
    (tmp_path / "prose.txt").write_text("a night is a night\n")
    with pytest.raises(Unreadable, match="no header here names val_bpb"):
        run(str(tmp_path / "prose.txt"))
    with pytest.raises(WorkspaceError, match=r"there is no run 'nov20' in .*; there is: sample"):
        run("nov20", "--dir", str(lab))
    _, said = tui("report", cwd=tmp_path, expect=1)
    assert said.startswith("autoresearch-tui: ")
    assert said.count("\n") == 1, said


def test_neither_the_screen_nor_a_plot_is_imported_for_text(lab: Path) -> None:
    heavy = "import sys; heavy = {'matplotlib', 'textual', 'git', 'httpx', 'torch', 'numpy', 'asyncio'} & set(sys.modules)"
    code = f"from autoresearch_tui.cli import main\ntry: main(['report'])\nexcept SystemExit: pass\n{heavy}; sys.exit(str(heavy or 0))"
    done = subprocess.run([sys.executable, "-c", code], cwd=lab, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "0"


def on_a_terminal(columns: int, *arguments: str, cwd: Path, **environment: str) -> str:
    """What a terminal of that many columns is sent."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "autoresearch_tui", "report", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side has gone
                break
            if not part:
                break
            said += part
        process.wait(timeout=30)
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def test_a_terminal_gets_lines_of_its_width_and_bold_headings_unless_it_wants_none(tmp_path: Path) -> None:
    text = on_a_terminal(45, str(TABLE), cwd=tmp_path)
    assert "\x1b[1mResult\x1b[0m\n" in text
    assert max(len(line) for line in text.split("\n") if "\x1b" not in line) <= 45
    plain = on_a_terminal(200, str(TABLE), cwd=tmp_path, NO_COLOR="1")
    assert "\x1b" not in plain
    assert 100 < max(map(len, plain.split("\n"))) <= 120


def test_a_picture_is_not_poured_over_a_terminal(tmp_path: Path) -> None:
    assert "`-o night.png` writes it to a file" in on_a_terminal(80, str(TABLE), "--format", "png", cwd=tmp_path)


# ------------------------------------------------------------------------------------------------------------------------------
# The commands that it names
# ------------------------------------------------------------------------------------------------------------------------------

ELSEWHERE = ("replay", "confirm")
"""Those need a terminal or an hour: they are read, and the night that they name is found."""


def commands(account: Account) -> dict[str, str]:
    return {look.what: look.command for look in account.looks}


def told(named: str | None, folder: Path) -> Account:
    with found(named, folder) as night:
        return account_of(read(night, named))


@pytest.mark.parametrize("here", [pytest.param(True, marks=pytest.mark.slow, id="in its workspace"), pytest.param(False, id="elsewhere")])
def test_every_command_works_as_it_is_pasted(here: bool, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(lab, tmp_path / "it's a lab")
    cwd = folder if here else tmp_path
    monkeypatch.chdir(cwd)
    pasted = commands(told(None, folder))
    assert len(pasted) == 10
    assert any(" -C " in command for command in pasted.values()) is not here
    for command in pasted.values():
        words = [word.strip("'") for word in command.split()]
        if words[0] == "autoresearch-tui" and words[1] in ELSEWHERE:
            paste(f"autoresearch-tui report {command.split(maxsplit=2)[2]}", cwd)
        else:
            assert paste(command, cwd) or ">" in command or words[0] == "cp", command
    assert (cwd / "sample-best.pt").read_bytes() == b"weights"
    assert "two heads" not in (cwd / "best-train.py").read_text()
    assert (cwd / "sample.html").stat().st_size > 1000


def paste(command: str, cwd: Path) -> str:
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def test_of_a_packed_night_the_commands_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(SAMPLE, tmp_path / "a night.zip")
    monkeypatch.chdir(tmp_path)
    pasted = commands(told("a night.zip", tmp_path))
    assert not any(command.startswith("git ") for command in pasted.values())
    for command in pasted.values():
        if " -e " in command:
            paste(command, tmp_path)
        else:
            verb = command.split()[1]
            assert verb in ("replay", "report", "confirm", "run") and "'a night.zip'" in command
    assert (tmp_path / "sample" / "logs" / "0003-1.log").is_file()


@pytest.mark.parametrize("tag", ["x; touch owned", "../../etc"])
def test_no_word_of_a_journal_becomes_a_word_of_a_command(tag: str, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(lab, tmp_path / "lab")
    hostile = folder / ".autoresearch" / "night" / "journal.sqlite"
    with Writer(hostile) as writer:
        writer.append(e.RunStarted(tag, "c0", edit="train.py; touch owned"), e.EngineStarted(1, 1, "", "1", "sweep"))
        for number in (0, 1):
            writer.append(e.Proposed(number, parent=number - 1 if number else None), e.Committed(number, f"c{number}"))
            writer.append(e.Launched(number, 1, 1, 1, 1, ""), e.Ended(number, 1, "finished"), e.Measured(number, 1, 1.0 - number / 2))
            writer.append(e.Judged(number, "keep", "better", number), e.Applied(number))
    for command in commands(told("night", folder)).values():
        assert tag not in command
        if command.startswith("autoresearch-tui"):
            continue  # it would take its time
        subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
    assert not list(tmp_path.rglob("owned*"))


# ------------------------------------------------------------------------------------------------------------------------------
# Ten thousand
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "lab"
    folder.mkdir()
    (folder / "train.py").write_text("TIME_BUDGET = 300\n")
    night = Night(random.Random(7))
    while len(night.settled) < EXPERIMENTS:
        night.turn()
    with Writer(folder / ".autoresearch" / "large" / "journal.sqlite") as writer:
        for first in range(0, len(night.facts), 50_000):
            writer.append(*night.facts[first : first + 50_000])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "md"])
def test_ten_thousand_experiments_are_told_within_five_seconds(form: str, large: Path, tmp_path: Path) -> None:
    limit = 5.0
    taken = best_of(f"report --format {form}", limit, lambda: run_tui(large, tmp_path, "report", "--format", form), time.perf_counter)
    assert taken < limit * SLACK


@pytest.mark.slow
def test_a_normal_night_is_told_within_a_second(lab: Path, tmp_path: Path) -> None:
    assert best_of("report", 1.0, lambda: run_tui(lab, tmp_path, "report"), time.perf_counter) < SLACK
