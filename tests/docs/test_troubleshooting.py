"""Every sentence of an error that a person can meet has an entry on the page of troubles, and every entry is of such a sentence."""

from __future__ import annotations

import ast

from autoresearch_tui.engine import crashes
from tests.docs.pages import ROOT, page
from tests.docs.sentences import PAGE, quotes, sentences

GROUPS = {
    "Unusable": "### A reply that was refused",
    "NotLiteral": "### A reply that was refused",
    "NotPython": "### A reply that was refused",
}
"""Exceptions with many sentences, which ask the same of a person: the part of the page that is about all of them."""


def test_every_sentence_of_an_error_is_found_on_the_page() -> None:
    missing = [str(one) for one in sentences() if one.said_by not in GROUPS and not any(quote.is_of(one) for quote in quotes())]
    assert not missing, f"{PAGE} has no entry in bold for:\n" + "\n".join(missing)


def test_a_group_of_sentences_has_its_part_of_the_page() -> None:
    assert {kind: title for kind, title in GROUPS.items() if f"\n{title}\n" not in page(PAGE).text} == {}
    assert set(GROUPS) <= {one.said_by for one in sentences()}


def test_an_entry_is_of_what_the_code_says() -> None:
    told = [quote for quote in quotes() if quote.text not in KINDS and not any(quote.is_of(one) for one in sentences())]
    stale = [quote.text for quote in told if not quote.stands_in_the_code()]
    assert not stale, "nothing says this any more:\n" + "\n".join(stale)


def test_every_kind_of_crash_has_an_entry() -> None:
    assert KINDS - {quote.text for quote in quotes()} == set()


def _kinds_of_crash() -> set[str]:
    """As `crashes.py` names them, and as the trainer and its watch do."""
    kinds = {kind for kind, _ in crashes.SIGNS}
    for file in ("engine/crashes.py", "engine/watch.py", "engine/trainer.py", "engine/caps.py"):
        for node in ast.walk(ast.parse((ROOT / "autoresearch_tui" / file).read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Reached", "Outcome"):
                kinds |= _words(node.args[1:2])
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and file == "engine/crashes.py":
                kinds |= _words(node.value.elts[:1])
    return kinds


def _words(nodes: list[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isalpha()}


KINDS = _kinds_of_crash()
