"""What every model is asked in the same way."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Request
from autoresearch_tui.researchers.asking import fits_a_header, messages, seed, temperature

REQUEST = Request(draft="d7", operator="tune", source="", number=3, seed=42)
PROMPT = Prompt("rules", "LR = 1  # \udce4", "ask", 9)


def test_a_prompt_is_two_turns_of_a_chat_or_one_and_can_be_sent() -> None:
    assert [(one["role"], one["content"]) for one in messages(PROMPT)] == [("system", "rules"), ("user", "LR = 1  # ?\n\nask")]
    assert messages(PROMPT, system=False) == [{"role": "user", "content": "rules\n\nLR = 1  # ?\n\nask"}]


def test_it_is_asked_boldly_when_nothing_helped_and_with_care_for_a_repair() -> None:
    assert temperature(REQUEST) == 0.7
    assert temperature(replace(REQUEST, heat=0.5)) == 0.95
    assert temperature(replace(REQUEST, heat=7.0)) == 1.2
    assert temperature(replace(REQUEST, heat=1.0, refusals=("no",))) == temperature(replace(REQUEST, operator="repair")) == 0.2


def test_every_reply_has_luck_of_its_own_and_the_same_after_a_restart() -> None:
    """Two drafts for one experiment have the same number: with the same luck the second would be the first again."""
    others = [replace(REQUEST, draft="d8"), replace(REQUEST, refusals=("no",)), replace(REQUEST, seed=43)]
    assert len({seed(one) for one in (REQUEST, *others)}) == 4
    assert seed(REQUEST) == seed(replace(REQUEST)) < 2**31


@pytest.mark.parametrize(("key", "fits"), [("", True), ("sk-ant_1.2", True), ("sk\n", False), ("sk-ä", False), ("sk ant", False)])
def test_a_key_that_no_header_can_hold_is_known_before_it_is_sent(key: str, fits: bool) -> None:
    assert fits_a_header(key) is fits
