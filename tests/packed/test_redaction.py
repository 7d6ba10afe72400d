"""What is somebody's own is nowhere in a redacted file, and the night is still the night."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Row, write
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.packed import opened
from autoresearch_tui.packed.copying import copied
from autoresearch_tui.packed.fields import FIELDS
from autoresearch_tui.packed.identities import identities_of
from autoresearch_tui.packed.persons import WORKSPACE, Whose, names_of
from autoresearch_tui.packed.writing import pack
from autoresearch_tui.telemetry.owners import Seen
from autoresearch_tui.workspace import RunFolder
from tests.engine.nights import TRAIN, git, make_checkout, tui
from tests.packed.canaries import BIRDS, birds_in, state


@pytest.fixture(scope="module")
def packed(made: tuple[RunFolder, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The night as it is, and redacted where it was spent."""
    (run, lab), home = made, tmp_path_factory.mktemp("packed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(lab.parent))
        patch.setenv("CUDA_WHO", "starlings")
        patch.setenv("TWITTER", "twite-ltd")
        plain, _ = pack(run, lab, lambda tag: home / "plain.night")
        whose = Whose({WORKSPACE: lab}, identities_of(lab, "HEAD"), ("http://goldcrest.corvid.example:8000",))
        redacted, _ = pack(run, lab, lambda tag: home / "redacted.night", whose)
    yield plain, redacted


def test_no_bird_is_in_a_redacted_file(packed: tuple[Path, Path]) -> None:
    plain, redacted = packed
    assert set(birds_in(plain)) >= set(BIRDS) - {"brambling"}, "a bird that was never there proves nothing"
    assert birds_in(redacted) == {}


def test_the_history_before_the_run_is_in_no_packed_file(packed: tuple[Path, Path]) -> None:
    assert "brambling" not in birds_in(packed[0])


def test_the_night_is_judged_as_before(packed: tuple[Path, Path]) -> None:
    plain, redacted = map(state, packed)
    assert list(plain.experiments) == list(redacted.experiments) == [0, 1, 2]
    for before, after in zip(plain.experiments.values(), redacted.experiments.values(), strict=True):
        told = ("number", "operator", "parent", "verdict", "value", "memory_gb", "trust", "changes", "fingerprint", "settled", "at")
        assert [getattr(before, name) for name in told] == [getattr(after, name) for name in told]
        for one, other in zip(before.trials, after.trials, strict=True):
            assert (one.seconds, one.value, one.counts, one.steps) == (other.seconds, other.value, other.counts, other.steps)
    assert (plain.trunk, plain.counts, plain.sigma, plain.health) == (redacted.trunk, redacted.counts, redacted.sigma, redacted.health)
    assert plain.best and redacted.best
    assert plain.best.number == redacted.best.number


def test_a_persons_part_is_said_and_nothing_of_it(packed: tuple[Path, Path]) -> None:
    run = state(packed[1])
    assert run.experiments[1].idea == "wider, as twitcher asked"
    assert run.experiments[2].idea == "an idea of a person (left out)"
    assert [one.by for one in run.experiments.values()] == ["policy", "a person", "a person"]
    assert run.experiments[1].reason == "kept by hand by person"
    assert list(run.notes.values()) == ["(left out)"]
    assert run.ended == "stopped by person"


def test_its_commits_are_those_of_its_journal_and_have_the_code(packed: tuple[Path, Path]) -> None:
    with opened(packed[1]) as (folder, repository):
        with Journal(folder.journal) as journal:
            run = journal.refresh()
        for number, width in ((0, 256), (1, 512), (2, 1024)):
            one = run.experiments[number]
            text = _git(repository, "cat-file", "blob", f"{one.commit}:train.py")
            compile(text, "train.py", "exec")
            assert f"\nWIDTH = {width}\n" in text
            assert not number or _git(repository, "cat-file", "blob", one.blob) == text
        files = _git(repository, "ls-tree", "-r", "--name-only", run.experiments[2].commit).split()
        assert files == ["prepare.py", "train.py"]
        assert _git(repository, "rev-parse", f"refs/heads/autoresearch/{run.tag}").strip() == run.experiments[2].commit
        assert set(_git(repository, "log", "--all", "--format=%an %ae %cn %ce").split()) == {
            "autoresearch-tui",
            "autoresearch-tui@localhost",
        }


def test_its_table_is_that_of_its_journal(packed: tuple[Path, Path]) -> None:
    with opened(packed[1]) as (folder, _), Journal(folder.journal) as journal:
        assert folder.results.read_text() == write(journal.refresh().rows)


def test_what_a_machine_wrote_can_still_be_read(packed: tuple[Path, Path]) -> None:
    with opened(packed[1]) as (folder, _):
        log = folder.log(1, 1).read_bytes().decode()
        assert not folder.reply("d0001").exists()
    assert 'File "file", line 3, in load' in log
    assert 'File "train.py", line 5, in more' in log
    assert "step 00001 (50.0%) | loss: 2.100000 | lrm: 1.00\rstep 00002" in log
    assert "val_bpb:          1.150000" in log


def test_an_agent_is_its_program_and_a_card_stays_the_same_card(packed: tuple[Path, Path]) -> None:
    with opened(packed[1]) as (folder, _), Journal(folder.journal) as journal:
        run, sample = journal.refresh(), journal.last_sample()
    assert run.engine and sample
    assert run.engine.chain == ("command:agent", "sweep")
    seen = msgspec.json.decode(sample[2], type=Seen)
    assert run.engine.card == seen.card.uuid == "GPU-2"
    assert [(one.pid, one.name, one.user) for one in seen.card.processes or ()] == [(7, "", ""), (8, "python", "")]
    assert {trial.boot for one in run.experiments.values() for trial in one.trials} == {run.engine.boot}


def test_what_a_model_is_called_is_no_folder_and_no_setting(made: tuple[RunFolder, Path], tmp_path: Path) -> None:
    night = copied(made[0].journal, tmp_path / "journal.sqlite")
    environment = {"MODEL": "openai:toy", "SOME_TOKEN": "openai:toy-but-secret", "TEAM": "hobbyists"}
    names = names_of(night, Whose({WORKSPACE: Path("/srv/work/toy/tinker")}), environment)
    said = "openai:toy in tinker by hobbyists with openai:toy-but-secret"
    assert names.replaced(said) == "openai:toy in folder by (left out) with (left out)"


def test_a_short_name_does_not_spoil_words(made: tuple[RunFolder, Path], tmp_path: Path) -> None:
    night = copied(made[0].journal, tmp_path / "journal.sqlite")
    names = names_of(night, Whose(identities=("al", "Al Bo", "max")), {})
    assert names.replaced("total maximum by al, Al Bo and max") == "total maximum by al, person and max"


def test_an_agents_command_line_is_nowhere(made: tuple[RunFolder, Path], tmp_path: Path) -> None:
    night = copied(made[0].journal, tmp_path / "journal.sqlite")
    agent = next(one.event.chain[0] for one in night.facts if isinstance(one.event, e.EngineStarted))
    assert names_of(night, Whose(), {}).replaced(f"{agent} cannot be started") == "an agent cannot be started"


# ---- every field ----


def structs() -> list[type[msgspec.Struct]]:
    """Everything that a journal can hold."""
    found: dict[type[msgspec.Struct], None] = {}
    todo: list[Any] = [*e.kinds().values(), *get_args(c.Command), Seen, Row]
    while todo:
        kind = todo.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in found:
                found[kind] = None
                todo += get_type_hints(kind).values()
        else:
            todo += get_args(kind)
    return list(found)


def holds_text(kind: Any) -> bool:
    if isinstance(kind, type) and issubclass(kind, str | msgspec.Struct):
        return True
    return any(isinstance(one, str) or holds_text(one) for one in get_args(kind))


@pytest.mark.parametrize("kind", structs(), ids=lambda kind: kind.__name__)
def test_every_field_that_can_hold_text_was_thought_about(kind: type[msgspec.Struct]) -> None:
    texts = {name for name, held in get_type_hints(kind).items() if holds_text(held)}
    assert texts <= set(FIELDS[kind]), "say in fields.py what becomes of it in a redacted file"
    assert set(FIELDS[kind]) <= set(kind.__struct_fields__)


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_who_made_what_the_run_began_from_is_nobody_wherever_it_is_packed(tmp_path: Path) -> None:
    """Whoever commits later, and whoever packs it, is not the one who wrote the code."""
    folder = make_checkout(tmp_path / "lab", TRAIN + "# by Waxwing Goldcrest <waxwing@corvid.example>, key sk-abcdefghijklmnop1234\n")
    git(folder, "commit", "-q", "--amend", "--no-edit", "--author", "Waxwing Goldcrest <waxwing@corvid.example>")
    tui(folder, "run", "--tag", "night", "--experiments", "1", "--researcher", "sweep")
    git(folder, "commit", "-q", "--allow-empty", "-m", "later, by another")
    tui(folder, "pack", "-o", str(tmp_path / "whole.night"))
    for number, source in enumerate(("night", str(tmp_path / "whole.night"))):
        target = tmp_path / f"{number}.night"
        tui(folder, "pack", source, "--redact", "-o", str(target))
        with opened(target) as (night, commits):
            code = git(commits, "show", f"refs/autoresearch/{night.tag}/0:train.py")
        assert "Waxwing" not in code
        assert "corvid" not in code
        assert "abcdefghijklmnop" not in code
