"""What people are told of a night, when, and in which words. No clock, no disk, no network."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from autoresearch_tui.engine import sharing
from autoresearch_tui.engine.moment import Moment, gate
from autoresearch_tui.engine.processes import Unended
from autoresearch_tui.engine.steps import Rest
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.masking import masked, without
from autoresearch_tui.morning.notices import box, lasting
from autoresearch_tui.morning.notices.letter import letter
from autoresearch_tui.morning.notices.news import AT_ONCE, DEFAULT, News, news, news_of
from autoresearch_tui.sections import Notify
from autoresearch_tui.settings import KINDS
from autoresearch_tui.worth import worth
from tests.engine.histories import EVENING, History, a_night

ZONE = ZoneInfo("Europe/Berlin")


def told(history: History) -> list[News]:
    """What the facts say by themselves."""
    run, out = Run(), []
    for recorded in (one for transaction in history.transactions for one in transaction):
        run = fold([recorded], run)
        out.append(news_of(recorded, run))
    return [one for one in out if one is not None]


class Watched:
    """A run whose machine is looked at: the troubles of it, and what was told."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.troubles: lasting.Troubles = {}
        self.told: list[str] = []
        self.texts: list[str] = []
        self._run, self._transactions = Run(), 0

    def look(self, seconds: float = 0.0, alive: bool = True, free_gb: float | None = None) -> list[str]:
        """After so many seconds: the titles of what is told now."""
        self.history.now += timedelta(seconds=seconds)
        found: list[News] = []
        for recorded in (one for some in self.history.transactions[self._transactions :] for one in some):
            before, self._run = self._run, fold([recorded], self._run)
            self.troubles, heard = lasting.heard(self.troubles, recorded, before, self._run)
            found += heard
        self._transactions = len(self.history.transactions)
        look = lasting.Look(self.history.now.timestamp(), alive, free_gb, 1.0)
        self.troubles, more = lasting.looked(self.troubles, self._run, look)
        found += more
        self.texts += [one.text for one in found]
        return [one.title for one in found]


@pytest.fixture
def watched() -> Watched:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    night = Watched(history)
    assert night.look() == []
    return night


def one(at: datetime, kind: str = "best", title: str = "#1 is the best so far", text: str = "val_bpb 0.99") -> News:
    return news(at.timestamp(), kind, title, text)


def at(hour: int, minute: int = 0, second: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 1, day, hour, minute, second, tzinfo=ZONE)


# ------------------------------------------------------------------------------------------------------------------------------
# What is told
# ------------------------------------------------------------------------------------------------------------------------------


def test_each_new_best_is_told_with_its_number_gain_word_and_idea() -> None:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    history.add(e.Proposed(1, parent=0, idea="a \x1b[31mdeeper\x1b[0m net\u202e"), e.Committed(1, "c1"))
    history.relaunch(1)
    history.end(1, 0.9)
    history.judge(1)
    assert [(item.kind, item.title, item.text) for item in told(history)] == [
        ("best", "#1 is the best so far", "val_bpb 0.900000 (-0.100000 unsure): a deeper net")
    ]


def test_the_end_is_told_with_what_it_came_to() -> None:
    history = History()
    a_night(history)
    history.add(e.EngineEnded("the time is up"))
    end = told(history)[-1]
    assert (end.kind, end.severity) == ("ended", "information")
    assert end.title == "ended: val_bpb 0.980000, better by 0.020000"
    for words in ("from 1.000000 to 0.980000 at #3", "9 experiments in ", "5 kept", "1 crashed", "Why it ended: the time is up."):
        assert words in end.text


def test_of_a_night_without_a_number_the_end_is_told_as_an_error() -> None:
    history = History()
    history.begin()
    history.settle(0, None, None, "crash")
    history.add(e.EngineEnded("the baseline does not train: oom"))
    end = told(history)[-1]
    assert (end.severity, end.title) == ("error", "ended: no number at all")
    assert "the baseline does not train: oom" in end.text


