"""What a person may set, where each value comes from, and the sentence for what cannot be.

From weakest to strongest: the default, the autoresearch.toml in the user's config folder, the one in the workspace, the environment,
the command line. A wrong value is an error even where a stronger source overrides it. What is found in the checkout where nothing
is set here (the budget, the command that trains) is `workspace.py`'s.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from autoresearch_tui import tomlfile
from autoresearch_tui.clock import TIME, TIME_WORDS, WINDOW, WINDOW_WORDS

FILE = "autoresearch.toml"
PREFIX = "AUTORESEARCH_TUI_"

# What a value may be. The description completes the sentence "KEY has to be ..".
_CHARACTER = r"[^\x00-\x1f\x7f\ud800-\udfff]"  # what git, a command line and the journal can all hold
_PART = rf"(?!\.\.?(?:/|\Z))(?:(?![/\\]){_CHARACTER})+"
Word = Annotated[str, Meta(pattern=rf"\A{_CHARACTER}+\Z")]
File = Annotated[str, Meta(pattern=rf"\A{_PART}(?:/{_PART})*\Z", description="a file inside the workspace, such as train.py")]
Folder = Annotated[str, Meta(pattern=rf"\A(?:(?:/|~/){_CHARACTER}*)?\Z", description="a folder that begins with / or ~/")]
Metric = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_./@-]{0,63}\Z", description="a name that a training prints, such as val_bpb")]
Time = Annotated[str, Meta(pattern=TIME, description=TIME_WORDS)]
Window = Annotated[str, Meta(pattern=WINDOW, description=WINDOW_WORDS)]
Count = Annotated[int, Meta(ge=1, le=10**6, description="a whole number from 1 to a million")]
Whole = Annotated[int, Meta(ge=0, le=10**6, description="a whole number from 0 to a million")]
Seed = Annotated[int, Meta(ge=0, lt=2**31, description="a whole number from 0 to 2147483647")]
Amount = Annotated[float, Meta(gt=0, le=1e6, description="a number above 0, at most a million")]
AmountOrZero = Annotated[float, Meta(ge=0, le=1e6, description="a number from 0 to a million")]
Switch = Annotated[bool, Meta(description="true or false")]
Goal = Annotated[Literal["lower", "higher"], Meta(description='"lower" or "higher"')]
Researchers = Annotated[  # plain `str`: a pattern in a union with a list makes msgspec 0.22 free memory twice
    str | Annotated[list[Word], Meta(min_length=1)], Meta(description='a name such as "ollama:qwen3.5:9b", or a list of names')
]
Command = Annotated[list[Word], Meta(description='the words of a command, such as ["python", "train.py"]')]
Files = Annotated[list[File], Meta(description='a list of files inside the workspace, such as ["prepare.py"]')]
Metrics = Annotated[list[Metric], Meta(description='a list of names that a training prints, such as ["mfu_percent"]')]


class SettingsError(Exception):
    """Something that was set cannot be: one sentence that says where, and what can."""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[run]`"""

    researcher: Researchers = ""
    """NAME or NAME:MODEL, or several to take turns. Empty: the engine takes the best that answers on this machine."""
    seed: Seed = 42
    """Of the first trial of each experiment; a repeat counts on from it. 42 is upstream's."""
    folder: Folder = ""
    """Where run folders live. Empty: in the workspace, where one looks first; a network file system cannot hold them."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`. Nothing is limited unless somebody says so: a person stops a run. "none" takes away what a weaker source limits."""

    experiments: Count | None = None
    """Of the whole run, the baseline included."""
    hours: Amount | None = None
    """From the start of the engine."""
    until: Time | None = None
    """The next such time in this machine's zone."""
    between: Window | None = None
    """The only hours of a day in which trials start; the window may pass midnight."""
    max_cost: Amount | None = None
    """What the researcher may cost, in dollars."""


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[experiment]`. The defaults are upstream's, so that its checkout needs no settings."""

    train: Command = []
    """The command that trains. Empty: found from the checkout, for that differs between upstream's and ours."""
    edit: File = "train.py"
    """The one file that the researcher changes."""
    frozen: Files = []
    """Files that no experiment may change. Empty: prepare.py, and profile.toml where there is one."""
    metric: Metric = "val_bpb"
    """The figure that decides."""
    goal: Goal = "lower"
    """Which way that figure is better."""
    budget_s: AmountOrZero = 0.0
    """Seconds of training. 0: what profile.toml or TIME_BUDGET in prepare.py says, else upstream's 300."""
    timeout_s: AmountOrZero = 0.0
    """Seconds from launch to end. 0: twice the budget, at least a minute more: a short trial compiles no faster."""
    stall_s: AmountOrZero = 0.0
    """Seconds without a word in the log. 0: the budget, but from one minute, as long as a compilation may be silent, to two."""
    record: Metrics = []
    """Further figures of the training's summary to keep with each trial. None: few are worth a column."""


class Judging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[judging]`. How a verdict comes about is in docs/judging.md; these are the figures that a person may know better."""

    max_memory_gb: AmountOrZero = 0.0
    """A trial that takes more is discarded. 0: no limit, for a card that is full says so itself."""
    hopeless: AmountOrZero = 2.0
    """A loss of so many times the trunk's at the same moment, or a pace so many times slower, ends a trial early. 0: never."""
    drift_every: Whole = 20
    """Experiments after which a trunk that was not measured again is, to see whether the machine is still the same. 0: never."""


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[disk]`"""

    max_gb: Amount = 20.0
    """Past it, old logs are compressed and checkpoints beyond best, trunk and previous removed. A night of a hundred small models fits."""
    floor_gb: AmountOrZero = 1.0
    """The night pauses when less is free: room for the journal, and for whoever else writes there."""
    log_mb: Count = 2048
    """The cap on one log. A step a line is a megabyte; more than this is a loop that prints."""


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[review]`"""

    on: Switch = False
    """A draft waits for a person before it is trained. Off: the night waits for nobody."""
    timeout_s: Amount = 600.0
    """After which it is approved. Two trials of five minutes: time to read a diff, and an absent reader costs little."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    run: Run = Run()
    limits: Limits = Limits()
    experiment: Experiment = Experiment()
    judging: Judging = Judging()
    disk: Disk = Disk()
    review: Review = Review()


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and who said so."""

    settings: Settings
    origins: dict[str, str]
    """For each key as `section.key`: `--experiments`, `AUTORESEARCH_TUI_LIMITS_EXPERIMENTS`, `/lab/autoresearch.toml:7` or `default`."""


class _Given(msgspec.Struct, frozen=True):
    """A value as its source has it."""

    key: str
    value: Any
    origin: str
    in_file: bool = False

    @property
    def named(self) -> str:
        """How a sentence about it begins: a file's line holds no name that a person could look for."""
        if not self.in_file:
            return self.origin
        return f"{self.origin}: {self.key if re.fullmatch('[A-Za-z0-9_.-]{1,60}', self.key) else _shown(self.key)}"


