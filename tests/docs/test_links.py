"""Links lead somewhere, and every page can be found from the first."""

from __future__ import annotations

import posixpath

import pytest

from tests.docs.pages import ROOT, Page, anchor, headings, links, page, pages


def _names(one: Page) -> str:
    return one.name


@pytest.mark.parametrize("one", pages(), ids=_names)
def test_a_link_leads_to_a_page_that_is_there_and_to_a_heading_of_it(one: Page) -> None:
    for number, target in links(one):
        if target.startswith("https://"):
            continue
        file, _, heading = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(one.name), file)) if file else one.name
        assert (ROOT / path).exists(), f"{one.name}:{number} leads to {path}, which is not there"
        if heading:
            assert heading in map(anchor, headings(page(path))), f"{one.name}:{number}: {path} has no heading for #{heading}"


def test_every_page_is_in_the_index_and_is_reached_from_the_readme() -> None:
    index = {posixpath.normpath(posixpath.join("docs", target)) for _, target in links(page("docs/README.md"))}
    assert {one.name for one in pages()} - index - {"README.md", "docs/README.md"} == set()
    seen, todo = set[str](), ["README.md"]
    while todo:
        name = todo.pop()
        seen.add(name)
        ahead = {posixpath.normpath(posixpath.join(posixpath.dirname(name), target.partition("#")[0])) for _, target in links(page(name))}
        todo += [one.name for one in pages() if one.name in ahead - seen]
    assert {one.name for one in pages()} - seen - {"docs/README.md"} == set()


def test_no_page_has_two_headings_of_one_name() -> None:
    for one in pages():
        names = [anchor(heading) for heading in headings(one)]
        assert len(names) == len(set(names)), one.name


def test_the_readme_is_short() -> None:
    assert len(page("README.md").text.splitlines()) <= 120
