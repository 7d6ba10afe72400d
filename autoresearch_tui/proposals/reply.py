"""A researcher's reply: tagged plain text in, idea, why and edit out. What the edit means is `edits.py`'s.

    <idea>one line</idea> <why>a few lines</why> <edit>...</edit>

Nothing is guessed: a reply that was cut, or that says two things, is no reply.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

LONGEST_IDEA = 120
THINKING = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
OPENING = re.compile(r"<(idea|why|edit)>", re.IGNORECASE)
GAP = "\0"  # stands where thinking stood, for an edit around it would not be what was written


Kind = Literal["reply", "edit", "code", "same", "frozen"]
"""What is wrong: nothing to read; nothing that applies; no train.py that can run; nothing new; something that may not be touched."""


class Unusable(Exception):
    """A reply, an edit or its result that cannot be used, and why, in one sentence for whoever wrote it."""

    def __init__(self, why: str, kind: Kind = "edit", detail: str = "") -> None:
        super().__init__(why)
        self.kind = kind
        self.detail = detail
        """Several lines: the block that failed, and the nearest real lines."""


class Reply(msgspec.Struct, frozen=True):
    """What a researcher proposes."""

    idea: str
    """One line."""
    why: str
    edit: str


def read_reply(text: str) -> Reply:
    if any("\ud800" <= character <= "\udfff" for character in text):  # halves of characters, which JSON can carry and a file cannot
        raise Unusable("The reply holds characters that no file can hold.")
    blocks = _blocks(_without_thinking(text))
    if not blocks["edit"]:
        raise Unusable("The reply has no <edit> block." if text.strip() else "The reply is empty.")
    for tag, found in blocks.items():
        if len(found) > 1:
            raise Unusable(f"The reply has {len(found)} <{tag}> blocks; it must have one.")
    idea, why, edit = ("".join(found) for found in blocks.values())
    if GAP in edit:
        raise Unusable("The <edit> block holds thinking or a NUL character; it must hold the edit alone.")
    if not idea.strip(GAP + " \t\r\n"):
        raise Unusable("The reply has no <idea>: one line that says what is changed.")
    return Reply(one_line(idea.replace(GAP, " ")), why.replace(GAP, " ").strip(), edit.strip("\r\n"))


def one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_IDEA else line[: LONGEST_IDEA - 1].rstrip() + "…"


def _without_thinking(text: str) -> str:
    """The reply alone. Some chat templates write the opening tag themselves: then all before the end tag was thinking."""
    kept: list[str] = []
    depth = position = 0
    for tag in THINKING.finditer(text):
        if depth == 0:
            kept.append(text[position : tag.start()])
        if not tag[1]:
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        kept.append(GAP)
        position = tag.end()
    if depth:
        raise Unusable("The reply ended while its author was still thinking.")
    return "".join([*kept, text[position:]])


def _blocks(text: str) -> dict[str, list[str]]:
    """What each tag encloses. The tag that opens first reaches to its own end: a tag inside it is only text."""
    blocks: dict[str, list[str]] = {"idea": [], "why": [], "edit": []}
    position = 0
    while opening := OPENING.search(text, position):
        tag = opening[1].lower()
        closing = re.compile(f"</{tag}>", re.IGNORECASE).search(text, opening.end())
        if closing is None:
            raise Unusable(f"The reply was cut: its <{tag}> has no end.")
        blocks[tag].append(text[opening.end() : closing.start()])
        position = closing.end()
    return blocks
