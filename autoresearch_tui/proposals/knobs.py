"""The knobs of a train.py: its top-level constants, read and set in the text.

A knob is an upper-case name that is assigned once, at the top level, a plain value: a number (or arithmetic of numbers), a string, a
bool, None, or a tuple of these. The text is parsed and never executed. Which values are worth trying is a researcher's affair, how a
reply asks for them that of `edits.py`.
"""

from __future__ import annotations

import ast
import difflib
import functools
import io
import itertools
import math
import operator
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import msgspec

from autoresearch_tui.syntax import parsed, parsed_expression

BYTE_ORDER_MARK = "\ufeff"
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")  # as Python counts lines: str.splitlines knows more line ends than that
COMMENT = re.compile(r"[ \t)]*#[ \t]*([^\r\n]*)")
CHOICES = re.compile(r"\bone of:([^;]*)", re.IGNORECASE)
LARGEST = 512  # bits of a whole number: a reply may not make us compute 9**9**9
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
}

NO_VALUE = (ValueError, TypeError, ArithmeticError, RecursionError)  # how arithmetic that means nothing ends

Assignment = ast.Assign | ast.AnnAssign


class NotPython(ValueError):
    """The text cannot be parsed; the sentence names the line."""


class NotLiteral(ValueError):
    """The text is no plain value."""


class NoSuchKnob(LookupError):
    """The name is no knob of this train.py; the sentence names the nearest."""


class Knob(msgspec.Struct, frozen=True):
    """A constant of train.py."""

    name: str
    literal: str
    """The value as it is written there; one that is written over several lines, on one."""
    value: object
    line: int
    choices: tuple[str, ...]
    """Literals that may stand here, the present one included, if the comment says `one of: ..`."""
    comment: str
    """What stands behind the value on its line."""


# ------------------------------------------------------------------------------------------------------------------------------
# Reading
# ------------------------------------------------------------------------------------------------------------------------------


def parse(source: str) -> ast.Module:
    try:
        return parsed(source.removeprefix(BYTE_ORDER_MARK))
    except SyntaxError as error:
        raise NotPython(f"line {error.lineno or 1} is not Python: {error.msg}") from None
    except ValueError:
        raise NotPython("it holds characters that no file can hold") from None
    except (RecursionError, MemoryError):
        raise NotPython("it is nested too deeply") from None


def read_knobs(source: str) -> dict[str, Knob]:
    """The knobs in the order of the file; raises NotPython."""
    return {name: knob for name, (knob, _, _) in _places(source).items()}


def value_of(literal: str) -> object:
    """What a literal stands for; raises NotLiteral."""
    try:
        return _evaluate(parsed_expression(literal.strip()))
    except (SyntaxError, MemoryError, *NO_VALUE):
        raise NotLiteral(f"`{literal.strip()}` is no plain value (a number, a string, True, False, None or a tuple of these)") from None


@functools.lru_cache(maxsize=4096)  # a night has the same few hundred literals all along
def meaning(literal: str) -> object:
    """What a literal stands for, however it is written; of what is no plain value the text itself."""
    try:
        return value_of(literal)
    except NotLiteral:
        return literal


def literal_in(text: str) -> str:
    """The literal on a line of text, without the comment that may follow it; raises NotLiteral."""
    text = text.strip()
    value_of(text)
    if len(text.splitlines()) > 1:
        raise NotLiteral("a value must stand on one line")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return text[: next((token.start[1] for token in tokens if token.type == tokenize.COMMENT), None)].rstrip()


@functools.lru_cache(maxsize=8)  # one train.py is asked about many times: by the prompt, the researcher, the edit and the gates
def _places(source: str) -> dict[str, tuple[Knob, int, int]]:
    """Each knob, and where its value begins and ends."""
    span = _spans(source)
    places = {}
    for name, (assignment, value) in _assignments(parse(source)).items():
        node = assignment.value
        assert node is not None  # only those with a value are ever collected
        start, end = span(node)
        literal = source[start:end] if node.lineno == node.end_lineno else repr(value)
        comment = found[1].rstrip() if (found := COMMENT.match(source, end)) else ""
        places[name] = Knob(name, literal, value, node.lineno, _choices(comment, literal, value), comment), start, end
    return places


