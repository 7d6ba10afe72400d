"""A model's reply, on a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


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