def test_a_night_that_is_over_before_anything_is_told_too() -> None:
    history = History()
    history.begin()
    history.add(e.EngineEnded("stopped by ann"))
    assert [item.title for item in told(history)] == ["ended: no number at all"]


def test_of_a_night_that_gained_nothing_the_end_says_so() -> None:
    history = History()
    history.begin()
    history.settle(0, None, 1.0)
    history.settle(1, 0, 1.1)
    history.add(e.EngineEnded("the time is up"))
    assert told(history)[-1].title == "ended: val_bpb 1.000000, nothing gained"


def test_where_higher_is_better_a_gain_is_still_above_zero() -> None:
    history = History()
    history.add(e.RunStarted("night", "c0", goal="higher", metric="score"))
    history.start()
    history.settle(0, None, 1.0)
    history.settle(1, 0, 1.05)
    history.add(e.EngineEnded("the time is up"))
    assert told(history)[-1].title == "ended: score 1.050000, better by 0.050000"


def test_every_kind_that_can_be_chosen_is_known_and_can_be_told() -> None:
    kinds = set(get_args(get_args(KINDS["notify.about"].__origin__)[0]))
    assert kinds == {*AT_ONCE, *lasting.LASTED_S, "ended"}
    assert kinds >= set(DEFAULT)
    assert Notify().about == []


def wedged(*samples: object) -> str:
    with pytest.raises(sharing.Wedged) as caught:
        sharing.Sharing.fault(*samples)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_engines_sentences_for_a_card_that_does_not_come_back_are_known() -> None:
    from autoresearch_tui.telemetry.sample import Sample

    lost = wedged(Sample(at=1.0, fault="lost", said="The card fell off the bus."))
    for why in (lost, f"3.0 GB have not come back 30 s after the training ended. {sharing.WAY_OUT}", str(Unended([17]))):
        found = worth(e.Waiting(why), Run(), 0.0)
        assert found is not None and found.kind == "card", why
    other = worth(e.Waiting("outside 22:00-07:00"), Run(), 0.0)
    assert other is not None and other.kind == "other"


def test_the_engines_sentence_for_a_full_disk_is_known() -> None:
    history = History()
    history.begin()
    step = gate(history.run, Moment(EVENING, free_gb=0.5, floor_gb=1.0))
    assert isinstance(step, Rest)
    found = worth(e.Waiting(step.why), Run(), 0.0)
    assert found is not None and found.kind == "disk"


# ------------------------------------------------------------------------------------------------------------------------------
# What only time tells
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_researcher_that_is_down_for_a_moment_is_not_told(watched: Watched) -> None:
    watched.history.add(e.ResearcherDown("sweep", "it hung up", 1.0))
    assert watched.look(300) == []
    watched.history.add(e.ResearcherUp("sweep"))
    assert watched.look(1000) == []


def test_one_that_stays_down_is_told_once_and_so_is_its_return(watched: Watched) -> None:
    watched.history.add(e.ResearcherDown("sweep", "it hung up", 1.0))
    assert watched.look() == []
    watched.history.now += timedelta(seconds=400)
    watched.history.add(e.ResearcherDown("sweep", "it hung up again", 1.0))
    assert watched.look(201) == ["sweep is down"]
    assert watched.texts == ["it hung up again. Nobody else proposes: no new experiment begins."]
    assert watched.look(1000) == []
    watched.history.add(e.ResearcherUp("sweep"))
    assert watched.look() == ["sweep is back"]


def test_what_takes_a_person_is_told_at_once(watched: Watched) -> None:
    watched.history.add(e.ResearcherDown("sweep", "the key is wrong", for_good=True))
    assert watched.look() == ["sweep is down"]
    assert "That takes a person." in watched.texts[0]


