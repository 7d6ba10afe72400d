"""What is refused before a GPU is touched: gates over the text of a train.py, pure, in milliseconds. Nothing of it is executed.

They catch what would waste a trial: no change, no Python, luck instead of an idea, an experiment that was made already. Whether the
model keeps the rest of its contract only `prepare.py` can see, which has it in its hands.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping

from autoresearch_tui.proposals.gates.demands import broken_demands
from autoresearch_tui.proposals.gates.imports import missing_imports
from autoresearch_tui.proposals.knobs import NotPython, bare, changed_knobs, meaning, parse, statements
from autoresearch_tui.proposals.unusable import Unusable
from autoresearch_tui.proposals.ways import FREE, Taken, ways_of
from autoresearch_tui.syntax import silence

LARGEST = 400_000  # characters; the longest honest train.py has a tenth of it
SEED_NAME = re.compile(r"(?i)(.*_)?seeds?(_.*)?")
Turned = frozenset[tuple[str, str]]
"""Knobs, and the values that they are turned to."""
RANDOMNESS = re.compile(r"(?i).*seed.*|default_rng|randomstate")


def fingerprint(source: str) -> str:
    """The same for two texts of the same code: comments, docstrings, layout and the spelling of numbers do not count. Raises NotPython."""
    return _marks(source)[0]


def refusal(
    parent: str,
    source: str,
    tried: Mapping[str, str],
    *,
    contract: bool = False,
    modules: frozenset[str] | None = None,
    came_of: Callable[[Turned], str | None] | None = None,
    constants: Mapping[str, int] | None = None,
    taken: Taken = FREE,
) -> Unusable | None:
    """Why this train.py is not worth a trial; None if it may be trained. The text of what is returned is a sentence.

    `tried` says for each fingerprint where that code was trained, as in `experiment 7`. `contract` asks for what the bundled
    prepare.py needs; an upstream checkout does not. `modules` can be imported by the training; None: nobody knows. `came_of` says what
    came of a set of knobs that was turned in this context, as in `experiment 7: discard, 0.9953`. `constants` are numbers of
    prepare.py, by their names. `taken` is being tried just now, and nobody knows what it is worth.
    """
    if source == parent:
        return Unusable("The edit changes nothing.", "same")
    try:
        if problem := _unreadable(source):
            return Unusable(problem, "code")
        tree = parse(source)
        problem = _uncompilable(tree) or (_broken_contract(tree) if contract else None)
        if problem := problem or _missing(parent, tree, modules) or _broken_demand(parent, tree, constants or {}):
            return Unusable(problem, "code")
        if contract and (touched := _newly_changed(parent, tree)):
            return Unusable(
                f"The edit changes {touched}: data, clock, limits and evaluation are prepare.py's, and stay as they are.", "frozen"
            )
        repeated = _repeated(parent, source, tried, came_of, taken)
    except (NotPython, RecursionError) as error:
        why = str(error) if isinstance(error, NotPython) else "it is nested too deeply"
        return Unusable(f"The edit leaves no train.py that can run: {why}.", "code")
    return Unusable(repeated, "same") if repeated else None


def turns_of(changes: Mapping[str, tuple[str, str]]) -> Turned:
    """What a change of knobs, old and new literals by name, turns them to: what `came_of` is asked about."""
    return frozenset((name, repr(meaning(new))) for name, (_, new) in changes.items())


def _repeated(
    parent: str, source: str, tried: Mapping[str, str], came_of: Callable[[Turned], str | None] | None, taken: Taken
) -> str | None:
    code, seedless = _marks(source)
    try:
        old_code, old_seedless = _marks(parent)
    except NotPython:
        old_code = old_seedless = ""  # then the edit mends it
    if code == old_code:
        return "The edit changes nothing but comments, layout or the spelling of a value."
    if who := taken.codes.get(code):
        return f"This is what {who} tries just now: propose something else."
    if code in tried:
        return f"This is {tried[code]} again: the very same code was trained already."
    if seedless == old_seedless:
        return "The edit changes only the seed: another seed is other luck, not a better model."
    if not (came_of or taken.ways) or not (changes := changed_knobs(parent, source)):
        return None
    knobs = ", ".join(f"{name} = {new}" for name, (_, new) in changes.items())
    if came_of and (result := came_of(turns_of(changes))):
        return f"{knobs} was tried from here already ({result}): turn something else, or further."
    if who := taken.ways.get(ways_of(changes)):
        return f"{knobs} goes where {who} goes just now: wait for what that is worth, and turn something else."
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


def _missing(parent: str, tree: ast.Module, modules: frozenset[str] | None) -> str | None:
    if modules is None:
        return None
    missing = missing_imports(tree, modules, _parsed(parent))
    return f"train.py imports {', '.join(missing[:5])}, which cannot be imported where it trains: do without." if missing else None


def _broken_demand(parent: str, tree: ast.Module, constants: Mapping[str, int]) -> str | None:
    """An assertion that fails here. One that fails in the parent too says nothing: the parent was trained."""
    broken = broken_demands(tree, constants)
    before = broken_demands(old, constants) if broken and (old := _parsed(parent)) else {}
    for demand, values in broken.items():
        if demand not in before:
            return f"train.py asserts `{demand}`, which does not hold{' with ' + values if values else ''}."
    return None


def _parsed(source: str) -> ast.Module | None:
    try:
        return parse(source)
    except NotPython:
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


def _newly_changed(parent: str, tree: ast.Module) -> str | None:
    """What is prepare.py's, and is changed here other than in the parent."""
    old = _parsed(parent)
    before = set(_changes(old)) if old else set()
    return next((name for name in _changes(tree) if name not in before), None)


def _changes(tree: ast.Module) -> Iterator[str]:
    """The names of prepare.py that a text sets or deletes."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="prepare"), attr=name, ctx=ast.Store() | ast.Del()):
                yield f"prepare.{name}"
            case ast.Call(func=ast.Name(id="setattr" | "delattr"), args=[ast.Name(id="prepare"), *_]):
                yield "prepare"


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
