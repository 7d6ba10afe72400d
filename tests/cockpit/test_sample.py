"""The night that comes along plays to its end, on any machine."""

from __future__ import annotations

from contextlib import closing

import pytest

from autoresearch_tui.cockpit.replay import ReplayedNight
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.packed import opened


def test_it_plays_to_its_end() -> None:
    now = 0.0
    with opened() as (folder, git), closing(ReplayedNight(folder, git, 60.0, lambda: now)) as night:
        told = []
        for _ in range(2000):
            now += 0.25
            told += night.poll()
            moment = night.moment()
            for one in (moment.run.running,) if moment.run.running else ():
                assert (night.visible(folder.log(one.number, one.trials[-1].number)) or 0) >= 0
            if night.over:
                break
        assert night.over
        assert told[-1].run == moment.run
        with Journal(folder.journal) as journal:
            assert [one.recorded for one in told] == list(journal.events())


def test_without_git_it_plays_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with opened() as (folder, git), closing(ReplayedNight(folder, git, 1.0)) as night:
        assert night.moment().run.tag == folder.tag
        assert git.is_dir()
