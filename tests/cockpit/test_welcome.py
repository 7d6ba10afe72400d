"""A folder without a night: it is said what would be done, nothing is started before Enter, and it can be ended at any moment."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.cockpit.drawing import width
from autoresearch_tui.cockpit.looking import examined, look_around
from autoresearch_tui.cockpit.parts import welcome
from autoresearch_tui.cockpit.parts.welcome import AUTO, DEMO, PROFILES, Advice, Ground, Welcome, plan_of
from autoresearch_tui.cockpit.screens.welcome import WelcomeScreen
from autoresearch_tui.cockpit.watched import Lines
from autoresearch_tui.doctor.findings import Finding, examination, missing, ok, warning
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.settings import load
from autoresearch_tui.telemetry.machine import is_alive
from autoresearch_tui.workspace import bundled, open_workspace
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage, until, words

# Stands for our command line: it writes down what it is asked, and shows a progress as a download does.
STAND_IN = r"""
import sys, time, pathlib
here = pathlib.Path(__file__).parent
if sys.argv[1] == "doctor":
    while (here / "looking").exists():
        time.sleep(0.02)
    sys.exit(print((here / "doctor").read_text() if (here / "doctor").exists() else '{"folder": "", "findings": [], "could_start": true}'))
with open(here / "asked", "a") as asked:
    print(*sys.argv[1:], file=asked)
print("\x1b[32mbegins\x1b[0m", sys.argv[1], "[/red]", sys.stdout.isatty())
for share in range(0, 101, 25):
    print(f"\r{share} %", end="", flush=True)
print()
if (here / "slow").exists():
    print("it takes long", flush=True)
    time.sleep(60)
if sys.argv[1] == "prepare" and (here / "offline").exists():
    sys.exit("autoresearch-tui: the hub cannot be reached: run this again when online.")
