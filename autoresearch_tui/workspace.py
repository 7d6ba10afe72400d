"""What a folder holds: its three files, how its training is started, its runs. Making one.

It reads and names; it never changes a workspace that exists. Git is `engine/lineage.py`'s, the journal's content `journal/`'s.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec

from autoresearch_tui.extras import installation
from autoresearch_tui.journal.store import last_moment
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.sections import Settings
from autoresearch_tui.syntax import parsed

HIDDEN = ".autoresearch"


class WorkspaceError(Exception):
    """The folder cannot be used as it is: one sentence that says what to do."""


class Workspace(msgspec.Struct, frozen=True):
    """A folder in which a night can be spent, and what its settings make of it."""

    folder: Path
    edit: str
    frozen: tuple[str, ...]
    train: tuple[str, ...]
    """The command that trains, in a folder that holds the files of a commit."""
    metric: str
    goal: str
    budget_s: float
    timeout_s: float
    stall_s: float
    measured: bool
    """The bundled harness: evaluated by a judge of its own. Otherwise the number is what the training reports."""
    sigma: float | None = None
    """The profile's guess of how far equal code differs."""
    context: int = 0
    """Tokens in a row; 0: not known."""
    record: tuple[str, ...] = ()
    kept_in: Path | None = None
    """Where run folders live, if not in the workspace."""

    @property
    def hidden(self) -> Path:
        return self.folder / HIDDEN

    @property
    def runs_folder(self) -> Path:
        """One subfolder per run. Elsewhere, each workspace has its own, for tags are only unique in one."""
        if self.kept_in is None:
            return self.hidden
        return self.kept_in / f"{self.folder.name}-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:8]}"

    def run(self, tag: str) -> RunFolder:
        """The folder of a run; a tag that is no plain name would lead elsewhere."""
        if not is_tag(tag):
            raise WorkspaceError(f"{tag!r} cannot be a tag: take letters, digits, `-`, `_` and `.`, with a letter or digit first.")
        return RunFolder(self.runs_folder / tag)

    def runs(self) -> list[RunFolder]:
        """The newest last."""
        found = [RunFolder(path.parent) for path in self.runs_folder.glob("*/journal.sqlite") if is_tag(path.parent.name)]
        return sorted(found, key=lambda run: (last_moment(run.journal), run.tag))


class RunFolder(msgspec.Struct, frozen=True):
    """The names of the files of a run."""

    folder: Path

    @property
    def tag(self) -> str:
        return self.folder.name

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    @property
    def results(self) -> Path:
        return self.folder / "results.tsv"

    @property
    def engine_log(self) -> Path:
        return self.folder / "engine.log"

    @property
    def run_log(self) -> Path:
        return self.folder / "run.log"

    @property
    def best(self) -> Path:
        return self.folder / "checkpoints" / "best.pt"

    def log(self, number: int, trial: int) -> Path:
        return self.folder / "logs" / f"{name_of(number, trial)}.log"

    def reply(self, draft: str) -> Path:
        return self.folder / "replies" / f"{draft}.jsonl"

    def scratch(self, draft: str) -> Path:
        """Where a coding agent works on this draft."""
        return self.folder / "scratch" / draft

    def trial(self, number: int, trial: int) -> Path:
        return self.folder / "trials" / name_of(number, trial)

    def temporary(self, number: int, trial: int) -> Path:
        """What that trial takes for its /tmp."""
        return self.folder / "trials" / f"{name_of(number, trial)}.tmp"

    @property
    def trunk_cache(self) -> Path:
        """What the trunk's code compiled to."""
        return self.folder / "caches" / "trunk"

    def trial_cache(self, slot: str = "") -> Path:
        """The copy of that for the trial of a slot."""
        return self.folder / "caches" / "trials" / (slot or "the-one")

    def checkpoint(self, number: int) -> Path:
        return self.folder / "checkpoints" / f"{number:04}.pt"

    @property
    def size(self) -> int:
        """In bytes; what goes away while we look, or is too deep to be ours, does not count."""
        total, todo = 0, [(self.folder, 0)]
        while todo:
            folder, depth = todo.pop()
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False) and depth < 4:
                        todo.append((Path(entry.path), depth + 1))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        return total


