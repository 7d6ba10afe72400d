"""The commits of a night as they are, from the repository that they were made in, without its history from before the night.

A commit keeps its name, so what the run began from is cut off from its parents, as in a shallow clone. The notes on the run's commits come
along, as far as they are this run's.
"""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.packed.commits import WHO, GitError, git, point, read, there
from autoresearch_tui.packed.copying import Night
from autoresearch_tui.packed.form import COMMIT

NOTES = "refs/notes/autoresearch"


def traced(repository: Path, folder: Path, night: Night, tag: str) -> tuple[str, ...]:
    """Give the night's commits and texts their refs in a repository that borrows those of `folder`; the commits that have no parents."""
    run = fold(night.facts)
    wanted = {f"refs/autoresearch/{tag}/{one.number}": one.commit for one in run.experiments.values()}
    wanted |= {f"refs/autoresearch/{tag}/blobs/{blob}": blob for blob in [*night.blobs, *night.programs]}
    if run.tip in run.experiments:
        wanted[f"refs/heads/autoresearch/{tag}"] = run.experiments[run.tip].commit
    wanted = {ref: sha for ref, sha in wanted.items() if COMMIT.fullmatch(sha)}
    known = there(repository, sorted({*wanted.values(), run.start}))
    point(repository, {ref: sha for ref, sha in wanted.items() if sha in known})
    if run.start not in known:
        raise GitError(f"{run.start[:7]}, from which the run began, is not in the repository of {folder}")
    (repository / "shallow").write_text(f"{run.start}\n")
    _annotate(repository, folder, run, tag)
    return (run.start,)


def _annotate(repository: Path, folder: Path, run: Run, tag: str) -> None:
    """The notes on the run's commits, without those of other runs; where there are none nothing is lost that the journal does not have."""
    tip = git(folder, "for-each-ref", "--format=%(objectname)", NOTES, trusting=True).decode().strip()
    if not tip:
        return
    point(repository, {f"{NOTES}-of-all": tip})
    listed = [line.split(" ") for line in git(repository, "notes", "--ref", f"{NOTES}-of-all", "list").decode().splitlines()]
    commits = {one.commit for one in run.experiments.values()}
    ours = [(note, commit) for note, commit in listed if commit in commits]
    texts = zip(ours, read(repository, *(note for note, _ in ours)), strict=True)
    stream = [f"commit {NOTES}\ncommitter {WHO} {int(run.at)} +0000\ndata 0\n".encode()]
    for (_, commit), text in texts:
        parts = [part for part in (text or b"").split(b"\n\n") if part.startswith(f"{tag} #".encode())]
        body = b"\n\n".join(parts).strip() + b"\n"
        stream.append(f"N inline {commit}\ndata {len(body)}\n".encode() + body + b"\n")
    git(repository, "fast-import", "--quiet", stdin=b"".join(stream))
    git(repository, "update-ref", "-d", f"{NOTES}-of-all")