def _assignments(tree: ast.Module) -> dict[str, tuple[Assignment, object]]:
    bound = Counter(_bound_names(tree))
    found: dict[str, tuple[Assignment, object]] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=node) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as node):
                if NAME.fullmatch(name) and bound[name] == 1:
                    try:
                        found[name] = statement, _evaluate(node)
                    except NO_VALUE:
                        continue  # computed from something else: no knob
    return found


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """Every name that the module binds, as often as it does; a function that declares it global binds it once more."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
                for inner in statements(node.body, scopes=True):
                    yield from inner.names if isinstance(inner, ast.Global) else ()
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]
        waiting.extend(ast.iter_child_nodes(node))


def statements(body: list[ast.stmt], *, scopes: bool = False) -> Iterator[ast.stmt]:
    """The statements of a block in order, with those inside `if`, `for`, `try` and the like; inside functions and classes too, if asked.

    Far faster than ast.walk, which looks at every expression.
    """
    waiting: list[Any] = body[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if scopes or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for field in ("finalbody", "orelse", "handlers", "cases", "body"):
                waiting += getattr(node, field, [])[::-1]


def _evaluate(node: ast.expr) -> object:
    match node:
        case ast.Constant(value=None | bool() | str() as value):
            return value
        case ast.Constant(value=int() | float() as value):
            return _checked(value)
        case ast.Tuple(elts=elements):
            return tuple(_evaluate(element) for element in elements)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            a, b = _number(left), _number(right)
            if isinstance(op, ast.Pow | ast.LShift) and isinstance(a, int) and max(a.bit_length(), 2) * abs(b) > LARGEST:
                raise NotLiteral("too large")
            return _checked(OPERATORS[type(op)](a, b))
    raise NotLiteral("not a plain value")


def _number(node: ast.expr) -> int | float:
    return _checked(_evaluate(node))


def _checked(value: object) -> int | float:
    if type(value) is int and value.bit_length() <= LARGEST:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    raise NotLiteral("not a number, or too large")


def _choices(comment: str, literal: str, value: object) -> tuple[str, ...]:
    found = CHOICES.search(comment)
    words = [stripped for word in found[1].split(",") if (stripped := word.strip(" \t`'\"."))] if found else []
    if isinstance(value, str):
        quote = literal[-1]
        return tuple(f"{quote}{word}{quote}" for word in words if not set(word) & set("'\"\\"))
    try:
        return tuple(literal_in(word) for word in words)
    except NotLiteral:
        return ()  # prose that happens to begin so


# ------------------------------------------------------------------------------------------------------------------------------
# Setting and comparing
# ------------------------------------------------------------------------------------------------------------------------------


def set_knobs(source: str, literals: Mapping[str, str]) -> str:
    """The source with these values in place of the old ones, and every other character as it was; raises NoSuchKnob, NotLiteral."""
    places = _places(source)
    for name in literals:
        if name not in places:
            raise NoSuchKnob(_no_such_knob(name, places))
    new = [(*places[name][1:], literal_in(literal)) for name, literal in literals.items()]
    for start, end, literal in sorted(new, reverse=True):
        source = source[:start] + literal + source[end:]
    return source


def changed_knobs(before: str, after: str) -> dict[str, tuple[str, str]] | None:
    """Old and new literal of every knob whose value differs; None if the two differ in more than that. Comments do not count."""
    try:
        old, new = read_knobs(before), read_knobs(after)
        both = old.keys() & new.keys()
        if ast.dump(bare(parse(before), both)) != ast.dump(bare(parse(after), both)):
            return None
    except (NotPython, RecursionError):
        return None
    pairs = ((name, old[name], new[name]) for name in old if name in both)
    return {name: (a.literal, b.literal) for name, a, b in pairs if repr(a.value) != repr(b.value)}  # 1 and 1.0 are equal, and differ


def bare(tree: ast.Module, without: Collection[str] = ()) -> ast.Module:
    """The same tree with the code alone: no docstrings, each knob's arithmetic done, and the values of some knobs left out."""
    for name, (assignment, value) in _assignments(tree).items():
        assignment.value = ast.Constant(None if name in without else value)  # type: ignore[arg-type]  # a tuple is fine for a dump
    blocks: list[Any] = [tree, *(block for block in statements(tree.body, scopes=True) if hasattr(block, "body"))]
    for block in blocks:
        block.body = [one for one in block.body if not _is_loose_string(one)] or [ast.Pass()]
    return tree


def _is_loose_string(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


def _spans(source: str) -> Callable[[ast.expr], tuple[int, int]]:
    """Where a node stands, in characters of the source: the parser counts the bytes of a line, and no byte order mark."""
    mark = len(source) - len(source.removeprefix(BYTE_ORDER_MARK))
    lines = LINE.findall(source, mark)
    starts = list(itertools.accumulate(map(len, lines), initial=mark))

    def character(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None  # set by the parser
        return character(node.lineno, node.col_offset), character(node.end_lineno, node.end_col_offset)

    return span


def _no_such_knob(name: str, known: Collection[str]) -> str:
    if not known:
        return f"there is no knob {name}: train.py has no top-level constants"
    near = difflib.get_close_matches(name.upper(), known, 1, 0.0)[0]
    return f"there is no knob {name}; the nearest is {near}"
