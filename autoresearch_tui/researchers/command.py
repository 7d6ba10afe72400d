"""Any coding agent with a command line as a researcher: `claude -p`, `codex exec`, `aider --message-file {prompt_file}`.

The agent gets a folder of its own with train.py and the prompt in it, and edits the file there. What it says streams as thinking; when it
has ended well, the train.py that it leaves is the draft. The prompt comes on its standard input, and `{prompt_file}` in a word of the
command becomes the name of a file that holds it.

Owns what the agent is told, and what is believed of what it leaves. Its processes are `agent.py`'s. It is no sandbox: the agent runs as
the user, with the user's network and keys, and which models it asks is not known here. So it counts as remote, and what it costs is not
known.
"""

from __future__ import annotations

import asyncio
import codecs
import difflib
import os
import re
import shlex
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.proposals.reply import LONGEST, LONGEST_IDEA
from autoresearch_tui.researchers import Part, Request, ResearcherDown, UnknownResearcher
from autoresearch_tui.researchers.agent import Agent
from autoresearch_tui.researchers.asking import ENDLESS, OPERATORS
from autoresearch_tui.researchers.patience import Patience

PATIENCE = Patience(whole=600.0)
PROMPT = "prompt.md"
PROMPT_FILE = "{prompt_file}"
TAIL = 8192  # bytes of each stream that are kept for its last line
LARGEST = 1_000_000  # bytes of a train.py
LONGEST_NOTE = 4096  # bytes of an idea.txt
SHORTEST_KEY = 8  # characters: less would be found everywhere

SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
GIVEN_KEY = re.compile(r"--?[\w-]*(key|token|secret|password)[\w-]*(=|$)", re.IGNORECASE)
TAGS = re.compile(r"</edit>|</?think(?:ing)?>|\0", re.IGNORECASE)
"""What ends an edit, wherever it stands: no reply can carry a file that holds it."""

CLOSING = """\
How to answer, whatever was said of the form of a reply above: edit the file train.py in this folder, and nothing else. Do not train, \
do not commit, and print no edit. When train.py is as you want it, write one line that says what you changed and why as the last line \
of your answer, and end."""


class Useless(Exception):
    """What the agent left is no draft, and why."""


class Command:
    """One command line, asked for one draft at a time."""

    operators: tuple[str, ...] = OPERATORS
    dialects: tuple[str, ...] = ("file",)
    window = answer = 0
    remote = True
    metered = shares = False

    def __init__(self, command: str, patience: Patience = PATIENCE) -> None:
        """`command` as a shell would split it; nothing of it is run by one. Only `patience.whole` counts: agents are silent."""
        try:
            self.words = shlex.split(command)
        except ValueError as error:
            raise UnknownResearcher(f"The command `{command}` cannot be split into words: {error}.") from None
        if not self.words:
            raise UnknownResearcher("A command has no words: say which, such as `command:claude -p`.")
        if any(GIVEN_KEY.match(word) for word in self.words):
            raise UnknownResearcher(
                f"The command `{self.words[0]}` holds a key, and a researcher's name is shown: set it in the environment."
            )
        self.name = f"command:{clean_line(command, None)}"
        self.patience = patience

    async def check(self) -> str | None:
        return None if self._program() else self._not_found()

    async def release(self) -> None:
        """It holds no memory of the GPU that could be asked of it."""

    async def propose(self, request: Request) -> AsyncIterator[Part]:
        assert request.prompt and request.scratch, "an agent reads a prompt, in a folder"
        program = self._program()
        if program is None:
            raise ResearcherDown(self._not_found(), for_good=True)
        folder = request.scratch
        prompt = "\n\n".join((request.prompt.text, CLOSING))
        try:
            await asyncio.to_thread(_lay, folder, request.source, prompt)
            here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (OSError, RecursionError) as error:
            raise ResearcherDown(f"{self.name} has no folder to work in: {error}.") from None
        try:
            words = [program, *(word.replace(PROMPT_FILE, str(folder / PROMPT)) for word in self.words[1:])]
            environment = _environment(folder)
            said = Said(environment)
            try:
                agent = Agent(words, folder, environment, str(folder), folder / PROMPT)
            except OSError as error:
                raise ResearcherDown(f"{self.name} cannot be started: {error.strerror or error}.", for_good=True) from None
            async with agent:
                until = asyncio.get_running_loop().time() + self.patience.whole
                while heard := await self._heard(agent, until):
                    if text := said.add(*heard):
                        yield Part("thinking", text)
            if text := said.rest():
                yield Part("thinking", text)
            assert agent.code is not None, "it has ended"
            if agent.code:
                raise ResearcherDown(f"{self.name} ended with {_ending(agent.code)}{said.complaint()}.")
            for part in _reply(here, request.source, said):
                yield part
        finally:
            os.close(here)

    async def _heard(self, agent: Agent, until: float) -> tuple[str, bytes] | None:
        try:
            return await agent.hear(until)
        except TimeoutError:
            raise ResearcherDown(f"{self.name} worked for {self.patience.whole:g} s without an end: it was ended.") from None

    def _program(self) -> str | None:
        found = shutil.which(os.path.expanduser(self.words[0]))
        return os.path.abspath(found) if found else None

    def _not_found(self) -> str:
        where = "is no program that can be run" if os.sep in self.words[0] else "is not on the PATH, or cannot be run"
        return f"`{self.words[0]}` {where}: install it, or name another command."


