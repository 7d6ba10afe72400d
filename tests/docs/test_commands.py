"""Every command of the README and the pages is one: it parses, and those that only read a night are run."""

from __future__ import annotations

import argparse
import gc
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui import cli
from autoresearch_tui.arguments import build_parser
from autoresearch_tui.engine.choosing import researcher
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import parse
from autoresearch_tui.journal.state import Run
from autoresearch_tui.sections import Settings
from tests.docs.commands import CHEAP, ELSEWHERE, NOT_HERE, OURS, Command, commands, of_block, why_not_here
from tests.docs.ground import begins_in, environment, lay, words
from tests.docs.pages import Block, codes, page, pages
from tests.engine.histories import History

OPTION = re.compile(r"^--[a-z][a-z-]+$")
OF_OTHERS = {"--fit", "--seeds", "--dataset", "--offline", "--no-sync", "--deadline"}
"""Of the measurements, of `prepare.py`, of uv."""
COMMANDS = commands()
CHEAP_ONES = [one for one in COMMANDS if one.ours and one.verb in CHEAP and not one.has_placeholder]


def test_the_readme_has_the_two_blocks_that_ci_runs() -> None:
    blocks = [block.text for block in page("README.md").blocks if block.kind == "sh"]
    assert len(blocks) == 2
    assert blocks[0].endswith(f"{OURS} demo") and blocks[1].endswith("pytest")
    assert not [one.name for one in pages() if one.name != "README.md" for block in one.blocks if block.kind == "sh"]


@pytest.mark.parametrize(
    "block", [block for one in pages() for block in one.blocks if list(of_block(block))], ids=lambda it: f"{it.page}:{it.line}"
)
def test_a_block_of_commands_holds_nothing_else(block: Block) -> None:
    told = [line for line in block.text.splitlines() if line.strip() and (block.kind != "console" or line.startswith("$ "))]
    assert len({command.line for command in of_block(block)}) == len(told), "a line begins with no program that is known"


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.ours], ids=str)
def test_a_command_of_ours_can_be_typed(command: Command) -> None:
    try:
        options = build_parser().parse_args(command.arguments)
    except SystemExit as ended:
        assert not ended.code and "--help" in command.words
        return
    for name in (getattr(options, "researcher", None) or "").split(","):
        if name:
            researcher(name, Settings(), {})


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.ours and one.verb == "send" and len(one.words) > 2], ids=str)
def test_what_is_sent_is_a_command(command: Command) -> None:
    said = build_parser().parse_args(command.arguments).words
    if said != ["COMMAND"]:
        parse(said, _busy())


def test_the_commands_in_words_can_be_sent() -> None:
    """The table of docs/screen.md, with its optional words and without."""
    rows = [
        code.text for code in codes(page("docs/screen.md")) if code.heading == "Commands in words" and code.text.split(" ")[0].islower()
    ]
    for row in rows:
        text = row.replace("KIND VALUE", "hours 3").replace("N]", "1]").replace(" N", " 1").replace("NAME = value", "DEPTH = 4")
        if text.startswith(("SET", OURS, "none", "sweep", "late")):
            continue
        text = text.replace("skip [1]", "skip [0]")  # it has to be the one that trains
        for form in {re.sub(r" \[.*?\]", "", text), re.sub(r"[\[\]]", "", text)}:
            parse(form.split(" "), _busy())


def test_an_option_that_a_sentence_names_is_one() -> None:
    known = {option for parser in _parsers() for action in parser._actions for option in action.option_strings}
    wrong = [
        f"{code.page}:{code.line} {code.text}"
        for one in pages()
        for code in codes(one)
        for word in code.text.split(" ")[: None if code.text.split(" ")[0] in cli.VERBS else 1]
        if OPTION.match(word) and word not in known | OF_OTHERS
    ]
    assert wrong == []


@pytest.mark.parametrize("command", CHEAP_ONES, ids=str)
def test_a_command_that_reads_a_night_works(
    command: Command, ground: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    shutil.copytree(ground, here, symlinks=True)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with _as_somebody(begins_in(here, command), tmp_path / "home", monkeypatch), pytest.raises(SystemExit) as ended:
        cli.main(words(command)[1:])
    said = capsys.readouterr()
    assert not ended.value.code, f"{said.out}\n{said.err}"
    assert said.out, "it says nothing"


def test_what_cannot_be_run_here_is_still_named_somewhere() -> None:
    """A reason without a command that needs it goes."""
    named = {one.words[0] for one in COMMANDS}
    assert set(ELSEWHERE) - named == set()
    texts = [" ".join(one.words) for one in COMMANDS]
    assert [words for words in NOT_HERE if not any(text.startswith(words) for text in texts)] == []


def test_the_others_that_can_run_are_all_git_or_the_harness() -> None:
    """Whatever else a page tells a person to type has a reason not to be tried, or a test of its own."""
    assert {one.words[0] for one in COMMANDS if not one.ours and not why_not_here(one)} <= {"git", "python"}


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay(tmp_path_factory.mktemp("docs"))


class _as_somebody:
    """In that folder, with an empty home; what the command changed of this process is undone."""

    def __init__(self, folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._home, self._monkeypatch = folder, home, monkeypatch

    def __enter__(self) -> None:
        self._monkeypatch.chdir(self._folder)
        given = environment(self._home)
        for name in set(os.environ) - set(given) - {"PYTEST_CURRENT_TEST"}:
            self._monkeypatch.delenv(name)
        for name, value in given.items():
            self._monkeypatch.setenv(name, value)

    def __exit__(self, *_: object) -> None:
        gc.enable()  # `status` needs none any more


def _parsers() -> Iterator[argparse.ArgumentParser]:
    parser = build_parser()
    yield parser
    for action in parser._actions:
        if isinstance(action.choices, dict):
            yield from action.choices.values()


def _busy() -> Run:
    """A run that trains something, with a draft that waits for a person."""
    history = History()
    history.begin()
    history.launch(0)
    history.add(e.Drafting("d1", "tune", 0, "sweep"), e.Replied("d1", 1.0), e.Drafted("d1", "b1", "an idea"), e.Held("d1", 1e10))
    return history.run
