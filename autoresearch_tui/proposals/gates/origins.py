"""Where the names of a train.py get their values: its scopes, and every place that binds a name.

Does not own what follows of it for a value (`slices.py`). Nothing is executed: what a binding would do at run time is not known here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)
PLAIN = (ast.Name, ast.Constant, ast.Attribute, ast.Call, ast.BinOp, ast.Expr, ast.Subscript, ast.keyword, ast.Tuple, ast.Compare)
"""What binds nothing and guards nothing, which is most of what there is."""


class Scope:
    """A module, class, function or comprehension, and what it binds."""

    def __init__(self, outer: Scope | None = None, node: ast.AST | None = None) -> None:
        self.outer = outer
        self.is_class = isinstance(node, ast.ClassDef)
        self.is_comprehension = isinstance(node, COMPREHENSIONS)
        self.bindings: dict[str, list[Binding]] = {}
        self.elsewhere: dict[str, Scope] = {}
        """Names that are declared global or nonlocal, and whose they are."""


class Binding(msgspec.Struct, frozen=True):
    """One place where a name gets a value."""

    name: str
    sign: str
    """`=`, `+=`, `for`, `import prepare.TIME_BUDGET` and the like."""
    node: ast.AST
    value: ast.AST | None
    """What it is bound to, or made from."""
    guards: tuple[ast.expr, ...]
    """The conditions under which this happens, from the function's beginning."""
    scope: Scope

    @property
    def line(self) -> int:
        return getattr(self.node, "lineno", 1)

    @property
    def imported(self) -> str:
        """The dotted name that an import gives it; empty for any other binding."""
        return self.sign.removeprefix("import ") if self.sign.startswith("import ") else ""


class Origins:
    """Every binding of a module, and the scope of each of its nodes."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope()
        self.scopes: dict[ast.AST, Scope] = {}
        self.inside: dict[ast.AST, ast.AST] = {}
        """The node that holds a node."""
        self.bindings: list[Binding] = []
        self.stores: dict[tuple[Scope, str], list[Binding]] = {}
        """What is stored in an attribute or an item of the thing that a name stands for."""
        self._read(tree, self.module, ())
        for node in [node for node in self.scopes if isinstance(node, ast.Attribute | ast.Subscript)]:
            self._remember_store(node)

    def look(self, name: str, scope: Scope) -> list[Binding]:
        """All bindings that a name may have there; none: it is a builtin."""
        here: Scope | None = scope.elsewhere.get(name, scope)
        first = True
        while here is not None:
            if name in here.bindings and (first or not here.is_class):
                return here.bindings[name]
            here, first = here.outer, False
        return []

    def dotted(self, node: ast.AST) -> str:
        """`prepare.TIME_BUDGET` for whatever says so: an imported name, or an attribute of an imported module; else empty."""
        match node:
            case ast.Name(id=name):
                found = {one.imported for one in self.look(name, self.scopes[node])}
                return found.pop() if len(found) == 1 else ""
            case ast.Attribute(value=value, attr=attribute):
                before = self.dotted(value)
                return f"{before}.{attribute}" if before else ""
        return ""

    # ---------------------------------------------------------------------------------------------------------------------------
    # Reading the module
    # ---------------------------------------------------------------------------------------------------------------------------

    def _read(self, node: ast.AST, scope: Scope, guards: tuple[ast.expr, ...]) -> None:
        self.scopes[node] = scope
        if isinstance(node, PLAIN):
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, ast.expr_context | ast.operator | ast.cmpop):
                    self.inside[child] = node
                    self._read(child, scope, guards)
            return
        self._bind_all(node, scope, guards)
        inner, within = scope, guards
        if isinstance(node, SCOPES):
            inner = Scope(scope, node)
            within = () if isinstance(node, FUNCTIONS) else guards
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.inside[child] = node
                    outside = inner is not scope and field in ("decorator_list", "returns", "bases", "keywords")
                    self._read(child, scope if outside else inner, (*within, *_guard(node, field)))

    def _remember_store(self, node: ast.Attribute | ast.Subscript) -> None:
        root = root_of(node)
        if isinstance(node.ctx, ast.Load) or not isinstance(root, ast.Name):
            return
        if bindings := self.look(root.id, self.scopes[node]):
            statement = self.inside[node]
            sign = f".{node.attr} =" if isinstance(node, ast.Attribute) else "[] ="
            one = Binding(root.id, sign, node, getattr(statement, "value", None), (), bindings[0].scope)
            self.stores.setdefault((one.scope, one.name), []).append(one)

    def _bind_all(self, node: ast.AST, scope: Scope, guards: tuple[ast.expr, ...]) -> None:
        for name, sign, value, owner in _bound(node, scope):
            if owner is not scope and sign in ("global", "nonlocal"):
                scope.elsewhere[name] = owner
                continue
            while owner.is_comprehension and sign == "walrus" and owner.outer:
                owner = owner.outer
            owner = owner.elsewhere.get(name, owner)
            one = Binding(name, "=" if sign == "walrus" else sign, node, value, guards, owner)
            owner.bindings.setdefault(name, []).append(one)
            self.bindings.append(one)


def root_of(node: ast.AST) -> ast.AST:
    """What an attribute of an item of an attribute is taken from."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def _guard(node: ast.AST, field: str) -> tuple[ast.expr, ...]:
    """The condition under which a part of a statement is run."""
    if not isinstance(node, ast.If | ast.While) or field not in ("body", "orelse"):
        return ()
    if isinstance(node.test, ast.Constant) or "__name__" in ast.dump(node.test):
        return ()
    if field == "body":
        return (node.test,)
    return (ast.UnaryOp(ast.Not(), node.test),) if isinstance(node, ast.If) else ()


