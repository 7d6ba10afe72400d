"""Settings: who wins, what a value becomes, and the one sentence for everything that a person may get wrong."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autoresearch_tui.sections
import autoresearch_tui.settings
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import KINDS, Loaded, SettingsError, load
from tests.machine import nobody

NO_EDIT = "2: experiment.edit has to be a file inside the workspace, such as train.py, not"
NOTHING: dict[str, str] = {}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's config folder, which is not the one of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    from platformdirs import user_config_path

    folder = user_config_path("autoresearch-tui")
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    return folder


def write(folder: Path, text: str) -> Path:
    file = folder / "autoresearch.toml"
    file.write_text(text, encoding="utf-8")
    return file


def sentence(lab: Path, flags: dict[str, object] | None = None, environment: dict[str, str] = NOTHING) -> str:
    """Why these settings cannot be; a path in it is shortened to the name of its file."""
    with pytest.raises(SettingsError) as caught:
        load(lab, flags or {}, environment)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{lab}/", "")


# ------------------------------------------------------------------------------------------------------------------------------
# Who wins
# ------------------------------------------------------------------------------------------------------------------------------


def test_without_any_source_everything_is_its_default(lab: Path) -> None:
    loaded = load(lab, {}, NOTHING)
    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert set(loaded.origins) == set(KINDS)


def test_the_stronger_source_wins_and_is_named(lab: Path, config: Path) -> None:
    def hours(flags: dict[str, object], environment: dict[str, str]) -> tuple[float | None, str]:
        loaded = load(lab, flags, environment)
        return loaded.settings.limits.hours, loaded.origins["limits.hours"]

    users = write(config, "[limits]\nhours = 1\nexperiments = 7\n")
    assert hours({}, {}) == (1, f"{users}:2")
    file = write(lab, "# tonight\n\n[limits]\nhours = 2  # and no more\n")
    assert hours({}, {}) == (2, f"{file}:4")
    variable = {"AUTORESEARCH_TUI_LIMITS_HOURS": "3.5"}
    assert hours({}, variable) == (3.5, "AUTORESEARCH_TUI_LIMITS_HOURS")
    assert hours({"limits.hours": 4}, variable) == (4, "--hours")
    assert load(lab, {"limits.hours": 4}, variable).settings.limits.experiments == 7, "sources add up key by key"


def test_what_was_not_given_overrides_nothing(lab: Path) -> None:
    write(lab, "[limits]\nhours = 2\n")
    environment = {"AUTORESEARCH_TUI_LIMITS_HOURS": "", "AUTORESEARCH_DEVICE": "cpu", "PATH": "/bin"}
    assert load(lab, {"limits.hours": None}, environment).settings.limits.hours == 2


def test_none_takes_away_what_a_weaker_source_limits(lab: Path, config: Path) -> None:
    write(config, '[limits]\nuntil = "07:30"\nhours = 8\nmax_cost = 5\n')
    write(lab, '[limits]\nuntil = "none"\n')
    limits = load(lab, {"limits.hours": "none"}, {"AUTORESEARCH_TUI_LIMITS_MAX_COST": "none"}).settings.limits
    assert (limits.until, limits.hours, limits.max_cost) == (None, None, None)


def test_the_process_own_environment_is_read(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_TUI_RUN_SEED", "7")
    assert load(lab, {}).settings.run.seed == 7


# ------------------------------------------------------------------------------------------------------------------------------
# What a value becomes
# ------------------------------------------------------------------------------------------------------------------------------


def value_of(loaded: Loaded, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(loaded.settings, section), name)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("run.researcher", "ollama:qwen3.5:9b", "ollama:qwen3.5:9b"),
        ("run.researcher", "ollama, sweep", ["ollama", "sweep"]),
        ("run.researcher", '["command:sh -c x,y", "sweep"]', ["command:sh -c x,y", "sweep"]),
        ("run.seed", "0", 0),
        ("run.folder", "~/nights", "~/nights"),
        ("limits.experiments", "100", 100),
        ("limits.until", "24:00", "24:00"),
        ("limits.between", "22:00-07:00", "22:00-07:00"),
        ("experiment.train", "python,train.py", ["python", "train.py"]),
        ("experiment.train", "['python', 'train.py']", ["python", "train.py"]),
        ("experiment.frozen", "prepare.py", ["prepare.py"]),
        ("experiment.edit", "models/gpt 2/träin.py", "models/gpt 2/träin.py"),
        ("experiment.goal", "higher", "higher"),
        ("disk.max_gb", "0.5", 0.5),
        ("review.on", "true", True),
        ("review.on", "0", False),
    ],
)
def test_text_becomes_what_the_key_asks_for(lab: Path, key: str, text: str, value: object) -> None:
    assert value_of(load(lab, {key: text}, NOTHING), key) == value
    assert value_of(load(lab, {}, {"AUTORESEARCH_TUI_" + key.replace(".", "_").upper(): text}), key) == value


def test_a_file_says_everything_in_its_own_types(lab: Path) -> None:
    write(
        lab,
        '[run]\nresearcher = ["ollama", "sweep"]\n[experiment]\nrecord = [\n  "mfu_percent",  # a comment\n]\nbudget_s = 60\n'
        "[review]\non = true\n[limits]\n[disk]\n",
    )
    settings = load(lab, {}, NOTHING).settings
    assert settings.run.researcher == ["ollama", "sweep"]
    assert settings.experiment.record == ["mfu_percent"]
    assert isinstance(settings.experiment.budget_s, float)
    assert settings.review.on


# ------------------------------------------------------------------------------------------------------------------------------
# What cannot be
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # names
        ("[limits]\n\n# ten\nexperiment = 10\n", "4: limits.experiment is not a setting; the nearest is limits.experiments."),
        ("[limit]\nexperiments = 10\n", "2: limit.experiments is not a setting; the nearest is limits.experiments."),
        ("experiments = 10\n", "1: experiments is not a setting; the nearest is limits.experiments."),
        ("[run]\nseed = 1\nhours = 8\n", "3: run.hours is not a setting; the nearest is limits.hours."),
        ("\n[disks]\n", "2: disks is not a setting; the nearest is disk.max_gb."),
        ("limits = 10\n", "1: limits is a section: write [limits], and its keys below."),
        ("[[limits]]\nhours = 8\n", "1: limits is a section: write [limits], and its keys below."),
        ('[run]\n"se\\u001b[31med" = 1\n', '2: "run.se\\u001b[31med" is not a setting; the nearest is run.seed.'),
        # values
        ("[limits]\nexperiments = 0\n", "2: limits.experiments has to be a whole number from 1 to a million, not 0."),
        ("[limits]\nexperiments = true\n", "2: limits.experiments has to be a whole number from 1 to a million, not true."),
        ('[limits]\nexperiments = "10"\n', '2: limits.experiments has to be a whole number from 1 to a million, not "10".'),
        ("[limits]\nhours = -1\n", "2: limits.hours has to be a number above 0, at most a million, not -1."),
        ("[limits]\nhours = nan\n", "2: limits.hours has to be a number above 0, at most a million, not NaN."),
        ("[limits]\nmax_cost = inf\n", '2: limits.max_cost has to be a number above 0, at most a million, "auto" or "none", not Infinity.'),
        ('[limits]\nuntil = "7:30"\n', '2: limits.until has to be a time of day such as "07:30", not "7:30".'),
        ("[limits]\nuntil = 07:30:00\n", '2: limits.until has to be a time of day such as "07:30", not "07:30:00".'),
        (
            '[limits]\nbetween = "07:00-07:00"\n',
            '2: limits.between has to be a window such as "22:00-07:00", with two different times of day, not "07:00-07:00".',
        ),
        ('[experiment]\ngoal = "lowest"\n', '2: experiment.goal has to be "lower" or "higher", not "lowest".'),
        ('[experiment]\nedit = "/etc/x"\n', f'{NO_EDIT} "/etc/x".'),
        ('[experiment]\nedit = "a/../../x"\n', f'{NO_EDIT} "a/../../x".'),
        ('[experiment]\nedit = ""\n', f'{NO_EDIT} "".'),
        (
            '[experiment]\nfrozen = [\n  "a.py",\n  "../b.py",\n]\n',
            '2: experiment.frozen has to be a list of files inside the workspace, such as ["prepare.py"], not ["a.py", "../b.py"].',
        ),
        (
            '[experiment]\nmetric = "val bpb"\n',
            '2: experiment.metric has to be a name that a training prints, such as val_bpb, not "val bpb".',
        ),
        (
            '[experiment]\ntrain = "make"\n',
            '2: experiment.train has to be the words of a command, such as ["python", "train.py"], not "make".',
        ),
        ("[run]\nresearcher = []\n", '2: run.researcher has to be a name such as "ollama:qwen3.5:9b", or a list of names, not [].'),
        ('[run]\nfolder = "nights"\n', '2: run.folder has to be a folder that begins with / or ~/, not "nights".'),
        ("[run]\nseed = -1\n", "2: run.seed has to be a whole number from 0 to 2147483647, not -1."),
        ('[review]\non = "yes"\n', '2: review.on has to be true or false, not "yes".'),
        ("[disk]\nfloor_gb = [1]\n", "2: disk.floor_gb has to be a number from 0 to a million, not [1]."),
        (f'[disk]\nlog_mb = "{"x" * 99}"\n', f'2: disk.log_mb has to be a whole number from 1 to a million, not "{"x" * 58}….'),
        # values that are wrong together
        ('[experiment]\nfrozen = ["train.py"]\n', "2: experiment.frozen holds train.py, which experiment.edit lets change."),
        (
            "[experiment]\nbudget_s = 300\ntimeout_s = 200\n",
            "3: experiment.timeout_s has to be more than experiment.budget_s, which is 300, not 200.",
        ),
        # no TOML
        (
            "[limits]\nuntil = 07:30  # sharp\n",
            '2: `until = 07:30  # sharp` is not TOML (expected newline or end of document after a statement), but `until = "07:30"` is.',
        ),
        ("[run]\nresearcher = ollama\n", '2: `researcher = ollama` is not TOML (invalid value), but `researcher = "ollama"` is.'),
        ("[limits]\nhours = 8\nhours = 9\n", "3: `hours = 9` is not TOML (cannot overwrite a value)."),
        ("[limits\nhours = 8\n", "1: `[limits` is not TOML (expected ']' at the end of a table declaration)."),
        ("[limits]\nhours 8", "2: `hours 8` is not TOML (expected '=' after a key in a key/value pair)."),
    ],
)
def test_a_wrong_file_is_named_with_its_line_and_what_could_stand_there(lab: Path, text: str, said: str) -> None:
    write(lab, text)
    assert sentence(lab) == f"autoresearch.toml:{said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf[run]\n", ":1: it begins with a byte order mark: save it as UTF-8 without one."),
        ("[run]\n".encode("utf-16"), ":1: it begins with a byte order mark: save it as UTF-8 without one."),
        ("[run]\nfolder = '/é'\n".encode("latin-1"), ":2: the byte 0xe9 is not UTF-8: save the file as UTF-8."),
        (b"[run]\0\n", ":1: `'[run]\\x00'` is not TOML (expected newline or end of document after a statement)."),
        (b"#" * 10_000_000, " holds 10000000 bytes, and at most 65536 are read: it is hardly the file that was meant."),
        (b"x = " + b"[" * 5000, ": its brackets nest too deeply, or a number has thousands of digits: write it anew."),
        (b"x = " + b"1" * 5000, ": its brackets nest too deeply, or a number has thousands of digits: write it anew."),
    ],
    ids=["UTF-8 mark", "UTF-16", "Latin-1", "NUL", "10 MB", "brackets", "digits"],
)
def test_a_file_that_is_no_text_gets_its_sentence(lab: Path, content: bytes, said: str) -> None:
    (lab / "autoresearch.toml").write_bytes(content)
    assert sentence(lab) == f"autoresearch.toml{said}"


def test_what_is_no_file_gets_its_sentence(lab: Path) -> None:
    place = lab / "autoresearch.toml"
    place.mkdir()
    assert sentence(lab) == "autoresearch.toml is a folder: a file has to stand in its place."
    place.rmdir()
    os.mkfifo(place)
    assert sentence(lab) == "autoresearch.toml is no ordinary file: put a text file in its place."
    place.unlink()
    place.symlink_to(place)
    assert sentence(lab) == "autoresearch.toml is a link that leads back to itself: remove it."
    place.unlink()
    place.symlink_to("gone.toml")
    assert sentence(lab) == "autoresearch.toml is a link to gone.toml, which is not there: mend or remove it."


def test_a_workspace_that_is_no_folder_has_no_settings(lab: Path) -> None:
    assert load(lab / "nowhere", {}, NOTHING).settings == Settings()
    assert load(write(lab, ""), {}, NOTHING).settings == Settings()


def test_a_file_that_may_not_be_read_gets_its_sentence(lab: Path) -> None:
    write(lab, "").chmod(0)
    load(lab.parent, {}, NOTHING)  # imports what it needs, while everything may be read
    with nobody():
        said = sentence(lab)
    assert said.endswith("autoresearch.toml may not be read by you: change its permissions, or those of its folder.")


def test_the_users_own_file_is_named_when_it_is_wrong(lab: Path, config: Path) -> None:
    write(lab, "[run]\nseed = 1\n")
    file = write(config, "[run]\nseed = 1.5\n")
    assert sentence(lab) == f"{file}:2: run.seed has to be a whole number from 0 to 2147483647, not 1.5."


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("LIMITS_EXPERIMENT", "3", "is not a setting; the nearest is AUTORESEARCH_TUI_LIMITS_EXPERIMENTS."),
        ("HOURS", "", "is not a setting; the nearest is AUTORESEARCH_TUI_LIMITS_HOURS."),
        ("LIMITS_EXPERIMENTS", "ten", 'has to be a whole number from 1 to a million, not "ten".'),
        ("LIMITS_HOURS", "nan", 'has to be a number above 0, at most a million, not "nan".'),
        ("REVIEW_ON", "maybe", 'has to be true or false, not "maybe".'),
        ("EXPERIMENT_TRAIN", "python,,x", 'has to be the words of a command, such as ["python", "train.py"], not "python,,x".'),
        ("EXPERIMENT_TRAIN", "[1]", 'has to be the words of a command, such as ["python", "train.py"], not "[1]".'),
        ("EXPERIMENT_RECORD", '["mfu', 'has to be a list of names that a training prints, such as ["mfu_percent"], not "[\\"mfu".'),
        ("EXPERIMENT_EDIT", "\udce9", 'has to be a file inside the workspace, such as train.py, not "\\udce9".'),
        ("RUN_SEED", "\udce9", 'has to be a whole number from 0 to 2147483647, not "\\udce9".'),
    ],
)
def test_a_wrong_variable_is_named(lab: Path, name: str, text: str, said: str) -> None:
    assert sentence(lab, environment={f"AUTORESEARCH_TUI_{name}": text}) == f"AUTORESEARCH_TUI_{name} {said}"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("limits.until", "25:00", '--until has to be a time of day such as "07:30", not "25:00".'),
        ("limits.max_cost", 0, '--max-cost has to be a number above 0, at most a million, "auto" or "none", not 0.'),
        ("limits.experiments", "ten", '--experiments has to be a whole number from 1 to a million, not "ten".'),
        ("limits.night", "1", "--night is not a setting; the nearest is limits.until."),
    ],
)
def test_a_wrong_flag_is_named(lab: Path, key: str, value: object, said: str) -> None:
    assert sentence(lab, {key: value}) == said


def test_two_values_that_are_wrong_together_name_where_one_was_said(lab: Path) -> None:
    write(lab, "[experiment]\nbudget_s = 300\n")
    variable = "AUTORESEARCH_TUI_EXPERIMENT_TIMEOUT_S"
    assert sentence(lab, environment={variable: "300"}).startswith(f"{variable}: experiment.timeout_s has to be more than")


# ------------------------------------------------------------------------------------------------------------------------------
# Any file
# ------------------------------------------------------------------------------------------------------------------------------

VALUES = {
    "run.researcher": "'''\nollama\n'''",
    "run.seed": "7",
    "limits.hours": "8.5",
    "limits.until": '"07:30"',
    "experiment.train": '[\n  "python", # ] is no end\n\n  "train]=.py",\n]',
    "experiment.record": '["a", "b"]',
    "disk.log_mb": "10",
    "review.on": "true",
}


@st.composite
def files(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """A file that says some of these in any order and style, and the line of each."""
    text = ""
    lines: dict[str, int] = {}
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True))
    sections = draw(st.permutations(sorted({key.split(".")[0] for key in keys})))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    dotted, tables = sections[: len(sections) // 2], sections[len(sections) // 2 :]
    for section in [*dotted, *tables]:  # dotted keys belong to the table above them, so they come first
        text += draw(st.sampled_from(["", "\n", "# a comment with [brackets]\n\n"]))
        text += f"[ {section} ] # its keys\n" if section in tables else ""
        for key in keys:
            if key.split(".")[0] == section:
                lines[key] = text.count("\n") + 1
                name = key if section in dotted else draw(st.sampled_from(["{}", "'{}'", '  "{}"'])).format(key.split(".")[1])
                text += f"{name} = {VALUES[key]}{draw(st.sampled_from(['', '  # why', ' ']))}\n"
    return text.replace("\n", end), lines


@settings(max_examples=40, deadline=None)
@given(files())
def test_each_key_comes_from_the_line_on_which_it_stands(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[str, dict[str, int]]
) -> None:
    text, lines = written
    lab = tmp_path_factory.mktemp("lab")
    (lab / "autoresearch.toml").write_bytes(text.encode())
    origins = load(lab, {}, NOTHING).origins
    assert {key: origin for key, origin in origins.items() if origin != "default"} == {
        key: f"{lab}/autoresearch.toml:{line}" for key, line in lines.items()
    }


def test_a_list_of_a_thousand_lines_is_read_at_once(lab: Path) -> None:
    file = write(lab, "[experiment]\nrecord = [\n" + '  "mfu_percent",\n' * 3000 + "]\ngoal = 'higher'\n")
    begun = time.process_time()
    assert load(lab, {}, NOTHING).origins["experiment.goal"] == f"{file}:3004"
    assert time.process_time() - begun < 3, "parsed once, not once a line"


@settings(max_examples=40, deadline=None)
@given(
    st.text("[]{}=\"'\\#.,:\n\r \x1b0a")
    | st.sampled_from(sorted(VALUES)).flatmap(lambda key: st.text().map(lambda value: f"{key} = {value}"))
)
def test_no_file_is_more_than_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    lab = tmp_path_factory.mktemp("lab")
    (lab / "autoresearch.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(lab, {}, NOTHING)
    except SettingsError as error:
        assert str(error).isprintable()


# ------------------------------------------------------------------------------------------------------------------------------
# The module
# ------------------------------------------------------------------------------------------------------------------------------


def test_every_setting_says_what_it_does() -> None:
    source = Path(autoresearch_tui.sections.__file__).read_text(encoding="utf-8")
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    for section in Settings.__annotations__.values():
        for field, after in zip(classes[section].body[1::2], classes[section].body[2::2], strict=True):
            assert isinstance(field, ast.AnnAssign)
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), f"{section}: {ast.unparse(field)}"


def test_importing_settings_imports_little() -> None:
    code = "import sys, autoresearch_tui.settings; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"platformdirs", "difflib", "json", "zoneinfo", "asyncio"} & set(done.stdout.split())
