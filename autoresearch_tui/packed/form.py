"""What a packed night is made of: the names in it, what its head says, and how large it may be."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

VERSION = 1
SAMPLE = Path(__file__).parent.with_name("sample.night")
HEAD, JOURNAL, RESULTS, BUNDLE = "night.json", "journal.sqlite", "results.tsv", "commits.bundle"
NAMES = re.compile(r"journal\.sqlite|results\.tsv|logs/[0-9]{4,9}-[0-9]{1,9}\.log|replies/[A-Za-z0-9-]{1,64}\.jsonl|commits\.bundle")
LARGEST = 2**31  # bytes of all files together: a long night, and no more than a disk can take by mistake
LARGEST_HEAD = 2**16
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class PackedError(Exception):
    """The night could not be packed, or the file is none that could be opened: one sentence."""


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What night.json says. Fields are only ever added, and with a default."""

    version: int
    tag: str
    cut: tuple[str, ...] = ()
    """Commits whose parents were left out: the history of the repository before the run is nobody's business."""
    prefix: str = ""
    """The folder of the workspace in its repository, with a slash at its end: "", or "some/folder/"."""
    redacted: bool = False
