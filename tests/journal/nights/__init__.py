"""The two real nights, and what they hold, read here in the plainest way there is."""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.journal.results import Row

NIGHTS = Path(__file__).parent
FILES = {"karpathy__autoresearch.tsv": 126, "trevin-creator__autoresearch-mlx.tsv": 31}


def row(line: str) -> Row:
    commit, val_bpb, memory_gb, status, description = line.split("\t")
    return Row(commit, float(val_bpb) or None, float(memory_gb) or None, status, description)


def rows(text: str) -> list[Row]:
    return [row(line) for line in text.splitlines()[1:]]