"""


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    folder = tmp_path / "standing in"
    folder.mkdir()
    (folder / "cli.py").write_text(STAND_IN)
    return (sys.executable, "-I", "-S", str(folder / "cli.py"))


def asked(command: tuple[str, ...]) -> list[str]:
    file = Path(command[-1]).with_name("asked")
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


async def looked(stage: Stage, pilot: object) -> None:
    await until(pilot, lambda: "Nothing is started before Enter" in words(stage))  # type: ignore[arg-type]


# ---- what would be done ----


def drawn(part: Welcome, wide: int = 200) -> str:
    return "\n".join("".join(span.text for span in line).rstrip() for line in welcome.rows(part, wide, 40))


def test_a_device_gets_the_profile_that_suits_it_with_sizes_and_times() -> None:
    ground = Ground(Path("/lab"), device="NVIDIA RTX 4090, 22 GB free", fits="rtx3090", researcher="ollama:qwen3.5:9b", free_gb=100.0)
    plan = plan_of(ground, AUTO)
    assert [step.words for step in plan.steps] == [("new", "/lab", "--profile", "auto"), ("run", "/lab", "--detached")]
    said = drawn(Welcome(ground, plan))
    assert "profile rtx3090, for NVIDIA RTX 4090, 22 GB free" in said
    assert "climbmix, web text: 12 files from Hugging Face, about 1.2 GB to download" in said
    assert "about 2.5 GB on disk" in said
    assert "5 to 20 min" in said
    assert "5 min of training, then some 11 experiments an hour, until somebody stops it" in said
    assert "by ollama:qwen3.5:9b" in said


def test_a_demo_has_a_folder_of_its_own_and_an_end() -> None:
    plan = plan_of(Ground(Path("/lab")), DEMO)
    assert [step.words for step in plan.steps] == [
        ("new", "/lab/autoresearch-demo", "--profile", "demo"),
        ("prepare", "/lab/autoresearch-demo"),
        ("run", "/lab/autoresearch-demo", "--detached", "--experiments", "6"),
    ]


@pytest.mark.parametrize(("prepared", "measured", "first"), [(True, True, "run"), (False, True, "prepare"), (False, False, "run")])
def test_of_a_workspace_only_what_is_missing_is_made(prepared: bool, measured: bool, first: str) -> None:
    ground = Ground(Path("/lab"), "workspace", measured=measured, prepared=prepared, corpus="climbmix")
    assert plan_of(ground, AUTO).steps[0].words[0] == first


def test_a_folder_with_other_things_in_it_is_left_as_it_is() -> None:
    assert plan_of(Ground(Path("/home/ann"), "full"), AUTO).target == Path("/home/ann/lab")


def test_what_is_missing_keeps_it_from_starting_and_stands_there_with_its_cure() -> None:
    ground = Ground(Path("/lab"), asked=True, missing=(Advice("git", "not installed", "apt install git"),))
    part = Welcome(ground, plan_of(ground, AUTO))
    assert not part.ready
    assert "apt install git" in drawn(part)
    assert "enter start" not in welcome.keys(part)


def test_a_warning_stands_there_and_keeps_nothing_from_starting() -> None:
    ground = Ground(Path("/lab"), asked=True, warned=(Advice("lid", "closing it means suspend", "leave it open"),))
    part = Welcome(ground, plan_of(ground, AUTO))
    assert part.ready
    assert "Worth a look, though nothing waits for it: lid: closing it means suspend leave it open" in " ".join(drawn(part).split())


@pytest.mark.parametrize(("profile", "starts"), [(AUTO, False), ("h100", False), ("cpu", True), (DEMO, True)])
def test_a_build_of_torch_without_the_card_is_no_matter_to_who_trains_on_the_processor(profile: str, starts: bool) -> None:
    ground = Ground(Path("/lab"), asked=True, missing=(Advice("torch build", "a build without CUDA", "pip install .."),))
    assert Welcome(ground, plan_of(ground, profile)).ready is starts


def test_a_disk_that_is_too_full_is_said_before_it_fills() -> None:
    ground = Ground(Path("/lab"), fits="h100", free_gb=1.0, cache=Path("/home/ann/.cache"))
    assert "/home/ann/.cache has 1.0 GB free, and the data takes about 2.5" in drawn(Welcome(ground, plan_of(ground, AUTO)))


@pytest.mark.parametrize("wide", [36, 41, 76, 116])
def test_every_plan_fits_every_screen(wide: int) -> None:
    ground = Ground(
        Path("/[/x]\x1b[31m" + "漢" * 60),
        researcher="[bold] " + "word " * 40,
        missing=(Advice("[b]", "x" * 90, "y" * 90),),
        warned=(Advice("z", "漢" * 90, ""),),
    )
    for profile in PROFILES:
        for part in (Welcome(), Welcome(ground, plan_of(ground, profile), at=1, failed="z" * 200)):
            assert all(width(line) <= wide for line in welcome.rows(part, wide, 40))


# ---- what is found ----


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A workspace as `new` leaves it: without data."""
    folder = tmp_path / "lab"
    folder.mkdir()
    harness = bundled("harness")
    for file in (harness / "train.py", harness / "prepare.py"):
        shutil.copy(file, folder)
    shutil.copy(harness / "profiles" / "demo.toml", folder / "profile.toml")
    return folder


def test_a_folder_is_looked_at_and_not_touched(empty: Path, lab: Path) -> None:
    found = look_around(lab)
    assert (found.kind, found.measured, found.prepared, found.budget_s) == ("workspace", True, False, 10.0)
    assert sorted(path.name for path in lab.iterdir()) == ["prepare.py", "profile.toml", "train.py"]
    assert look_around(empty).kind == "empty"
    assert look_around(empty / "not there").kind == "empty"
    (empty / "letter.txt").touch()
    assert look_around(empty).kind == "full"
    assert "is a file" in look_around(empty / "letter.txt").wrong


def test_a_mistake_in_the_settings_is_its_sentence(lab: Path) -> None:
    (lab / "autoresearch.toml").write_text("[limit]\n")
    assert "is not a setting" in look_around(lab).wrong


def doctor_says(command: tuple[str, ...], *findings: Finding) -> None:
    said = examination("/lab", findings)
    Path(command[-1]).with_name("doctor").write_bytes(msgspec.json.encode(said))


