"""What a person says becomes the command with the target that the person sees; what cannot be said gets one sentence."""

from __future__ import annotations

import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from tests.journal.runs import numbered

STARTED = (e.RunStarted("nov20", "c0ffee0"), *[e.EngineStarted(10, 20, "boot", "0.1.0", "sweep")] * 3)
ROWS = tuple(fact for number in range(12) for fact in (e.Proposed(number), e.Judged(number, "keep", "", number), e.Applied(number)))
TRAINS = (e.Proposed(12, parent=11), *[e.Launched(12, trial, 42, 1, 2, "boot") for trial in (1, 2)])
BESIDE = (e.Proposed(13, parent=11), e.Launched(13, 1, 42, 2, 2, "boot", slot="cpu1"))
"""Another one trains at the same time."""


def drafts(*names: str) -> tuple[e.Event, ...]:
    return tuple(e.Drafting(name, "tune", 0, "sweep") for name in names)


def held(name: str) -> e.Event:
    return e.Held(name, 2e9)


def state(*facts: e.Event) -> Run:
    return fold(numbered([*STARTED, *ROWS, *facts]))


@pytest.mark.parametrize(
    ("words", "run", "command"),
    [
        ("pause", state(), c.Pause(3)),
        ("resume", state(), c.Resume(3)),
        ("stop", state(), c.Stop(3)),
        ("stop now", state(), c.Stop(3, now=True)),
        ("skip", state(*TRAINS), c.Skip(12, 2)),
        ("skip", state(*TRAINS, *drafts("d0001")), c.Skip(12, 2)),
        ("skip 12", state(*TRAINS), c.Skip(12, 2)),
        ("skip 13", state(*TRAINS, *BESIDE), c.Skip(13, 1)),
        ("skip #12", state(*TRAINS, *BESIDE), c.Skip(12, 2)),
        ("keep 13", state(*TRAINS, *BESIDE), c.Keep(13)),
        ("skip", state(*drafts("d0001", "d0002")), c.Skip(draft="d0001")),
        ("keep", state(*TRAINS), c.Keep(12)),
        ("keep 0", state(*TRAINS), c.Keep(0)),
        ("keep #7", state(), c.Keep(7)),
        ("discard", state(*TRAINS), c.Discard(12)),
        ("discard 7", state(), c.Discard(7)),
        ("again", state(*TRAINS), c.Again(12)),
        ("again 7", state(*TRAINS), c.Again(7)),
        ("again 99", state(), c.Again(99)),
        ("note try smaller steps", state(), c.Note("try smaller steps")),
        ("idea SET DEPTH = 6", state(), c.Idea("SET DEPTH = 6")),
        ("rewind 3", state(), c.Rewind(3)),
        ("review on", state(), c.Review(True)),
        ("review off", state(), c.Review(False)),
        ("approve", state(*drafts("d0001", "d0002"), held("d0002")), c.Approve("d0002")),
        ("approve", state(*drafts("d1", "d2"), held("d1"), held("d2"), e.Approved("d1", "ada")), c.Approve("d2")),
        ("approve go on like this", state(*drafts("d0001"), held("d0001")), c.Approve("d0001", "go on like this")),
        ("reject", state(*drafts("d0001"), held("d0001")), c.Reject("d0001")),
        ("reject too wide", state(*drafts("d0001"), held("d0001")), c.Reject("d0001", "too wide")),
        ("limit experiments 100", state(), c.Limit("experiments", "100")),
        ("limit hours 8", state(), c.Limit("hours", "8")),
        ("limit until 07:30", state(), c.Limit("until", "07:30")),
        ("limit cost none", state(), c.Limit("cost", "none")),
        ("limit between 22:00-07:00", state(), c.Limit("between", "22:00-07:00")),
        ("withdraw 4", state(), c.Withdraw(4)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_words_are_the_command_that_they_mean_now(words: str, run: Run, command: c.Command) -> None:
    assert c.parse(words.split(), run) == command


def test_what_a_person_pastes_is_one_line_without_controls() -> None:
    assert c.parse(["note", "try\n\tthis ", "\x1b[31mred\u202e", "caf\udce9"], state()) == c.Note("try this red caf")
    assert c.parse(["approve", " yes\x07 "], state(*drafts("d1"), held("d1"))) == c.Approve("d1", "yes")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "which command? It is one of pause, resume, "),
        ("pausse", "there is no command 'pausse': it is one of pause, resume, "),
        ("Pause", "there is no command 'Pause': it is one of pause, resume, "),
        ("pause now", "use `pause`."),
        ("resume 3", "use `resume`."),
        ("stop later", "use `stop [now]`."),
        ("skip 3", "nothing to skip: #3 is not training; nothing trains now."),
        ("skip it", "use `skip [NUMBER]`."),
        ("skip 1 2", "use `skip [NUMBER]`."),
        ("skip", "nothing to skip: neither a trial nor a draft is in flight."),
        ("keep", "nothing is training: say which, as in `keep 11`."),
        ("again", "nothing is training: say which, as in `again 11`."),
        ("keep seven", "use `keep [NUMBER]`."),
        ("keep -1", "use `keep [NUMBER]`."),
        ("keep ٣", "use `keep [NUMBER]`."),
        ("keep ##", "use `keep [NUMBER]`."),
        ("keep 1 2", "use `keep [NUMBER]`."),
        ("discard 99999999999999999999", "use `discard [NUMBER]`."),
        ("rewind", "use `rewind NUMBER`."),
        ("rewind back", "use `rewind NUMBER`."),
        ("withdraw", "use `withdraw NUMBER`."),
        ("note", "use `note TEXT`."),
        ("idea", "use `idea TEXT`."),
        ("review", "use `review on|off`."),
        ("review maybe", "use `review on|off`."),
        ("approve", "nothing to approve: no draft waits for a person."),
        ("reject", "nothing to reject: no draft waits for a person."),
        ("limit", "use `limit experiments|hours|until|cost|between VALUE|none`."),
        ("limit hours", "use `limit experiments|hours|until|cost|between VALUE|none`."),
        ("limit beer 3", "use `limit experiments|hours|until|cost|between VALUE|none`."),
    ],
)
def test_what_cannot_be_said_gets_one_sentence(words: str, sentence: str) -> None:
    with pytest.raises(c.BadCommand) as error:
        c.parse(words.split(), state())
    assert str(error.value).startswith(sentence)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["skip", "keep", "discard", "again"])
def test_where_several_train_somebody_has_to_say_which(name: str) -> None:
    with pytest.raises(c.BadCommand) as error:
        c.parse([name], state(*TRAINS, *BESIDE))
    assert str(error.value) == f"{name} which: 12 or 13? Say it, as in `{name} 13`."


def test_a_skip_of_what_does_not_train_names_what_does() -> None:
    with pytest.raises(c.BadCommand) as error:
        c.parse(["skip", "11"], state(*TRAINS, *BESIDE))
    assert str(error.value) == "nothing to skip: #11 is not training; what trains is 12 or 13."


def test_a_text_of_nothing_visible_is_no_text() -> None:
    for words in (["note", " ", "\x07"], ["idea", "\u200b"]):
        with pytest.raises(c.BadCommand):
            c.parse(words, state())


def test_the_help_names_every_command() -> None:
    assert {kind.__name__.lower() for kind in c.Wish.__subclasses__()} == set(c.ARGUMENTS)
