"""What no line of an edit may do where train.py evaluates itself: rename, patch, go around, or read held-out text.

Each rule lists what it finds in a text; what the parent has as well is no breach (`honesty.py`). What a value is made of, and so the
clock and the number, is not looked at here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import msgspec

from autoresearch_tui.proposals.gates.origins import Origins, root_of

SHARD = re.compile(r"shard_0*6542")
SPLIT = "val"
CLOSED = {"subprocess", "socket", "ctypes", "importlib"}
RUNNING = {"exec", "eval", "compile", "__import__", "__builtins__"}
STARTING = re.compile(r"os\.(?:system|popen|fork|forkpty|posix_spawnp?|exec\w+|spawn\w+)|sys\.modules|builtins\..+")
MEASURING = re.compile(
    r"(?:time|datetime|builtins)\..+|sys\.(?:__)?std(?:out|err).*|torch\.(?:\w+\.)*(?:synchronize|Event|elapsed_time|item)"
)
NAMESPACES = {"globals", "locals", "vars"}
WRITING = {"update", "setdefault", "pop", "clear", "__setitem__"}
SHOWN = 40  # characters of a string in a sentence


class Finding(msgspec.Struct, frozen=True):
    """Something that may not become more than the parent has of it."""

    key: str
    line: int
    sentence: str


class Reading(msgspec.Struct, frozen=True):
    """A train.py as these rules see it."""

    source: str
    origins: Origins
    frozen: frozenset[str]
    """Names of files."""
    modules: frozenset[str]
    """As they are imported."""
    metric: str

    def is_frozen(self, dotted: str) -> bool:
        return dotted.partition(".")[0] in self.modules


def _rebound(parent: Reading, child: Reading) -> Iterator[Finding]:
    """What comes from a frozen module, and `print`, mean the same everywhere."""
    meant = {"print": ""}
    for reading in (child, parent):
        meant |= {one.name: one.imported for one in reading.origins.bindings if reading.is_frozen(one.imported)}
    for one in child.origins.bindings:
        if one.name in meant and (not one.imported or one.imported != meant[one.name]) and not one.scope.is_class:
            module = meant[one.name].partition(".")[0]
            mend = f"it is {module}.py's: import it and use it as it is" if module else "choose another name"
            yield Finding(f"{one.name} {one.sign}", one.line, f"Line {one.line} gives `{one.name}` another meaning; {mend}.")


def _patched(parent: Reading, child: Reading) -> Iterator[Finding]:
    """Nothing is stored in what belongs to a frozen module or measures time, and nobody looks into its insides."""
    for node in child.origins.scopes:
        name, line = "", getattr(node, "lineno", 1)
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                name = _whose(child, node)
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[target, ast.Constant(value=str() as attribute), *_]):
                name = _whose(child, ast.Attribute(target, attribute, ast.Store()))
            case ast.Call(func=ast.Name(id="setattr" | "delattr" | "vars"), args=[target, *_]):
                name = _whose(child, target)
            case ast.Attribute(attr=attribute) if attribute.startswith("__") and child.is_frozen(child.origins.dotted(node.value)):
                name = child.origins.dotted(node)
        if name:
            yield Finding(
                f"patches {name}", line, f"Line {line} changes or looks into `{name}`, which the measurement rests on: leave it alone."
            )


def _whose(child: Reading, target: ast.expr) -> str:
    """The name of what a store changes, if that is not train.py's to change."""
    origins = child.origins
    root = root_of(target)
    if isinstance(root, ast.Call) and isinstance(root.func, ast.Name) and root.func.id in NAMESPACES and root is not target:
        return f"{root.func.id}()"
    if not isinstance(root, ast.Name):
        return ""
    thing = target.value if isinstance(target, ast.Subscript) else target
    dotted = origins.dotted(thing) or origins.dotted(root)
    if child.is_frozen(dotted) or MEASURING.fullmatch(dotted):
        return dotted
    if not isinstance(target, ast.Attribute):
        return ""
    made = [one.value for one in origins.look(root.id, origins.scopes[root])]
    if any(isinstance(value, ast.Call) and child.is_frozen(origins.dotted(value.func)) for value in made):
        return root.id
    return ""


def _opened(parent: Reading, child: Reading) -> Iterator[Finding]:
    """No way around this text: other processes, other code, the namespace by name."""
    for node in child.origins.scopes:
        name, line = _opening(node, child), getattr(node, "lineno", 1)
        if name:
            yield Finding(f"opens {name}", line, f"Line {line} uses {name}, which an experiment does not need: do without it.")


def _opening(node: ast.AST, child: Reading) -> str:
    origins = child.origins
    match node:
        case ast.Import(names=names):
            return next((f"`{alias.name}`" for alias in names if alias.name.partition(".")[0] in CLOSED), "")
        case ast.ImportFrom(module=str() as module, names=names):
            dotted = next((f"{module}.{alias.name}" for alias in names if STARTING.fullmatch(f"{module}.{alias.name}")), "")
            return f"`{module}`" if module.partition(".")[0] in CLOSED else f"`{dotted}`" if dotted else ""
        case ast.Name(id=name, ctx=ast.Load()) if name in RUNNING and not origins.look(name, origins.scopes[node]):
            return f"`{name}`"
        case ast.Attribute() if STARTING.fullmatch(dotted := origins.dotted(node)):
            return f"`{dotted}`"
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id=name)), attr=method)) if name in NAMESPACES and method in WRITING:
            return f"`{name}().{method}`"
        case ast.Constant(value=str() as text) if PurePosixPath(text).name in child.frozen and not isinstance(
            origins.inside[node], ast.Expr
        ):
            return f"the frozen file {PurePosixPath(text).name}"
    return ""


def _held_out(parent: Reading, child: Reading) -> Iterator[Finding]:
    """The held-out text is the evaluation's alone."""
    for node in child.origins.scopes:
        name, line = "", getattr(node, "lineno", 1)
        match node:
            case ast.Constant(value=str() as text) if text == SPLIT or SHARD.search(text):
                name = f'"{text[:SHOWN]}"'
            case ast.Constant(value=6542):
                name = "6542"
            case ast.alias(name=taken) if taken.startswith("VAL_"):
                name = f"`{taken}`"
            case ast.Attribute(attr=taken) if taken.startswith("VAL_") and child.is_frozen(child.origins.dotted(node)):
                name = f"`{taken}`"
        if name:
            yield Finding(
                f"held out {name}", line, f'Line {line} names the held-out split ({name}), which training may not read: use "train".'
            )


RULES: tuple[Callable[[Reading, Reading], Iterator[Finding]], ...] = (_rebound, _patched, _opened, _held_out)
