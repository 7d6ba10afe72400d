"""The commits of a night without their history and their authors: the edited file and the frozen ones, and nothing else of the repository.

Owns what is in the new commits, and which is which: every commit and every text of code gets another name, and the journal with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.packed.commits import WHO, Lender, git, point, read
from autoresearch_tui.packed.redacting import frozen_files

TOGETHER = 200  # texts that are read at a time
Clean = Callable[[str], str]


def rewritten(repository: Path, source: Lender, run: Run, told: Run, blobs: Sequence[str], clean: Clean) -> dict[str, str]:
    """Make the commits in a repository that borrows the originals; the new name of each old one. `told` is the run as others may read it,
    `blobs` are the texts of all drafts."""
    began = run.experiments[0].commit if 0 in run.experiments else run.start
    with TemporaryFile() as stream:
        writer = _Stream(stream)
        for name, body in _texts(repository, blobs):
            writer.blob(name, _cleaned(body, clean))
        writer.baseline(told, began, run.start, _files(repository, source, run, told, began, clean))
        for number, one in sorted(run.experiments.items()):
            parent = run.experiments.get(one.parent) if one.parent is not None else None
            if number and parent:
                writer.experiment(told, one, parent.commit)
        stream.seek(0)
        marks = repository / "marks"
        git(repository, "fast-import", "--quiet", f"--export-marks={marks}", stdin=stream)
    made = dict(line.split(" ") for line in marks.read_text().splitlines())
    shas = {name: made[f":{mark}"] for name, mark in writer.marks.items()}
    refs = {f"refs/autoresearch/{told.tag}/blobs/{shas[blob]}": shas[blob] for blob in blobs if blob in shas}
    if run.tip in run.experiments and (tip := shas.get(run.experiments[run.tip].commit)):
        refs[f"refs/heads/autoresearch/{told.tag}"] = tip
    point(repository, refs)
    return shas


def _texts(repository: Path, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for at in range(0, len(blobs), TOGETHER):
        some = blobs[at : at + TOGETHER]
        yield from ((name, body) for name, body in zip(some, read(repository, *some), strict=True) if body is not None)


def _files(repository: Path, source: Lender, run: Run, told: Run, began: str, clean: Clean) -> dict[str, bytes]:
    """What the run began from, as far as it is about it."""
    names = {run.edit: told.edit} | {name: clean(name) for name in frozen_files(run.key)}
    found = zip(names.values(), read(repository, *(f"{began}:{source.prefix}{name}" for name in names)), strict=True)
    return {name: _cleaned(body, clean) for name, body in found if body is not None}


def _cleaned(body: bytes, clean: Clean) -> bytes:
    return clean(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


class _Stream:
    """What `git fast-import` reads. What is not there is left out, and with it what was built on it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.marks: dict[str, int] = {}
        """By the old name of a commit or a text."""
        self._stream = stream
        self._count = 0

    def blob(self, name: str, body: bytes) -> None:
        self._write(f"blob\nmark :{self._mark(name)}\n", body)

    def baseline(self, told: Run, began: str, start: str, files: dict[str, bytes]) -> None:
        if told.edit not in files:
            return
        self._commit(f"refs/autoresearch/{told.tag}/0", began, told.started_at, "baseline\n")
        for name, body in files.items():
            self._write(f"M 100644 inline {_quoted(name)}\n", body)
        self.marks[start] = self.marks[began]

    def experiment(self, told: Run, one: Experiment, parent: str) -> None:
        if not one.commit or one.blob not in self.marks or parent not in self.marks:
            return
        blob, above = self.marks[one.blob], self.marks[parent]
        seen = told.experiments[one.number]
        message = "\n\n".join(filter(None, (seen.idea, seen.why, f"Experiment: {one.number}\nRun: {told.tag}"))) + "\n"
        self._commit(f"refs/autoresearch/{told.tag}/{one.number}", one.commit, one.at, message)
        self._stream.write(f"from :{above}\nM 100644 :{blob} {_quoted(told.edit)}\n".encode("utf-8", "surrogateescape"))

    def _commit(self, ref: str, name: str, at: float, message: str) -> None:
        head = f"commit {ref}\nmark :{self._mark(name)}\ncommitter {WHO} {max(0, int(at))} +0000\n"
        self._write(head, message.encode("utf-8", "replace"))

    def _mark(self, name: str) -> int:
        self._count += 1
        self.marks[name] = self._count
        return self._count

    def _write(self, head: str, body: bytes) -> None:
        self._stream.write(head.encode("utf-8", "surrogateescape") + f"data {len(body)}\n".encode() + body + b"\n")


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
