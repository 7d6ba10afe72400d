"""Every run of a contest begins with the same numbers, and what was begun from something else is not mixed with it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from autoresearch_tui.contest.beginning import begin, copy, forget_unmeasured, refuse_another, refuse_lost, refuse_uncommitted, seed_of
from autoresearch_tui.contest.places import Entry, company_of, entries, entry_of, first_of, home_of, state
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import load
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.workspace import Workspace, WorkspaceError, open_workspace
from tests.contest.games import measured
from tests.engine.nights import git, make_checkout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a contest in it whose baseline is measured, by facts alone."""
    folder = make_checkout(tmp_path_factory.mktemp("contest") / "lab")
    (folder / "autoresearch.toml").write_text(
        '[run]\nslots = 2\n[limits]\nhours = 3\n[ollama]\nthink = "off"\n[notify]\nto = ["ntfy://x"]\n'
    )
    workspace, settings = opened(folder)
    first = first_of(home_of(workspace))
    begin(workspace, settings, first)
    start = git(first.folder, "rev-parse", "HEAD")
    with Writer(first.run.journal) as journal:
        for transaction in measured().transactions:
            journal.append(*(_real(fact.event, start) for fact in transaction))
    return folder


def _real(fact: e.Event, commit: str) -> e.Event:
    if isinstance(fact, e.RunStarted):
        return replace(fact, tag="first", start=commit)
    return replace(fact, commit=commit) if isinstance(fact, e.Committed) else fact


@pytest.fixture
def lab(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "lab", symlinks=True))


def opened(folder: Path, **flags: str) -> tuple[Workspace, Settings]:
    settings = load(folder, {name.replace("_", ".", 1): value for name, value in flags.items()}, {}).settings
    return open_workspace(folder, settings), settings


def copied(lab: Path, researcher: str, repeat: int) -> Entry:
    workspace, _ = opened(lab)
    home = home_of(workspace)
    entry = entry_of(home, researcher, repeat)
    copy(first_of(home), entry, seed_of(42, repeat))
    return entry


def test_a_copy_has_the_same_numbers_and_noise_a_seed_of_its_own_and_its_researcher(lab: Path) -> None:
    one, other, model = copied(lab, "climb", 1), copied(lab, "climb", 2), copied(lab, "ollama:qwen3.5:9b", 1)
    first = state(first_of(one.folder.parent))
    runs = [state(entry) for entry in (one, other, model)]
    assert [run.experiments for run in runs] == [first.experiments] * 3 and len(first.experiments[0].numbers) == 3
    assert [noise_of(run) for run in runs] == [noise_of(first)] * 3 and not noise_of(first).assumed
    assert [(run.tag, run.seed) for run in runs] == [("climb-1", 1042), ("climb-2", 2042), ("ollama-qwen3.5-9b-1", 1042)]
    assert [entry.researcher for entry in entries(one.folder.parent)] == ["climb", "climb", "ollama:qwen3.5:9b"]
    assert git(one.folder, "for-each-ref", "--format=%(refname)", "refs/autoresearch", "refs/heads/autoresearch").split() == [
        "refs/autoresearch/climb-1/0",
        "refs/heads/autoresearch/climb-1",
    ]
    assert "climb-1 #0 keep" in git(one.folder, "notes", "--ref=autoresearch", "show", first.start)
    assert git(model.folder, "status", "--porcelain", "--ignored=no", "--untracked-files=no") == ""
    assert (one.folder / "train.py").read_bytes() == (lab / "train.py").read_bytes()


def test_nothing_is_remembered_shelved_told_or_waited_for_in_a_run_of_a_contest(lab: Path) -> None:
    _, settings = opened(copied(lab, "climb", 1).folder)
    assert (settings.proposing.shelf, settings.proposing.earlier_runs, settings.review.on) == (False, False, False)
    assert (settings.limits.hours, settings.run.slots, settings.notify.to, settings.run.researcher) == (None, 1, [], "climb")
    assert settings.ollama.think == "off", "what was set of a researcher holds"


