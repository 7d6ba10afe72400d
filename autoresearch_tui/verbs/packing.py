"""`pack`: a night in one file, for a colleague or for the drawer."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from autoresearch_tui.verbs.shared import Usage, folder_of

if TYPE_CHECKING:  # what they are made of is imported when a night is packed
    from autoresearch_tui.finding import Found
    from autoresearch_tui.packed.persons import Whose
    from autoresearch_tui.packed.writing import Contents

KINDS = {
    "journal.sqlite": "the journal: every fact, command and sample",
    "logs": "logs of trainings",
    "replies": "replies, and what the model thought",
    "commits.bundle": "the code of every experiment, and what the run began from",
}
OPEN = "It holds names of people and machines, paths, notes and replies: `--redact` leaves them out."
REDACTED = (
    "Left out: prompts and replies, notes and ideas of people, changes of program.md, names of people, machines and folders, addresses,"
    " serial numbers, and the history and authors of the repository. Left in: what the model thought of, its code, numbers, times, logs.",
    "It cannot know every name: look at the logs and the code before you give it to anybody; docs/packing.md says how.",
)


def pack(options: argparse.Namespace) -> int:
    from autoresearch_tui.finding import found, is_table
    from autoresearch_tui.lines import printable
    from autoresearch_tui.packed.writing import pack as write_packed

    if is_table(options.run):
        raise Usage(f"{options.run} is a table of results and no night: name the run that wrote it")
    if options.output == Path("-"):
        return _sent_on(options)
    with found(options.run, folder_of(options)) as night:
        whose = _whose(night) if options.redact else None
        path, contents = write_packed(night.folder, night.git, lambda tag: _target(options.output, tag), whose)
    print("\n".join(map(printable, _told(path, contents, options.redact))))
    return 0


def _sent_on(options: argparse.Namespace) -> int:
    from autoresearch_tui.finding import found
    from autoresearch_tui.packed.writing import pack as write_packed

    if sys.stdout.isatty():
        raise Usage("a packed night is no text for a terminal: name a file with `-o FILE`, or send it on with `|`")
    with tempfile.TemporaryDirectory(prefix="autoresearch-pack-") as home, found(options.run, folder_of(options)) as night:
        whose = _whose(night) if options.redact else None
        path, _ = write_packed(night.folder, night.git, lambda tag: Path(home) / f"{tag}.night", whose)
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    return 0


def _target(output: Path | None, tag: str) -> Path:
    path = (output or Path()).expanduser()
    return path / f"{tag}.night" if path.is_dir() else path


def _whose(night: Found) -> Whose:
    """What this machine knows about the night beside its journal."""
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.packed.identities import identities_of
    from autoresearch_tui.packed.persons import RUNS, WORKSPACE, Whose
    from autoresearch_tui.settings import SettingsError, load
    from autoresearch_tui.workspace import data_folder

    with Journal(night.folder.journal) as journal:
        identities = identities_of(night.git, "HEAD", journal.refresh().start)
    if night.workspace is None:
        return Whose(identities=identities)
    places = {WORKSPACE: night.workspace, RUNS: night.folder.folder.parent}
    if data := data_folder(night.workspace):
        places["/data"] = data.parent
    try:
        settings = load(night.workspace, {}).settings
    except SettingsError:
        return Whose(places, identities)
    return Whose(places, identities, (settings.ollama.address, settings.openai.address, settings.anthropic.address))


def _told(path: Path, contents: Contents, redacted: bool) -> list[str]:
    run, named = contents.run, shlex.quote(str(path))
    state = f"ended: {run.ended}" if run.ended else "as far as it has come"
    lines = _wrapped(f"{path}: {_size(contents.size)}, the night {run.tag} with {len(run.experiments)} experiments, {state}.")
    for kind, words in KINDS.items():
        if kind in contents.kinds:
            count, size = contents.kinds[kind]
            lines += _wrapped(f"  {_size(size):>8}  {f'{count} ' if kind in ('logs', 'replies') else ''}{words}", 12)
    if contents.without:
        lines += _wrapped(f"It has no code: {contents.without}. Diffs and `run --from` need it.")
    for sentence in REDACTED if redacted else (OPEN,):
        lines += _wrapped(sentence)
    commands = [f"report {named}", f"replay {named}", f"compare {named} RUN"]
    if not contents.without:
        commands.append(f"run --tag NEW --from {named}")
    return [*lines, "With it anybody can:", *(f"  autoresearch-tui {words}" for words in commands)]


def _wrapped(sentence: str, indent: int = 0) -> list[str]:
    """Commands are never broken: they are to be copied."""
    return textwrap.wrap(sentence, min(100, shutil.get_terminal_size().columns), subsequent_indent=" " * indent)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} KB"
