"""The command line: finds the function of a subcommand, and says in one sentence why it came to nothing.

Every error that a person can cause is such a sentence: exit code 2 for a bad use, 1 for a failure. A subcommand's module is imported when
it is called, so that `--help` costs nothing.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

from autoresearch_tui.arguments import build_parser

VERBS = {
    "open": "screen",
    "replay": "screen",
    "serve": "serving",
    "demo": "making",
    "new": "making",
    "prepare": "making",
    "run": "running",
    "confirm": "confirming",
    "status": "telling",
    "send": "telling",
    "runs": "telling",
    "report": "reporting",
    "compare": "comparing",
    "bench": "contesting",
    "finish": "finishing",
    "pack": "packing",
    "doctor": "examining",
    "notify": "notifying",
    "apply": "applying",
}
"""The module of each subcommand in `verbs/`, where a function has its name."""
BAD_USES = {
    "cockpit.terminal": ("NoTerminal",),
    "journal.commands": ("BadCommand",),
    "researchers": ("UnknownResearcher",),
    "settings": ("SettingsError",),
    "verbs.shared": ("Usage",),
}
FAILURES = {
    "contest.course": ("Unmeasured",),
    "engine.lock": ("Locked",),
    "engine.plumbing": ("LineageError",),
    "engine.processes": ("Unended",),
    "journal.results": ("Unreadable",),
    "journal.store": ("JournalError",),
    "packed": ("PackedError",),
    "proposals.prompt": ("WindowTooSmall",),
    "researchers": ("ResearcherDown",),
    "verbs.shared": ("Failed",),
    "workspace": ("WorkspaceError",),
}
"""Errors whose text is a sentence for a person, by the module that they are made in."""


def main(arguments: list[str] | None = None) -> None:
    _open_standard_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = build_parser()
    if not arguments or arguments[0] not in (*VERBS, "-h", "--help", "--version"):
        arguments = ["open", *arguments]  # the bare form
    options = parser.parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print(f"autoresearch-tui {version('autoresearch-tui')}")
        sys.exit(0)
    options.words_given = arguments[1:]
    try:
        verb = importlib.import_module(f"autoresearch_tui.verbs.{VERBS[options.command]}")
        sys.exit(getattr(verb, options.command)(options))
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
    """Of an error whose text is a sentence for a person; None for a bug."""
    if _is_one_of(error, BAD_USES):
        return 2
    return 1 if isinstance(error, OSError) or _is_one_of(error, FAILURES) else None


def _is_one_of(error: Exception, names: Mapping[str, tuple[str, ...]]) -> bool:
    """What was never imported raised nothing, and may not even be possible to import on this system."""
    modules = ((sys.modules.get(f"autoresearch_tui.{module}"), classes) for module, classes in names.items())
    return any(isinstance(error, getattr(module, name)) for module, classes in modules if module for name in classes)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the disk'}: {error.strerror}; mend that and start again, nothing is lost."
    return str(error)


def _fail(sentence: str, code: int) -> NoReturn:
    from autoresearch_tui.lines import printable

    print(f"autoresearch-tui: {printable(sentence)}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