async def test_the_doctor_is_asked_and_what_the_steps_mend_themselves_is_left_out(lab: Path, command: tuple[str, ...]) -> None:
    doctor_says(
        command,
        missing("data", "not prepared", "autoresearch-tui prepare"),
        missing("git", "not installed", "apt install git"),
        warning("lid", "it sleeps"),
        ok("researcher", "sweep (no card holds a model here)"),
    )
    found = await examined(look_around(lab), command)
    assert found.missing == (Advice("git", "not installed", "apt install git"),)
    assert found.warned == (Advice("lid", "it sleeps", ""),)
    assert found.researcher == "sweep (no card holds a model here)"
    assert found.asked


@pytest.mark.parametrize("words", ["no JSON at all", '{"folder": 7}', ""])
async def test_a_doctor_that_does_not_answer_is_a_warning_and_nothing_else(lab: Path, command: tuple[str, ...], words: str) -> None:
    Path(command[-1]).with_name("doctor").write_text(words)
    found = await examined(look_around(lab), command)
    assert not found.missing and found.asked
    assert [one.mend for one in found.warned] == [f"autoresearch-tui doctor {lab}"]


async def test_its_command_is_for_a_shell_whatever_the_folder_is_called(tmp_path: Path, command: tuple[str, ...]) -> None:
    folder = tmp_path / "my lab"
    folder.mkdir()
    Path(command[-1]).with_name("doctor").write_text("nothing")
    (warned,) = (await examined(look_around(folder), command)).warned
    assert shlex.split(warned.mend) == ["autoresearch-tui", "doctor", str(folder)]


async def test_enter_waits_for_the_doctor_and_then_starts(empty: Path, command: tuple[str, ...]) -> None:
    looking = Path(command[-1]).with_name("looking")
    looking.touch()
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("d", "enter")
        await until(pilot, lambda: "It starts as soon as the doctor has looked at this machine" in words(stage))
        assert asked(command) == []
        looking.unlink()
        await until(pilot, lambda: bool(stage.answers))
    assert [line.split()[0] for line in asked(command)] == ["new", "prepare", "run"]


async def test_what_the_doctor_finds_missing_stops_an_enter_that_was_pressed_before(empty: Path, command: tuple[str, ...]) -> None:
    looking = Path(command[-1]).with_name("looking")
    looking.touch()
    doctor_says(command, missing("git", "not installed: the history of a night is kept in it", "apt install git"))
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=PHONE) as pilot:
        await looked(stage, pilot)
        await pilot.press("enter")
        looking.unlink()
        await until(pilot, lambda: "Something is missing first: git: not installed" in words(stage))
        await pilot.press("enter", "enter")
        await pilot.pause(0.2)
        assert asked(command) == [] and not stage.answers


async def test_who_leaves_while_the_doctor_looks_leaves_at_once_and_ends_it(empty: Path, command: tuple[str, ...]) -> None:
    Path(command[-1]).with_name("looking").touch()
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await until(pilot, lambda: running(command))
        began = time.monotonic()
        await pilot.press("q")
        await until(pilot, lambda: stage.answers == [None] and not running(command))
        assert time.monotonic() - began < 2


# ---- doing it ----


async def test_nothing_is_started_before_enter(empty: Path, command: tuple[str, ...]) -> None:
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=PHONE) as pilot:
        await looked(stage, pilot)
        await pilot.press("p", "p", "d", "d", "r", "down")
        assert asked(command) == []
        await pilot.press("escape")
        assert stage.answers == [None]
    assert asked(command) == []


async def test_enter_does_it_step_by_step_and_answers_with_the_workspace(empty: Path, command: tuple[str, ...]) -> None:
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("d", "enter")
        await until(pilot, lambda: bool(stage.answers))
        demo = empty / "autoresearch-demo"
        assert stage.answers == [demo]
        assert asked(command) == [f"new {demo} --profile demo", f"prepare {demo}", f"run {demo} --detached --experiments 6"]


