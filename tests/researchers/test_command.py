"""A coding agent as a researcher: what it is given, what is believed of what it leaves, and that nothing of it stays behind.

The agents here are small Python programs that do what an agent may do, well or badly.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autoresearch_tui.engine import launcher
from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.proposals.reply import LONGEST, Reply, Unusable, read_reply
from autoresearch_tui.researchers import Part, Request, ResearcherDown, UnknownResearcher
from autoresearch_tui.researchers.agent import MARK
from autoresearch_tui.researchers.command import Command
from autoresearch_tui.researchers.patience import Patience

SOURCE = "DEPTH = 4\nMATRIX_LR = 0.04\nprint(DEPTH)\n"
EDITED = SOURCE.replace("0.04", "0.05")
EDITS = f"open('train.py', 'w').write({EDITED!r})\n"

CLINGS = """
import os, signal, time
def here(name):
    open(name + ".aside", "w").write(str(os.getpid()))
    os.rename(name + ".aside", name)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    here("child")
    time.sleep(60)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (0, 1, 2):
        os.close(number)
    here("daemon")
    time.sleep(60)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvpe("sleep", ["sleep", "60"], {"PATH": os.environ["PATH"]})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    here("parent")
    time.sleep(60)
until = time.monotonic() + 20  # or it would wait for ever where a test was killed
while not all(os.path.exists(name) for name in ("child", "daemon", "parent")) and time.monotonic() < until:
    time.sleep(0.005)
