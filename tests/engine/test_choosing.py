"""Who proposes: whom a person named, else what answers on this machine; and what is refused before anything is spent or sent."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from autoresearch_tui.engine import choosing
from autoresearch_tui.engine.chain import Chain
from autoresearch_tui.engine.choosing import Chosen, affordable, checked, choose, hired, researcher
from autoresearch_tui.researchers import UnknownResearcher
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import WorkspaceError
from tests.servers import ollama, openai
from tests.servers.wire import serving

NOBODY: dict[str, str] = {}


def having(**sections: dict[str, Any]) -> Settings:
    return msgspec.convert(sections, Settings)


def chain(*names: str, environment: dict[str, str] = NOBODY, **sections: dict[str, Any]) -> Chain:
    return hired(Chosen(names), having(**sections), environment)


# ------------------------------------------------------------------------------------------------------------------------------
# Whom a person named
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sweep", "ollama:qwen3.5:9b", "anthropic:claude-sonnet-5-5", "openai:toy", "openai", "command:claude -p"])
def test_each_form_of_a_name_is_somebody(name: str) -> None:
    assert researcher(name, Settings(), NOBODY).name == name


@pytest.mark.parametrize("name", ["", "swep", "sweep:9b", "ollama", "ollama:", "anthropic", "command:", "command: ", "gpt-5"])
def test_any_other_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownResearcher, match=r"there is no researcher `.*`; there is: sweep, ollama:MODEL, "):
        researcher(name, Settings(), NOBODY)


def test_nobody_stands_in_a_chain_twice() -> None:
    with pytest.raises(UnknownResearcher, match="stands in the list once"):
        chain("sweep", "sweep")


def test_whoever_is_named_is_taken_and_nobody_else_is_looked_for() -> None:
    settings = having(run={"researcher": ["openai:toy", "sweep"]})
    assert asyncio.run(choose(settings, NOBODY)) == Chosen(("openai:toy", "sweep"))


# ------------------------------------------------------------------------------------------------------------------------------
# Nobody was named
# ------------------------------------------------------------------------------------------------------------------------------


def chosen(free: int | None, address: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Chosen:
    monkeypatch.setattr(choosing, "free_memory", lambda: free)
    return asyncio.run(choose(having(ollama={"address": address}), environment))


def test_a_local_model_that_fits_the_card_with_sweep_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ollama.Ollama(ollama.turns_a_knob).answer) as wire:
        found = chosen(40_000_000_000, wire.address, monkeypatch)
    assert found.names == ("ollama:qwen3:8b", "sweep") and "fits the 40 GB that are free" in found.why


def test_else_sweep_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ollama.Ollama(ollama.turns_a_knob).answer) as wire:
        assert chosen(10**9, wire.address, monkeypatch) == Chosen(("sweep",), "none of the 1 models of ollama fits the 1 GB that are free")
    found = chosen(10**11, "http://127.0.0.1:9", monkeypatch)
    assert found == Chosen(("sweep",), "no ollama answers at http://127.0.0.1:9: `ollama serve` starts it")
    assert chosen(None, "http://127.0.0.1:9", monkeypatch) == Chosen(("sweep",), "no card holds a model here")


def test_a_key_in_the_environment_is_no_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"ANTHROPIC_API_KEY": "sk-1", "OPENAI_API_KEY": "sk-2", "OPENROUTER_API_KEY": "sk-3"}
    assert chosen(10**11, "http://127.0.0.1:9", monkeypatch, **keys).names == ("sweep",)


# ------------------------------------------------------------------------------------------------------------------------------
# Where it may speak to, and what it may cost
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_run_speaks_to_this_machine_only_unless_somebody_elsewhere_was_named() -> None:
    assert chain("sweep").local_only
    assert chain("ollama:qwen3:8b", "sweep").local_only
    assert not chain("anthropic:claude-sonnet-5-5").local_only
    assert not chain("openai:toy", openai={"address": "https://192.0.2.1/v1"}).local_only
    assert not chain("sweep", privacy={"local_only": False}).local_only


@pytest.mark.parametrize("name", ["anthropic:claude-sonnet-5-5", "command:claude -p", "openai:toy", "ollama:gpt-oss:120b-cloud"])
def test_where_that_is_wanted_nobody_elsewhere_is_hired(name: str) -> None:
    with pytest.raises(WorkspaceError, match="speaks to this machine only"):
        chain("sweep", name, openai={"address": "https://192.0.2.1/v1"}, privacy={"local_only": True})


def test_what_a_hosted_one_may_cost() -> None:
    hosted = chain("anthropic:claude-sonnet-5-5")
    assert affordable(hosted, Settings()) == 10.0
    assert affordable(hosted, having(limits={"max_cost": 2.5})) == 2.5
    assert affordable(hosted, having(limits={"max_cost": None})) is None
    assert affordable(chain("sweep"), Settings()) is None
    assert affordable(chain("sweep"), having(limits={"max_cost": 2.5})) == 2.5


def test_where_nobody_knows_the_price_a_person_has_to_say_that_it_does_not_matter() -> None:
    unknown = chain("anthropic:claude-of-next-year")
    with pytest.raises(WorkspaceError, match="`--max-cost none` goes on without one"):
        affordable(unknown, Settings())
    assert affordable(unknown, having(limits={"max_cost": None})) is None


def test_who_cannot_answer_says_why() -> None:
    team = chain("openai:toy", "sweep", openai={"address": "http://127.0.0.1:9/v1"})
    assert list(asyncio.run(checked(team))) == ["openai:toy"]


@pytest.mark.parametrize(
    "settings", [{"ollama": {"address": "ftp://a"}}, {"openai": {"address": "ftp://a"}}, {"cost": {"prices": "/nowhere.toml"}}]
)
def test_a_setting_that_leads_nowhere_is_one_sentence(settings: dict[str, Any]) -> None:
    with pytest.raises(WorkspaceError) as said:
        for name in ("ollama:qwen3:8b", "openai:toy", "anthropic:claude-sonnet-5-5"):
            researcher(name, having(**settings), NOBODY)
    assert str(said.value).isprintable()


def test_a_key_goes_to_the_server_that_a_person_named_and_to_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(openai.OpenAI().answer) as wire:
        monkeypatch.setattr(choosing, "LLAMA", f"{wire.address}/v1")
        for named in ({"address": wire.address}, {}):
            team = chain("openai:toy", environment={"OPENAI_API_KEY": "sk-1"}, openai=named)
            assert asyncio.run(checked(team)) == {}
            keys = {heard.headers.get("authorization") for heard in wire.heard}
            assert keys == ({"Bearer sk-1"} if named else {None})
            wire.heard.clear()
