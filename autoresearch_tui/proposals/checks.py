"""What is refused before a GPU is touched: gates over the text of a train.py, pure, in milliseconds. Nothing of it is executed.

They catch what would waste a trial: no change, no Python, luck instead of an idea, an experiment that was made already. Whether the
model keeps the rest of its contract only `prepare.py` can see, which has it in its hands.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Mapping

from autoresearch_tui.proposals.knobs import NotPython, bare, parse, silence, statements

LARGEST = 400_000  # characters; the longest honest train.py has a tenth of it
SEED_NAME = re.compile(r"(?i)(.*_)?seeds?(_.*)?")
RANDOMNESS = re.compile(r"(?i).*seed.*|default_rng|randomstate")


def fingerprint(source: str) -> str:
    """The same for two texts of the same code: comments, docstrings, layout and the spelling of numbers do not count. Raises NotPython."""
    return _marks(source)[0]


def refusal(parent: str, source: str, tried: Mapping[str, str], *, contract: bool = False) -> str | None:
    """Why this train.py is not worth a trial, in a sentence; None if it may be trained.

    `tried` says for each fingerprint where that code was trained, as in `experiment 7`. `contract` asks for what the bundled
    prepare.py needs; an upstream checkout does not.
    """
    if problem := _unreadable(source):
        return problem
    if source == parent:
        return "The edit changes nothing."
    try:
        tree = parse(source)
        if problem := _uncompilable(tree) or (_broken_contract(tree) if contract else None):
            return problem
        code, seedless = _marks(source)
    except NotPython as error:
        return f"The edit leaves no train.py that can run: {error}."
    try:
        old_code, old_seedless = _marks(parent)
    except NotPython:
        old_code = old_seedless = ""  # then the edit mends it
    if code == old_code:
        return "The edit changes nothing but comments, layout or the spelling of a value."
    if code in tried:
        return f"This is {tried[code]} again: the very same code was trained already."
    if seedless == old_seedless:
        return "The edit changes only the seed: another seed is other luck, not a better model."
    return None


@functools.lru_cache(maxsize=8)
def size(source: str) -> int:
    """How much code it is, in nodes of the syntax tree; literals, comments and docstrings do not count. What is not Python is none."""
    try:
        nodes = ast.walk(bare(parse(source)))
    except NotPython:
        return 0
    return sum(not isinstance(node, ast.Constant) for node in nodes)


@functools.lru_cache(maxsize=8)  # a parent is compared with each of its children
def _marks(source: str) -> tuple[str, str]:
    """Hashes of the code, and of the code without its seeds."""
    try:
        tree = bare(parse(source))
        return _hash(tree), _hash(_Seedless().visit(tree))
    except RecursionError:
        raise NotPython("it is nested too deeply") from None


def _hash(tree: ast.Module) -> str:
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:32]


def _unreadable(source: str) -> str | None:
    if len(source) > LARGEST:
        return f"The edit makes train.py {len(source):,} characters long; {LARGEST:,} is the most that is read."
    if "\0" in source:
        return "The edit puts a NUL character into train.py."
    return None


def _uncompilable(tree: ast.Module) -> str | None:
    """A `return` outside a function parses, and is found here."""
    try:
        with silence():
            compile(tree, "train.py", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"The edit leaves no train.py that can run: line {error.lineno or 1}: {error.msg}."
    return None


# ------------------------------------------------------------------------------------------------------------------------------
# The contract
# ------------------------------------------------------------------------------------------------------------------------------


def _broken_contract(tree: ast.Module) -> str | None:
    if not any(_imports_prepare(node) for node in ast.walk(tree)):
        return "train.py must import prepare: data, clock and checkpoint come from there."
    if not any(isinstance(statement, ast.If) and _asks_for_main(statement.test) for statement in tree.body):
        return 'train.py must train under `if __name__ == "__main__":` alone: it is imported to rebuild the model.'
    needed = [_needs(statement) for statement in statements(tree.body) if _defines_build_model(statement)]
    if not needed:
        return "train.py must define `build_model()`: the evaluation rebuilds the model with it."
    if needed[-1]:
        return f"`build_model()` must take no arguments; this one needs {', '.join(needed[-1])}."
    return None


def _imports_prepare(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name == "prepare" for alias in names)
        case ast.ImportFrom(module="prepare", level=0):
            return True
    return False


def _asks_for_main(test: ast.expr) -> bool:
    for node in ast.walk(test):
        match node:
            case ast.Compare(ops=[ast.Eq()], left=ast.Name(id="__name__"), comparators=[ast.Constant(value="__main__")]):
                return True
            case ast.Compare(ops=[ast.Eq()], left=ast.Constant(value="__main__"), comparators=[ast.Name(id="__name__")]):
                return True
    return False


def _defines_build_model(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(name="build_model"):
            return True
        case ast.Assign(targets=targets):
            return any(isinstance(target, ast.Name) and target.id == "build_model" for target in targets)
    return False


def _needs(statement: ast.stmt) -> list[str]:
    """The arguments without which it cannot be called. What an assigned one needs cannot be seen."""
    if not isinstance(statement, ast.FunctionDef):
        return []
    asked = statement.args
    plain = [*asked.posonlyargs, *asked.args]
    needed = plain[: len(plain) - len(asked.defaults)]
    needed += [argument for argument, default in zip(asked.kwonlyargs, asked.kw_defaults, strict=True) if default is None]
    return [argument.arg for argument in needed]


# ------------------------------------------------------------------------------------------------------------------------------
# Seeds
# ------------------------------------------------------------------------------------------------------------------------------


class _Seedless(ast.NodeTransformer):
    """The code without its seeds: what is left alike differs in luck alone."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        named = all(isinstance(target, ast.Name) and SEED_NAME.fullmatch(target.id) for target in node.targets)
        return None if named else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        named = isinstance(node.target, ast.Name) and SEED_NAME.fullmatch(node.target.id)
        return None if named else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Call) and _seeds(node.value) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _seeds(node):
            node.args, node.keywords = [], []
        node.keywords = [keyword for keyword in node.keywords if not SEED_NAME.fullmatch(keyword.arg or "")]
        return node


def _seeds(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    return bool(RANDOMNESS.fullmatch(name))