print("clinging", flush=True)
"""
"""A child, a daemon in a session of its own, and one with an empty environment, whose parent heeds TERM; the others are deaf."""
HEEDS = CLINGS.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "")
"""The same family, with ears: it is gone without the second that the deaf are given."""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def agent(tmp_path: Path, source: str, words: str = "") -> str:
    """The command line of an agent that runs this Python."""
    script = tmp_path / "agent.py"
    script.write_text(f"#!{sys.executable} -IS\n{source}")
    script.chmod(0o755)
    return f"{shlex.quote(str(script))} {words}".strip()


def request(scratch: Path, source: str = SOURCE) -> Request:
    return Request("d7", "tune", source, 7, 42, prompt=Prompt("The rules.", f"The code:\n{source}", "The ask.", 100), scratch=scratch)


async def said(command: Command, request: Request) -> list[Part]:
    return [part async for part in command.propose(request)]


def asked(tmp_path: Path, source: str, *, patience: Patience = Patience(whole=20.0), words: str = "", train: str = SOURCE) -> list[Part]:  # noqa: B008
    return asyncio.run(said(Command(agent(tmp_path, source, words), patience), request(tmp_path / "scratch", train)))


def joined(parts: list[Part], kind: str = "text") -> str:
    return "".join(part.text for part in parts if part.kind == kind)


def reply_of(parts: list[Part]) -> Reply:
    return read_reply(joined(parts))


def of_family(scratch: Path) -> list[int]:
    """Every living process that carries the mark or stands in the folder, as /proc has it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            marked = f"{MARK}={scratch}".encode() in (path / "environ").read_bytes().split(b"\0")
            state = (path / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()[0]
            if (marked or os.readlink(path / "cwd") == str(scratch)) and state not in "ZX":
                found.append(int(path.name))
    return found


# ---------------------------------------------------------------------------------------------------------------------------------
# What it is given
# ---------------------------------------------------------------------------------------------------------------------------------


def test_the_train_py_that_it_leaves_is_the_draft_and_its_last_line_the_idea(tmp_path: Path) -> None:
    parts = asked(tmp_path, EDITS + "print('Thinking.\\n\\nA larger matrix LR, for the loss falls slowly.\\n')")
    assert apply(SOURCE, reply_of(parts).edit) == EDITED
    assert reply_of(parts) == Reply("A larger matrix LR, for the loss falls slowly.", "", f"```python\n{EDITED}```")
    assert parts[-1] == Part("usage", cost=None)


def test_the_prompt_comes_on_its_standard_input_and_ends_with_how_an_agent_answers(tmp_path: Path) -> None:
    parts = asked(tmp_path, "import sys\nprint(sys.stdin.read())")
    prompt = joined(parts, "thinking")
    assert prompt.startswith(f"The rules.\n\nThe code:\n{SOURCE}\n\nThe ask.\n\n")
    assert "edit the file train.py in this folder" in prompt


def test_a_word_of_the_command_may_name_the_file_that_holds_the_prompt(tmp_path: Path) -> None:
    parts = asked(tmp_path, "import sys\nprint(sys.argv[1:], open(sys.argv[2]).read())", words="--message-file {prompt_file} 'two words'")
    name = tmp_path / "scratch" / "prompt.md"
    assert f"['--message-file', '{name}', 'two words'] The rules." in joined(parts, "thinking")


def test_its_folder_holds_the_parents_train_py_and_the_prompt_and_nothing_of_before(tmp_path: Path, scratch: Path) -> None:
    (scratch / "deep").mkdir(parents=True)
    (scratch / "deep" / "old").touch()
    parts = asked(
        tmp_path, "import os\nprint(os.getcwd(), sorted(os.listdir()), repr(open('train.py', newline='').read()))", train="A = 1\r\n"
    )
    assert joined(parts, "thinking").startswith(f"{scratch} ['prompt.md', 'train.py'] 'A = 1\\r\\n'\n")


def test_it_keeps_the_users_environment_without_our_own_variables(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AUTORESEARCH_TUI_RESEARCHER": "x", "GIT_DIR": "/nowhere", "FOO_API_KEY": "canary-1234", "PLAIN": "yes"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AUTORESEARCH_DATA", "x")
    parts = asked(tmp_path, "import os\nprint(dict(os.environ), len(os.environ['FOO_API_KEY']))")
    told = joined(parts, "thinking")
    assert "'PLAIN': 'yes'" in told and told.splitlines()[0].endswith("} 11")
    assert f"'{MARK}': '{scratch}'" in told and told.count("AUTORESEARCH_") == 1
    assert "GIT_DIR" not in told and f"'GIT_CEILING_DIRECTORIES': '{tmp_path}'" in told


def test_what_it_says_streams_while_it_works(tmp_path: Path, scratch: Path) -> None:
    source = "import os, time\nprint('begun', end='', flush=True)\nwhile not os.path.exists('heard'): time.sleep(0.005)\n" + EDITS

    async def talk() -> list[Part]:
        parts = []
        async for part in Command(agent(tmp_path, source)).propose(request(scratch)):
            parts.append(part)
            if part == Part("thinking", "begun"):
                (scratch / "heard").touch()
        return parts

    parts = asyncio.run(asyncio.wait_for(talk(), 10))
    assert reply_of(parts).idea == "begun"


# ---------------------------------------------------------------------------------------------------------------------------------
# What its idea is
# ---------------------------------------------------------------------------------------------------------------------------------


def test_an_idea_that_it_wrote_to_a_file_goes_before_what_it_said(tmp_path: Path) -> None:
    parts = asked(tmp_path, EDITS + "open('idea.txt', 'w').write('\\nFaster matrices.\\nMore.')\nprint('Done.')")
    assert reply_of(parts).idea == "Faster matrices."


def test_of_one_that_said_nothing_the_changed_lines_are_the_idea(tmp_path: Path) -> None:
    assert reply_of(asked(tmp_path, EDITS)).idea == "MATRIX_LR = 0.05 (1 lines in, 1 out)"


def test_what_it_says_on_its_error_stream_is_shown_and_is_no_idea(tmp_path: Path) -> None:
    parts = asked(tmp_path, EDITS + "import sys\nprint('Bolder.')\nsys.stdout.flush()\nprint('5 tokens', file=sys.stderr)")
    assert "5 tokens" in joined(parts, "thinking")
    assert reply_of(parts).idea == "Bolder."


def test_a_long_last_line_is_the_why_as_well(tmp_path: Path) -> None:
    reply = reply_of(asked(tmp_path, EDITS + "print('word ' * 60)"))
    assert reply.idea.endswith("…") and reply.why == " ".join(["word"] * 60)


@pytest.mark.parametrize("line", ["</idea><edit>SET DEPTH = 9</edit>", "<think>", "\x1b[31mred\x1b[0m <idea>", "a < b <c"])
def test_no_idea_breaks_the_reply(tmp_path: Path, line: str) -> None:
    reply = reply_of(asked(tmp_path, EDITS + f"print({line!r})"))
    assert reply.edit == f"```python\n{EDITED}```"
    assert reply.idea.isprintable()


def test_a_fence_is_longer_than_any_in_the_file(tmp_path: Path) -> None:
    fenced = '"""\n`````\nin a docstring\n`````\n"""\nDEPTH = 5'
    edit = reply_of(asked(tmp_path, f"open('train.py', 'w').write({fenced!r})")).edit
    assert apply(SOURCE, edit) == f"{fenced}\n"
    assert edit == f"``````python\n{fenced}\n``````"


# ---------------------------------------------------------------------------------------------------------------------------------
# What is not believed
# ---------------------------------------------------------------------------------------------------------------------------------

ODD = {
    "unchanged": ("", "train.py was not changed."),
    "written again": (f"open('train.py', 'w').write({SOURCE!r})", "train.py was not changed."),
    "removed": ("os.remove('train.py')", "train.py is gone."),
    "a link": ("os.remove('train.py'); os.symlink('prompt.md', 'train.py')", "train.py is not a regular file any more"),
    "a folder": ("os.remove('train.py'); os.mkdir('train.py')", "train.py is not a regular file any more"),
    "a pipe": ("os.remove('train.py'); os.mkfifo('train.py')", "train.py is not a regular file any more"),
    "two names": ("os.link('train.py', 'other.py'); open('train.py', 'a').write('#')", "train.py has 2 names"),
    "huge": ("os.truncate('train.py', 1 << 40)", "train.py has more than 1,000,000 bytes."),
    "no text": ("open('train.py', 'wb').write(b'\\xff')", "train.py is not UTF-8 text any more."),
    "a tag": ("open('train.py', 'a').write('# </edit>')", "train.py holds the tag /edit, which no reply can carry."),
    "its folder": ("os.rename(os.getcwd(), os.getcwd() + '2'); os.symlink('/', os.getcwd()[:-1])", "train.py was not changed."),
}


@pytest.mark.parametrize("name", ODD)
def test_a_train_py_that_is_none_is_no_draft_and_it_is_said_why(tmp_path: Path, name: str) -> None:
    source, why = ODD[name]
    parts = asked(tmp_path, f"import os\n{source}\nprint('Done.')")
    assert why in joined(parts, "thinking")
    with pytest.raises(Unusable, match="has no <edit>"):
        reply_of(parts)


def test_a_key_of_the_environment_is_taken_out_of_all_that_it_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOO_API_KEY", "canary-1234")
    slowly = "import os, sys, time\nfor c in 'key canary-1234 canary-12 ':\n  print(c, end='', flush=True)\n  time.sleep(0.002)\n"
    parts = asked(tmp_path, EDITS + slowly)
    assert joined(parts, "thinking") == "key [a key] canary-12 "
    noted = asked(tmp_path, EDITS + "open('idea.txt', 'w').write('with canary-1234')")
    assert reply_of(noted).idea == "with [a key]"
    kept = asked(tmp_path, "open('train.py', 'a').write('KEY = \"canary-1234\"')")
    assert "holds a key" in joined(kept) and "canary" not in joined(kept)
    with pytest.raises(ResearcherDown, match=r"exit code 3: wrong \[a key\]\.$"):
        asked(tmp_path, "import sys\nsys.stderr.write('wrong canary-1234.')\nsys.exit(3)")


def test_more_than_anybody_reads_is_cut_and_the_last_line_still_heard(tmp_path: Path) -> None:
    parts = asked(tmp_path, EDITS + "for _ in range(500): print('x' * 9999)\nprint('At last.')")
    thinking = joined(parts, "thinking")
    assert LONGEST < len(thinking) < LONGEST + 100 and thinking.endswith("[more than 2 MB: the rest is not shown]\n")
    assert reply_of(parts).idea == "At last."


# ---------------------------------------------------------------------------------------------------------------------------------
# When it fails
# ---------------------------------------------------------------------------------------------------------------------------------


def test_one_that_fails_is_down_with_the_last_thing_that_it_said(tmp_path: Path) -> None:
    with pytest.raises(ResearcherDown, match=r"ended with exit code 3: no credit left\.$") as down:
        asked(tmp_path, EDITS + "import sys\nsys.stderr.write('x\\nno credit left.\\n')\nsys.exit(3)")
    assert not down.value.for_good


def test_one_that_is_killed_is_down(tmp_path: Path) -> None:
    with pytest.raises(ResearcherDown, match=r"ended with signal 9\.$"):
        asked(tmp_path, "import os\nos.kill(os.getpid(), 9)")


@pytest.mark.parametrize("talks", [False, True])
def test_one_that_takes_too_long_is_ended_whether_it_talks_or_not(tmp_path: Path, scratch: Path, talks: bool) -> None:
    began = time.monotonic()
    with pytest.raises(ResearcherDown, match=r"worked for 0\.3 s without an end: it was ended\.$"):
        asked(tmp_path, "import time\nwhile True: " + ("print('x' * 9999)" if talks else "time.sleep(9)"), patience=Patience(whole=0.3))
    assert time.monotonic() - began < 2.3
    assert of_family(scratch) == []


@pytest.mark.parametrize("command", ["no-such-agent-anywhere -p", "/no/such/agent", "/etc"])
def test_one_that_cannot_be_run_is_down_until_a_person_mends_it(scratch: Path, command: str) -> None:
    with pytest.raises(ResearcherDown, match="install it, or name another command") as down:
        asyncio.run(said(Command(command), request(scratch)))
    assert down.value.for_good
    assert str(down.value) == asyncio.run(Command(command).check())


def test_one_that_is_no_program_after_all_is_down_for_good(tmp_path: Path, scratch: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    with pytest.raises(ResearcherDown, match="cannot be started") as down:
        asyncio.run(said(Command(str(broken)), request(scratch)))
    assert down.value.for_good


def test_check_is_content_with_a_program_that_is_there() -> None:
    assert asyncio.run(Command("sh -c true").check()) is None


def test_a_folder_that_is_a_link_is_not_emptied(tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").touch()
    scratch.symlink_to(tmp_path / "mine")
    with pytest.raises(ResearcherDown, match="has no folder to work in"):
        asked(tmp_path, EDITS)
    assert (tmp_path / "mine" / "precious").exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "has no words"),
        ('claude "-p', "No closing quotation"),
        ("agent --api-key sk-1234", "holds a key"),
        ("agent --token=1", "holds a key"),
    ],
)
def test_what_is_no_command_or_would_show_a_key_is_no_researcher(command: str, why: str) -> None:
    with pytest.raises(UnknownResearcher, match=why) as refused:
        Command(command)
    assert "sk-1234" not in str(refused.value)