def test_an_engine_that_a_keeper_brings_back_is_not_told_as_dead(watched: Watched) -> None:
    assert watched.look(10, alive=False) == []
    watched.history.start(after="signal 9")
    assert watched.look(200) == []
    assert watched.look(200) == []


def test_one_that_stays_dead_is_told_once_with_the_way_on_and_its_return(watched: Watched) -> None:
    watched.history.add(e.ResearcherDown("sweep", "it hung up", 1.0))
    assert watched.look(1, alive=False) == []
    assert watched.look(149, alive=False) == []
    assert watched.look(2, alive=False) == ["the engine died"]
    assert "autoresearch-tui run --tag night --detached" in watched.texts[0]
    assert watched.look(4000, alive=False) == []
    watched.history.start()
    assert watched.look() == ["the engine works again"]
    assert watched.look(4000) == []


def test_a_death_that_nobody_told_is_told_by_the_next_start(watched: Watched) -> None:
    watched.history.start()
    assert watched.look() == ["the engine had died, and works again"]


def test_a_night_that_ended_is_not_a_dead_engine_and_leaves_no_trouble(watched: Watched) -> None:
    watched.history.add(e.ResearcherDown("sweep", "it hung up", 1.0), e.EngineEnded("the time is up"))
    assert watched.look(4000, alive=False, free_gb=0.1) == []
    watched.history.start()
    assert watched.look() == []


def test_a_card_that_comes_back_within_a_minute_is_not_told(watched: Watched) -> None:
    watched.history.add(e.Waiting(f"3.0 GB have not come back. {sharing.WAY_OUT}"))
    assert watched.look(30) == []
    watched.history.launch(1, 0)
    assert watched.look(4000) == []


def test_a_card_that_does_not_is_told_once_however_often_the_engine_says_so(watched: Watched) -> None:
    for left in (3, 2, 1):
        watched.history.add(e.Waiting(f"{left}.0 GB have not come back. {sharing.WAY_OUT}"))
        watched.told += watched.look(45)
    assert watched.told == ["the card cannot be used"]
    watched.history.launch(1, 0)
    assert watched.look() == ["the card works again"]


def test_a_disk_is_told_before_the_run_waits_for_it_and_not_at_every_look(watched: Watched) -> None:
    assert watched.look(free_gb=5.0) == []
    assert watched.look(free_gb=1.9) == ["the disk is nearly full"]
    assert watched.texts == ["1.9 GB are free where the run is kept. Below 1 GB the run waits."]
    assert watched.look(free_gb=0.4) == []
    assert watched.look(free_gb=2.5) == []
    assert watched.look(free_gb=30.0) == ["the disk has room again"]
    assert watched.look(free_gb=None) == []


# ------------------------------------------------------------------------------------------------------------------------------
# When
# ------------------------------------------------------------------------------------------------------------------------------


def test_what_happens_at_once_is_one_message() -> None:
    held = box.add(box.Box(), one(at(12)), one(at(12, 0, 1), "ended", "ended: val_bpb 0.99"))
    assert box.due(held, box.Rules(), at(12, 0, 1)) == ()
    assert box.due(held, box.Rules(), at(12, 0, 3)) == held.held


def test_in_quiet_hours_all_waits_for_their_end_but_what_is_urgent() -> None:
    rules = box.Rules("22:00-07:00", ("died",))
    held = box.add(box.Box(), one(at(23)), one(at(23, 30), "died", "the engine died"))
    assert [item.kind for item in box.due(held, rules, at(23, 31))] == ["died"]
    held = box.sent(held, box.due(held, rules, at(23, 31)), at(23, 31).timestamp())
    assert box.due(held, rules, at(6, 59, day=11)) == ()
    assert [item.kind for item in box.due(held, rules, at(7, 0, day=11))] == ["best"]


