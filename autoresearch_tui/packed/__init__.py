"""A night in one file, and the one that comes along: really recorded, to look at where there is neither a card nor a model.

Owns the form of such a file, how it is written and how it is opened. Which night is meant is `finding.py`'s, what is in a journal
`journal/`'s. The form is a zip file with

    night.json               {"version": 1, "tag": "nov20", ..}, see `Head`; a higher version may be misread, and is refused
    journal.sqlite           the whole journal, without a -wal beside it
    results.tsv
    logs/0012-1.log          the log of each trial
    replies/d0007.jsonl      the reply to each draft
    commits.bundle           a bundle of git: the run's branch, refs/autoresearch/TAG/* and the notes on its commits

Names that are not among these are left alone: a later version may add some. What a redacted file lacks is in docs/packing.md.
"""

from __future__ import annotations

from autoresearch_tui.packed.form import NAMES, SAMPLE, VERSION, Head, PackedError
from autoresearch_tui.packed.opening import opened

__all__ = ["NAMES", "SAMPLE", "VERSION", "Head", "PackedError", "opened"]
