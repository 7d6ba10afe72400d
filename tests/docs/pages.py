"""The pages that a person reads: the README and `docs/`, as headings, links, blocks of code and words of code.

Owns how Markdown is taken apart. Does not own what any of it has to be: that is the tests'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
HEADING = re.compile(r"^(#{1,6}) (.+)$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
OUTSIDE = re.compile(r"[^\w\- ]")


class Block(msgspec.Struct, frozen=True):
    """Some lines of code."""

    page: str
    line: int
    """Of its first line in the page, counted from 1."""
    kind: str
    """What stands behind the fence; `indented` where there is none, and an empty line ends it."""
    text: str


class Code(msgspec.Struct, frozen=True):
    """A few words of code in the middle of a sentence."""

    page: str
    line: int
    text: str
    heading: str
    """Of the part of the page that it stands in."""


class Page(msgspec.Struct, frozen=True):
    name: str
    """As seen from the root, such as `docs/screen.md`."""
    text: str
    prose: tuple[tuple[int, str], ...]
    """Its lines with their numbers, without the blocks."""
    blocks: tuple[Block, ...]


@cache
def pages() -> tuple[Page, ...]:
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return tuple(_page(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files)


def page(name: str) -> Page:
    return next(one for one in pages() if one.name == name)


def headings(one: Page) -> list[str]:
    return [match[2] for _, line in one.prose if (match := HEADING.match(line))]


def anchor(heading: str) -> str:
    """As GitHub makes it: in small letters, without signs, a `-` for each space."""
    return OUTSIDE.sub("", heading.lower()).strip().replace(" ", "-")


def links(one: Page) -> list[tuple[int, str]]:
    return [(number, match[1]) for number, line in one.prose for match in LINK.finditer(CODE.sub("", line))]


def codes(one: Page) -> Iterator[Code]:
    """A sentence may go on in the next line, and so may what stands in it."""
    for heading, paragraph in _paragraphs(one):
        text = "\n".join(line for _, line in paragraph)
        for match in CODE.finditer(text):
            number = paragraph[text.count("\n", 0, match.start())][0]
            yield Code(one.name, number, " ".join(match[2].split()), heading)


def _paragraphs(one: Page) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    heading, lines = "", list[tuple[int, str]]()
    for number, line in (*one.prose, (0, "")):
        apart = not line.strip() or line.startswith(("|", "- ", "#"))
        if apart and lines:
            yield heading, lines
            lines = []
        if match := HEADING.match(line):
            heading = match[2]
        if line.strip():
            lines.append((number, line))


def _page(name: str, text: str) -> Page:
    prose: list[tuple[int, str]] = []
    blocks: list[Block] = []
    held: list[str] = []
    fence, kind, begun = "", "", 0

    def close() -> None:
        nonlocal held
        if held:
            blocks.append(Block(name, begun, kind or "text", "\n".join(held)))
        held = []

    for number, line in enumerate(text.split("\n"), 1):
        indented = line.startswith("    ") and (bool(held) or not prose or not prose[-1][1].strip())
        if fence and line == fence:
            close()
            fence = ""
        elif fence:
            held.append(line)
        elif match := FENCE.match(line):
            close()
            fence, kind, begun = match[1], match[2], number + 1
        elif indented:
            kind, begun = "indented", begun if held else number
            held.append(line[4:])
        else:
            close()
            prose.append((number, line))
        if not fence and not line.strip():
            prose.append((number, ""))
    close()
    return Page(name, text, tuple(prose), tuple(blocks))
