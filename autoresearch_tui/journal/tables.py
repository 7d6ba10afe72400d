"""Tables as others wrote them: which sign stands between the cells of a line, and which column holds what.

Owns the shape of a results file and of its wild relatives: signs, quotes, headers, lines with too many cells. Does not own what a
cell means: numbers, units and verdicts are the business of `cells.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from autoresearch_tui.journal.cells import BYTES, GIGABYTES, MEGABYTES, is_number
from autoresearch_tui.journal.text import clean_line

TAB, BAR, COMMA, SEMICOLON = "\t", "|", ",", ";"
WORD, GAP = " ", "  "  # columns aligned by hand: one space or more between cells, or two or more

FIELDS = {  # the names that a column goes by in the wild, the best first
    "commit": "commit commit_hash commit_sha git_commit git_hash git_sha hash sha short_hash short_sha revision rev",
    "val_bpb": "val_bpb valbpb validation_bpb val_bits_per_byte bits_per_byte bpb",
    "status": "status verdict decision outcome",
    "description": "description desc idea change what summary notes note comment",
}
RANKS = {name: (field, rank) for field, names in FIELDS.items() for rank, name in enumerate(names.split())}
MEMORY = {"memory", "mem", "vram"}
MEMORY_WORDS = MEMORY | MEGABYTES | GIGABYTES | BYTES | {"peak", "max", "gpu", "cuda", "used", "usage", "allocated"}

HINT = re.compile(r"bpb|bits|status|verdict|decision|outcome", re.IGNORECASE)  # a header has one of these; most rows have none
# A cell in quotes, as spreadsheets and csv libraries write it, or a cell as it stands.
CELLS = {sign: re.compile(rf'(?:\A|{sign}) *(?:("(?:[^"]|"")*") *(?={sign}|\Z)|([^{sign}]*))') for sign in (TAB, COMMA, SEMICOLON)}
OPENS = {sign: re.compile(rf'(?:\A|{sign}) *"') for sign in CELLS}


class Layout(msgspec.Struct, frozen=True):
    """How the lines below a header are to be read."""

    sign: str
    columns: tuple[str, ...]
    places: dict[str, int]
    """Where the fields of a row stand: commit, val_bpb, memory_gb, status, description, as far as there are such columns."""
    unit: str = ""
    """Of the memory, as its column's name says; empty if it says nothing."""

    @property
    def firm(self) -> bool:
        """Whether the sign is one that prose has no use for."""
        return self.sign in (TAB, BAR)

    def cells(self, line: str) -> list[str]:
        """The line's cells. A description that holds the sign itself comes back in one piece."""
        cells = split(line, self.sign)
        while len(cells) > len(self.columns) and not cells[-1].strip():
            cells.pop()
        at, excess = self.places.get("description"), len(cells) - len(self.columns)
        if excess > 0 and at is not None:
            cells[at : at + excess + 1] = [self.sign.join(cells[at : at + excess + 1])]
        return [clean_line(cell, None) for cell in cells]

    def pick(self, cells: Sequence[str], field: str) -> str:
        at = self.places.get(field, len(cells))
        return cells[at] if at < len(cells) else ""

    def name(self, at: int) -> str:
        return self.columns[at] if at < len(self.columns) else f"column {at + 1}"

    def opens(self, line: str) -> bool:
        """Whether a quoted cell begins here that may go on in the next line."""
        return line.count('"') % 2 == 1 and self.sign in OPENS and bool(OPENS[self.sign].search(line))


def split(line: str, sign: str) -> list[str]:
    if sign == WORD:
        return line.split()
    if sign == GAP:
        return re.split(r"\s{2,}", line.strip())
    if sign == BAR:
        inner = line.strip().removeprefix(BAR)
        cells = re.split(r"(?<!\\)\|", inner)
        return [cell.replace("\\|", BAR) for cell in (cells if cells[-1].strip() else cells[:-1])]
    if '"' not in line:
        return line.split(sign)
    everywhere = sign != TAB or line.startswith('"')
    return [unquoted(quoted, everywhere) if quoted else plain for quoted, plain in CELLS[sign].findall(line)]


def unquoted(cell: str, everywhere: bool) -> str:
    """The text inside the quotes. Upstream quotes nothing, so between tabs only quotes that were needed are taken for such."""
    inner = cell[1:-1]
    if everywhere or not inner or '""' in inner or "\t" in inner or "\n" in inner:
        return inner.replace('""', '"')
    return cell


def quoted(cell: str) -> str:
    """The cell as a csv library would write it: as it is, unless its first sign would be taken for an opening quote."""
    return '"' + cell.replace('"', '""') + '"' if cell.startswith('"') else cell


def upstream(sign: str) -> Layout:
    """Upstream's five columns, for lines that no header explains."""
    columns = ("commit", "val_bpb", "memory_gb", "status", "description")
    return Layout(sign, columns, {name: at for at, name in enumerate(columns)}, "gb")


def find_layout(line: str) -> Layout | None:
    """What this line says of the lines below it, if it is a header: the names of columns, and no numbers."""
    if not HINT.search(line):
        return None
    found = [layout for sign in (TAB, BAR, COMMA, SEMICOLON, WORD, GAP) if (layout := layout_by(line, sign))]
    return max(found, key=lambda layout: (len(layout.places), -len(layout.columns)), default=None)


def layout_by(line: str, sign: str) -> Layout | None:
    columns = [clean_line(cell, None) for cell in split(line, sign)]
    columns[0] = columns[0].rsplit(": ")[-1]  # `Columns: commit, val_bpb, ..`
    if any(map(is_number, columns)):
        return None
    places, unit = place(columns)
    layout = Layout(sign, tuple(distinct(columns)), places, unit)
    sure = layout.firm or (sign in (COMMA, SEMICOLON) and not any(" " in column for column in columns))
    if not {"val_bpb", "status"} & set(places) or len(places) < (2 if sure else 3):
        return None
    if sign == WORD and (2 * len(places) < len(columns) or places.get("description", len(columns) - 1) < len(columns) - 1):
        return None  # prose; or a description of several words in the middle, which single spaces cannot tell from its neighbours
    return layout


def place(columns: Sequence[str]) -> tuple[dict[str, int], str]:
    """Which column holds which field, and the unit of the memory. Of two that could, the one with the better name."""
    best: dict[str, tuple[int, int]] = {}  # field -> (rank of the name, column)
    for at, column in enumerate(columns):
        words = re.findall(r"[a-z0-9]+", column.casefold())
        bare = re.findall(r"[a-z0-9]+", re.sub(r"\(.*", "", column.casefold()))
        if MEMORY & set(words) and set(words) <= MEMORY_WORDS:
            field, rank = "memory_gb", int(words != ["memory", "gb"])
        elif match := RANKS.get("_".join(words)) or RANKS.get("_".join(bare)):
            field, rank = match
        else:
            continue
        best[field] = min(best.get(field, (rank, at)), (rank, at))
    places = {field: at for field, (_, at) in best.items()}
    return places, unit_of(columns[places["memory_gb"]]) if "memory_gb" in places else ""


def unit_of(column: str) -> str:
    return next((word for word in re.findall(r"[a-z]+", column.casefold()) if word in MEGABYTES | GIGABYTES | BYTES), "")


def distinct(columns: Sequence[str]) -> list[str]:
    """The names, each once: a column without a name, or with one that is taken, is called by its number too."""
    names: list[str] = []
    for number, column in enumerate(columns, start=1):
        name = column or f"column {number}"
        names.append(name if name not in names else f"{name} {number}")
    return names
