"""The corpus of replies in `replies/*.txt`: what models write, clean and damaged, each with exactly what becomes of a file.

A case begins with a line `######## its name`. Then come, each on a line of its own where it differs from the usual, `file: NAME` (the
file that is edited; harness), `dialect: NAME`, `idea: TEXT` and `name: NAME` (of the file; train.py), and either `refused: KIND: words
of the sentence` or `becomes:` with the lines of a diff, one line of context around each change. The rest, behind `reply:` or `edit:`, is
the reply, to the next case; an edit stands in a reply with an idea. What would not be seen is written as one of the letters in UNSEEN.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import msgspec

from tests.proposals import upstream

FOLDER = Path(__file__).parent / "replies"
BEGIN = "######## "
UNSEEN = {"␍": "\r", "␉": "\t", "␠": " ", "␀": "\0", "␛": "\x1b", "␣": "\u00a0", "␂": "\ufeff"}
SMALL = """\
import torch

LR = 0.04  # of all
DEPTH = 8
NAME = "small"


def norm(x):
    return x / x.std()


def step(x):
    y = norm(x)
    for _ in range(DEPTH):
        y = y + LR * x
    return y


if __name__ == "__main__":
    print(step(torch.ones(3)))
"""
TWINS = """\
RATE = 1


class First:
    scale = 1

    def forward(self, x):
        x = x * 2
        return x

    @staticmethod
    def twice(x):
        return 2 * x


class Second:
    def forward(self, x):
        x = x * 2
        return x

    def backward(self, x):
        text = '''
  kept
'''
        return x


def apart():
    return 1


# Says what it is.
# In two lines.
@property
def marked():
    return 2
"""
TYPESET = """\
# 1\u20132 heads \u2013 \u201csmall\u201d ones
NAME = "it\u2019s"  # a name\u00a0with a space
SIZE = 4
"""
LOOSE = """\
class Loose:
    def forward(self, x):
        # attention, then the projection, each with a norm before it
        h = self.norm(x)
        h = self.attend(h, mask=None)
        # the residual stream gets what attention found
        x = x + self.out(h)
        return x * 0.5
"""
TARGETS = {
    "harness": (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8"),
    "upstream": upstream.TRAIN,
    "small": SMALL,
    "twins": TWINS,
    "typeset": TYPESET,
    "loose": LOOSE,
    "windows": SMALL.replace("\n", "\r\n"),
    "marked": "\ufeff" + SMALL.replace("\n", "\r\n"),
    "mixed": SMALL.replace("DEPTH = 8\n", "DEPTH = 8\r\n"),
    "unended": SMALL.removesuffix("\n"),
    "tabs": SMALL.replace("    ", "\t"),
    "broken": SMALL + "if\n",
    "functions": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
    "dotted": "SIZE = 1\n\n\ndef later():\n    # ... the rest is up to whoever reads\n    ...\n",
    "empty": "",
}


class Case(msgspec.Struct, frozen=True):
    """A reply, and what it is to give."""

    name: str
    reply: str
    file: str = "harness"
    edited: str = "train.py"
    becomes: str = ""
    kind: str = ""
    """Of the refusal; empty if it is to be made."""
    words: str = ""
    dialect: str = ""
    idea: str = ""


def read_corpus() -> list[Case]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))]
    return [_case(part) for text in texts for part in ("\n" + text).split("\n" + BEGIN)[1:]]


def _case(text: str) -> Case:
    name, *lines = text.split("\n")
    fields: dict[str, str] = {}
    while lines:
        key, _, value = lines.pop(0).partition(":")
        if key in ("reply", "edit"):
            break
        if key == "becomes":
            end = next(number for number, line in enumerate(lines) if line in ("reply:", "edit:"))
            value, lines = "\n".join(lines[:end]), lines[end:]
            fields[key] = value
        else:
            fields[key] = value.strip()
    reply = shown("\n".join(lines).rstrip("\n") + "\n", back=True)
    if key == "edit":
        reply = f"<idea>an idea</idea>\n<why>a reason</why>\n<edit>\n{reply}</edit>\n"
    kind, _, words = fields.get("refused", "").partition(": ")
    return Case(
        name,
        reply,
        fields.get("file", "harness"),
        fields.get("name", "train.py"),
        fields.get("becomes", ""),
        kind,
        words,
        fields.get("dialect", ""),
        shown(fields.get("idea", ""), back=True),
    )


def shown(text: str, back: bool = False) -> str:
    """The text with letters for what is not seen, or without them again."""
    for letter, unseen in UNSEEN.items():
        if back:
            text = text.replace(letter, unseen)
        elif letter != "␠":
            text = text.replace(unseen, letter)
    return text


def difference(before: str, after: str) -> str:
    """As a case has it: the changed lines with one line around them; the end of a line shows if it is not the usual one."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=1)
    kept = ["@@" if line.startswith("@@") else shown(line) for line in lines if not line.startswith(("--- ", "+++ "))]
    return "\n".join(line.rstrip(" ") + "␠" * (len(line) - len(line.rstrip(" "))) if len(line) > 1 else line.rstrip() for line in kept)
