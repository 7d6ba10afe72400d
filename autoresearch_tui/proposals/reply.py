"""A researcher's reply: tagged plain text in, idea, why and edit out. What the edit means is `edits.py`'s.

    <idea>one line</idea> <why>a few lines</why> <edit>...</edit>

Without tags, a reply that holds exactly one edit whose end can be seen is read as well. Nothing is guessed: a reply that was cut, or
that says two things, is no reply.
"""

from __future__ import annotations

import re

import msgspec

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.proposals.knobs import BYTE_ORDER_MARK
from autoresearch_tui.proposals.reading.calls import call_in
from autoresearch_tui.proposals.reading.pieces import LONGEST, Piece, read_pieces
from autoresearch_tui.proposals.thinking import GAP, without_thinking
from autoresearch_tui.proposals.unusable import Kind, Unusable

__all__ = ["LONGEST", "Kind", "Reply", "Unusable", "read_reply"]

LONGEST_IDEA = 120
HALF = re.compile("[\ud800-\udfff]")  # of a character, which JSON can carry and a file cannot
OPENING = re.compile(r"<(idea|why|edit)>", re.IGNORECASE)
CLOSING = {tag: re.compile(f"</{tag}>", re.IGNORECASE) for tag in ("idea", "why", "edit")}
LABEL = re.compile(r"(?i)(?:proposed )?(?:idea|change|hypothesis|proposal|summary)\W{0,4}:\W{0,4}")
SENTENCE = re.compile(r"(?<=[.!?])\s")


class Reply(msgspec.Struct, frozen=True):
    """What a researcher proposes."""

    idea: str
    """One line."""
    why: str
    edit: str


def read_reply(text: str) -> Reply:
    if len(text) > LONGEST:
        raise Unusable(f"The reply has {len(text):,} characters; {LONGEST:,} are the most that is read.", "reply")
    if HALF.search(text):
        raise Unusable("The reply holds characters that no file can hold.", "reply")
    if not text.strip():
        raise Unusable("The reply is empty.", "reply")
    spoken = without_thinking(text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n"))
    if spoken.lstrip(GAP + " \t\n")[:1] in ("{", "[") and (called := _called(spoken)):
        return called
    blocks, around = _blocks(spoken)
    if not blocks["edit"]:
        idea, why = "".join(blocks["idea"]), "".join(blocks["why"])
        return _called(around, idea, why) or _untagged(around, idea, why)
    idea, why, edit = ("".join(found) for found in blocks.values())
    return _reply(idea if blocks["idea"] else _first_sentence(around), why, edit)


def _reply(idea: str, why: str, edit: str) -> Reply:
    if HALF.search(idea + why + edit):
        raise Unusable("The reply holds characters that no file can hold.", "reply")
    if GAP in edit:
        raise Unusable("The <edit> block holds thinking or a NUL character; it must hold the edit alone.", "reply")
    if not idea.strip(GAP + " \t\r\n"):
        raise Unusable("The reply has no <idea>: one line that says what is changed.", "reply")
    return Reply(clean_line(idea.replace(GAP, " "), LONGEST_IDEA), why.replace(GAP, " ").strip(), edit.strip("\r\n"))


def _blocks(text: str) -> tuple[dict[str, list[str]], str]:
    """What each tag encloses, and what stands outside. The tag that opens first reaches to its own end: a tag inside it is only text."""
    blocks: dict[str, list[str]] = {"idea": [], "why": [], "edit": []}
    outside = []
    position = 0
    while opening := OPENING.search(text, position):
        tag = opening[1].lower()
        closing = CLOSING[tag].search(text, opening.end())
        if closing is None:
            raise Unusable(f"The reply was cut: its <{tag}> has no end.", "reply")
        outside.append(text[position : opening.start()])
        blocks[tag].append(text[opening.end() : closing.start()])
        position = closing.end()
    outside.append(text[position:])
    around = "\n".join(outside)
    for tag, found in blocks.items():
        if len(found) > 1:
            raise Unusable(f"The reply has {len(found)} <{tag}> blocks; it must have one.", "reply")
    if CLOSING["edit"].search(around):
        raise Unusable("The reply has an </edit> too many: where its edit ends cannot be told.", "reply")
    return blocks, around


# ------------------------------------------------------------------------------------------------------------------------------
# Without tags
# ------------------------------------------------------------------------------------------------------------------------------


def _called(text: str, idea: str = "", why: str = "") -> Reply | None:
    """The reply in a tool call's JSON."""
    if not (call := call_in(text)):
        return None
    (said, because, edit), start, end = call
    around = f"{text[:start]}\n{text[end:]}"
    if any(piece.kind not in ("prose", "file") for piece in _pieces(around)):
        raise Unusable("The reply holds a call and another edit; it must hold one edit.", "reply")
    return _reply(idea or said or _first_sentence(around), why or because, edit)


def _untagged(text: str, idea: str, why: str) -> Reply:
    """The one edit of a text, and what is said around it."""
    lines = text.split("\n")
    group = _the_edit(_pieces(text))
    if not group:
        raise Unusable("The reply has no <edit> block, and nothing else that is an edit.", "reply")
    if not all(piece.closed for piece in group):
        raise Unusable("The reply has no <edit> block, and without it nobody can tell where its edit ends.", "reply")
    first, last = group[0].first, group[-1].last
    prose = "\n".join([*lines[:first], *lines[last:]])
    gap = GAP if any(GAP in line for line in lines[first:last]) else ""
    edit = "\n".join("\n".join([f"File: {piece.files[0]}"] if piece.kind == "file" else lines[piece.first : piece.last]) for piece in group)
    return _reply(idea or _first_sentence(prose), why or prose, gap + edit)


def _pieces(text: str) -> list[Piece]:
    try:
        return read_pieces(text)
    except Unusable as error:
        raise Unusable(str(error).replace("of the edit", "of the reply"), _kind(error), error.detail) from None


def _kind(error: Unusable) -> Kind:
    return "reply" if error.kind == "edit" else error.kind


def _the_edit(pieces: list[Piece]) -> list[Piece]:
    """The pieces that are the edit, with the name of a file before them; raises Unusable if prose stands between them."""
    parts = [number for number, piece in enumerate(pieces) if piece.kind not in ("prose", "file")]
    if not parts:
        return []
    first, last = parts[0], parts[-1]
    while first and pieces[first - 1].kind == "file":
        first -= 1
    if any(piece.kind == "prose" for piece in pieces[first:last]):
        raise Unusable("The reply has no <edit> block, and more than one edit outside of it: it must hold one.", "reply")
    return pieces[first : last + 1]


def _first_sentence(prose: str) -> str:
    lines = (line.strip(GAP + " \t#*_`>-") for line in prose.split("\n"))
    spoken = next((line for line in lines if any(letter.isalpha() for letter in line)), "")
    return SENTENCE.split(LABEL.sub("", spoken, count=1), maxsplit=1)[0].strip(" *_`:")
