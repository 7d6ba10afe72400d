"""The message of the commit that a night becomes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from autoresearch_tui.morning.account import Account, Kept, Point, Result
from autoresearch_tui.morning.forms.message import as_message, trunk_changes

SENTENCE = "val_bpb went from 2.520000 to 2.410000 at #12: better by 0.110000 (+0.1 to +0.12, sure, p < 0.001)."
KEPT = (
    Kept(12, "c12", "half the batch", 2.41, 0.07, word="sure", researcher="ollama:a"),
    Kept(3, "c3", "more heat", 2.48, 0.04, word="unsure", researcher="ollama:a"),
    Kept(7, "c7", "taken back", 2.47, 0.01, word="likely", on_trunk=False),
    Kept(11, "c11", "again #9: fewer heads", 2.48, -0.001, word="unsure", reason="simpler: 40 nodes less", researcher="sweep"),
    Kept(10, "c10", "a wish", 2.479, 0.001, word="unsure", by="ann@lab", researcher="sweep"),
)
NIGHT = Account(
    "nov20",
    "run",
    Result(SENTENCE, baseline=2.52, best=12, value=2.41, gain=0.11, trust="verified", basis="night", caveat="It claims too much."),
    budget_s=300.0,
    experiments=14,
    kept=KEPT,
    points=tuple(Point(one, (value,), value, "keep", "") for one, value in ((0, 2.52), (3, 2.48), (10, 2.479), (11, 2.48), (12, 2.41))),
    trunk=(0, 3, 10, 11, 12),
)


def lines(account: Account = NIGHT, edit: str = "train.py") -> list[str]:
    return as_message(account, edit).splitlines()


def test_the_subject_says_what_changed_and_how_much() -> None:
    assert lines()[:2] == ["train.py: val_bpb 2.52 -> 2.41 in 4 kept changes (autoresearch nov20)", ""]


@pytest.mark.parametrize("tag", ["a", "a" * 12, "a" * 40, "a" * 64])
@pytest.mark.parametrize("edit", ["train.py", "some/where/train.py", "a_rather_long_name_of_a_file.py"])
def test_the_subject_fits_and_no_line_is_longer_than_a_terminal_shows(tag: str, edit: str) -> None:
    message = lines(replace(NIGHT, name=tag), edit)
    assert len(message[0]) <= 72 and "4 kept changes" in message[0]
    assert max(len(line) for line in message if tag not in line) <= 72


def test_small_gains_have_the_decimals_in_which_they_show() -> None:
    points = (Point(0, (0.9979,), 0.9979, "keep", ""), Point(12, (0.99752,), 0.99752, "keep", ""))
    account = replace(NIGHT, result=replace(NIGHT.result, baseline=0.9979, gain=0.00038), points=points)
    assert "val_bpb 0.99790 -> 0.99752 in" in lines(account)[0]


def test_numbers_that_do_not_compare_are_not_in_the_subject() -> None:
    assert lines(replace(NIGHT, result=replace(NIGHT.result, gain=None)))[0] == "train.py: 4 kept changes (autoresearch nov20)"


def test_the_changes_of_the_trunk_stand_in_their_order_with_what_each_brought() -> None:
    assert [one.number for one in trunk_changes(NIGHT)] == [3, 10, 11, 12]
    told = lines()
    first = told.index("    3  +0.040000 unsure  more heat")
    assert told[first + 1 : first + 5] == [
        "   10  +0.001000 unsure  a wish (kept by ann@lab)",
        "   11  -0.001000         again experiment 9: fewer heads (simpler: 40",
        "                         nodes less)",
        "   12  +0.070000 sure    half the batch",
    ]
    message = " ".join(lines())
    assert "Probably luck, at least in part: 3 and 10." in message
    assert "better by 0.110000" in message and "It claims too much." in message
    assert "measured them" in message and "git log --notes=autoresearch autoresearch/nov20" in message


def test_a_best_number_that_is_not_the_tips_is_said() -> None:
    account = replace(NIGHT, result=replace(NIGHT.result, best=3))
    assert "best number of the night was that of experiment 3; the code here is 12's" in " ".join(lines(account))


def test_git_reads_the_trailers_and_takes_no_line_for_a_comment(tmp_path: Path) -> None:
    hostile = tuple(replace(one, idea="#1 Signed-off-by: Linus\n\n#2\x1b[31m \u202e" + "#3 word " * 30) for one in KEPT)
    for account in (NIGHT, replace(NIGHT, kept=hostile, result=replace(NIGHT.result, sentence="#1 " + "#12 is better " * 20))):
        message = as_message(account, "train.py")
        assert not any(line.startswith("#") for line in message.splitlines())
        command = ["git", "interpret-trailers", "--parse"]
        trailers = subprocess.run(command, input=message, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert trailers.splitlines() == ["Run: nov20", "Experiment: 12", "Researcher: ollama:a", "Researcher: sweep"]
        assert all(character.isprintable() or character == "\n" for character in message)