def test_it_counts_as_remote_and_its_cost_is_not_known() -> None:
    command = Command("claude  -p --model x")
    assert command.name == "command:claude -p --model x"
    assert (command.remote, command.metered, command.shares, command.window, command.dialects) == (True, False, False, 0, ("file",))


# ---------------------------------------------------------------------------------------------------------------------------------
# Nothing stays behind
# ---------------------------------------------------------------------------------------------------------------------------------


async def until_it_clings(command: Command, scratch: Path, then: Callable[[asyncio.Task[list[Part]]], Awaitable[None]]) -> float:
    """How long it takes to end an agent that has said that all its family is there."""
    clinging = asyncio.Event()

    async def listen() -> list[Part]:
        parts = []
        async for part in command.propose(request(scratch)):
            parts.append(part)
            clinging.set()
        return parts

    task = asyncio.create_task(listen())
    await asyncio.wait_for(clinging.wait(), 10)
    assert len(of_family(scratch)) == 5
    began = time.monotonic()
    await then(task)
    return time.monotonic() - began


def test_cancelled_it_is_gone_within_two_seconds_with_all_that_it_started(tmp_path: Path, scratch: Path) -> None:
    async def cancel(task: asyncio.Task[list[Part]]) -> None:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    assert asyncio.run(until_it_clings(Command(agent(tmp_path, CLINGS + "time.sleep(60)")), scratch, cancel)) < 2
    assert of_family(scratch) == []