def is_tag(tag: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", tag) is not None and ".." not in tag


def name_of(number: int, trial: int) -> str:
    """`0012-1`: the first trial of experiment 12."""
    return f"{number:04}-{trial}"


def open_workspace(folder: Path, settings: Settings) -> Workspace:
    """What this folder is, or why it is none."""
    folder = folder.resolve()
    experiment = settings.experiment
    if not folder.is_dir():
        raise WorkspaceError(f"{folder} is not there: `autoresearch-tui new {shlex.quote(str(folder))}` makes a workspace.")
    if not (folder / experiment.edit).is_file():
        raise WorkspaceError(
            f"{folder} is no workspace: it has no {experiment.edit}. `autoresearch-tui new lab` makes one,"
            " `autoresearch-tui demo` makes one and starts it."
        )
    frozen = tuple(experiment.frozen) or tuple(name for name in ("prepare.py", "profile.toml") if (folder / name).is_file())
    if experiment.edit in frozen:
        raise WorkspaceError(f"{experiment.edit} is frozen: no experiment may edit it; name another file as `edit` in autoresearch.toml.")
    for name in frozen:
        if not (folder / name).is_file():
            raise WorkspaceError(f"{name} is to be frozen and is not in {folder}: mend `frozen` in autoresearch.toml.")
    budget = experiment.budget_s or _frozen_number(folder, "budget_seconds", "TIME_BUDGET", 300.0)
    return Workspace(
        folder=folder,
        edit=experiment.edit,
        frozen=frozen,
        train=tuple(experiment.train) or training_command(folder, experiment.edit),
        metric=experiment.metric,
        goal=experiment.goal,
        budget_s=budget,
        timeout_s=experiment.timeout_s or max(2 * budget, budget + 60),
        stall_s=experiment.stall_s or max(60.0, min(120.0, budget)),
        measured=not experiment.train and is_bundled_harness(folder) and experiment.metric == "val_bpb",
        sigma=sigma if isinstance(sigma := _toml(folder / "profile.toml").get("sigma"), float) else None,
        context=int(_frozen_number(folder, "sequence_length", "MAX_SEQ_LEN", 0)),
        record=tuple(experiment.record),
        kept_in=Path(settings.run.folder).expanduser().resolve() if settings.run.folder else None,
    )


def training_command(folder: Path, edit: str) -> tuple[str, ...]:
    """Upstream's way where the checkout is a uv project and uv is there; else the Python that runs this."""
    uv = shutil.which("uv")
    project = (folder / "uv.lock").is_file() or (_toml(folder / "pyproject.toml").get("project") is not None)
    if uv and project and not is_bundled_harness(folder):
        return (uv, "run", "--project", str(folder), "--offline", "--no-sync", edit)
    return (sys.executable, edit)


def is_bundled_harness(folder: Path) -> bool:
    """Whether prepare.py is ours, of whatever version: it knows `host` and `judge`, and has a profile beside it."""
    try:
        source = (folder / "prepare.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return (folder / "profile.toml").is_file() and "def judge(" in source and "def host(" in source


def _frozen_number(folder: Path, profile_key: str, constant: str, otherwise: float) -> float:
    """What the profile says, or a constant of upstream's prepare.py or train.py, which is read and not run."""
    profile = _toml(folder / "profile.toml").get(profile_key)
    if isinstance(profile, int | float):
        return float(profile)
    for file in (folder / "prepare.py", folder / "train.py"):
        try:
            tree = parsed(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == constant for one in node.targets):
                value = getattr(node.value, "value", None)
                if isinstance(value, int | float) and value > 0:
                    return float(value)
    return otherwise


def _toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def dataset_of(folder: Path) -> str:
    """What the profile trains on where nothing else is said; empty where there is none."""
    return str(_toml(folder / "profile.toml").get("dataset", ""))


def device_of(folder: Path) -> str:
    """What the profile trains on, if it says so; the environment says otherwise where it says something."""
    return os.environ.get("AUTORESEARCH_DEVICE") or str(_toml(folder / "profile.toml").get("device", "auto"))


def data_folder(folder: Path) -> Path | None:
    """Where the bundled harness keeps the data of this workspace; None where it is not the harness that asks."""
    profile = _toml(folder / "profile.toml")
    dataset, vocabulary = profile.get("dataset"), profile.get("vocab_size")
    if not (is_bundled_harness(folder) and isinstance(dataset, str)):
        return None
    if dataset == "python":
        dataset = f"python-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    elif dataset not in ("climbmix", "tinystories"):
        dataset = f"{Path(dataset).name}-{hashlib.sha256(dataset.encode()).hexdigest()[:8]}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autoresearch-tui"
    return Path(os.environ.get("AUTORESEARCH_DATA") or cache) / f"{dataset}-{vocabulary}"


def is_prepared(folder: Path) -> bool:
    """The data is there, as far as a glance can tell; a workspace that is not ours is believed."""
    data = data_folder(folder)
    return data is None or all((data / part).is_dir() for part in ("train", "tokenizer", "validation", "audit"))


def bundled(name: str) -> Path:
    """`harness`, `themes` or `program.md`, from the checkout or from the wheel."""
    package = Path(__file__).parent
    for home in (package, package.parent):
        if (home / name).exists():
            return home / name
    raise WorkspaceError(f"the bundled {name} is missing from {package}: install autoresearch-tui again.")


def missing_packages() -> list[str]:
    """What the bundled harness needs and this Python lacks; nothing is imported to find out."""
    from importlib.util import find_spec

    return [name for name in ("torch", "numpy", "tokenizers", "pyarrow") if find_spec(name) is None]


def make(folder: Path, profile: str) -> None:
    """A workspace with its first commit. `auto` also prepares the data and fits the batch, which takes its time."""
    if missing := missing_packages():
        raise WorkspaceError(f"{', '.join(missing)} missing for {sys.executable}: `{installation().install('harness')}` brings it.")
    command = [sys.executable, str(bundled("harness") / "prepare.py"), "new", str(folder), "--profile", profile]
    heard = None if profile == "auto" else subprocess.DEVNULL
    done = subprocess.run(command, env=scrubbed(os.environ, proxies=True), stdout=heard, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise WorkspaceError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{folder} could not be made.")
    commit_all(folder)


def commit_all(folder: Path) -> None:
    """The first commit of a workspace that we made; one that exists is never committed to."""
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("__pycache__/\ncheckpoint.pt\n")
    identity = ["-c", "user.name=autoresearch-tui", "-c", "user.email=autoresearch-tui@localhost", "-c", "commit.gpgsign=false"]
    files = ["train.py", "prepare.py", "profile.toml", "program.md", ".gitignore"]
    steps = (
        ["init", "-q", "-b", "main"],
        ["add", "--", *files],
        [*identity, "commit", "-q", "--no-verify", "-m", "A workspace for autoresearch", "--", *files],
    )
    environment = scrubbed(os.environ)
    for step in steps:
        try:
            done = subprocess.run(["git", *step], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
        except FileNotFoundError:
            raise WorkspaceError("git is not installed: the history of a night is kept in it.") from None
        if done.returncode:
            raise WorkspaceError(f"git {step[0]} failed in {folder}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


def hide(workspace: Workspace, exclude: Path) -> None:
    """Keep our folder out of the user's `git status`, through the file that is not theirs to commit."""
    workspace.hidden.mkdir(mode=0o700, exist_ok=True)
    line = f"/{HIDDEN}/" if (workspace.folder / ".git").exists() else f"{HIDDEN}/"
    text = exclude.read_text(encoding="utf-8", errors="surrogateescape") if exclude.exists() else ""
    if not re.search(rf"(?m)^/?{re.escape(HIDDEN)}/?$", text):
        exclude.parent.mkdir(parents=True, exist_ok=True)
        with exclude.open("a", encoding="utf-8") as file:
            file.write(("" if not text or text.endswith("\n") else "\n") + line + "\n")