def test_the_same_beginning_goes_on(lab: Path) -> None:
    refuse_another(*opened(lab))
    refuse_another(*opened(lab, limits_max_cost="3"))


def test_other_code_is_not_mixed_with_it(lab: Path) -> None:
    (lab / "train.py").write_text((lab / "train.py").read_text().replace("DEPTH = 4", "DEPTH = 5"))
    git(lab, "commit", "-q", "-a", "-m", "deeper")
    with pytest.raises(WorkspaceError, match=r"was begun with another train\.py than HEAD of .* has now: its runs would not compare"):
        refuse_another(*opened(lab))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"run_seed": "7"}, r"run\.seed = 42, and now it is 7: "),
        ({"judging_hopeless": "3"}, r"judging\.hopeless = 2\.0, and now it is 3\.0: "),
        ({"ollama_think": "on"}, r'ollama\.think = "off", and now it is "on": '),
    ],
)
def test_other_settings_are_not_mixed_with_it(lab: Path, flags: dict[str, str], said: str) -> None:
    with pytest.raises(WorkspaceError, match=said):
        refuse_another(*opened(lab, **flags))


def test_a_contest_begins_from_what_was_committed(lab: Path) -> None:
    workspace, _ = opened(lab)
    refuse_uncommitted(workspace)
    (lab / "train.py").write_text("DEPTH = 9\n")
    with pytest.raises(WorkspaceError, match=r"train\.py in .* is not as it was committed last: commit it first"):
        refuse_uncommitted(workspace)


def test_runs_whose_baseline_is_gone_are_not_mixed_with_a_new_one(lab: Path) -> None:
    entry, first = copied(lab, "climb", 1), first_of(home_of(opened(lab)[0]))
    refuse_lost(first.folder.parent, [entry])
    first.run.journal.unlink()
    with pytest.raises(WorkspaceError, match=r"^the baseline of the contest in .* is gone, and its runs would not compare"):
        refuse_lost(first.folder.parent, [entry])
    shutil.rmtree(first.folder)
    with pytest.raises(WorkspaceError, match="is gone"):
        refuse_lost(first.folder.parent, [entry])


def test_a_run_whose_journal_is_gone_names_the_folder_to_remove(lab: Path) -> None:
    entry = copied(lab, "climb", 1)
    entry.run.journal.unlink()
    with pytest.raises(WorkspaceError, match=rf"^the journal of climb-1 is gone: remove {entry.folder}, and that run begins again\.$"):
        refuse_lost(entry.folder.parent, [entry])
    shutil.rmtree(entry.folder)
    refuse_lost(entry.folder.parent, [entry])


def test_a_beginning_without_a_number_is_forgotten_and_one_with_a_number_or_an_engine_is_not(tmp_path: Path, lab: Path) -> None:
    measured_home = home_of(opened(lab)[0])
    forget_unmeasured(measured_home)
    assert first_of(measured_home).folder.exists()
    workspace, settings = opened(make_checkout(tmp_path / "other"))
    home = home_of(workspace)
    first, (company,) = first_of(home), company_of(home, 1)
    for entry in (first, company):
        begin(workspace, settings, entry)
    with Writer(company.run.journal) as journal:
        journal.append(
            e.RunStarted("company-1", "c0"), e.EngineStarted(os.getpid(), born(os.getpid()), boot_id(), "1", "sweep", e.Limits())
        )
    forget_unmeasured(home)
    assert first.folder.exists(), "somebody trains beside it"
    with Writer(company.run.journal) as journal:
        journal.append(e.EngineEnded("done"))
    forget_unmeasured(home)
    assert not first.folder.exists() and not company.folder.exists()


def test_names_that_would_share_a_folder_do_not() -> None:
    names = ["command:agent a", "command:agent-a", "ollama:a", "command:" + 30 * "x" + "1" * 30, "command:" + 30 * "x" + "1" * 31]
    tags = [entry_of(Path(), name, 1).tag for name in names]
    assert len(set(tags)) == len(names) and max(map(len, tags)) <= 50 and all(tag.isascii() and " " not in tag for tag in tags)