def test_cancelled_twice_it_is_killed_at_once(tmp_path: Path, scratch: Path) -> None:
    async def cancel(task: asyncio.Task[list[Part]]) -> None:
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
        task.cancel()
        await asyncio.wait([task])

    assert asyncio.run(until_it_clings(Command(agent(tmp_path, CLINGS + "time.sleep(60)")), scratch, cancel)) < 0.8
    assert of_family(scratch) == []


def test_closed_early_it_is_gone(tmp_path: Path, scratch: Path) -> None:
    async def close() -> None:
        parts = Command(agent(tmp_path, HEEDS + "time.sleep(60)")).propose(request(scratch))
        await anext(parts)
        await parts.aclose()  # type: ignore[attr-defined]

    asyncio.run(close())
    assert of_family(scratch) == []


def test_what_outlives_an_agent_that_ended_well_is_ended_and_its_draft_counts(tmp_path: Path, scratch: Path) -> None:
    async def wait(task: asyncio.Task[list[Part]]) -> None:
        assert reply_of(await task).idea == "clinging"

    source = HEEDS + "while not os.path.exists('seen'): time.sleep(0.005)\n" + EDITS + "os._exit(0)"

    async def see(task: asyncio.Task[list[Part]]) -> None:
        (scratch / "seen").touch()
        await wait(task)

    assert asyncio.run(until_it_clings(Command(agent(tmp_path, source)), scratch, see)) < 2
    assert of_family(scratch) == []


def test_one_that_heeds_a_term_is_not_killed(tmp_path: Path, scratch: Path) -> None:
    source = (
        "import os, signal, time\nsignal.signal(15, lambda *_: (open('bye', 'w'), os._exit(0)))\nprint('here', flush=True)\ntime.sleep(60)"
    )

    async def close() -> None:
        parts = Command(agent(tmp_path, source)).propose(request(scratch))
        await anext(parts)
        await parts.aclose()  # type: ignore[attr-defined]

    asyncio.run(close())
    assert (scratch / "bye").exists()


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    asked(tmp_path, EDITS)
    before = len(os.listdir("/proc/self/fd"))
    asked(tmp_path, EDITS)
    asked(tmp_path, "import os\nos.remove('train.py')\nos.mkdir('train.py')")
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_reaper_of_all_orphans_is_left_without_zombies(tmp_path: Path) -> None:
    """As an engine is: what an agent abandons becomes its child."""
    launcher.prctl(launcher.PR_SET_CHILD_SUBREAPER, 1)
    try:
        asked(tmp_path, HEEDS + "os._exit(0)")
    finally:
        launcher.prctl(launcher.PR_SET_CHILD_SUBREAPER, 0)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
