"""What is told of a night is true: figures of real nights, and every kind of night that there may be."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from random import Random

import msgspec
import pytest

from autoresearch_tui.finding import Found, found
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import read_file
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.accounting import account_of
from autoresearch_tui.morning.parts.confirmed import confirmed_of
from autoresearch_tui.morning.parts.looks import Place
from autoresearch_tui.morning.reading import read, read_table
from autoresearch_tui.workspace import RunFolder
from tests.journal.nights import NIGHTS
from tests.journal.runs import Night, numbered
from tests.morning.stories import HERE, begun, h100, laid_out, reading_of, sample, told, told_rows, told_run
from tests.simulation.published import read_again

H100, MAC = NIGHTS / "karpathy__autoresearch.tsv", NIGHTS / "trevin-creator__autoresearch-mlx.tsv"


@pytest.fixture(name="sample")
def the_sample() -> Account:
    return sample()


@pytest.fixture(name="h100")
def the_h100_night() -> Account:
    return h100()


# ------------------------------------------------------------------------------------------------------------------------------
# A table
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_h100_night_has_the_figures_that_everybody_can_count(h100: Account) -> None:
    assert (h100.experiments, h100.counts) == (126, {"keep": 23, "discard": 102, "crash": 1})
    assert (h100.result.baseline, h100.result.value, h100.result.best) == (0.9979, 0.969686, 118)
    assert h100.result.gain == pytest.approx(0.028214)
    assert (h100.small, h100.small_kept, len(h100.kept), h100.near_discards) == (0.0005, 12, 22, 34)
    assert h100.trend
    assert [round(100 * part) for part in h100.trend.fifths] == [48, 8, 8, 4, 23]


def test_without_a_sigma_nobody_says_how_sure_a_row_is(h100: Account) -> None:
    assert {one.word for one in h100.kept} == {""}
    assert (h100.result.word, h100.result.low, h100.result.p, h100.result.basis) == ("", None, None, "rows")
    assert h100.doubtful == h100.small_kept
    assert "--sigma" in h100.unknown[0]


@pytest.mark.parametrize(("path", "sigma"), [(H100, 0.0005), (MAC, 0.03)], ids=["h100", "mac"])
def test_with_a_sigma_each_kept_row_has_the_word_that_the_journal_would_have(path: Path, sigma: float) -> None:
    account = account_of(read_table(path, sigma))
    words = {one.number: (one.word, one.gain) for one in account.kept}
    assert words == {row.number: (row.word, row.gain) for row in read_again(path, sigma)}
    assert account.result.low is not None


def test_the_largest_gain_comes_first_and_the_doubtful_are_added_up(h100: Account) -> None:
    gains = [one.gain or 0.0 for one in h100.kept]
    assert gains == sorted(gains, reverse=True)
    assert sum(gains) == pytest.approx(h100.result.gain)
    assert h100.gained == pytest.approx(h100.result.gain)
    assert h100.doubtful_gain == pytest.approx(sum(value for value in gains if value < 0.0005))


def test_near_misses_of_a_table_were_hardly_worse_than_the_row_kept_before(h100: Account) -> None:
    first = h100.near[0]
    assert (first.number, first.idea, first.value) == (32, "VE gate scale 2 to 3 (flat)", 0.972821)
    assert first.worse == pytest.approx(-0.000028), "and one was even better"
    assert [one.worse for one in h100.near] == sorted(one.worse for one in h100.near)
    assert all(one.worse <= 0.0005 for one in h100.near)
    rows = read_file(H100).rows
    assert all(rows[one.number].status == "discard" and rows[one.number].val_bpb == one.value for one in h100.near)


def test_a_table_says_what_it_cannot_tell(h100: Account) -> None:
    assert (h100.hours, h100.spent, h100.proposers, h100.diff, h100.looks) == (None, None, (), "", ())
    assert len(h100.unknown) == 4


def test_the_first_row_with_a_number_is_the_baseline() -> None:
    account = told_rows((None, "crash"), (1.0, "discard"), (0.9, "keep"), (0.95, "discard"))
    assert (account.result.baseline, account.result.best) == (1.0, 2)
    assert account.result.gain == pytest.approx(0.1)
    assert [(one.number, one.gain) for one in account.kept] == [(2, account.result.gain)]
    assert account.counts == {"crash": 1, "discard": 2, "keep": 1}


def test_rows_of_other_statuses_are_counted_under_their_word() -> None:
    account = told_rows((1.0, "keep"), (0.9, "tentative"), (0.8, "keep"), (0.7, ""))
    assert account.counts == {"keep": 2, "tentative": 1, "no status": 1}
    assert account.kept[0].gain == pytest.approx(0.2)


def test_another_name_of_the_number_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").write_text("commit\tbits_per_byte\tstatus\na\t1.0\tkeep\nb\t0.9\tkeep\nhello\n")
    account = account_of(read_table(tmp_path / "r.tsv"))
    assert account.metric == "bits_per_byte"
    assert account.result.sentence.startswith("bits_per_byte went from 1.000000 to 0.900000 at #1")
    assert "line 4" in account.unknown[-1]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "There is no experiment yet."),
        ([(1.0, "keep")], "Only the baseline was measured: val_bpb 1.000000."),
        ([(None, "crash")], "There is no number: the one experiment crashed."),
        ([(None, "crash")] * 3, "There is no number: all 3 experiments crashed."),
        ([(1.0, "keep"), (1.1, "discard")], "Nothing was gained: after 1 experiment the baseline is still the best, val_bpb 1.000000."),
    ],
)
def test_a_table_of_nothing_much_says_so(rows: list[tuple[float | None, str]], sentence: str) -> None:
    account = told_rows(*rows)
    assert account.result.sentence == sentence
    assert (account.result.gain, account.kept) == (None, ())
    assert account.experiments == len(rows)


# ------------------------------------------------------------------------------------------------------------------------------
# A run
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_nights_own_numbers_have_an_interval_and_a_warning(sample: Account) -> None:
    result = sample.result
    assert (result.best, result.word, result.basis) == (14, "likely", "night")
    assert result.low is not None and result.high is not None and result.gain is not None
    assert 0 < result.low < result.gain < result.high
    assert "claims too much" in result.caveat


def test_the_closing_measurement_is_the_result_where_there_is_one() -> None:
    history = begun()
    history.settle(0, None, 1.0)
    history.settle(1, 0, 0.9)
    history.add(e.Concluded(1, 0.08, 0.07, 0.09, 0.0001, 0.06, 0.05, 0.07, 0.001))
    result = told(history).result
    assert (result.gain, result.low, result.high, result.p, result.word) == (0.08, 0.07, 0.09, 0.0001, "sure")
    assert (result.basis, result.audit_gain, result.caveat) == ("closing", 0.06, "")
    assert result.sentence == (
        "Measured afresh at the end, #1 is better by 0.080000 in val_bpb than the baseline (+0.070000 to +0.090000, sure, p < 0.001);"
        " on text that decided nothing it is better by 0.060000 (+0.050000 to +0.070000)."
    )


def test_where_higher_is_better_a_gain_is_above_zero() -> None:
    history = begun(sigma=0.001, goal="higher")
    history.settle(0, None, 0.5)
    history.settle(1, 0, 0.6)
    account = told(history)
    assert account.result.gain == account.kept[0].gain == pytest.approx(0.1)
    assert "went from 0.500000 to 0.600000 at #1: better by 0.100000" in account.result.sentence


def test_a_kept_change_is_sure_likely_or_unsure_by_the_noise() -> None:
    history = begun(sigma=0.01)
    for number, value in enumerate([1.0, 0.8, 0.765, 0.764]):
        history.launch(number, number - 1 if number else None)
        history.end(number, value)
        history.add(e.Judged(number, "keep", "better", number), e.Applied(number))
    account = told(history)
    assert {one.number: one.word for one in account.kept} == {1: "sure", 2: "likely", 3: "unsure"}
    assert account.doubtful == 1
    assert account.doubtful_gain == pytest.approx(0.001)
    assert account.gained == pytest.approx(0.236)
    assert account.small is None, "where the noise is known nothing else is needed"
    history.add(e.Rewound(2, "ann"))
    account = told(history)
    assert (account.doubtful, account.doubtful_gain) == (0, 0), "the best code has it no more"
    assert not account.kept[-1].on_trunk


def test_what_was_kept_as_simpler_is_no_luck_for_it_claims_no_gain() -> None:
    history = begun(sigma=0.01)
    history.settle(0, None, 1.0)
    history.launch(1, 0)
    history.end(1, 1.002)
    history.add(e.Judged(1, "keep", "simpler: 30 nodes less, worse by 0.002000", 1), e.Applied(1))
    assert told(history).doubtful == 0


def test_near_misses_are_within_two_sigma_and_not_kept_since() -> None:
    history = begun(sigma=0.01)
    history.settle(0, None, 1.0)
    for number, value in ((1, 1.019), (2, 1.021), (3, 1.005)):
        history.launch(number, 0, idea=f"idea {number}")
        history.end(number, value)
        history.add(e.Judged(number, "discard", "worse", 0), e.Applied(number))
    assert [one.number for one in told(history).near] == [3, 1]
    history.launch(4, 0, operator="keep", of=3)
    history.end(4, 0.9)
    history.add(e.Judged(4, "keep", "kept by hand", 4, "ann"), e.Applied(4))
    account = told(history)
    assert [one.number for one in account.near] == [1]
    assert account.kept[0].by == "ann"


def test_a_suspect_number_is_a_doubt_and_no_near_miss() -> None:
    history = begun()
    history.settle(0, None, 1.0)
    history.launch(1, 0)
    history.add(e.Ended(1, 1, "finished", seconds=300.0), e.Measured(1, 1, 0.1, evidence=("two lines of val_bpb",)))
    history.add(e.Judged(1, "discard", "suspect: two lines of val_bpb", 0), e.Applied(1), e.Tainted(0, 1, "a stranger"))
    account = told(history)
    assert account.near == ()
    assert [(one.number, one.kind, one.why) for one in account.doubts] == [
        (0, "tainted", "a stranger"),
        (1, "suspect", "two lines of val_bpb"),
    ]
    assert account.points[0].tainted
    assert not account.points[1].tainted


def test_crashes_are_told_by_kind_with_the_reason_of_the_last() -> None:
    history = begun()
    history.settle(0, None, 1.0)
    for number, (kind, why) in enumerate([("memory", "out of memory"), ("nan", "the loss is nan"), ("memory", "CUDA out of memory")], 1):
        history.launch(number, 0)
        history.add(e.Ended(number, 1, "crash", kind, why), e.Judged(number, "crash", f"{kind}: {why}", 0), e.Applied(number))
    account = told(history, tails={3: ("step 1", "boom")})
    assert [(one.kind, one.numbers, one.why, one.tail) for one in account.crashes] == [
        ("memory", (1, 3), "CUDA out of memory", ("step 1", "boom")),
        ("nan", (2,), "the loss is nan", ()),
    ]
    assert "3 of 4 experiments crashed, most often by memory" in " ".join(account.advice)


def test_the_sample_has_the_end_of_its_crashs_log_and_its_diff(sample: Account) -> None:
    (crash,) = sample.crashes
    assert crash.tail[-1] == "AttributeError: 'Block' object has no attribute 'open'"
    assert crash.tail[-2].startswith("    "), "as it was indented"
    assert len(crash.tail) == 8
    assert sample.diff.startswith("diff --git a/train.py b/train.py\n")
    assert "+++ b/train.py" in sample.diff


def test_how_a_run_stands_is_said_first() -> None:
    history = begun()
    history.launch(0, None)
    account = told(history, Place("night", "night", git="git", alive=True))
    assert account.state == "at work: training #0"
    assert account.advice[0].startswith("It is still at work")
    account = told(history)
    assert account.state == "died while training"
    assert "`autoresearch-tui run`" in account.advice[0]
    history.add(e.EngineEnded("stopped by ann"))
    assert told(history).state == "over: stopped by ann"
    assert told_run(Run()).state == "not begun"


def test_after_a_drift_two_numbers_that_do_not_compare_are_not_compared() -> None:
    history = begun()
    history.settle(0, None, 1.0)
    history.settle(1, 0, 0.9)
    history.relaunch(1)
    history.end(1, 0.95)
    history.add(e.Drifted(1, 2, 0.9, 0.95, 1))
    account = told(history)
    assert account.result.gain is None
    assert "does not compare" in account.result.sentence
    assert "drifted" in account.warnings[0]


def test_where_the_end_of_the_trunk_is_not_its_best_a_line_says_which_the_diff_and_the_branch_take() -> None:
    history = begun(sigma=0.01)
    history.settle(0, None, 1.0)
    history.settle(1, 0, 0.9)
    line = "That branch, and a confirmation, take #2, the end of the trunk; the diff here ends at #1, the best number."
    assert line not in told(history).advice
    history.launch(2, 1)
    history.end(2, 0.902)
    history.add(e.Judged(2, "keep", "simpler: 30 nodes less, worse by 0.002000", 2), e.Applied(2))
    assert line in told(history).advice
    assert line not in told(history, Place("night", "night.zip", packed=True)).advice


def test_of_a_packed_night_its_gain_can_be_tried_again_and_gone_on_from() -> None:
    history = begun()
    history.settle(0, None, 1.0)
    place = Place("night", "'a night.zip'", packed=True)
    assert not [look for look in told(history, place).looks if "confirm" in look.command or "run" in look.command.split()]
    history.settle(1, 0, 0.9)
    assert {"autoresearch-tui confirm 'a night.zip'", "autoresearch-tui run --tag night-2 --from 'a night.zip'"} < {
        look.command for look in told(history, place).looks
    }


def test_a_confirmation_is_told_beside_the_result_and_not_asked_for_again(tmp_path: Path) -> None:
    lab = laid_out(tmp_path / "lab")
    run = RunFolder(lab / ".autoresearch" / "sample")
    assert "`autoresearch-tui confirm sample --dir" in " ".join(account_of(read(Found(run, lab, lab))).advice)
    with Writer(run.folder / "confirm-40s" / ".autoresearch" / "confirm" / "journal.sqlite") as writer:
        writer.append(e.RunStarted("confirm", "c0", sigma=0.01, budget_s=40.0, confirms="sample", chosen=14))
        writer.append(e.Concluded(1, 0.05, 0.02, 0.08, 0.001))
    (run.folder / "confirm-80s" / ".autoresearch" / "confirm").mkdir(parents=True)
    (run.folder / "confirm-80s" / ".autoresearch" / "confirm" / "journal.sqlite").write_text("damaged")
    account = account_of(read(Found(run, lab, lab)))
    assert [one.sentence for one in account.confirmed] == [
        "Trained for 40 s, the best of sample (#14) is better by 0.050000 in val_bpb than the baseline"
        " (+0.020000 to +0.080000, sure, p 0.001): the gain holds."
    ]
    assert "confirm sample" not in " ".join(account.advice)
    assert account.result.basis == "night"


@pytest.mark.parametrize(
    ("gain", "low", "said"),
    [
        (0.05, -0.01, "whether the gain holds is open"),
        (-0.05, -0.3, "whether the gain holds is open"),
        (-0.3, -0.4, "the gain does not hold"),
        (0.05, None, "whether the gain holds is open"),
    ],
)
def test_a_gain_holds_only_where_chance_cannot_have_made_it(gain: float, low: float | None, said: str) -> None:
    high = None if low is None else 2 * gain - low
    run = Run(sigma=0.01, confirms="sample", chosen=14, conclusion=e.Concluded(1, gain, low, high, 0.5))
    confirmed = confirmed_of(run)
    assert confirmed
    assert confirmed.sentence.endswith(f"{said}.")
    assert confirmed_of(Run(confirms="sample", chosen=14)) is None, "it is not measured to its end"


# ------------------------------------------------------------------------------------------------------------------------------
# The trend
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gains", "word"),
    [
        ([1] * 5, "too early"),
        ([1] * 20, "improving"),
        ([1] * 10 + [0] * 10, "plateau"),
        ([1] * 10 + [0] * 20, "stuck"),
        ([0] * 20, "stuck"),
        ([1] * 10 + [0] * 9 + [1e-6], "plateau"),
    ],
)
def test_the_trend_is_how_long_ago_the_last_gain_was_and_what_the_last_fifth_brought(gains: list[float], word: str) -> None:
    value, rows = 1000.0, [(1000.0, "keep")]
    for step in gains:
        value -= step
        rows.append((value, "keep") if step else (value + 5, "discard"))
    account = told_rows(*rows, sigma=0.01)
    assert account.trend
    assert account.trend.word == word


# ------------------------------------------------------------------------------------------------------------------------------
# Where a night lies
# ------------------------------------------------------------------------------------------------------------------------------


def test_without_git_a_sentence_stands_for_the_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = laid_out(tmp_path / "lab")
    night = Found(RunFolder(lab / ".autoresearch" / "sample"), lab, lab)
    assert read(night).diff
    monkeypatch.setenv("PATH", str(tmp_path))
    reading = read(night)
    assert (reading.diff, reading.unknown) == ("", ("The diff is missing: git is not installed, or the folder of its commits has gone.",))


@pytest.mark.parametrize("attributes", ["diff=own", "diff=run", "binary"])
def test_no_configuration_of_a_repository_has_a_part_in_the_diff(attributes: str, tmp_path: Path) -> None:
    lab = laid_out(tmp_path / "lab")
    night = Found(RunFolder(lab / ".autoresearch" / "sample"), lab, lab)
    plain = read(night).diff
    touched = tmp_path / "touched"
    for key in ("diff.external", "diff.own.textconv", "diff.run.command", "core.pager"):
        subprocess.run(["git", "config", key, f"touch {touched};"], cwd=lab, check=True)
    for key in ("diff.noprefix", "color.ui", "diff.mnemonicPrefix"):
        subprocess.run(["git", "config", key, "always" if key == "color.ui" else "true"], cwd=lab, check=True)
    (lab / ".git" / "info").mkdir(exist_ok=True)
    (lab / ".git" / "info" / "attributes").write_text(f"*.py {attributes}\n")
    assert read(night).diff == plain
    assert not touched.exists()


def test_a_run_folder_without_its_repository_is_told_without_a_diff(tmp_path: Path) -> None:
    lab = laid_out(tmp_path / "lab")
    (lab / ".autoresearch" / "sample").rename(tmp_path / "elsewhere")
    with found(str(tmp_path / "elsewhere"), tmp_path) as night:
        account = account_of(read(night))
    assert account.diff == ""
    assert any("The diff is missing" in text for text in account.unknown)
    assert all("git" not in look.command.split() for look in account.looks)


def test_an_engine_that_died_was_last_seen_in_its_samples(tmp_path: Path) -> None:
    journal = tmp_path / "night" / "journal.sqlite"
    with Writer(journal) as writer:
        writer.append(e.RunStarted("night", "c0"), e.EngineStarted(1, 1, "a", "1", "sweep"))
        writer.sample((time.time() + 0.001, "{}"))
        time.sleep(0.05)
        writer.append(e.EngineStarted(2, 2, "b", "1", "sweep"))
    reading = read(Found(RunFolder(tmp_path / "night"), tmp_path))
    assert list(reading.seen) == [3]
    hours = account_of(reading).hours
    assert hours
    assert 0.04 < hours.away < 0.2


def test_any_night_that_an_engine_could_have_written_has_an_account() -> None:
    for seed in range(12):
        facts = numbered(Night(Random(seed), calm=8).go_on(150).facts)
        for end in (0, 1, 2, 5, len(facts) // 2, len(facts)):
            account = account_of(reading_of(facts[:end], HERE))
            assert msgspec.json.decode(msgspec.json.encode(account), type=Account) == account
            assert account.experiments == len(account.points)
