"""The command line: a small function per subcommand, with its imports inside, so that `--help` costs nothing.

It composes the others and owns no logic of theirs. Every error that a person can cause is one sentence: exit code 2 for a bad use, 1
for a failure.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from autoresearch_tui.arguments import build_parser

DEMO_EXPERIMENTS = 6


class Usage(Exception):
    """A bad use of the command line: one sentence."""


def main(arguments: list[str] | None = None) -> None:
    _open_standard_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = build_parser()
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help", "--version"):
        arguments = ["open", *arguments]  # the bare form
    options = parser.parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print(f"autoresearch-tui {version('autoresearch-tui')}")
        sys.exit(0)
    options.words_given = arguments[1:]
    try:
        sys.exit(COMMANDS[options.command](options))
    except Usage as error:
        _fail(str(error), 2)
    except BrokenPipeError:
        sys.exit(0)  # whoever read our lines has gone
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if (code := _exit_code(error)) is None:
            traceback.print_exc()  # a bug: a keeper starts the engine again after it
            sys.exit(os.EX_SOFTWARE)
        if (ready := getattr(options, "ready", None)) is not None and ready > 0:
            os.write(ready, f"fails {_sentence(error)}\n".encode())  # to whoever started this engine in the background
        _fail(_sentence(error), code)


def _open_standard_streams() -> None:
    """Whoever starts us without them (cron, a daemoniser) gets none of ours in their place; what a terminal cannot show is replaced."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this one
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _exit_code(error: Exception) -> int | None:
    """Of an error whose text is a sentence for a person; None for a bug. Imported late: only who fails pays."""
    from autoresearch_tui.engine.lineage import LineageError
    from autoresearch_tui.engine.lock import Locked
    from autoresearch_tui.engine.processes import Unended
    from autoresearch_tui.journal.commands import BadCommand
    from autoresearch_tui.journal.store import JournalError
    from autoresearch_tui.proposals.prompt import WindowTooSmall
    from autoresearch_tui.researchers import ResearcherDown, UnknownResearcher
    from autoresearch_tui.settings import SettingsError
    from autoresearch_tui.workspace import WorkspaceError

    if isinstance(error, SettingsError | BadCommand | UnknownResearcher):
        return 2
    return (
        1
        if isinstance(error, WorkspaceError | JournalError | LineageError | Locked | Unended | WindowTooSmall | ResearcherDown | OSError)
        else None
    )


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the disk'}: {error.strerror}; mend that and start again, nothing is lost."
    return str(error)


def _fail(sentence: str, code: int) -> NoReturn:
    from autoresearch_tui.lines import printable

    print(f"autoresearch-tui: {printable(sentence)}", file=sys.stderr)
    sys.exit(code)


# ------------------------------------------------------------------------------------------------------------------------------
# The subcommands
# ------------------------------------------------------------------------------------------------------------------------------


def open_(options: argparse.Namespace) -> int:
    """Follow the newest run, or its end."""
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.status import as_text
    from autoresearch_tui.terminal import follow, works

    if not _folder(options).exists():
        raise Usage(f"there is neither a command nor a folder {options.folder}: `autoresearch-tui --help` lists the commands.")
    workspace, _ = _workspace(options)
    with Journal(_run_folder(workspace, None).journal) as journal:
        follow(journal)
        state = journal.refresh()
    print(as_text(state, works(state)))
    return 0


def demo(options: argparse.Namespace) -> int:
    from autoresearch_tui import workspace

    folder = _folder(options, Path("autoresearch-demo"))
    if not (folder / "train.py").exists():
        workspace.make(folder, options.profile or "demo")
        print(f"{folder} is a workspace with the profile {options.profile or 'demo'}", flush=True)
    elif not (folder / ".git").exists() and workspace.is_bundled_harness(folder):
        workspace.commit_all(folder)  # it was killed before it came to that
    if not workspace.is_prepared(folder):
        _prepare(folder, [])
    options.dir = folder
    if options.experiments is None and not (options.hours or options.until):
        options.experiments = _some_more(folder)
    return run(options)


