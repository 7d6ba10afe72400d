"""What a terminal would have left of the bytes of a line: what follows its last return, without escapes and controls. Pure."""

from __future__ import annotations

import codecs
import re

ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and moves of the cursor
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\r\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)
TORN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,200})?$")  # an escape that is still being written
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
CONTINUES = bytes(range(0x80, 0xC0))  # bytes that no letter begins with


def text_of(raw: bytes, whole: bool, unfinished: bool) -> tuple[str, bool]:
    """What a terminal shows of this line, or of its end, and whether that is all of it."""
    kept = raw.removesuffix(b"\n").rstrip(b"\r")
    _, rewritten, kept = kept.rpartition(b"\r")
    if not (whole or rewritten):
        kept = kept.lstrip(CONTINUES)
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(kept, final=not unfinished)
    return _plain(TORN.sub("", text) if unfinished else text), whole or bool(rewritten)


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return CONTROLS.sub(" ", ESCAPES.sub("", text))


def may_hold(block: bytes, wanted: str) -> bool:
    """Whether a line of these bytes could show this text, which is in lower case. Quick where none does, for nearly none does."""
    if b"\x1b" in block or b"\x9b" in block:  # a colour may begin within a word
        return wanted in ESCAPES.sub("", block.decode("utf-8", "replace")).lower()
    if wanted.isascii():
        return wanted.encode() in block.lower()
    return not block.isascii() and wanted in block.decode("utf-8", "replace").lower()
