"""Where each value that a person may set comes from, and the sentence for what cannot be.

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
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from autoresearch_tui import tomlfile
from autoresearch_tui.masking import masked
from autoresearch_tui.sections import Experiment, Settings

FILE = "autoresearch.toml"
PREFIX = "AUTORESEARCH_TUI_"


class SettingsError(Exception):
    """Something that was set cannot be: one sentence that says where, and what can."""


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
FLAGS = {"gpu.card": "--gpu"}
"""Options with another name than their setting."""
SECRET = ("notify.to",)
"""What may hold a token: a sentence does not show it."""
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
        raise SettingsError(masked(str(error))) from None
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
            yield _Given(key, value, FLAGS.get(key, "--" + key.rpartition(".")[2].replace("_", "-")))


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
        shown = "what stands there, which may be secret" if given.key in SECRET else _shown(given.value)
        raise SettingsError(f"{given.named} has to be {words}, not {shown}.") from None


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
