"""The settings in effect, where each comes from, and what the run has made of its limits meanwhile."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, apart, cells, fitted, row, shown, wrapped
from autoresearch_tui.cockpit.parts.times import written
from autoresearch_tui.cockpit.standing import standing
from autoresearch_tui.journal.state import Run
from autoresearch_tui.masking import masked
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import FILE, PREFIX, Loaded
from autoresearch_tui.syntax import parsed

DEFAULT = "default"
NOW = "As the run goes by them at this moment: commands change them, so they may differ from the file."
NAMED = 14  # columns of a key
PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")


class Line(msgspec.Struct, frozen=True):
    key: str
    value: str
    origin: str
    says: str

    @property
    def changed(self) -> bool:
        return self.origin != DEFAULT


class Section(msgspec.Struct, frozen=True):
    name: str
    says: str
    lines: tuple[Line, ...]


class Shown(msgspec.Struct, frozen=True):
    sections: tuple[Section, ...] = ()
    wrong: str = ""
    """Why they cannot be read."""
    now: tuple[tuple[str, str], ...] = ()
    """Limits and review of the run, as they are."""
    tag: str = ""
    where: tuple[str, ...] = ()
    """How to change one."""


def sections_of(loaded: Loaded, words: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> tuple[Section, ...]:
    """Those with something that was set come first, and in each what was set."""
    found = []
    for field in msgspec.structs.fields(Settings):
        values = getattr(loaded.settings, field.name)
        lines = [
            Line(one.name, _value(one.name, getattr(values, one.name), environment), _origin(origin, folder), words.get(key, ""))
            for one in msgspec.structs.fields(field.type)
            for key in [f"{field.name}.{one.name}"]
            for origin in [loaded.origins.get(key, DEFAULT)]
        ]
        found.append(Section(field.name, words.get(field.name, ""), tuple(sorted(lines, key=lambda line: not line.changed))))
    return tuple(sorted(found, key=lambda section: not any(line.changed for line in section.lines)))


def _value(name: str, value: object, environment: Mapping[str, str]) -> str:
    """As a person would write it. Of a key there is only the name of its variable here, and whether it is set; of a service its kind."""
    if name.endswith("_from"):
        if not value:
            return "(empty)"
        return f"{value} ({'set' if environment.get(str(value)) else 'not set'})"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return shown(" ".join(masked(str(one)) if name == "to" else str(one) for one in value)) or "(empty)"
    if isinstance(value, float):
        return f"{value:g}"
    return PASSWORD.sub("…@", shown(str(value))) or "(empty)"


def _origin(origin: str, folder: Path) -> str:
    """A file of this workspace goes by its name alone; one at home begins with ~."""
    for place, short in ((f"{folder}/", ""), (f"{Path.home()}/", "~/")):
        if origin.startswith(place):
            return shown(short + origin.removeprefix(place))
    return shown(origin)


def words_of(source: str) -> dict[str, str]:
    """What is said of each section and each key in the source of `sections.py`: the text below a field is its word."""
    kinds = {field.type.__name__: field.name for field in msgspec.structs.fields(Settings)}
    words: dict[str, str] = {}
    for node in parsed(source).body:
        if not (isinstance(node, ast.ClassDef) and node.name in kinds):
            continue
        section = kinds[node.name]
        words[section] = (ast.get_docstring(node) or "").partition("`")[2].partition("`")[2].lstrip(".: ")
        for field, below in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                words[f"{section}.{field.target.id}"] = str(getattr(below.value, "value", ""))
    return words


def limits_of(run: Run) -> tuple[tuple[str, str], ...]:
    """What holds now; a command may have changed it since the engine started."""
    if run.engine is None:
        return ()
    limits = run.limits
    return (
        ("experiments", f"{limits.experiments}, of which {standing(run).judged} are judged" if limits.experiments else "no limit"),
        ("until", written(limits.deadline, "%a %H:%M %Z") if limits.deadline else "no limit"),
        ("between", limits.between or "any time"),
        ("cost", f"{limits.cost:.2f} USD, {run.cost:.2f} are spent" if limits.cost is not None else "no limit"),
        ("declined", f"{limits.declined} in a row" if limits.declined else "no limit"),
        ("review", f"on, {run.review_timeout_s:g} s for each draft" if run.review else "off"),
    )


def where_of(folder: Path, home: Path) -> tuple[str, ...]:
    """How each of them is changed."""
    return (
        f"For this workspace: {folder / FILE}, under its [section]; for all of yours: {home / FILE}.",
        f"For one start: {PREFIX}SECTION_KEY in the environment, or the option of that name. What is written nearer to the start wins.",
        "An engine reads them as it starts. Limits and review of a run that goes on: `:` and `limit hours 8`, and `v`; they hold at once.",
    )


def rows(part: Shown, width: int, height: int) -> list[Row]:
    out: list[Row] = []
    if part.now:
        out += [row(Span(f"now, in {shown(part.tag)}", "strong"))]
        out += [row(Span(f"  {line}", "dim")) for line in wrapped(NOW, max(10, width - 2))]
        out += [row(Span(f"  {name:{NAMED}}", ""), value) for name, value in part.now]
    if part.wrong:
        out += [*([EMPTY] if out else []), *(row(Span(line, "bad")) for line in wrapped(part.wrong, width))]
    for section in part.sections:
        out += [*([EMPTY] if out else []), *_section(section, width)]
    out += [EMPTY, row(Span("to change one", "strong"))]
    return out + [row("  ", line) for text in part.where for line in wrapped(text, max(10, width - 2))]


def _section(section: Section, width: int) -> list[Row]:
    head = Span(f"[{section.name}]", "strong")
    first, *more = wrapped(section.says, max(10, width - cells(head.text) - 2))
    out = [row(head, Span(f"  {first}", "dim")), *(row(Span(f"  {line}", "dim")) for line in more)]
    for line in section.lines:
        out += _line(line, width)
    return out


def _line(line: Line, width: int) -> list[Row]:
    """What was set is marked, and says where; below each stands what it means."""
    sign = Span("● " if line.changed else "  ", "accent")
    name = Span(fitted(line.key, max(NAMED, cells(line.key))), "strong" if line.changed else "")
    origin = row(Span(line.origin, "accent" if line.changed else "dim"))
    room = max(8, width - cells(name.text) - cells(line.origin) - 4)
    value, *more = wrapped(line.value, room)
    says = wrapped(line.says, max(10, width - 4)) if line.says else []
    return [
        apart(row(sign, name, " ", value), origin, width),
        *(row(" " * (cells(name.text) + 3), rest) for rest in more),
        *(row(Span(f"    {text}", "dim")) for text in says),
    ]
