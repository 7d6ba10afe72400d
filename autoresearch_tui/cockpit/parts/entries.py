"""Rows of results, each drawn when it is asked for: of ten thousand, those that are seen. Foreign text is the last of a row.

Does not own which rows there are, nor their order (`ranking.py`), nor the columns (`columns.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import overload

import msgspec

from autoresearch_tui.cockpit.drawing import Row, Span, cut, fitted, joined, shown
from autoresearch_tui.cockpit.parts.columns import NARROW, WIDE, columns, device_word, gap, is_headed, known, number, trust_word
from autoresearch_tui.cockpit.parts.marking import marked
from autoresearch_tui.cockpit.parts.ranking import Entry, Table, change_of, value_of
from autoresearch_tui.cockpit.standing import standing
from autoresearch_tui.journal.experiment import Experiment, is_same_device
from autoresearch_tui.journal.results import Row as Elsewhere
from autoresearch_tui.journal.state import Draft, Run

FIXED = ("number", "commit")  # no words go over these
NAMES = {"number": "#", "memory": "mem", "trials": ""}
ROLES = {"keep": "good", "crash": "bad"}
QUIET = ("discard", "crash")
LONGEST = 400  # characters of foreign text that are looked at


class Look(msgspec.Struct, frozen=True):
    """What is not in the journal."""

    cursor: int | None = None
    marked: int | None = None
    sought: str = ""
    running: dict[int, str] = {}
    """How far each experiment is that has no verdict on all of its trials."""
    held: str = ""
    """How long the draft that waits for a person still waits."""


class Entries(Sequence[Row]):
    """The rows, each drawn when it is asked for: a header where there is room, the table, and what is said below it."""

    def __init__(self, run: Run, table: Table, width: int, look: Look, below: Sequence[Row] = ()) -> None:
        self.run, self.entries, self.width, self.look, self.below = run, table.entries, width, look, below
        self.columns, self.known, self.standing = columns(run, width), known(run), standing(run)
        self.names = {column.name for column in self.columns}
        self.header = [self._header()] if is_headed(width) else []

    def __len__(self) -> int:
        return len(self.header) + len(self.entries) + len(self.below)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self))[at]]
        at = range(len(self))[at] - len(self.header)
        if at < 0:
            return self.header[at]
        return self._entry(self.entries[at]) if at < len(self.entries) else self.below[at - len(self.entries)]

    # ---- a row ----

    def _header(self) -> Row:
        metric = shown(self.run.metric)
        names = NAMES | {"value": f"{metric} " if len(metric) < 8 else metric}  # where it can it stands over the digits
        return self._line({column.name: Span(names.get(column.name, column.name), "dim") for column in self.columns})

    def _entry(self, entry: Entry) -> Row:
        if isinstance(entry, Draft):
            return self._line({"words": Span(self.look.held, "warn")}, self._what([], entry.idea, ""))
        if isinstance(entry, Elsewhere):
            return self._line(self._elsewhere(entry), self._what([Span("elsewhere", "dim")], entry.description, "dim"))
        line = self._line(self._cells(entry), self._what(self._notes(entry), entry.idea or entry.operator, self._role(entry)))
        if entry.number == self.look.cursor:
            return tuple(Span(span.text, f"{span.role} cursor".lstrip()) for span in line)
        return line

    def _line(self, cells: dict[str, Span], what: Row = ()) -> Row:
        """The cells in their columns; where there are words, they take all columns together that have nothing to say."""
        line: list[Span] = []
        silent = (
            [column for column in self.columns[:-1] if column.name not in cells and column.name not in FIXED] if "words" in cells else []
        )
        for column in self.columns[:-1]:
            name, wide, right = column
            if column in silent[1:]:
                continue
            if column in silent:
                name, wide, right = "words", sum(one.wide + gap(self.width) for one in silent) - gap(self.width), False
            span = cells.get(name, Span(""))
            mark = cells["mark"].text if name == "number" and "mark" in cells else ""
            line.append(Span(fitted(span.text, wide, right) + mark.ljust(gap(self.width)), span.role))
        return cut(_merged([*line, *(what or [cells.get("what", Span(""))])]), self.width)

    def _cells(self, one: Experiment) -> dict[str, Span]:
        role, value = self._role(one), value_of(one)
        sign = "#" if self.width < NARROW else ""
        name = f"{sign}{one.number}".rjust(self.columns[0].wide - 1)
        cells = {"number": Span((">" if one.number == self.look.cursor else " ") + name, role), "commit": Span(one.commit[:7], role)}
        if one.number == self.look.marked:
            cells["mark"] = Span("*")
        if one.verdict:
            cells["verdict"] = Span(one.verdict, ROLES.get(one.verdict, role))
        if one.memory_gb:
            cells["memory"] = Span(number(one.memory_gb, 1, 5), role)
        if self.known.slot and one.trials:
            cells["slot"] = Span(shown(one.trials[-1].slot), role if one.training else "dim")
        if value is None:
            return cells | {"words": Span(self._words(one), role)}
        doubted = "~" if one.adrift or not one.numbers or self._is_elsewhere(one) else " "
        cells["value"] = Span(self._value(value) + doubted, role)
        if len(one.numbers) > 1:
            cells["trials"] = Span(f"x{len(one.numbers)}", role)
        cells["change"] = Span(self._change(one), role)
        return cells | {"trust": Span(trust_word(one.trust), "warn" if one.trust == "suspect" else "dim")}

    def _elsewhere(self, row: Elsewhere) -> dict[str, Span]:
        cells = {"commit": row.commit[:7], "verdict": row.status}
        if row.val_bpb is not None:
            cells["value"] = self._value(row.val_bpb) + " "
        if row.memory_gb is not None:
            cells["memory"] = number(row.memory_gb, 1, 5)
        return {name: Span(shown(text), "dim") for name, text in cells.items()}

    def _role(self, one: Experiment) -> str:
        return "accent" if not one.verdict else "dim" if one.verdict in QUIET else ""

    def _value(self, value: float) -> str:
        wide = self.width >= WIDE
        return number(value, self.known.decimals - (not wide), 8 if wide else 7)

    def _change(self, one: Experiment) -> str:
        found = change_of(self.run, one)
        return f"{number(found[0], self.known.decimals - 2, 7, '+'):>7} {found[1]}" if found else ""

    def _words(self, one: Experiment) -> str:
        """What stands where it has no number."""
        if one.verdict:
            return shown(one.reason.partition(":")[0][:LONGEST])
        return self.look.running.get(one.number) or ("training" if one.training else "waits")

    def _is_elsewhere(self, one: Experiment) -> bool:
        """Its number is of another class of device than the baseline's."""
        return bool(self.known.device) and not is_same_device(one.device, self.known.device)

    def _notes(self, one: Experiment) -> list[Span]:
        best = self.standing.best
        kept_off = one.verdict == "keep" and one.number not in self.known.trunk
        notes = [
            Span(self.look.running.get(one.number, "") if value_of(one) is not None else "", "accent"),
            Span(shown(one.trials[-1].slot) if self.known.slot and one.training and "slot" not in self.names else "", "accent"),
            Span(f"{self.known.waits[one.number]} waits" if one.number in self.known.waits else "", "accent"),
            Span("best" if best and one.number == best.number and one.number else "", "good"),
            Span("off the trunk" if kept_off else "", "warn"),
            Span(f"by {shown(one.by)}" if one.by not in ("", "policy") else "", "accent"),
            Span("suspect" if one.trust == "suspect" and "trust" not in self.names else "", "warn"),
            Span(f"on {device_word(one.device)}" if self._is_elsewhere(one) and one.value is not None else "", "warn"),
        ]
        return [note for note in notes if note.text]

    def _what(self, notes: list[Span], text: str, role: str) -> Row:
        """What it is, in the words of who proposed it, behind what else there is to say of it."""
        return joined([*((note,) for note in notes), marked(shown(text[:LONGEST]), self.look.sought, role)])


def _merged(spans: Iterable[Span]) -> Row:
    """Neighbours in one role are one: a terminal is told of a role once."""
    return tuple(Span("".join(span.text for span in group), role) for role, group in groupby(spans, key=lambda span: span.role))