def test_quiet_hours_end_when_the_clock_says_so_on_the_day_that_it_jumps() -> None:
    rules = box.Rules("22:00-07:00")
    evening = datetime(2026, 3, 28, 23, 0, tzinfo=ZONE)
    held = box.add(box.Box(), one(evening))
    assert box.due(held, rules, datetime(2026, 3, 29, 6, 59, tzinfo=ZONE)) == ()
    assert box.due(held, rules, datetime(2026, 3, 29, 7, 0, tzinfo=ZONE)) != ()


def test_never_more_messages_an_hour_than_a_person_wants_and_none_is_lost() -> None:
    mine, rules, messages, heard = box.Box(), box.Rules(hourly=3), 0, []
    for minute in range(120):
        now = at(12) + timedelta(minutes=minute)
        mine = box.add(mine, one(now - timedelta(seconds=10), title=f"#{minute} is the best so far"))
        if those := box.due(mine, rules, now):
            messages += 1
            heard += [item.title for item in those]
            mine = box.sent(mine, those, now.timestamp())
    assert messages == 6
    assert heard + [item.title for item in mine.held] == [f"#{minute} is the best so far" for minute in range(120)]


@pytest.mark.parametrize("kind", ["ended", "died"])
def test_the_end_comes_however_many_there_were_before(kind: str) -> None:
    mine = box.Box(sent=(at(12).timestamp(),) * 9)
    mine = box.add(mine, one(at(12, 5)))
    assert box.due(mine, box.Rules(), at(12, 6)) == ()
    mine = box.add(mine, one(at(12, 6), kind, "that"))
    assert [item.kind for item in box.due(mine, box.Rules(), at(12, 7))] == ["best", kind]


@pytest.mark.parametrize("kind", ["ended", "died"])
def test_what_always_comes_is_not_counted_so_a_best_after_it_does_not_wait(kind: str) -> None:
    mine, rules = box.Box(), box.Rules(hourly=2)
    for minute in range(9):
        mine = box.add(mine, one(at(12, minute), kind, "that"))
        mine = box.sent(mine, mine.held, at(12, minute, 3).timestamp())
    for minute in (20, 21):
        mine = box.add(mine, one(at(12, minute)))
        assert [item.kind for item in box.due(mine, rules, at(12, minute, 3))] == ["best"]
        mine = box.sent(mine, mine.held, at(12, minute, 3).timestamp())
    mine = box.add(mine, one(at(12, 22)))
    assert box.due(mine, rules, at(12, 22, 3)) == ()


def test_a_service_that_fails_is_asked_less_and_less_often_and_gets_all_of_it_at_last() -> None:
    mine, now, tries = box.add(box.Box(), one(at(12))), at(12, 1), 0
    until = now + timedelta(hours=8)
    while now < until:
        if box.due(mine, box.Rules(), now):
            tries += 1
            mine = box.failed(mine, now.timestamp())
        now += timedelta(seconds=5)
    assert 20 < tries < 45
    mine = box.add(mine, one(at(20), "ended", "ended: that"))
    now += timedelta(seconds=box.LONGEST_S)
    those = box.due(mine, box.Rules(), now)
    assert [item.kind for item in those] == ["best", "ended"]
    assert box.sent(mine, those, now.timestamp()) == box.Box()


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    mine = box.add(box.Box(sent=(at(13).timestamp(),) * 2), one(at(13)))
    assert box.due(mine, box.Rules(), at(12)) != ()


def test_of_a_day_without_a_network_the_last_hundred_are_kept_and_the_rest_is_counted() -> None:
    mine = box.Box()
    for number in range(250):
        mine = box.add(mine, one(at(12), title=f"#{number} is the best so far"))
    assert (len(mine.held), mine.dropped) == (100, 150)
    assert "150 earlier ones are left out." in letter("lab/night", mine.held, at(20), mine.dropped).body


# ------------------------------------------------------------------------------------------------------------------------------
# In which words
# ------------------------------------------------------------------------------------------------------------------------------


