"""What train.py asserts of its own knobs, computed without running it: `TOTAL_BATCH_SIZE % (DEVICE_BATCH_SIZE * T) == 0` and the like.

Only what is certain counts: statements that are surely reached, names that are bound once, whole numbers and floats. An assertion that
cannot be computed from knobs and given constants is left for the training to make.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autoresearch_tui.proposals.knobs import LARGEST, OPERATORS

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
CALLS: dict[str, Callable[..., Any]] = {"divmod": divmod, "int": int, "float": float, "min": min, "max": max, "abs": abs, "len": len}
SHOWN = 5  # values in a sentence
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
Names = frozenset[str]


class Unknown(Exception):
    """The value of an expression cannot be told."""


class Values:
    """What names stand for in one scope, and from which knobs and constants each was computed."""

    def __init__(self, constants: Mapping[str, int], outer: Values | None = None) -> None:
        self.constants = constants
        self.outer = outer
        self.known: dict[str, tuple[object, Names]] = {}
        self.bound: Counter[str] = Counter()

    def of(self, name: str) -> tuple[object, Names]:
        if name in self.known:
            return self.known[name]
        if self.bound[name] or self.outer is None:
            raise Unknown
        return self.outer.of(name)

    def evaluate(self, node: ast.expr) -> tuple[object, Names]:
        used: set[str] = set()

        def value(one: ast.expr) -> Any:
            match one:
                case ast.Constant(value=bool() | int() | float() | str() | None as plain):
                    return plain
                case ast.Name(id=name):
                    known, names = self.of(name)
                    used.update(names)
                    return known
                case ast.Attribute(value=ast.Name(id="prepare"), attr=name) if name in self.constants:
                    used.add(name)
                    return self.constants[name]
                case ast.Tuple(elts=elements):
                    return tuple(value(element) for element in elements)
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    return not value(operand)
                case ast.UnaryOp(op=ast.USub(), operand=operand):
                    return -_number(value(operand))
                case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                    return _combined(op, _number(value(left)), _number(value(right)))
                case ast.BoolOp(op=op, values=values):
                    parts = [value(part) for part in values]  # all of them: one that cannot be told may be the one that counts
                    return all(parts) if isinstance(op, ast.And) else any(parts)
                case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in COMPARISONS for op in ops):
                    sides = [value(left), *map(value, others)]
                    return all(COMPARISONS[type(op)](*pair) for op, pair in zip(ops, itertools.pairwise(sides), strict=True))
                case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in CALLS and not self._shadows(name):
                    return CALLS[name](*map(value, arguments))
            raise Unknown

        try:
            return value(node), frozenset(used)
        except (TypeError, ValueError, ArithmeticError, RecursionError):
            raise Unknown from None

    def _shadows(self, name: str) -> bool:
        return bool(self.bound[name]) or (self.outer is not None and self.outer._shadows(name))


def broken_demands(tree: ast.Module, constants: Mapping[str, int]) -> dict[str, str]:
    """The assertions that would fail, each with the values that make it fail."""
    module = Values(constants)
    module.bound.update(_bound(tree.body))
    broken = dict(_walked(tree.body, module))
    for inner in ast.walk(tree):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            local = Values(constants, module)
            local.bound.update(_bound(inner.body))
            asked = inner.args
            local.bound.update(one.arg for one in (*asked.posonlyargs, *asked.args, *asked.kwonlyargs, asked.vararg, asked.kwarg) if one)
            if inner in tree.body:  # a function inside another one, or a method, may see more names than these
                broken.update(_walked(inner.body, local))
    return broken


def _walked(body: list[ast.stmt], values: Values) -> Iterator[tuple[str, str]]:
    """The failing assertions of a block, as far as it is surely run from top to bottom."""
    for statement in body:
        match statement:
            case ast.ImportFrom(module="prepare", names=names):
                for alias in names:
                    name = alias.asname or alias.name
                    if alias.name in values.constants and values.bound[name] == 1:
                        values.known[name] = values.constants[alias.name], frozenset({alias.name})
            case ast.Assign(targets=[target], value=expression) | ast.AnnAssign(target=target, value=ast.expr() as expression):
                _assign(target, expression, values)
            case ast.Assert(test=test):
                try:
                    holds, used = values.evaluate(test)
                except Unknown:
                    continue
                if not holds:
                    yield ast.unparse(test), _shown(sorted(used), values)
            case ast.If(test=test, body=inner) if ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__"):
                yield from _walked(inner, values)
        if any(isinstance(one, ast.Return | ast.Raise | ast.Yield | ast.YieldFrom) for one in _same_scope(statement)):
            return


def _assign(target: ast.expr, expression: ast.expr, values: Values) -> None:
    try:
        value, names = values.evaluate(expression)
    except Unknown:
        return
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    parts = value if isinstance(target, ast.Tuple) else (value,)
    if not isinstance(parts, tuple) or len(parts) != len(targets):
        return
    for one, part in zip(targets, parts, strict=True):
        if isinstance(one, ast.Name) and values.bound[one.id] == 1:
            values.known[one.id] = part, names or frozenset({one.id})


def _shown(names: list[str], values: Values) -> str:
    def value(name: str) -> object:
        try:
            return values.of(name)[0]
        except Unknown:
            return values.constants.get(name)

    return ", ".join(f"{name} = {value(name)}" for name in names[:SHOWN])


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    """Every name that a scope binds, as often as it does; a function that declares it global binds it once more."""
    for statement in body:
        for node in _same_scope(statement):
            match node:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    yield name
                case ast.alias(name=name, asname=other):
                    yield other or name.partition(".")[0]
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    yield name
                    yield from (one for inner in ast.walk(node) if isinstance(inner, ast.Global | ast.Nonlocal) for one in inner.names)
                case ast.Global(names=names):
                    yield from [*names, *names]


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, but not in the functions and classes in it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        if not isinstance(one, FUNCTIONS):
            waiting.extend(ast.iter_child_nodes(one))


def _number(value: object) -> int | float:
    if isinstance(value, int | float) and not (isinstance(value, int) and value.bit_length() > LARGEST):
        return value
    raise Unknown


def _combined(op: ast.operator, left: int | float, right: int | float) -> int | float:
    if isinstance(op, ast.Pow | ast.LShift) and isinstance(left, int) and max(left.bit_length(), 2) * abs(right) > LARGEST:
        raise Unknown
    result = OPERATORS[type(op)](left, right)
    return _number(result)
