"""Whole functions, classes and files as an edit: what is defined in the code takes the place of what the file defines by that name.

Nothing is left to chance: a name must stand once, a class must keep what it had, a file most of its length. Whatever that refuses can
still be said with SEARCH/REPLACE.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

from autoresearch_tui.proposals.finding.layout import indent_of
from autoresearch_tui.proposals.knobs import NotPython, bare, parse, statements
from autoresearch_tui.proposals.reading.pieces import Code
from autoresearch_tui.proposals.unusable import Unusable

SHORTEST = 0.7  # of the old length, for a whole file
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def rewritten(source: str, codes: Sequence[Code]) -> str:
    """The source with this code in the place of the old."""
    trees = [_parsed(code) for code in codes]
    if all(only_defines(tree) for tree in trees) and not _could_be_the_file(source, codes[0].text, trees[0]):
        return _with_definitions(source, codes, trees)
    if len(codes) > 1:
        raise Unusable("The edit holds several pieces of code that are more than functions: one whole file is an edit, or some functions.")
    return _whole_file(source, codes[0].text)


def only_defines(tree: ast.Module) -> bool:
    return bool(tree.body) and all(isinstance(statement, DEFINITIONS) for statement in tree.body)


def dedented(text: str) -> str:
    """Without the indentation of its first line, where all lines have it."""
    lines = text.split("\n")
    indent = next((indent_of(line) for line in lines if line.strip()), "")
    if indent and all(line.startswith(indent) or not line.strip() for line in lines):
        return "\n".join(line[len(indent) :] if line.strip() else line for line in lines)
    return text


def _parsed(code: Code) -> ast.Module:
    try:
        tree = parse(dedented(code.text))
    except NotPython as error:
        raise Unusable(f"The code of the edit cannot be read: {error}.", "code", code.text[:1000]) from None
    if not tree.body:
        raise Unusable(f"The code fence of line {code.line} of the edit holds no code.")
    return tree


# ------------------------------------------------------------------------------------------------------------------------------
# A file
# ------------------------------------------------------------------------------------------------------------------------------


def _could_be_the_file(source: str, text: str, tree: ast.Module) -> bool:
    """Whether functions alone are the file: only where the file has little else, and then a function that is missing is gone."""
    if len(text.strip()) < SHORTEST * len(source.strip()):
        return False
    try:
        body = parse(source).body
    except NotPython:
        return True
    others = [one for one in body if not isinstance(one, DEFINITIONS) and not _is_docstring(one)]
    return not others and (len(tree.body) > 1 or len(body) == 1)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _whole_file(source: str, text: str) -> str:
    new, old = text.strip(), source.strip()
    if len(new) < SHORTEST * len(old):
        share = f"{len(new):,} characters long, and the file {len(old):,}"
        raise Unusable(f"The code of the edit is neither functions of the file nor the whole file: it is {share}.")
    return text.strip("\n") + ("\n" if source.endswith("\n") or not source else "")


# ------------------------------------------------------------------------------------------------------------------------------
# Functions and classes
# ------------------------------------------------------------------------------------------------------------------------------


def _with_definitions(source: str, codes: Sequence[Code], trees: Sequence[ast.Module]) -> str:
    try:
        tree = parse(source)
    except NotPython as error:
        raise Unusable(f"No function can be found: the file cannot be read, {error}.") from None
    if "\r" in source:
        raise Unusable("The file has line ends among which functions cannot be counted: use SEARCH/REPLACE.")
    lines = source.split("\n")
    spans: list[tuple[int, int, list[str]]] = []
    for code, written in zip(codes, trees, strict=True):
        text = dedented(code.text).split("\n")
        indented = bool(indent_of(code.text.lstrip("\n")))
        for new in written.body:
            assert isinstance(new, DEFINITIONS), "asked for definitions only"
            old = _the_one(tree, new, code.method, indented)
            _refuse_losses(old, new)
            spans.append(_exchanged(lines, old, text, new))
    spans.sort(key=lambda span: span[:2])
    if any(one[1] > other[0] for one, other in itertools.pairwise(spans)):
        raise Unusable("The edit holds the same function twice, or one inside another.")
    for first, last, new_lines in reversed(spans):
        lines[first:last] = new_lines
    result = "\n".join(lines)
    _refuse_other_meaning(result, trees)
    return result


def _the_one(tree: ast.Module, new: Definition, method: str, indented: bool) -> Definition:
    """The definition of the file that is meant; raises Unusable if there is none, or more than one."""
    if method:
        owner, _, name = method.partition(".")
        if name != new.name:
            raise Unusable(f"The edit says {method}, and defines {new.name}.")
        found = [one for cls, one in _methods(tree) if (cls.name, one.name) == (owner, name)]
    elif _is_method(new, indented):
        found = [one for _, one in _methods(tree) if one.name == new.name]
    else:
        found = [one for one in statements(tree.body) if isinstance(one, DEFINITIONS) and one.name == new.name]
        found = found or [one for _, one in _methods(tree) if one.name == new.name]
    named = f"{'class' if isinstance(new, ast.ClassDef) else 'function'} {method or new.name}"
    if not found:
        raise Unusable(f"The file has no {named}: a new one is added with a SEARCH/REPLACE block that shows where it goes.")
    if len(found) > 1:
        numbers = ", ".join(str(one.lineno) for one in found)
        raise Unusable(
            f"The file has {len(found)} of the name {new.name} (lines {numbers}): a line `Class.{new.name}` before it says which."
        )
    if isinstance(found[0], ast.ClassDef) != isinstance(new, ast.ClassDef):
        raise Unusable(f"The file's {new.name} is not a {named}: use SEARCH/REPLACE.")
    return found[0]


def _methods(tree: ast.Module) -> Iterator[tuple[ast.ClassDef, Definition]]:
    for cls in statements(tree.body):
        if isinstance(cls, ast.ClassDef):
            yield from ((cls, one) for one in statements(cls.body) if isinstance(one, DEFINITIONS))


def _is_method(new: Definition, indented: bool) -> bool:
    if indented or isinstance(new, ast.ClassDef):
        return indented
    first = [*new.args.posonlyargs, *new.args.args][:1]
    return bool(first) and first[0].arg in ("self", "cls")


def _refuse_losses(old: Definition, new: Definition) -> None:
    """What was probably forgotten: a decorator, or the methods that a class is shown without."""
    if old.decorator_list and not new.decorator_list:
        decorator = ast.unparse(old.decorator_list[0])
        raise Unusable(f"The file's {old.name} has the decorator @{decorator}, which the edit leaves out: SEARCH/REPLACE can remove it.")
    if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
        has = set(_names_in(new))
        if lost := [name for name in _names_in(old) if name not in has]:
            raise Unusable(f"The class {old.name} of the edit has lost {', '.join(lost[:5])}: write it whole, or use SEARCH/REPLACE.")


def _names_in(cls: ast.ClassDef) -> Iterator[str]:
    for statement in cls.body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def _exchanged(lines: Sequence[str], old: Definition, text: Sequence[str], new: Definition) -> tuple[int, int, list[str]]:
    """The old lines, as numbers, and the new ones in their indentation; comments directly above come along if the new one has any."""
    first, last = _span(old)
    new_first, new_last = _span(new)
    begin = _above(text, new_first)
    if begin < new_first:
        first = _above(lines, first)
    indent = indent_of(lines[_span(old)[0]])
    return first, last, [indent + line if line.strip() else "" for line in text[begin:new_last]]


def _span(node: Definition) -> tuple[int, int]:
    assert node.end_lineno is not None  # set by the parser
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1, node.end_lineno


def _above(lines: Sequence[str], first: int) -> int:
    while first and lines[first - 1].strip().startswith("#") and indent_of(lines[first - 1]) == indent_of(lines[first]):
        first -= 1
    return first


def _refuse_other_meaning(result: str, trees: Sequence[ast.Module]) -> None:
    """Moved to its place, a string over several lines could have become another one."""
    try:
        there = {_meaning(one) for one in statements(parse(result).body, scopes=True) if isinstance(one, DEFINITIONS)}
    except NotPython as error:
        raise Unusable(f"The code of the edit does not fit in its place: {error}.", "code") from None
    for tree in trees:
        for new in tree.body:
            if isinstance(new, DEFINITIONS) and _meaning(new) not in there:
                raise Unusable(f"Indented as the file has it, {new.name} would not be the same: use SEARCH/REPLACE.")


def _meaning(node: Definition) -> str:
    return ast.dump(bare(ast.Module([node], [])))
