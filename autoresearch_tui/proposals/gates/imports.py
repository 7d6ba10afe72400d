"""What a train.py imports, and which of it nobody has installed. An import that may fail is one inside `try`, with ImportError caught."""

from __future__ import annotations

import ast
from collections.abc import Iterator

CATCHES = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def missing_imports(tree: ast.Module, modules: frozenset[str], has: ast.Module | None) -> list[str]:
    """Top-level modules that it needs and that are not there. What the text before imported as well (`has`) trained, so it is there."""
    before = set(_needed(has.body)) if has else set()
    return [name for name in dict.fromkeys(_needed(tree.body)) if name not in modules and name not in before]


def _needed(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(level=0, module=str() as module):
                yield module.partition(".")[0]
            case ast.ImportFrom(level=level) if level:
                yield "." * level
        guarded = isinstance(statement, ast.Try) and any(_catches(handler) for handler in statement.handlers)
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            for inner in getattr(statement, field, []):
                if isinstance(inner, ast.stmt) and not (guarded and field == "body"):
                    yield from _needed([inner])
                elif isinstance(inner, ast.ExceptHandler | ast.match_case):
                    yield from _needed(inner.body)


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind).rpartition(".")[2] in CATCHES for kind in kinds)