class Said:
    """What an agent says, as it streams: its keys taken out, its length bounded, and the last line of each stream kept."""

    def __init__(self, environment: dict[str, str]) -> None:
        secrets = {value for name, value in environment.items() if SECRET.search(name) and len(value) >= SHORTEST_KEY}
        self.secrets = sorted(secrets, key=len, reverse=True)
        self.out = self.err = ""
        """The end of each stream."""
        self._shown = 0
        self._decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in ("out", "err")}
        self._held = {"out": "", "err": ""}
        """The end of what came, which may be the beginning of a key."""

    def add(self, stream: str, chunk: bytes) -> str:
        """What of this may be shown now."""
        return self._told(stream, self._decoders[stream].decode(chunk))

    def rest(self) -> str:
        """What was held back, when nothing more comes."""
        return "".join(self._told(stream, decoder.decode(b"", final=True), last=True) for stream, decoder in self._decoders.items())

    def redacted(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "[a key]")
        return text

    def last_line(self) -> str:
        return _last_line(self.out)

    def complaint(self) -> str:
        """The last thing that it said, for a sentence."""
        line = clean_line(_last_line(self.err) or _last_line(self.out), 200).rstrip(".")
        return f": {line}" if line else ""

    def _told(self, stream: str, text: str, last: bool = False) -> str:
        text = self.redacted(self._held[stream] + text)
        sure = len(text) if last else min((_begins(secret, text) for secret in self.secrets), default=len(text))
        text, self._held[stream] = text[:sure], text[sure:]
        if stream == "out":
            self.out = (self.out + text)[-TAIL:]
        else:
            self.err = (self.err + text)[-TAIL:]
        shown = text[: max(0, LONGEST - self._shown)]
        self._shown += len(text)
        if self._shown > LONGEST and shown:
            shown += f"\n[{ENDLESS}: the rest is not shown]\n"
        return shown


def _begins(secret: str, text: str) -> int:
    """Where at the end of a text a secret may have begun; else its end."""
    begins = text.find(secret[0], max(0, len(text) - len(secret) + 1))
    while begins >= 0:
        if secret.startswith(text[begins:]):
            return begins
        begins = text.find(secret[0], begins + 1)
    return len(text)


def _lay(folder: Path, source: str, prompt: str) -> None:
    """The folder with nothing but what the agent needs."""
    if folder.exists() or folder.is_symlink():
        shutil.rmtree(folder)  # refuses a link
    folder.mkdir(mode=0o700, parents=True)
    for name, text in (("train.py", source), (PROMPT, prompt)):
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))


def _environment(folder: Path) -> dict[str, str]:
    """The user's own, keys and all, without what is ours; and the git around the folder is not the agent's to find."""
    ours = ("AUTORESEARCH_", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "GIT_CEILING_DIRECTORIES": str(folder.parent)
    }


def _reply(here: int, source: str, said: Said) -> Iterator[Part]:
    """The draft as text that `proposals` reads; without an edit, and with the reason, if what was left is no draft."""
    try:
        edited = _edited(here, source, said.secrets)
    except Useless as why:
        yield Part("thinking", f"\n{why}\n")
        yield Part("text", f"{why}\n")
    else:
        idea = said.redacted(_noted(here)) or said.last_line() or _summary(source, edited)
        yield Part("text", _tagged(clean_line(idea, 1000), edited))
    yield Part("usage", cost=None)


def _edited(here: int, source: str, secrets: list[str]) -> str:
    """The train.py that the agent left, if it is one that can be read, and another than before."""
    content = _read(here, "train.py", LARGEST)
    if content == source.encode("utf-8", "surrogateescape"):
        raise Useless("train.py was not changed.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Useless("train.py is not UTF-8 text any more.") from None
    if found := TAGS.search(text):
        tag = found[0].strip("<>\0")  # written without its brackets: this sentence goes into a reply, too
        raise Useless(f"train.py holds {f'the tag {tag}' if tag else 'a NUL character'}, which no reply can carry.")
    if any(secret in text for secret in secrets):
        raise Useless("train.py holds a key of the environment: it is not kept.")
    return text


def _noted(here: int) -> str:
    """The idea, if the agent wrote it to a file of its own."""
    try:
        lines = _read(here, "idea.txt", LONGEST_NOTE).decode("utf-8", "replace").splitlines()
    except Useless:
        return ""
    return next((line for line in lines if line.strip()), "")


def _read(here: int, name: str, limit: int) -> bytes:
    """A file of the agent's, as far as it is a plain one: no link, one name, of a size that makes sense."""
    try:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
    except FileNotFoundError:
        raise Useless(f"{name} is gone.") from None
    except OSError as error:
        raise Useless(f"{name} is not a regular file any more: {error.strerror or error}.") from None
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise Useless(f"{name} is not a regular file any more.")
        if status.st_nlink != 1:
            raise Useless(f"{name} has {status.st_nlink} names: it is not read.")
        with open(number, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(number)
    if len(content) > limit:
        raise Useless(f"{name} has more than {limit:,} bytes.")
    return content


def _tagged(idea: str, edited: str) -> str:
    idea = re.sub(r"<(?=[/a-zA-Z])", "< ", idea)  # a tag in it would not be its own
    why = f"<why>{idea}</why>\n" if len(idea) > LONGEST_IDEA else ""
    longest = max((len(run) for run in re.findall("`+", edited)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if edited.endswith("\n") else "\n"
    return f"<idea>{idea}</idea>\n{why}<edit>\n{fence}python\n{edited}{end}{fence}\n</edit>\n"


def _summary(source: str, edited: str) -> str:
    """What was changed, for an agent that says nothing."""
    diff = list(difflib.unified_diff(source.splitlines(), edited.splitlines(), n=0, lineterm=""))[2:]
    lines = [line for line in diff if line[0] in "+-" and line[1:].strip()]
    first = next((line[1:].strip() for line in lines if line.startswith("+")), "")
    added = sum(line.startswith("+") for line in lines)
    count = f"{added} lines in, {len(lines) - added} out"
    return f"{first} ({count})" if first else count


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if clean_line(line)), "")


def _ending(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"
