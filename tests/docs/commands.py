"""The commands that the pages tell a person to type, and how far each can be tried here.

Owns what counts as a command, and the list of those that cannot run in a test, with the reason. Does not own how one is run: that is
`test_commands.py` and `test_commands_for_real.py`.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator

import msgspec

from autoresearch_tui.cli import VERBS
from tests.docs.pages import Block, codes, pages

OURS = "autoresearch-tui"
CHEAP = ("status", "runs", "report", "compare", "finish", "apply")
"""Those of ours that read a night which is over, and answer at once."""

ELSEWHERE = {
    "sudo": "changes the machine",
    "apt": "changes the machine",
    "brew": "changes the machine",
    "loginctl": "changes what the system does after a logout",
    "systemd-run": "asks a system manager, which a container lacks",
    "ssh": "needs a second machine",
    "mosh": "needs a second machine",
    "scp": "needs a second machine",
    "tailscale": "needs an account of theirs",
    "ollama": "needs an ollama, and downloads gigabytes",
    "uv": "downloads packages; `.ci/run` installs with it",
    "pipx": "downloads packages; `.ci/run` installs with it",
    "pip": "downloads packages; `.ci/run` installs with it",
    "pytest": "is what runs this",
    "tmux": "takes the terminal over",
    "export": "is a word of the shell",
}
"""By their first word: why these are not run here."""
NOT_HERE = {
    "git clean": "throws files away, and is named as a danger",
    "python3 -m venv": "`.ci/run` runs it as the README has it",
    "python -m tests": "takes minutes, and is a test of its own",
    "python tests/benchmarks": "needs a card",
}
"""The same by their first words."""
PLACEHOLDER = re.compile(r"^(?:.*/)?(?:--?[a-z-]+=)?[<\[]?[A-Z][A-Z_:-]*[>\]]?(?:\.\.)?$|\.\.\.?$|…|\$|\|")
WRAPPERS = ("ssh", "mosh", "tmux", "systemd-run")
"""What begins another command: that is tried."""
WORDS_FOR = {"N": "3", "S": "600", "PORT": "8200", "SECONDS": "600"}
PROGRAMS = {OURS, "git", "python", "python3", *ELSEWHERE}
ASSIGNED = re.compile(r"^[A-Z_][A-Z0-9_]*=")


class Command(msgspec.Struct, frozen=True):
    """One line that a person is told to type."""

    page: str
    line: int
    words: tuple[str, ...]
    """Without what stands before the program, such as `NAME=value`."""
    variables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {shlex.join((*self.variables, *self.words))}"

    @property
    def ours(self) -> bool:
        return self.words[0] == OURS

    @property
    def arguments(self) -> list[str]:
        """As the parser gets them, the bare form included, with an example for each placeholder and the first of what may be chosen."""
        words = [word.strip("[]") if word.strip("[]") else word for word in self.words[1:] if word not in ("..", "...")]
        words = [WORDS_FOR.get(word, word.split("|")[0]) for word in words]
        if not words or words[0] not in (*VERBS, "-h", "--help", "--version"):
            return ["open", *words]
        return words

    @property
    def verb(self) -> str:
        return self.arguments[0]

    @property
    def has_placeholder(self) -> bool:
        return any(PLACEHOLDER.search(word) for word in self.words)


def commands() -> list[Command]:
    """Of every page, each once."""
    found: dict[tuple[str, ...], Command] = {}
    for one in pages():
        for block in one.blocks:
            for command in of_block(block):
                found.setdefault((*command.variables, *command.words), command)
        for code in codes(one):
            if (said := of_code(one.name, code.line, code.text)) is not None:
                found.setdefault((*said.variables, *said.words), said)
    return list(found.values())


def of_block(block: Block) -> Iterator[Command]:
    """Of the lines that begin with a program; others are what one prints."""
    if block.kind in ("sh", "console", "indented") and not is_toml(block):
        for number, line in enumerate(block.text.split("\n"), block.line):
            text = line.removeprefix("$ ") if block.kind == "console" else line
            if block.kind == "console" and not line.startswith("$ "):
                continue  # what was answered
            for part in re.split(r" && | \| ", text):
                if (command := _command(block.page, number, part)) and command.words[0] in PROGRAMS:
                    yield command
                    yield from _wrapped(command)


def of_code(page: str, number: int, text: str) -> Command | None:
    """A word of code is a command if it begins as one, or with a subcommand of ours and an option; `run --from` alone only names one."""
    first, last = text.split(" ")[0], text.split(" ")[-1]
    if first in VERBS and " --" in text and not last.startswith("--"):
        text = f"{OURS} {text}"
    elif first not in PROGRAMS or (" " not in text and first != OURS):
        return None
    return _command(page, number, text)


def is_toml(block: Block) -> bool:
    try:
        return bool(tomllib.loads(block.text))
    except tomllib.TOMLDecodeError:
        return False


def why_not_here(command: Command) -> str:
    """Why a command of others is not run; empty for one that is."""
    text = " ".join(command.words)
    named = next((why for words, why in NOT_HERE.items() if text.startswith(words)), "")
    placeholder = "has a placeholder" if command.has_placeholder else ""
    return named or ELSEWHERE.get(command.words[0].rpartition("/")[2], "") or placeholder


def _wrapped(command: Command) -> Iterator[Command]:
    if command.words[0] in WRAPPERS and OURS in command.words:
        yield Command(command.page, command.line, command.words[command.words.index(OURS) :])


def _command(page: str, number: int, line: str) -> Command | None:
    """What stands behind two spaces, or a #, says what it does."""
    text = re.split(r"\s{2,}|\s#\s", line.strip())[0]
    words = shlex.split(text) if text else []
    variables = []
    while words and ASSIGNED.match(words[0]):
        variables.append(words.pop(0))
    if not words:
        return None
    words[0] = words[0].removeprefix(".venv/bin/")
    return Command(page, number, tuple(words), tuple(variables))
