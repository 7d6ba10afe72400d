"""The world around a trial: a home folder with a key in it, a repository, earlier trials, servers and a neighbour, all made for it.

Owns what is laid out and what can be seen of it from outside afterwards. What is done to it is the attempts', what should come of that
theirs too.
"""

from __future__ import annotations

import contextlib
import ctypes
import secrets
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.workspace import RunFolder
from tests.contained.attempts import BEGINNING, END, HONEST
from tests.engine.nights import leftovers, make_checkout

NEIGHBOUR = """
import ctypes, signal, sys
heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append("USR1"))
kept = ctypes.create_string_buffer(sys.stdin.readline().strip().encode())
print(ctypes.addressof(kept), len(kept), flush=True)
for _ in sys.stdin:
    print(kept.value.decode(), *heard, flush=True)
"""
"""Another process of the same user: it holds a secret in its memory, environment and command line, and says what became of it."""


def honest_checkout(folder: Path) -> Path:
    return make_checkout(folder, HONEST)


class Ground:
    """`with Ground(folder) as ground`. `prepared` comes when the run has its folder, before the first trial."""

    def __init__(self, folder: Path, make: Callable[[Path], Path] = honest_checkout) -> None:
        self.ticket = secrets.token_hex(6)
        self.home = folder / "home"
        self.ran = folder / "a-planted-command-ran"
        self.run = RunFolder(folder)
        """Of the run that the lab has, once it has one."""
        self.lab = make(self.home / "lab")
        (self.home / ".ssh").mkdir()
        (self.home / ".ssh" / "id_ed25519").write_text(self.secret("key"))
        (self.home / "letter.txt").write_text(self.secret("letter"))
        (self.home / ".bashrc").write_text("# mine\n")
        self.number = 0
        """The attempt's experiment, how its trial ended, and what was measured of it."""
        self.ended = Outcome("")
        self.measured = e.Measured(0, 1, None)
        self._closing = contextlib.ExitStack()

    def secret(self, name: str) -> str:
        """What nobody can know who has not read it where it lies."""
        return f"secret-{self.ticket}-{name}"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            self.tcp = opened.enter_context(socket.socket())
            self.udp = opened.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            self.abstract = opened.enter_context(socket.socket(socket.AF_UNIX))
            self.unix = opened.enter_context(socket.socket(socket.AF_UNIX))
            self.tcp.bind(("127.0.0.1", 0))
            self.udp.bind(("127.0.0.1", 0))
            self.abstract.bind(f"\0{self.ticket}")
            self.unix.bind(str(self.home / "agent"))
            for one in (self.tcp, self.abstract, self.unix):
                one.listen()
            for one in (self.tcp, self.udp, self.abstract, self.unix):
                one.setblocking(False)
            self.neighbour = opened.enter_context(self._neighbour())
            opened.callback(self.neighbour.kill)
            self.address, self.size = map(int, self._ask(self.secret("memory")).split())
            for place in ("/tmp", "/dev/shm"):
                opened.callback(self._tidy, Path(place))
            opened.callback(self._forget_queue)
            self._closing = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.close()

    def _neighbour(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", NEIGHBOUR, self.secret("words")],
            env={"ANTHROPIC_API_KEY": self.secret("neighbour")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, line: str) -> str:
        assert self.neighbour.stdin and self.neighbour.stdout
        self.neighbour.stdin.write(f"{line}\n")
        self.neighbour.stdin.flush()
        return self.neighbour.stdout.readline().strip()

    def _forget_queue(self) -> None:
        """A user may have ten of them: what nothing stopped would fail the tests of another day."""
        ctypes.CDLL(None).mq_unlink(f"/warm-{self.ticket}".encode())

    def _tidy(self, place: Path) -> None:
        """What a trial that nothing stopped has left there."""
        for path in place.glob(f"*-{self.ticket}*"):
            path.unlink()

    # ---------------------------------------------------------------------------------------------------------------------------

    def prepared(self, run: RunFolder) -> None:
        """What the earlier trials of this run left, and a repository in which somebody planted commands."""
        self.run = run
        (run.folder / "logs").mkdir(exist_ok=True)
        (run.folder / "checkpoints").mkdir(exist_ok=True)
        (run.folder / "trials" / "9999-1").mkdir(parents=True)
        run.log(9999, 1).write_text(self.secret("log"))
        run.checkpoint(9999).write_text(self.secret("checkpoint"))
        (run.trial(9999, 1) / "train.py").write_text(self.secret("trial"))
        run.results.write_text("commit\tval_bpb\tmemory_gb\tstatus\tdescription\n")
        with contextlib.closing(sqlite3.connect(run.journal)) as journal:
            journal.execute("CREATE TABLE event (body)")
            journal.execute("INSERT INTO event VALUES (?)", (self.secret("journal"),))
            journal.commit()
        for name in ("pre-commit", "post-commit", "post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
            hook = self.lab / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch {self.ran}\n")
            hook.chmod(0o755)
        (self.lab / ".git" / "info" / "attributes").write_text("* filter=planted diff=planted\n")
        keys = ('[filter "planted"]\n\tclean', "\tsmudge", '[diff "planted"]\n\ttextconv', "[diff]\n\texternal", "[core]\n\tfsmonitor")
        with (self.lab / ".git" / "config").open("a") as config:
            config.write(f"[secret]\n\ttoken = {self.secret('git')}\n")
            config.writelines(f'{key} = "touch {self.ran}; cat"\n' for key in keys)

    def train(self, source: str, **further: object) -> str:
        """The text of a train.py that knows its way about here."""
        places = further | {
            "HOME": str(self.home),
            "LAB": str(self.lab),
            "RUN": str(self.run.folder),
            "TICKET": self.ticket,
            "RAN": str(self.ran),
            "NEIGHBOUR": self.neighbour.pid,
            "ADDRESS": self.address,
            "SIZE": self.size,
            "TCP": self.tcp.getsockname()[1],
            "UDP": self.udp.getsockname()[1],
        }
        return BEGINNING + "".join(f"{name} = {value!r}\n" for name, value in places.items()) + source + END

    # ---------------------------------------------------------------------------------------------------------------------------
    # What is seen from outside
    # ---------------------------------------------------------------------------------------------------------------------------

    def log(self, later: int = 0) -> str:
        """The attempt's, or that of an experiment after it."""
        return self.run.log(self.number + later, 1).read_text(errors="replace")

    @property
    def checkpoint(self) -> Path:
        """Where the attempt's is put, if it left one."""
        return self.run.checkpoint(self.number)

    def took_keys(self) -> bool:
        return f"key of {self.home.parent}" in self.log()

    def leaked(self, name: str) -> bool:
        """Whether the trial carried this secret off: its log is the one thing of it that everybody reads."""
        return self.secret(name) in self.log()

    def worked(self) -> bool:
        """By the training's own word, where a look from outside would see nothing."""
        return "\nit worked\n" in self.log()

    def warm(self) -> bool:
        """Whether the next trial found what this one left for it."""
        return "\nwarm\n" in self.log(1)

    def believed(self) -> bool:
        """Whether its number stands, and nothing speaks against it."""
        return self.measured.value is not None and not self.measured.evidence

    def trusted(self) -> bool:
        """Whether it did as it wanted, and its number stands all the same."""
        return self.worked() and self.believed()

    def living(self) -> list[str]:
        """Processes of any trial, by the mark that they were given or by their command line."""
        lines = ((entry.name, entry / "cmdline") for entry in Path("/proc").iterdir() if entry.name.isdigit())
        known = str(self.neighbour.pid)
        return leftovers(self.lab) + [pid for pid, line in lines if pid != known and self.ticket.encode() in bytes_of(line)]

    def forged(self, path: Path) -> bool:
        """Whether what the trial would write stands in a file that is not its own."""
        return "forged" in path.read_text(errors="replace")

    def knocked(self, server: socket.socket) -> bool:
        """Whether anybody came to this server."""
        try:
            if server.type == socket.SOCK_DGRAM:
                return bool(server.recv(64))
            server.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def changed_neighbour(self) -> bool:
        """Whether it holds or heard anything that it did not at the start."""
        return self._ask("and?") != self.secret("memory")

    def journal(self) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.run.journal)) as journal:
            return [body for (body,) in journal.execute("SELECT body FROM event")]


def bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended while we looked
        return b""


def has_keyring() -> bool:
    """Whether this kernel keeps keys for whoever asks."""
    return Path("/proc/keys").exists()