def _bound(node: ast.AST, scope: Scope) -> Iterator[tuple[str, str, ast.AST | None, Scope]]:
    """The names that a node binds itself: how, to what, and whose they are."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _targets(target, "=", value, scope)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _targets(target, "=", value, scope)
        case ast.AugAssign(target=target, op=sign, value=value):
            yield from _targets(target, f"{type(sign).__name__}=", value, scope)
        case ast.NamedExpr(target=target, value=value):
            yield from _targets(target, "walrus", value, scope)
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield from _targets(target, "for", value, scope)
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield from _targets(target, "with", value, scope)
        case ast.Delete(targets=targets):
            for target in targets:
                yield from _targets(target, "del", None, scope)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, "def", node, scope
        case ast.arguments():
            for argument, default in _parameters(node):
                yield argument.arg, "parameter", default, scope
        case ast.Import(names=names):
            for alias in names:
                yield (
                    alias.asname or alias.name.partition(".")[0],
                    f"import {alias.name if alias.asname else alias.name.partition('.')[0]}",
                    None,
                    scope,
                )
        case ast.ImportFrom(module=module, names=names):
            for alias in names:
                yield alias.asname or alias.name, f"import {module}.{alias.name}", None, scope
        case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
            yield name, "match", None, scope
        case ast.Global(names=names):
            top = scope
            while top.outer:
                top = top.outer
            for name in names:
                yield name, "global", None, top
        case ast.Nonlocal(names=names):
            for name in names:
                outer = scope.outer
                while outer and outer.outer and name not in outer.bindings:
                    outer = outer.outer
                yield name, "nonlocal", None, outer or scope


def _targets(target: ast.expr, sign: str, value: ast.AST | None, scope: Scope) -> Iterator[tuple[str, str, ast.AST | None, Scope]]:
    """The names in a target, each with its way through a tuple; what is stored in a thing changes whatever its name stands for."""
    match target:
        case ast.Name(id=name):
            yield name, sign, value, scope
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) and sign == "=" and len(value.elts) == len(parts) else None
            for index, part in enumerate(parts):
                yield from _targets(part, sign if values else f"{sign}[{index}]", values[index] if values else value, scope)
        case ast.Starred(value=inner):
            yield from _targets(inner, f"*{sign}", value, scope)


def _parameters(node: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    plain = [*node.posonlyargs, *node.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(node.defaults))
    yield from zip(plain, [*defaults, *node.defaults], strict=True)
    yield from zip(node.kwonlyargs, node.kw_defaults, strict=True)
    for one in (node.vararg, node.kwarg):
        if one:
            yield one, None
