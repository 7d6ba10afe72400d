"""Telling a model's thinking from its reply while both stream in one text, `<think>` and all. Pure.

Owns how a tag is found that comes in two pieces. What is a tag, and what becomes of a reply that thinks where it should not, is
`proposals`': so once a reply has begun, the tags of later thinking stay in its text, and only what they enclose is taken out.
"""

from __future__ import annotations

import re

from autoresearch_tui.proposals.thinking import TAG
from autoresearch_tui.researchers import Part

BEGUN = re.compile(r"(?:<\|channel>\w{0,10}|[<\[◁][^\s<>\[\]◁▷]{0,20})\Z")
"""What may become a tag when more comes. A little too much is held back, which costs nothing: it comes with the next piece."""


class Words:
    """One reply, as its pieces come in."""

    def __init__(self) -> None:
        self._depth = 0
        self._begun = False
        """Something of the reply itself was said."""
        self._held = ""
        """The end of what came, which may be the beginning of a tag."""

    def feed(self, text: str) -> list[Part]:
        """What can be told by now."""
        text = self._held + text
        parts: list[Part] = []
        position = 0
        for tag in TAG.finditer(text):
            self._say(text[position : tag.start()], parts)
            self._turn(tag, parts)
            position = tag.end()
        begun = BEGUN.search(text, position)
        ends = begun.start() if begun else len(text)
        self._say(text[position:ends], parts)
        self._held = text[ends:]
        return parts

    def rest(self) -> list[Part]:
        """What was held back, when nothing more comes."""
        parts: list[Part] = []
        self._say(self._held, parts)
        self._held = ""
        return parts

    def _turn(self, tag: re.Match[str], parts: list[Part]) -> None:
        outside = self._depth == 0
        # An end without a beginning: the chat template wrote the opening tag, so all before it was thinking, and the reply's reader
        # has to know.
        closes = any(tag.groups())
        if outside and closes:
            self._begun = True
        else:
            self._depth += -1 if closes else 1
        if self._begun and (outside or self._depth == 0):
            _join(parts, Part("text", tag[0]))

    def _say(self, text: str, parts: list[Part]) -> None:
        if not text:
            return
        if self._depth:
            _join(parts, Part("thinking", text))
            return
        self._begun = self._begun or not text.isspace()
        _join(parts, Part("text", text))


def _join(parts: list[Part], part: Part) -> None:
    if parts and parts[-1].kind == part.kind:
        part = Part(part.kind, parts.pop().text + part.text)
    parts.append(part)