def _some_more(folder: Path) -> int:
    """Where a demo stops: a newcomer sees an end soon, and asking again goes on from there."""
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.settings import load
    from autoresearch_tui.workspace import open_workspace

    runs = open_workspace(folder, load(folder, {}).settings).runs()
    if not runs:
        return DEMO_EXPERIMENTS
    with Journal(runs[-1].journal) as journal:
        done = sum(one.settled for one in journal.refresh().experiments.values())
    return DEMO_EXPERIMENTS * (1 + done // DEMO_EXPERIMENTS)


def new(options: argparse.Namespace) -> int:
    from autoresearch_tui import workspace

    folder = _folder(options)
    workspace.make(folder, options.profile or "auto")
    data = "" if workspace.is_prepared(folder) else f"`autoresearch-tui prepare {folder}` gets the data, "
    print(f"{folder} is a workspace. Next: {data}`autoresearch-tui run {folder}` begins a run.")
    return 0


def prepare(options: argparse.Namespace) -> int:
    from autoresearch_tui.workspace import dataset_of

    workspace, settings = _workspace(options)
    dataset = options.dataset or dataset_of(workspace.folder)
    if settings.privacy.local_only is True and dataset in ("climbmix", "tinystories"):
        raise Usage(f"{dataset} is downloaded, and `[privacy] local_only` is true: take `--dataset python`, or a folder of texts")
    _prepare(workspace.folder, ["--dataset", options.dataset] if options.dataset else [])
    return 0


def _prepare(folder: Path, arguments: list[str]) -> None:
    import subprocess

    from autoresearch_tui.privacy import scrubbed

    if not (folder / "prepare.py").is_file():
        raise Usage(f"{folder} has no prepare.py")
    environment = scrubbed(os.environ, proxies=True)  # it downloads
    if code := subprocess.run([sys.executable, "prepare.py", *arguments], cwd=folder, env=environment).returncode:
        sys.exit(code)


def run(options: argparse.Namespace) -> int:
    from autoresearch_tui.engine.opening import Asked

    workspace, settings = _workspace(options)
    if workspace.measured:
        _refuse_unprepared(workspace.folder)
    if options.detached and options.ready is None:
        from autoresearch_tui.terminal import detach

        return detach(workspace, [word for word in options.words_given if word != "--detached"])
    from autoresearch_tui.engine.choosing import ModelMissing
    from autoresearch_tui.engine.night import spend
    from autoresearch_tui.terminal import teller

    asked = Asked(tag=options.tag or "", origin=options.origin or "", after=options.after or "")
    tell = teller(options.ready, lambda run: workspace.run(run.tag).engine_log)
    try:
        end = spend(workspace, settings, asked, tell)
    except ModelMissing as missing:
        if options.ready is not None or not sys.stdin.isatty() or settings.privacy.local_only is True:
            raise
        if not _agreed(f"{missing} Fetch it now? [y/N] "):
            return 1
        _fetch(missing.name, settings)
        end = spend(workspace, settings, asked, tell)
    if end.failed:
        _fail(end.why, 1)
    return 0


def _fetch(model: str, settings: Any) -> None:
    """Have ollama fetch a model, with its progress on one line."""
    import asyncio

    from autoresearch_tui.engine.choosing import fetched
    from autoresearch_tui.lines import printable

    async def show() -> None:
        async for step in fetched(model, settings, os.environ):
            print(f"\r{printable(step):70}", end="", flush=True)
        print()

    asyncio.run(show())


def _refuse_unprepared(folder: Path) -> None:
    from autoresearch_tui.workspace import WorkspaceError, is_prepared, missing_packages

    if missing := missing_packages():
        raise WorkspaceError(f"{', '.join(missing)} missing for {sys.executable}: `pip install 'autoresearch-tui[harness]'` installs it.")
    if not is_prepared(folder):
        raise WorkspaceError(f"the data of {folder} is not there yet: `autoresearch-tui prepare {folder}` gets it.")


def status(options: argparse.Namespace) -> int:
    import gc

    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.status import as_json, as_text
    from autoresearch_tui.terminal import works

    gc.disable()  # of ten thousand experiments nothing is garbage, and this process ends before it could matter
    workspace, settings = _workspace(options)
    with Journal(_run_folder(workspace, options.tag).journal) as journal:
        state = journal.refresh()
    alive = works(state)
    if options.prompt:
        return _show_prompt(workspace, settings, state)
    if options.json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(as_json(state, alive))).decode())
    else:
        print(as_text(state, alive))
    return 0


def _show_prompt(workspace: Any, settings: Any, state: Any) -> int:
    import asyncio

    from autoresearch_tui.engine.preview import next_prompt

    reader, prompt = asyncio.run(next_prompt(workspace, settings, state, os.environ))
    print(prompt.text)
    room = f" of a window of {reader.window}, {reader.answer} of them kept for the answer" if reader.window else ""
    print(f"for {reader.name}: about {prompt.tokens} tokens{room}", file=sys.stderr)
    return 0


