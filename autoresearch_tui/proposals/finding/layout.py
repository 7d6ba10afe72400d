"""How the same line may be written in two ways: indented by more or less, with tabs, with letters that only look like those of code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from autoresearch_tui.proposals.unusable import Unusable

TAB = " " * 4
ONE_LETTER = {
    "'": "\u2018\u2019\u201a\u201b\u2032\uff07",
    '"': "\u201c\u201d\u201e\u201f\u2033\uff02",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
}
PLAIN = str.maketrans({other: letter for letter, others in ONE_LETTER.items() for other in others})


class Shift(NamedTuple):
    """A uniform indentation that the file has and an edit has not, or the other way round."""

    added: str = ""
    removed: str = ""

    def of(self, line: str) -> str:
        """The line where it belongs; raises Unusable if it has no such indentation to lose."""
        if not line.strip():
            return line
        if not line.startswith(self.removed):
            raise Unusable("The edit is indented in another way than the file, and not all of its new lines can be moved along.")
        return self.added + line[len(self.removed) :]


def uniform_shift(pairs: Iterable[tuple[str, str]]) -> Shift | None:
    """What must be done to the second of each pair to stand where the first does, if that is the same for all."""
    shifts = {_shift_of(indent_of(there), indent_of(here)) for there, here in pairs if here.strip()}
    return shifts.pop() if len(shifts) == 1 else None


def _shift_of(has: str, had: str) -> Shift | None:
    if has.endswith(had):
        return Shift(added=has[: len(has) - len(had)])
    return Shift(removed=had[: len(had) - len(has)]) if had.endswith(has) else None


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def retab(line: str, tabs: bool) -> str:
    """The line with tabs for every four spaces at its beginning, or the other way round."""
    indent = indent_of(line)
    return (indent.replace(TAB, "\t") if tabs else indent.replace("\t", TAB)) + line[len(indent) :]


def plain(line: str) -> str:
    """The line without its indentation, and with the letters that it was probably meant to have."""
    return line.translate(PLAIN).strip()


def plainly_indented(line: str) -> str:
    indent = indent_of(line)
    return indent.translate(PLAIN) + line[len(indent) :]