KINDS: dict[str, Any] = {
    f"{section.name}.{field.name}": field.type
    for section in msgspec.structs.fields(Settings)
    for field in msgspec.structs.fields(section.type)
}
"""Every key, as `section.key`, and what its value may be."""
VARIABLES = {PREFIX + key.replace(".", "_").upper(): key for key in KINDS}


def load(workspace: Path, flags: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> Loaded:
    """The settings of a workspace. Flags go by `section.key`; one that is None was not given, one that is text is read like a variable."""
    from platformdirs import user_config_path

    values: dict[str, dict[str, object]] = {section: {} for section in Settings.__struct_fields__}
    origins = dict.fromkeys(KINDS, "default")
    files = (user_config_path("autoresearch-tui") / FILE, workspace / FILE)
    for given in chain(*map(_of_file, files), _of_environment(environment), _of_flags(flags)):
        if given.key not in KINDS:
            raise SettingsError(f"{given.named} is not a setting; the nearest is {_nearest(given.key)}.")
        section, name = given.key.split(".")
        values[section][name] = _checked(given)
        origins[given.key] = given.origin
    settings = msgspec.convert(values, Settings)
    _agree(settings.experiment, origins)
    if 0 < settings.judging.hopeless < 1.2:
        raise SettingsError(
            f"{origins['judging.hopeless']}: judging.hopeless has to be 0 (never) or at least 1.2, not {settings.judging.hopeless:g}."
        )
    return Loaded(settings, origins)


# ------------------------------------------------------------------------------------------------------------------------------
# Sources
# ------------------------------------------------------------------------------------------------------------------------------


def _of_file(path: Path) -> Iterator[_Given]:
    try:
        document = tomlfile.read(path)
    except tomlfile.TomlError as error:
        raise SettingsError(str(error)) from None
    if document is None:
        return
    for section, table in document.tables.items():
        if isinstance(table, dict) and (table or section in Settings.__struct_fields__):
            entries = {f"{section}.{name}": value for name, value in table.items()}
        elif section in Settings.__struct_fields__:
            raise SettingsError(f"{path}:{document.lines[section]}: {section} is a section: write [{section}], and its keys below.")
        else:  # a key without its section, or an empty section that is none
            entries = {section: table}
        for key, value in entries.items():
            yield _Given(key, value, f"{path}:{document.lines[key]}", in_file=True)


def _of_environment(environment: Mapping[str, str]) -> Iterator[_Given]:
    """An empty variable is one that was not given, as everywhere in a shell."""
    for name, value in environment.items():
        if name.startswith(PREFIX) and (value or name not in VARIABLES):
            yield _Given(VARIABLES.get(name, name), value, name)


def _of_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    for key, value in flags.items():
        if value is not None:
            yield _Given(key, value, "--" + key.rpartition(".")[2].replace("_", "-"))


# ------------------------------------------------------------------------------------------------------------------------------
# Values
# ------------------------------------------------------------------------------------------------------------------------------


def _checked(given: _Given) -> object:
    kind, value = KINDS[given.key], given.value
    parts = list(_parts(kind))
    if value == "none" and NoneType in parts:
        return None
    text = isinstance(value, str) and not given.in_file
    if text and list in parts and (str not in parts or "," in value or value.startswith("[")):
        value = _listed(value)
    try:
        return msgspec.convert(value, kind, strict=not text)
    except (msgspec.ValidationError, UnicodeEncodeError):
        words = next(part.description for part in parts if isinstance(part, Meta) and part.description)
        raise SettingsError(f"{given.named} has to be {words}, not {_shown(given.value)}.") from None


def _parts(kind: Any) -> Iterator[Any]:
    """The plain types that a value may have, each after what is said of it."""
    if get_origin(kind) is Annotated:
        yield from kind.__metadata__
        yield from _parts(kind.__origin__)
    elif get_origin(kind) in (Union, UnionType):
        for one in get_args(kind):
            yield from _parts(one)
    else:
        yield get_origin(kind) or kind


def _listed(text: str) -> object:
    """A list as TOML and JSON both write it, or with commas alone."""
    if not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    try:
        return tomllib.loads(f"list = {text}")["list"]
    except (ValueError, RecursionError):
        return text


def _agree(experiment: Experiment, origins: Mapping[str, str]) -> None:
    """What each value alone cannot show."""
    if experiment.edit in experiment.frozen:
        raise SettingsError(
            f"{origins['experiment.frozen']}: experiment.frozen holds {experiment.edit}, which experiment.edit lets change."
        )
    if 0 < experiment.timeout_s <= experiment.budget_s:
        raise SettingsError(
            f"{origins['experiment.timeout_s']}: experiment.timeout_s has to be more than experiment.budget_s,"
            f" which is {experiment.budget_s:g}, not {experiment.timeout_s:g}."
        )


def _nearest(name: str) -> str:
    """In the words of whoever asked: a variable for a variable, a key for a key."""
    from difflib import get_close_matches

    elsewhere = [key for key in KINDS if key.partition(".")[2] == name.rpartition(".")[2]]
    names = list(VARIABLES) if name.startswith(PREFIX) else elsewhere or list(KINDS)
    return get_close_matches(name[:100], names, n=1, cutoff=0)[0]


def _shown(value: object) -> str:
    """A foreign value in a sentence: on one line, not too long, and nothing that a terminal would obey."""
    import json

    text: str = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
