"""What the pages say of settings: the page of all of them, and every key, section and variable that is named elsewhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.researchers.ollama_models import Installed, needed
from autoresearch_tui.settings import FILE, KINDS, VARIABLES, load
from tests.docs import settings
from tests.docs.pages import ROOT, Block, Code, codes, page, pages

SECTION = re.compile(r"^\[([a-z]+)\](?: (.+))?$")
KEY = re.compile(r"^([a-z_]+)( = .+)?$")
VARIABLE = re.compile(r"^AUTORESEARCH_[A-Z_]+$")
SECTIONS = {key.partition(".")[0] for key in KINDS}


def test_the_page_of_all_settings_is_as_the_types_are() -> None:
    told = page("docs/settings.md").text
    assert told == settings.as_page(), "`python -m tests.docs.settings > docs/settings.md` writes it anew"


def _blocks() -> Iterator[Block]:
    """Those with a section of ours; the pages on themes and profiles have files of other kinds."""
    for one in pages():
        for block in one.blocks:
            if block.kind in ("indented", "toml") and re.search(rf"(?m)^\[({'|'.join(SECTIONS)})\]", block.text):
                yield block


@pytest.mark.parametrize("block", list(_blocks()), ids=lambda block: f"{block.page}:{block.line}")
def test_a_file_of_settings_on_a_page_can_be_loaded(block: Block, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(block.text)
    load(tmp_path, {}, {})


def _named() -> Iterator[tuple[Code, str]]:
    for one in pages():
        for code in codes(one):
            if (match := SECTION.match(code.text)) and match[1] in SECTIONS:
                yield code, match[1]


@pytest.mark.parametrize(("code", "section"), list(_named()), ids=lambda value: value.text if isinstance(value, Code) else "")
def test_a_setting_that_a_sentence_names_is_one(code: Code, section: str, tmp_path: Path) -> None:
    """`[gpu] sharing = "swap"`, `[sandbox] processes, memory_gb` or `[limits]` alone."""
    rest = code.text.partition("]")[2].strip()
    if " = " in rest:
        (tmp_path / FILE).write_text(f"[{section}]\n{rest}\n")
        load(tmp_path, {}, {})
        return
    for key in filter(None, re.split(r", | and ", rest)):
        assert f"{section}.{key}" in KINDS, f"{code.page}:{code.line}"


def test_a_section_that_a_sentence_names_is_one() -> None:
    wrong = [
        f"{code.page}:{code.line} {code.text}"
        for one in pages()
        for code in codes(one)
        if (match := SECTION.match(code.text)) and match[1] not in SECTIONS
    ]
    assert wrong == []


def test_a_value_that_a_sentence_names_without_its_section_fits_a_setting() -> None:
    """`local_only = true`: some section has such a key, or a profile has it."""
    keys = {key.partition(".")[2] for key in KINDS} | _keys_of_profiles()
    wrong = [
        f"{code.page}:{code.line} {code.text}"
        for one in pages()
        for code in codes(one)
        if (match := KEY.match(code.text)) and match[2] and match[1] not in keys and "themes" not in code.page
    ]
    assert wrong == []


def _keys_of_profiles() -> set[str]:
    return {key for file in (ROOT / "harness" / "profiles").glob("*.toml") for key in tomllib.loads(file.read_text())}


def test_a_variable_that_a_page_names_is_read_by_the_code() -> None:
    known = set(VARIABLES) | {"AUTORESEARCH_TUI_SECTION_KEY"}
    code = "".join(file.read_text() for folder in ("autoresearch_tui", "harness") for file in sorted((ROOT / folder).rglob("*.py")))
    for one in pages():
        for said in codes(one):
            name = said.text.partition("=")[0]
            if VARIABLE.match(name) and name not in known:
                assert f'"{name}"' in code, f"{one.name}:{said.line}"


def test_the_memory_of_a_model_is_what_the_engine_reckons() -> None:
    rows = re.findall(r"(?m)^\| (\d+) billion \| ([\d.]+) GB \|$", page("docs/ollama-on-one-card.md").text)
    assert len(rows) > 3
    for size, memory in rows:
        model = Installed("it", int(float(size) * 0.6e9), float(size))
        assert f"{needed(model, 16384) / 1e9:.1f}" == memory
