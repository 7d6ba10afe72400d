"""Who is told is set like everything else, and is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.cockpit.parts.settings import Line, sections_of
from autoresearch_tui.morning.notices.wishes import wishes_of
from autoresearch_tui.settings import Loaded, SettingsError, load

TOKEN = "tOkEn4711"
NOTHING: dict[str, str] = {}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def set_to(lab: Path, text: str, environment: dict[str, str] = NOTHING) -> Loaded:
    (lab / "autoresearch.toml").write_text(text)
    return load(lab, {}, environment)


def test_services_come_from_the_file_and_from_a_variable_each_once(lab: Path) -> None:
    settings = set_to(lab, '[notify]\nto = ["ntfy://one", "ntfy://two"]\nto_from = "MORE"').settings
    wishes = wishes_of(settings, {"MORE": "discord://3/x  ntfy://two"})
    assert [one.address for one in wishes.services] == ["ntfy://one", "ntfy://two", "discord://3/x"]
    assert [one.name for one in wishes.services] == ["ntfy://… (1)", "ntfy://… (2)", "discord://…"]
    assert wishes_of(settings, {}).services == wishes.services[:2]


def test_a_variable_of_ours_names_them_too_and_quiet_hours_can_be_taken_back(lab: Path) -> None:
    both = {"AUTORESEARCH_TUI_NOTIFY_TO": "ntfy://one,ntfy://two", "AUTORESEARCH_TUI_NOTIFY_QUIET": "none"}
    mine = set_to(lab, '[notify]\nquiet = "22:00-07:00"\nurgent = ["died"]', both).settings.notify
    assert (mine.to, mine.quiet, mine.urgent) == (["ntfy://one", "ntfy://two"], None, ["died"])


@pytest.mark.parametrize(
    "text",
    [
        f'[notify]\nto = "ntfy://{TOKEN}"',
        f'[notify]\nto = ["{TOKEN}"]',
        f'[notify]\nto = ["ntfy://{TOKEN} x"]',
        f'[notify]\nto = ["ntfy://{TOKEN}]',
        f"[notify]\nto = ntfy://{TOKEN}",
        f'[notify]\nto = [["ntfy://{TOKEN}"]]',
    ],
)
def test_a_wrong_address_is_an_error_that_does_not_show_it(lab: Path, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        set_to(lab, text)
    assert "notify.to" in str(caught.value) or "is not TOML" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_nor_does_the_error_about_a_variable(lab: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        set_to(lab, "", {"AUTORESEARCH_TUI_NOTIFY_TO": TOKEN})
    assert str(caught.value).startswith("AUTORESEARCH_TUI_NOTIFY_TO has to be a list of addresses")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("wrong", ['about = ["beste"]', 'quiet = "22-7"', "hourly = 0", 'urgent = ["all"]', 'to_from = "a b"'])
def test_what_cannot_be_is_said_with_what_can(lab: Path, wrong: str) -> None:
    with pytest.raises(SettingsError, match=f"notify.{wrong.split()[0]} has to be "):
        set_to(lab, f"[notify]\n{wrong}")


def test_the_screen_shows_the_kinds_of_the_services_and_whether_the_variable_is_set(lab: Path) -> None:
    loaded = set_to(lab, f'[notify]\nto = ["ntfy://{TOKEN}", "json://127.0.0.1:80/{TOKEN}"]\nto_from = "MORE"')

    def lines(environment: dict[str, str]) -> dict[str, Line]:
        [section] = [one for one in sections_of(loaded, {}, environment, lab) if one.name == "notify"]
        return {line.key: line for line in section.lines}

    assert lines({})["to"].value == "ntfy://… json://127.0.0.1:80/…"
    assert lines({})["to_from"].value == "MORE (not set)"
    assert lines({"MORE": TOKEN})["to_from"].value == "MORE (set)"
    assert TOKEN not in str(lines({"MORE": TOKEN}))
