"""An evening without a process: facts, a real repository with a few train.py, and replies in files."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

from autoresearch_tui.cockpit.moment import Moment, Told
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Command
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.workspace import RunFolder
from tests.engine.histories import History
from tests.engine.nights import TRAIN

WHO = "ollama:qwen3.5:9b"


class Evening(History):
    """A night as a screen sees it; its baseline is measured."""

    def __init__(self, folder: Path, train: str = TRAIN) -> None:
        super().__init__()
        self.git = folder / "lab"
        self.folder = RunFolder(folder / "lab" / ".autoresearch" / "night")
        self.folder.folder.mkdir(parents=True)
        self.alive = self.live = True
        self.sent: list[Command] = []
        self.end_of: dict[Path, int] = {}
        self.fault: Exception | None = None
        """Whoever asks for the past meets it."""
        self.asked = 0
        """How often somebody asked for the past."""
        start = self._commit(train)
        self.add(e.RunStarted("night", start, sigma=0.001), e.EngineStarted(1, 1, "boot", "1", WHO, chain=("sweep",)))
        self.add(e.Proposed(0), e.Committed(0, start), e.Launched(0, 1, 42, 1, 1, "boot"))
        self.end(0, 1.0)
        self.judge(0)

    def blob(self, source: str) -> str:
        """What git calls this text, which it has from now on."""
        return self._write("blob", source.encode())

    def _commit(self, source: str) -> str:
        """A repository, made without git: that would take longer than the test."""
        (self.git / ".git" / "refs").mkdir(parents=True)
        (self.git / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        tree = self._write("tree", b"100644 train.py\0" + bytes.fromhex(self.blob(source)))
        who = "Somebody <somebody@example.org> 1700000000 +0000"
        return self._write("commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nA beginning\n".encode())

    def _write(self, kind: str, body: bytes) -> str:
        whole = f"{kind} {len(body)}\0".encode() + body
        name = hashlib.sha1(whole).hexdigest()
        file = self.git / ".git" / "objects" / name[:2] / name[2:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(zlib.compress(whole))
        return name

    def ask(self, name: str = "d0001", operator: str = "tune", parent: int = 0) -> None:
        self.add(e.Drafting(name, operator, parent, WHO), e.Asked(name, WHO, "edits", 1000))

    def writes(self, draft: str, **texts: str) -> None:
        """More of a reply: `attempt`, `thinking`, `text`."""
        file = self.folder.reply(draft)
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as reply:
            reply.writelines(json.dumps({"kind": kind, "text": text}) + "\n" for kind, text in texts.items())

    def drafted(self, name: str, source: str, idea: str, why: str = "", **changes: tuple[str, str]) -> None:
        self.add(e.Replied(name, 12.5, 1200, 800, 0.0), e.Drafted(name, self.blob(source), idea, why, changes))

    def proposed(self, name: str, number: int) -> None:
        """The draft is an experiment, and trains."""
        one = self.run.drafts[name]
        fields = {field: getattr(one, field) for field in ("operator", "parent", "idea", "why", "blob", "changes", "researcher")}
        self.add(e.Proposed(number, name, **fields))
        self.add(e.Committed(number, f"{number:07}abc"), e.Launched(number, 1, 42, 1, 1, "boot"))

    def send_command(self, wish: Command, by: str) -> None:
        """What somebody asks, with the engine's answer."""
        super().send(wish, by)

    # ---- the night of the cockpit ----

    def poll(self) -> list[Told]:
        return []

    def moment(self) -> Moment:
        return Moment(run=self.run, now=self.now.timestamp(), alive=self.alive, live=self.live)

    def visible(self, file: Path) -> int | None:
        return self.end_of.get(file)

    def past(self) -> list[Told]:
        self.asked += 1
        if self.fault:
            raise self.fault
        run, told = Run(), []
        for recorded in (one for transaction in self.transactions for one in transaction):
            run = fold([recorded], run)
            told.append(Told(recorded, run))
        return told

    def send(self, wish: Command) -> int:  # type: ignore[override]
        self.sent.append(wish)
        return len(self.sent)

    def close(self) -> None:
        """Nothing is open."""