def test_one_thing_is_a_title_and_its_text_and_says_when_it_was_if_that_is_long_ago() -> None:
    item = one(at(12))
    soon = letter("lab/night", (item,), at(12, 1))
    assert (soon.title, soon.body) == ("lab/night: #1 is the best so far", "val_bpb 0.99")
    assert letter("lab/night", (item,), item_time := datetime.fromtimestamp(item.at).astimezone() + timedelta(hours=1)).body == (
        f"{item_time - timedelta(hours=1):%H:%M}: val_bpb 0.99"
    )


def test_of_several_the_weightiest_leads_and_of_the_records_the_last_counts() -> None:
    bests = [one(at(1, number), title=f"#{number} is the best so far", text=f"val {number}") for number in range(5)]
    down = one(at(2), "down", "sweep is down", "it hung up")
    end = one(at(3), "ended", "ended: val_bpb 0.96", "That is all.")
    said = letter("lab/night", (*bests, down, end), at(3, 1))
    first, second, third, last = said.body.splitlines()
    assert said.title == "lab/night: ended: val_bpb 0.96, and 6 more"
    assert first == "That is all."
    assert second.endswith("#4 is the best so far: val 4")
    assert third.endswith("sweep is down: it hung up")
    assert last == "The best of their time had been #0, #1, #2, #3."


def test_several_records_are_told_by_the_last_one() -> None:
    bests = tuple(one(at(12, number), title=f"#{number} is the best so far", text=f"val {number}") for number in range(3))
    said = letter("lab/night", bests, at(12, 3))
    assert said.title == "lab/night: #2 is the best so far, and 2 more"
    assert said.body == "val 2\nThe best of their time had been #0, #1."


@pytest.mark.parametrize("idea", ["@everyone look", "<@123> <@&7> <!channel>", "see https://evil.example/x", "a@b.example"])
def test_foreign_text_calls_nobody_and_links_nowhere(idea: str) -> None:
    for message in (
        letter("lab/night", (one(at(12), text=idea),), at(12)),
        letter(f"{idea}/night", (one(at(12), title=idea),) * 2, at(12)),
    ):
        for text in (message.title, message.body):
            assert not any(sign in text for sign in ("@everyone", "<@123", "<@&", "<!c", "://", "@b"))


def test_code_stays_as_it_is() -> None:
    assert letter("lab/night", (one(at(12), text="q @ k.T // 2 != x"),), at(12)).body == "q @ k.T // 2 != x"


def test_the_longest_message_fits_the_smallest_service() -> None:
    many = tuple(one(at(12), "kept", "#1 " + "x" * 500, "y" * 5000) for _ in range(100))
    said = letter("w" * 500, many, at(12), 5)
    assert len(said.title) <= 180
    assert len(said.body) < 3800


# ------------------------------------------------------------------------------------------------------------------------------
# Secrets
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ntfy://my-topic", "ntfy://…"),
        ("discord://4711/tOkEn", "discord://…"),
        ("mailto://ann:pass@example.org", "mailto://…"),
        ("https://discord.com/api/webhooks/4711/tOkEn", "https://…"),
        ("json://127.0.0.1:8080/path?k=v", "json://127.0.0.1:8080/…"),
        ("json://ann:pa@ss@localhost/path", "json://localhost/…"),
        ("json://127.0.0.1@tOkEn/x", "json://…"),
    ],
)
def test_of_an_address_its_kind_is_shown_and_no_more(address: str, shown: str) -> None:
    assert masked(address) == shown
    assert masked(f'to = ["{address}", 1') == f'to = ["{shown}", 1'


def test_a_library_that_repeats_parts_of_an_address_is_not_repeated() -> None:
    said = without("Failed to reach host 127.0.0.1 with tOk en and tOk%20en of ann", ["json://anna:tOk%20en@127.0.0.1/ann"])
    assert said == "Failed to reach host 127.0.0.1 with … and … of ann"