async def test_a_step_that_fails_says_why_and_enter_goes_on_from_there(empty: Path, command: tuple[str, ...]) -> None:
    offline = Path(command[-1]).with_name("offline")
    offline.touch()
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("d", "enter")
        await until(pilot, lambda: "That came to nothing: the hub cannot be reached: run this again when online." in words(stage))
        assert "✓ 1 make a workspace" in words(stage)
        assert "✗ 2 get the data" in words(stage)
        assert "begins new [/red] True" in text(stage), "what it says is shown as text, and it writes to a terminal"
        assert "100 %" in text(stage) and "25 %" not in text(stage)
        offline.unlink()
        await pilot.press("enter")
        await until(pilot, lambda: bool(stage.answers))
        assert [line.split()[0] for line in asked(command)] == ["new", "prepare", "prepare", "run"]


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_what_works_is_ended_by_hand_and_the_screen_stays(empty: Path, command: tuple[str, ...], key: str) -> None:
    Path(command[-1]).with_name("slow").touch()
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "it takes long" in text(stage))
        assert "escape ends it" in text(stage)
        began = time.monotonic()
        await pilot.press(key)
        await until(pilot, lambda: "it was ended by hand" in words(stage))
        assert time.monotonic() - began < 5
        assert stage.answers == []
        await pilot.press("escape")
        assert stage.answers == [None]


async def test_a_screen_that_goes_away_takes_its_command_along(empty: Path, command: tuple[str, ...]) -> None:
    Path(command[-1]).with_name("slow").touch()
    stage = Stage(WelcomeScreen(empty, command))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "it takes long" in text(stage))
        assert running(command)
    for _ in range(100):
        if not running(command):
            break
        time.sleep(0.05)
    assert not running(command)


def running(command: tuple[str, ...]) -> bool:
    script = os.fsencode(command[-1])
    return any(script in line.read_bytes() for line in Path("/proc").glob("[0-9]*/cmdline") if line.parent.exists())


async def test_a_command_that_is_not_there_is_a_sentence(empty: Path) -> None:
    stage = Stage(WelcomeScreen(empty, ("/nowhere/autoresearch-tui",)))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "/nowhere/autoresearch-tui does not start: No such file or directory." in words(stage))


# ---- its lines ----


PIECES = [b"a", b" 12 %", b"\r", b"\n", b"\r\n", b"\x1b[2K", b"\x1b[31m", "漢".encode(), b"\xff", b"\x00"]


@given(st.lists(st.sampled_from(PIECES), max_size=40), st.lists(st.integers(0, 100), max_size=5))
@settings(max_examples=100, deadline=None)
def test_lines_are_the_same_however_they_arrive(pieces: list[bytes], cuts: list[int]) -> None:
    output = b"".join(pieces)
    whole, torn = Lines(), Lines()
    whole.feed(output)
    for begin, end in itertools.pairwise([0, *sorted(cuts), len(output)]):
        torn.feed(output[begin:end])
    assert torn.shown == whole.shown


def test_a_line_that_is_written_over_is_shown_once_and_escapes_are_gone() -> None:
    lines = Lines()
    lines.feed(b"\x1b[2Kfiles 1 of 12\r\x1b[2Kfiles 2 of 12")
    assert list(lines.shown) == ["files 2 of 12"]
    lines.feed(b"\r\x1b[2Kfiles 12 of 12\r\nready\r\n")
    assert list(lines.shown) == ["files 12 of 12", "ready"]
    assert lines.sentence == "ready"


# ---- the real thing ----


@pytest.mark.slow
async def test_a_real_demo_begins(empty: Path) -> None:
    stage = Stage(WelcomeScreen(empty))
    async with stage.run_test(size=WIDE) as pilot:
        await looked(stage, pilot)
        await pilot.press("d", "enter")
        await until(pilot, lambda: bool(stage.answers) or "came to nothing" in text(stage), 240)
        assert stage.answers == [empty / "autoresearch-demo"], text(stage)
    workspace = open_workspace(stage.answers[0], load(stage.answers[0], {}).settings)
    (run,) = workspace.runs()
    with Journal(run.journal) as journal:
        engine = journal.refresh().engine
        assert engine is not None and is_alive(engine.pid, engine.born, engine.boot)
        assert journal.run.limits.experiments == 6
    os.kill(engine.pid, 15)
    until_gone = time.monotonic() + 30
    while is_alive(engine.pid, engine.born, engine.boot) and time.monotonic() < until_gone:
        time.sleep(0.1)
    assert not is_alive(engine.pid, engine.born, engine.boot)