def send(options: argparse.Namespace) -> int:
    from autoresearch_tui.journal.commands import ARGUMENTS, parse
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.telemetry.machine import person
    from autoresearch_tui.terminal import await_answer, works

    if not options.words:
        print("\n".join(f"  {name} {arguments}".rstrip() for name, arguments in ARGUMENTS.items()))
        return 0
    workspace, _ = _workspace(options)
    with Journal(_run_folder(workspace, options.tag).journal) as journal:
        state = journal.refresh()
        wish = parse(options.words, state)
        if not works(state) and hasattr(wish, "session"):
            raise Usage(f"no engine works on {state.tag}: there is nothing to {options.words[0]}.")
        number = journal.send(wish, person())
        if not works(state):
            print(f"command {number} waits: no engine works on {state.tag}; the next one hears it first.")
            return 0
        return await_answer(journal, number)


def apply(options: argparse.Namespace) -> int:
    """What a reply makes of a file, byte for byte where it does not say otherwise; the file itself stays as it is."""
    from autoresearch_tui.proposals import edits
    from autoresearch_tui.proposals.reply import Unusable, read_reply

    if options.reply == "-":
        reply = sys.stdin.buffer.read()
    else:
        reply = Path(options.reply).read_bytes()
    source = options.file.read_bytes().decode("utf-8", "surrogateescape")
    try:
        edited = edits.apply(source, read_reply(reply.decode("utf-8", "replace")).edit, options.file.name)
    except Unusable as error:
        print(f"autoresearch-tui: {error}", file=sys.stderr)
        if error.detail:
            print(error.detail, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(edited.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
    return 0


def runs(options: argparse.Namespace) -> int:

    from autoresearch_tui.engine.leavings import remove_tree
    from autoresearch_tui.engine.lock import engine_lock
    from autoresearch_tui.journal.store import Journal, JournalError
    from autoresearch_tui.status import as_row
    from autoresearch_tui.terminal import works

    workspace, _ = _workspace(options)
    if options.delete:
        folder = _run_folder(workspace, options.delete)
        with Journal(folder.journal) as journal:
            state = journal.refresh()
        if works(state):
            raise Usage(f"an engine works on {folder.tag}: `autoresearch-tui send stop now --tag {folder.tag}` ends it")
        print(f"this goes: {folder.folder} ({folder.size / 1e6:.1f} MB: journal, logs, checkpoints).")
        print(f"this stays: the branch autoresearch/{folder.tag}, refs/autoresearch/{folder.tag}/ and their notes.")
        if not options.yes and not _agreed("delete? [y/N] "):
            return 1
        with engine_lock(workspace.hidden / "engine.lock", folder.tag):
            remove_tree(folder.folder)
        return 0
    found = workspace.runs()
    for folder in found:
        try:
            with Journal(folder.journal) as journal:
                state = journal.refresh()
        except JournalError as error:
            print(f"{folder.tag:16} {error}")  # one that is damaged hides no other
            continue
        print(as_row(state, works(state), folder.size))
    if not found:
        print(f"{workspace.folder} has no run yet: `autoresearch-tui run` begins one.")
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() == "y"
    except EOFError:
        return False


# ------------------------------------------------------------------------------------------------------------------------------
# What they share
# ------------------------------------------------------------------------------------------------------------------------------


def _folder(options: argparse.Namespace, default: Path = Path()) -> Path:
    """DIR, or `--dir`, which works wherever DIR does."""
    given: Path | None = getattr(options, "folder", None) or options.dir
    return (given or default).expanduser().absolute()


def _workspace(options: argparse.Namespace) -> tuple[Any, Any]:
    from autoresearch_tui.settings import load
    from autoresearch_tui.workspace import open_workspace

    folder = _folder(options)
    flags = {key: getattr(options, name, None) for name, key in FLAGS.items()}
    settings = load(folder, flags).settings
    return open_workspace(folder, settings), settings


def _run_folder(workspace: Any, tag: str | None) -> Any:
    found = workspace.runs()
    if tag:
        if not (folder := workspace.run(tag)).journal.exists():
            named = ", ".join(run.tag for run in found) or "none yet"
            raise Usage(f"there is no run {tag!r} in {workspace.folder}; there is: {named}")
        return folder
    if not found:
        raise Usage(f"{workspace.folder} has no run yet: `autoresearch-tui run` begins one")
    return found[-1]


FLAGS = {
    "researcher": "run.researcher",
    "seed": "run.seed",
    "experiments": "limits.experiments",
    "hours": "limits.hours",
    "until": "limits.until",
    "between": "limits.between",
    "max_cost": "limits.max_cost",
    "overlap": "run.overlap",
    "gpu": "gpu.card",
}
"""Options that are settings too."""

COMMANDS = {
    "open": open_,
    "demo": demo,
    "new": new,
    "prepare": prepare,
    "run": run,
    "status": status,
    "send": send,
    "apply": apply,
    "runs": runs,
}


if __name__ == "__main__":
    main()
