"""Every sentence of an error that the code can say, and what the page of troubles quotes of them.

A sentence is what is given to one of our exceptions, wherever that is made, to a few facts of the engine, and what `prepare.py` ends with.
Its parts that vary are a `…` here, as on the page. Owns how both are found. Does not own which of them a person meets: that is the test's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import msgspec

from tests.docs.pages import ROOT, page

VARIES = "…"
PAGE = "docs/troubleshooting.md"
QUOTED = re.compile(r"^\*\*(.+?)\*\*", re.MULTILINE)
LEAST = 9  # letters of a quote that may be a part of a sentence; a shorter one is the whole
BUILT_IN = {"Exception", "ValueError", "RuntimeError", "LookupError", "PermissionError", "OSError"}
FACTS = {"Warned", "Rest", "End", "Reached", "Outcome"}
"""What the engine says without raising anything: a warning, why it waits or ends, what a trial was ended for."""
ENDS = {"exit", "breach"}
"""What `prepare.py` ends with."""


class Sentence(msgspec.Struct, frozen=True):
    said_by: str
    """The exception, the fact, or what ends a process."""
    text: str
    where: str
    """Such as `engine/lock.py:25`."""

    def __str__(self) -> str:
        return f"{self.where} {self.said_by}: {self.text}"


class Quote(msgspec.Struct, frozen=True):
    """What stands in bold at the beginning of an entry."""

    text: str

    def is_of(self, sentence: Sentence) -> bool:
        """Its parts stand in the sentence, in their order."""
        if sum(map(str.isalpha, self.text)) < LEAST:
            return _bare(self.text) == _bare(sentence.text)
        at = 0
        for part in self.text.split(VARIES):
            found = sentence.text.find(part.strip(), at)
            if found < 0:
                return False
            at = found + len(part.strip())
        return True

    def stands_in_the_code(self) -> bool:
        """Said by whom and however: its longest part is there. Lines may be broken in it."""
        longest = max((part.strip() for part in self.text.split(VARIES)), key=len)
        return any(longest in code for code in _spoken().values())


@cache
def quotes() -> tuple[Quote, ...]:
    """Of entries that share what is said, each has its own line."""
    return tuple(Quote(_plain(bold)) for bold in QUOTED.findall(page(PAGE).text))


@cache
def sentences() -> tuple[Sentence, ...]:
    """Each once."""
    kinds = exceptions()
    found: dict[tuple[str, str], Sentence] = {}
    for name, code in _code().items():
        told = kinds | (ENDS if name.startswith("harness/") else FACTS if name.startswith("engine/") else set())
        if re.search(rf"\b(?:{'|'.join(told)})\(", code):
            for one in _Reader(name, told).read(code):
                found.setdefault((one.said_by, one.text), one)
    return tuple(found.values())


def exceptions() -> set[str]:
    """The names of our own: those that come from a built-in one, or from another of ours."""
    classes = re.findall(r"(?m)^class (\w+)\(([\w., ]+)\):", "\n".join(_code().values()))
    bases = {name: {base.strip().rpartition(".")[2] for base in those.split(",")} for name, those in classes}
    known = set(BUILT_IN)
    while more := {name for name, those in bases.items() if those & known} - known:
        known |= more
    return known - BUILT_IN


@cache
def _code() -> dict[str, str]:
    files = [*sorted((ROOT / "autoresearch_tui").rglob("*.py")), ROOT / "harness" / "prepare.py"]
    return {file.relative_to(ROOT).as_posix().removeprefix("autoresearch_tui/"): file.read_text(encoding="utf-8") for file in files}


@cache
def _spoken() -> dict[str, str]:
    """The code without what stands between two pieces of one text."""
    return {name: re.sub(r"[\"']\s*\n\s*f?[\"']", "", code).replace("`", "") for name, code in _code().items()}


class _Reader(ast.NodeVisitor):
    """The sentences of one file."""

    def __init__(self, name: str, told: set[str]) -> None:
        self._name, self._told = name, told
        self._calls: list[tuple[str, ast.Call]] = []
        self._constants: dict[str, ast.expr] = {}
        self._returned: dict[str, list[ast.expr]] = {}
        self._within: list[str] = []

    def read(self, code: str) -> Iterator[Sentence]:
        self.visit(ast.parse(code))
        for kind, call in self._calls:
            for argument in (*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "why")):
                for text in map(_plain, self._texts(argument)):
                    if " " in text and re.search("[A-Za-z]{3}", text):
                        yield Sentence(kind, text, f"{self._name}:{call.lineno}")

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in self._told:
            self._calls.append((name, node))
        elif name == "__init__":  # one that has a sentence of its own makes it as it begins
            self._calls += [(kind, node) for kind in self._within if kind in self._told]
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within.append(node.name)
        self.generic_visit(node)
        self._within.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._within.append(node.name)
        self.generic_visit(node)
        self._within.pop()

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and self._within and not isinstance(node.value, ast.Call):
            self._returned.setdefault(self._within[-1], []).append(node.value)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not self._within:
            self._constants |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        self.generic_visit(node)

    def _texts(self, node: ast.expr, deep: bool = True) -> Iterator[str]:
        """What this expression may read as. A call of the same file reads as what it returns."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield "".join(map(self._part, parts))
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                for one in list(self._texts(left)) or [VARIES]:
                    for other in list(self._texts(right)) or [VARIES]:
                        yield one + other
            case ast.IfExp(body=body, orelse=other):
                yield from self._texts(body)
                yield from self._texts(other)
            case ast.Name(id=name) if name in self._constants:
                yield from self._texts(self._constants[name])
            case ast.Dict(values=values) if deep:
                for value in values:
                    yield from self._texts(value, deep=False)
            case ast.Subscript(value=ast.Name(id=name)) if name in self._constants:
                yield from self._texts(self._constants[name])
            case ast.Call(func=ast.Name(id=name)) if deep and name in self._returned:
                for value in self._returned[name]:
                    yield from self._texts(value, deep=False)

    def _part(self, part: ast.expr) -> str:
        if isinstance(part, ast.Constant):
            return str(part.value)
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) and part.value.id in self._constants:
            return next(self._texts(self._constants[part.value.id]), VARIES)
        return VARIES


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def _bare(text: str) -> str:
    """Without what stands beside what varies."""
    return re.sub(f"{VARIES}+", VARIES, text).strip(f"{VARIES}. ")
