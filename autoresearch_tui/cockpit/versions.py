"""The edited file as an experiment or a draft has it, from git, and what two of them differ in. Git and the comparing are slow, so both
happen in a thread, once for each.

Owns how git is asked: so that nothing but the repository can answer, nothing is fetched, nothing is run. Does not own what a difference
looks like (`diff.py`).
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.cockpit.breakage import write_down
from autoresearch_tui.cockpit.diff import Diff, compared
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run
from autoresearch_tui.privacy import scrubbed

TIMEOUT_S = 5.0  # who quits meanwhile waits for it
AGAIN_S = 30.0  # until what could not be read is asked for again
LONGEST = 4 << 20  # bytes of a file that is shown
REMEMBERED = 64
Pair = tuple[str, str]
NAME = re.compile(r"[0-9a-f]{7,64}(:.+)?")
REFUSAL = re.compile(rb"(not a git repository|cannot change to|detected dubious ownership)[^\n]*")
ISOLATION = {
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # what a partial clone left at its remote stays there
    "GIT_ALLOW_PROTOCOL": "none",  # the same for git before 2.44
}


class Unreadable(Exception):
    """The file cannot be had: one sentence."""


def name_of(run: Run, one: Experiment | Draft) -> str:
    """What git calls the edited file of an experiment or a draft: a blob, or a path in a commit. Empty where it has none yet."""
    if one.blob or isinstance(one, Draft):
        return one.blob
    return f"{one.commit or run.start}:{run.edit}" if one.commit or run.start else ""


class Versions:
    """What one repository has of a run."""

    def __init__(self, git: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._git, self._clock = git, clock
        self._found: dict[Pair, Diff] = {}
        self._failed: dict[Pair, float] = {}
        self._asked: dict[Pair, asyncio.Task[Diff]] = {}

    def difference(self, old: str, new: str) -> Diff | None:
        """What the second of these names has instead of the first. None while it is being found out: ask again."""
        pair = (old, new)
        task = self._asked.get(pair)
        if task and task.done():
            del self._asked[pair]
            self._keep(pair, task.result())
        elif not task and (pair not in self._found or self._clock() - self._failed.get(pair, math.inf) > AGAIN_S):
            self._asked[pair] = asyncio.create_task(self._find(pair))
        return self._found.get(pair)

    async def _find(self, pair: Pair) -> Diff:
        self._failed.pop(pair, None)
        try:
            return await asyncio.to_thread(self.compare, *pair)
        except Unreadable as error:
            self._failed[pair] = self._clock()
            return Diff(said=str(error))
        except Exception as error:  # a bug of ours: asking again mends nothing
            return Diff(said=f"It cannot be compared ({type(error).__name__}); {write_down(traceback.format_exc())}.")

    def _keep(self, pair: Pair, diff: Diff) -> None:
        while len(self._found) >= REMEMBERED:
            self._found.pop(next(iter(self._found)))
        self._found[pair] = diff

    def compare(self, old: str, new: str) -> Diff:
        """The same at once, for whoever can wait."""
        return compared(self.read(old), self.read(new))

    def read(self, name: str) -> str:
        """The text of this name; or it is Unreadable."""
        if not NAME.fullmatch(name):
            raise Unreadable("There is no file to show: the journal names none.")
        commit, colon, path = name.partition(":")
        names = [f"{commit}:./{path}", name] if colon else [name]  # a workspace may lie in a folder of its repository
        try:
            size, name = next((size, one) for one in names if (size := self._ask("-s", one)))
        except StopIteration:
            what = f"{path} of commit {commit[:7]}" if colon else f"the text {name[:7]}"
            raise Unreadable(f"{what} is not in the repository of {self._git}: it was made elsewhere, or `git gc` took it.") from None
        if int(size) > LONGEST:
            raise Unreadable(f"the file has {int(size) / 1e6:.0f} MB: that is more than is shown.")
        return self._ask("blob", name).decode("utf-8", "replace")

    def _ask(self, what: str, name: str) -> bytes:
        """What git says of an object; nothing where it has none such."""
        command = ["git", "-C", str(self._git), "cat-file", what, name]
        environment = scrubbed(os.environ) | ISOLATION
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, start_new_session=True
            )
        except FileNotFoundError:
            raise Unreadable("git is not installed, or not on the PATH: what was changed is kept in it.") from None
        except subprocess.TimeoutExpired:
            raise Unreadable(f"git gave no answer within {TIMEOUT_S:.0f} s: is the disk of {self._git} there?") from None
        except OSError as error:
            raise Unreadable(f"git could not be asked: {error.strerror}.") from None
        if done.returncode and (refusal := REFUSAL.search(done.stderr)):
            raise Unreadable(f"git does not read {self._git}: {refusal[0].decode('utf-8', 'replace')}.")
        return b"" if done.returncode else done.stdout
