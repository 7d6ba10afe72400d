"""Making the world say what the journal says: branch, refs, note, checkpoint, compile cache, results.tsv, in this order.

Every effect may be repeated."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.engine import caches
from autoresearch_tui.engine.leavings import is_plain, remove_tree
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.journal import results
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Run
from autoresearch_tui.workspace import RunFolder


def settle(run: Run, folder: RunFolder, lineage: Lineage, experiment: Experiment | None = None) -> str:
    """Bring everything to the state of the run; the note and the checkpoint of the one experiment that changed. Returns a warning."""
    warning = _move_branch(run, lineage)
    if experiment and experiment.commit:
        lineage.annotate(experiment.commit, with_note(lineage.note(experiment.commit), run, experiment))
        _take_checkpoint(folder, experiment)
        if experiment.number == run.tip:
            caches.adopt(folder, experiment.number)
    views: dict[str, Callable[[], None]] = {
        "best.pt": lambda: _show_best(run, folder),
        "results.tsv": lambda: results.write_file(folder.results, run.rows),
    }
    for name, show in views.items():
        try:
            show()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            warning = warning or f"{name} of {folder.folder} cannot be written ({error.strerror}): it is only a view of the journal."
    return warning


def restore_refs(run: Run, lineage: Lineage) -> None:
    """Git does not flush the folders of its refs: a power cut may have taken one that the journal knows."""
    there = lineage.refs()
    for one in run.experiments.values():
        if one.commit and there.get(one.number) != one.commit:
            lineage.point(one.number, one.commit)


def _move_branch(run: Run, lineage: Lineage) -> str:
    """The branch follows the trunk, unless somebody put a commit of their own on it: that one is not ours to drop."""
    if run.tip is None or not (commit := run.experiments[run.tip].commit):
        return ""
    found = lineage.branch()
    if found not in (None, commit) and not any(one.commit == found for one in run.experiments.values()):
        return (
            f"the branch autoresearch/{run.tag} holds {found[:7]}, which is none of this run's commits: it is left alone,"
            f" the best code is refs/autoresearch/{run.tag}/{run.tip}."
        )
    if found != commit:
        lineage.move_branch(commit, found)
    return ""


def with_note(before: str, run: Run, one: Experiment) -> str:
    """What `git log --notes=autoresearch` shows under a commit. Runs that share it, the end of one and the start of another, each have
    their paragraph."""
    others = [part for part in before.strip().split("\n\n") if part and not part.startswith(f"{run.tag} #")]
    return "\n\n".join([*others, note(run, one)])


def note(run: Run, one: Experiment) -> str:
    crashed = one.verdict == "crash" or one.value is None
    number = "no number" if crashed else f"{run.metric} {one.value:.6f}, {one.memory_gb:.1f} GB, {one.trust}"
    trials = f", {len(one.trials)} trials" if len(one.trials) > 1 else ""
    lines = [f"{run.tag} #{one.number} {one.verdict}: {one.reason}", f"{number}{trials}"]
    if one.by != "policy":
        lines.append(f"decided by {one.by}")
    return "\n".join(lines) + "\n"


def _take_checkpoint(folder: RunFolder, one: Experiment) -> None:
    """The newest trial's checkpoint becomes the experiment's, kept or not, for a person may keep it yet; the trials' folders go."""
    taken = False
    for trial in reversed(one.trials):
        where = folder.trial(one.number, trial.number)
        left = where / "checkpoint.pt"
        if trial.counts and not where.is_symlink() and is_plain(left) and not taken:
            taken = True
            target = folder.checkpoint(one.number)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            _move(left, target)
        remove_tree(where)
        remove_tree(folder.temporary(one.number, trial.number))


def _move(file: Path, target: Path) -> None:
    """Also where checkpoints are kept on another disk."""
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = target.with_name(f".{target.name}")
        shutil.copyfile(file, aside)
        aside.replace(target)


def _show_best(run: Run, folder: RunFolder) -> None:
    """`best.pt` is another name for the checkpoint of the best experiment, so it costs no space and is never half there."""
    best = run.best
    if best is None or not folder.checkpoint(best.number).exists():
        return
    checkpoint = folder.checkpoint(best.number)
    if folder.best.exists() and folder.best.samefile(checkpoint):
        return
    aside = folder.best.with_name(".best.pt")
    aside.unlink(missing_ok=True)
    try:
        os.link(checkpoint, aside)
    except OSError:  # a file system without hard links
        shutil.copyfile(checkpoint, aside)
    aside.replace(folder.best)
