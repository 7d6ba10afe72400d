"""What is offered fits the code, was not tried, and over a night is everything there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoresearch_tui.proposals.shelf import Known, offered, shelf

SOURCE = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8")

IN_THE_CODE = {
    "Muon for the matrices",
    "Polar Express coefficients",
    "NorMuon",
    "Cautious weight decay",
    "QK norm",
    "Value embeddings",
    "Mix the embedding into every layer",
    "Short and long windows",
    "Hold, then cool down",
    "Softcap on the logits",
    "Squared ReLU",
    "Projections that start at zero",
    "Output layer of its own",
    "Fewer heads for keys and values",
}


def test_the_shelf_knows_what_the_harness_has_and_what_it_lacks() -> None:
    assert {one.name for one in shelf() if not one.fits(SOURCE)} == IN_THE_CODE


def test_an_old_plain_transformer_is_offered_what_the_harness_has() -> None:
    plain = "class Attention: ...\nclass Embedding: ...\nlogits = x\nweight_decay = 0.1\nself.head.weight = self.embedding.weight\n"
    fits = {one.name for one in shelf() if one.fits(plain)}
    assert fits >= IN_THE_CODE - {"Polar Express coefficients", "NorMuon"}  # these two need Muon first


@pytest.mark.parametrize("known", shelf(), ids=lambda known: known.name)
def test_every_entry_can_be_read_by_a_small_model_and_by_the_machine(known: Known) -> None:
    for pattern in (*known.lacks, *known.has, *known.tried):
        re.compile(pattern)
    assert known.lacks and known.tried, "else it would be offered for ever"
    assert all((known.name, known.what, known.needs, known.costs, known.reported))
    assert len(known.name) <= 40
    assert len(known.what) + len(known.needs) + len(known.costs) + len(known.reported) <= 520
    assert not any("\n" in text or "  " in text for text in (known.what, known.needs, known.costs, known.reported))
    assert known.was_tried([f"tried {known.name.lower()} once"])


def test_names_are_unique_and_there_are_enough() -> None:
    names = [one.name for one in shelf()]
    assert len(names) == len(set(names)) >= 30


def test_what_was_tried_is_not_offered_again() -> None:
    for number in range(50):
        for one in offered(SOURCE, [], number):
            again = offered(SOURCE, [f"I would add {one.name}"], number, n=100)
            assert one not in again
    tried = ["SwiGLU in place of squared ReLU", "smear the token before", "z-loss 1e-4", "clip gradients at 1.0"]
    names = {one.name for one in offered(SOURCE, tried, 3, n=100)}
    assert not names & {"SwiGLU", "Smear the previous token in", "z-loss", "Gradient clipping"}
    assert {"Backout", "U-net skips"} <= names


def test_what_is_in_the_code_is_not_offered() -> None:
    assert not {one.name for number in range(100) for one in offered(SOURCE, [], number)} & IN_THE_CODE


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_a_night_sees_them_all_whichever_experiments_are_explorations(every: int) -> None:
    names = [one.name for one in shelf() if one.fits(SOURCE)]
    for left in (len(names), 24):
        tried = names[left:]
        fitting = {one.name for one in shelf() if one.fits(SOURCE) and not one.was_tried(tried)}
        assert {one.name for number in range(0, 40 * every, every) for one in offered(SOURCE, tried, number)} == fitting


def test_the_same_draft_is_offered_the_same_and_the_next_one_others() -> None:
    assert offered(SOURCE, ["x"], 5) == offered(SOURCE, ["x"], 5)
    assert offered(SOURCE, [], 5) != offered(SOURCE, [], 6)
    assert [len(offered(SOURCE, [], 9, n)) for n in (0, 1, 3)] == [0, 1, 3]
    assert offered(SOURCE, [one.name for one in shelf()], 9) == ()
