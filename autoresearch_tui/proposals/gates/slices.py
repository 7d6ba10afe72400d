"""What a value is computed from: its names followed back through all that binds them, as a text that no renaming changes.

Two texts that differ may still mean the same; two that are the same mean the same, as far as names can tell. Which values have to stay
as they are is `honesty.py`'s.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from autoresearch_tui.proposals.gates.origins import Binding, Origins, Scope

Rendered = Callable[[ast.Call, "Slice"], ast.expr | None]
"""How a call is to be shown, if not as it is."""


DEPTH = 4  # an end by the clock, the time that it compares, what is added to it, when that began


class Slice:
    """An expression and everything that its names are bound to, and so on: what its value depends on.

    `text` is the same for the same computation under other names. Names are followed so many times as `depth` says. What a function of
    this file makes of arguments is not followed: a model would come in by it, and with the model every knob.
    """

    def __init__(
        self, origins: Origins, value: ast.AST, *, guards: bool = True, depth: int = DEPTH, rendered: Rendered | None = None
    ) -> None:
        self.origins = origins
        self.parts: dict[str, Binding] = {}
        """Each binding that takes part, by its text."""
        self.imported: set[str] = set()
        """Dotted names of imports that it leads to."""
        self._guards = guards
        self._rendered = rendered
        self._numbers: dict[tuple[Scope, str], int] = {}
        self._waiting: list[tuple[int, list[Binding]]] = []
        head = self.render(value)
        for _ in range(depth):
            level, self._waiting = self._waiting, []
            for number, bindings in level:
                for one in bindings:
                    self.parts.setdefault(f"v{number} {self._text(one)}", one)
        self.text = "\n".join((head, *sorted(self.parts)))

    def render(self, node: ast.AST) -> str:
        return ast.unparse(self._renamed(node))

    def _text(self, one: Binding) -> str:
        if isinstance(one.value, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return f"def {ast.unparse(one.value.body)}"  # type: ignore[arg-type]  # it takes a list of statements as well
        conditions = [self.render(guard) for guard in one.guards] if self._guards else []
        return " if ".join((f"{one.sign} {self.render(one.value) if one.value else ''}", *conditions))

    def _renamed(self, node: Any) -> Any:
        """A copy whose names are numbers, in the order in which they are met."""
        if isinstance(node, list):
            return [self._renamed(one) for one in node]
        if not isinstance(node, ast.AST):
            return node
        if isinstance(node, ast.Name):
            return ast.Name(self._token(node), node.ctx)
        if isinstance(node, ast.Attribute) and (dotted := self.origins.dotted(node)):
            self.imported.add(dotted)
            return ast.Name(dotted, ast.Load())
        if isinstance(node, ast.Call):
            if self._rendered and (shown := self._rendered(node, self)):
                return shown
            if self._works(node.func):
                return ast.Call(ast.Name("works"), [], [])
        return type(node)(**{field: self._renamed(value) for field, value in ast.iter_fields(node)})

    def _works(self, function: ast.expr) -> bool:
        """Whether this is a class of this file, or a function that takes something."""
        bindings = self.origins.look(function.id, self.origins.scopes[function]) if isinstance(function, ast.Name) else []
        return any(
            isinstance(one.value, ast.ClassDef)
            or (isinstance(one.value, ast.FunctionDef | ast.AsyncFunctionDef) and ast.unparse(one.value.args) != "")
            for one in bindings
        )

    def _token(self, node: ast.Name) -> str:
        if dotted := self.origins.dotted(node):
            self.imported.add(dotted)
            return dotted
        bindings = self.origins.look(node.id, self.origins.scopes.get(node, self.origins.module))
        if not bindings:
            return node.id
        key = bindings[0].scope, node.id
        if key not in self._numbers:
            self._numbers[key] = len(self._numbers)
            self._waiting.append((self._numbers[key], [*bindings, *self.origins.stores.get(key, ())]))
        return f"v{self._numbers[key]}"
