"""What models write becomes exactly what they meant, or is refused with the reason: each reply of the corpus."""

from __future__ import annotations

import pytest

from autoresearch_tui.proposals.edits import apply, dialect_of
from autoresearch_tui.proposals.reply import Unusable, read_reply
from tests.proposals.corpus import TARGETS, Case, difference, read_corpus

CORPUS = read_corpus()


@pytest.mark.parametrize("case", [case for case in CORPUS if not case.kind], ids=lambda case: case.name)
def test_a_reply_becomes_what_was_meant(case: Case) -> None:
    reply = read_reply(case.reply)
    source = TARGETS[case.file]
    assert difference(source, apply(source, reply.edit, case.edited)) == case.becomes
    assert not case.idea or reply.idea == case.idea
    assert not case.dialect or dialect_of(reply.edit) == case.dialect


@pytest.mark.parametrize("case", [case for case in CORPUS if case.kind], ids=lambda case: case.name)
def test_a_reply_is_refused_with_the_reason(case: Case) -> None:
    with pytest.raises(Unusable) as refused:
        apply(TARGETS[case.file], read_reply(case.reply).edit, case.edited)
    sentence = str(refused.value)
    assert case.words in sentence
    assert refused.value.kind == case.kind
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 300


def test_the_corpus_is_large_and_its_cases_have_names_of_their_own() -> None:
    assert len(CORPUS) == len({case.name for case in CORPUS}) > 150
    assert {case.file for case in CORPUS} == set(TARGETS)
