"""The page: whole in itself, everything told, nothing of others read as HTML."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from autoresearch_tui.cockpit.light import TEXT_CONTRAST, contrast, parsed
from autoresearch_tui.morning.account import (
    Account,
    Confirmed,
    Crashes,
    Doubt,
    Hours,
    Kept,
    Look,
    Near,
    Proposer,
    Spent,
    Trend,
)
from autoresearch_tui.morning.forms.markdown import as_markdown
from autoresearch_tui.morning.forms.page import as_page
from autoresearch_tui.morning.forms.text import as_text
from tests.browser import Browser
from tests.morning.accounts import HOSTILE, hostile, night

VOID = {"meta", "br", "link", "img", "input"}
LOADS = {"script", "iframe", "img", "link", "object", "embed", "form", "base", "video", "audio", "source"}
STRANGE = [night(), night(1.0), night(None, None), night(None, 1.0, 0.9), night(0.1, 0.2, goal="higher"), hostile()]


class Reader(HTMLParser):
    """A page as its tags, its text and its headings; every tag that was opened is closed where it has to be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2"):
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if {"h1", "h2"} & set(self.open) and "small" not in self.open:
            self.headings[-1] += data


def full() -> Account:
    """A night of which everything is known."""
    account = night(1.0, 0.99, None, 0.991, 0.9895, 0.992, sigma=0.001)
    return replace(
        account,
        result=replace(account.result, sentence="It got better.", caveat="Though some is luck.", low=0.008, high=0.013, audit_gain=0.009),
        confirmed=(Confirmed("night #4", 1200.0, 0.009, sentence="Trained for 1200 s, the gain holds."),),
        state="over: all done",
        device="a card",
        budget_s=300.0,
        kept=(
            Kept(1, "aaaaaaabbb", "half the batch", 0.99, 0.01, "sure", 0.0001, 2, researcher="ollama:small"),
            Kept(4, "ccccccc", "warm up", 0.9895, 0.0005, "unsure", 0.3, by="ann", on_trunk=False),
        ),
        doubtful=1,
        doubtful_gain=0.0005,
        near=(Near(3, "ddddddd", "wider", 0.991, 0.001, 2, "worse by 0.001"),),
        trend=Trend("improving", "It goes on.", (1.0, 0.0, 0.5, 0.5, 0.0)),
        crashes=(Crashes("memory", (2,), "the card was full", ("Traceback:", "  OutOfMemory")),),
        hours=Hours(3600.0, 1800.0, 600.0, 600.0, 300.0, 120.0, 100.0, 80.0),
        spent=Spent(120_000, 2382, 0.12, 0.9, 0.4, 0.11, "EUR", {"USD": 0.02}, {"USD": 0.12}),
        proposers=(Proposer("ollama:small", 5, 2, 1, 0.0105, 7, 5, 2, {"syntax": 2}, 120_000, 2382, 60.0, 0.12),),
        doubts=(Doubt(3, 1, "tainted", "a stranger on the card"),),
        warnings=("The disk is low.",),
        diff="--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-BATCH = 2\n+BATCH = 1\n same\n",
        advice=("Take it home: `autoresearch-tui finish`.",),
        looks=(Look("the story", "git log --notes=autoresearch autoresearch/night"),),
        unknown=("Nobody knows the energy.",),
    )


@pytest.mark.parametrize("account", [*STRANGE, full()])
def test_any_night_is_a_whole_page_that_loads_and_runs_nothing(account: Account) -> None:
    reader = Reader(as_page(account))
    names = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(set(names)) == len(names)
    assert not LOADS & {tag for tag, _ in reader.tags}
    for _, attributes in reader.tags:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
        assert re.fullmatch(r"#e\d+", attributes.get("href") or "#e0")


def test_its_policy_allows_its_own_style_and_nothing_else() -> None:
    page = as_page(hostile())
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style and "@import" not in style


def test_the_text_of_others_has_no_controls_and_ends_its_own_direction() -> None:
    page = as_page(hostile())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert "<bdi>&lt;script&gt;" in page


def test_it_tells_everything_in_the_order_of_a_morning() -> None:
    reader = Reader(as_page(full()))
    assert [heading.strip() for heading in reader.headings] == [
        "It got better.",
        "What now",
        "Kept",
        "Probably noise",
        "Near misses",
        "Where it was going: improving",
        "Crashes",
        "Hours and cost",
        "Researchers",
        "Numbers in doubt",
        "Warnings",
        "Commands",
        "From the baseline to the best",
        "What cannot be known from here",
        "Every experiment",
    ]
    told = """Though some is luck.|the gain holds|over: all done
        a card|300 s a training|1.000000|0.989500|+0.010500|+0.008000 to +0.013000|+0.009000
        half the batch|sure|p < 0.001|aaaaaaa|ollama:small|warm up|by ann|off the trunk|p 0.300|wider|worse by 0.001|It goes on.|100%
        memory|#2|the card was full|  OutOfMemory|30 min|50%|0.12 USD|120 k|0.40 kWh|0.11 EUR|5 of 7|2 syntax|a stranger on the card
        The disk is low.|+BATCH = 1|-BATCH = 2|autoresearch-tui finish|git log --notes=autoresearch autoresearch/night
        Nobody knows the energy.|#3 discard 0.991000: idea 3 with a few words|1 line added, 1 line removed"""
    for line in told.split("\n"):
        for words in line.removeprefix("        ").split("|"):
            assert words in reader.text, words


def test_page_text_and_markdown_name_the_same_changes_under_the_same_heading() -> None:
    """Whatever is off the trunk is no part of the gain, and so no luck in it."""
    account = replace(
        full(),
        kept=(
            Kept(1, "a" * 9, "half the batch", 0.99, 0.01, "sure", 0.0001, 2),
            Kept(3, "b" * 9, "wider", 0.985, 0.005, "unsure", 0.3),
            Kept(4, "c" * 9, "warm up", 0.9895, 0.0005, "unsure", 0.4, on_trunk=False),
        ),
    )
    page, text, markdown = as_page(account), as_text(account), as_markdown(account)
    for heading, there in (("Kept", ["1", "4"]), ("Probably noise", ["3"])):
        assert re.findall(r'<tr id="e(\d+)"', re.split(r"<h2[^>]*>", page.split(f">{heading}", 1)[1])[0]) == there
        assert re.findall(r"(?m)^ +#(\d+) ", text.split(f"\n{heading}\n", 1)[1].split("\n\n")[0]) == there
        assert re.findall(r"(?m)^\| #(\d+) ", markdown.split(f"\n## {heading}\n", 1)[1].split("\n## ")[0]) == there


def test_what_nobody_knows_has_no_heading() -> None:
    assert [heading.strip() for heading in Reader(as_page(night())).headings] == ["A night of 0 experiments."]


def test_each_dot_says_what_it_is_and_a_kept_one_leads_to_its_row() -> None:
    page = as_page(full())
    drawn = page[page.index('<svg class="chart desk"') : page.index('<svg class="chart phone"')]
    assert drawn.count("<circle") == 5 and drawn.count('class="crash"') == 1
    assert drawn.count("<title>#") == 6
    assert 'href="#e1"' in drawn and ' id="e1"' in page


def test_a_long_night_is_folded_and_still_whole() -> None:
    account = night(*(1.0 - at / 1000 if at % 20 == 0 else 1.1 for at in range(1700)))
    page = as_page(account)
    reader = Reader(page)
    assert "44 more" in reader.text and "1700 experiments in their order" in reader.text
    assert all(f' id="e{number}"' in page for number in account.trunk[1:])
    assert "1615 trials that were not kept" in reader.text and page.count("<circle") == 2 * 85


def test_a_diff_of_megabytes_is_cut_and_says_so() -> None:
    line = "+" + "x = '<b>&' # " * 8 + "\n"
    began = time.process_time()
    page = as_page(replace(full(), diff=line * 50_000))
    assert time.process_time() - began < 2
    assert len(page) < 1_500_000 and "of 50000 stand here; `git diff` has the whole." in page.replace("<code>", "`").replace("</code>", "`")
    assert "<b>&" not in page


def test_whatever_is_read_can_be_read_in_light_in_the_dark_and_on_paper() -> None:
    style = (Path(__file__).parents[2] / "autoresearch_tui" / "morning" / "forms" / "page.css").read_text()
    palettes = [dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)]
    assert len(palettes) == 3
    for colours in palettes:
        shades = {
            name: parsed(colour if len(colour) > 4 else "#" + "".join(sign * 2 for sign in colour[1:])) for name, colour in colours.items()
        }
        for text in ("text", "muted", "accent", "bad"):
            for ground in ("ground", "raised"):
                assert contrast(shades[text], shades[ground]) >= TEXT_CONTRAST, (text, ground)
        for ground in ("added", "removed"):
            assert contrast(shades["text"], shades[ground]) >= TEXT_CONTRAST


@pytest.mark.slow
@pytest.mark.needs("chromium")
def test_in_a_real_browser_nothing_of_others_runs_nothing_is_fetched_and_no_words_lie_over_others(tmp_path: Path) -> None:
    pages = {
        "hostile": hostile(400),
        "long": night(*(1.0 - at / 100 for at in range(40)), idea="Wide WORDS and m illi metres"),
        "full": full(),
    }
    for name, account in pages.items():
        (tmp_path / f"{name}.html").write_text(as_page(account), encoding="utf-8")
    with Browser(tmp_path) as browser:
        for name in pages:
            browser.open((tmp_path / f"{name}.html").as_uri())
            for width in (1280, 390):
                browser.look(width)
                assert browser.evaluate("document.documentElement.scrollWidth") <= width, name
                assert browser.evaluate(OVERLAPPING) == [], name
        browser.open((tmp_path / "hostile.html").as_uri())
        assert browser.evaluate("document.title").startswith("<script>document.title='ran'")
        assert HOSTILE[:150] in browser.evaluate("document.querySelector('h1').innerText")
        assert browser.evaluate("document.querySelectorAll('script, iframe, img, a[href^=j], [onload], [onerror]').length") == 0
        assert all(url.startswith("file://") and url.endswith(".html") for url in browser.requested)
        assert browser.said == []
        grounds = {}
        for dark in (False, True):
            browser.look(dark=dark)
            grounds[dark] = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert grounds == {False: "rgb(252, 252, 251)", True: "rgb(16, 19, 23)"}
        browser.look(dark=True, media="print")
        assert browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


OVERLAPPING = """(() => {
  const labels = [...document.querySelectorAll('.chart .label')].filter(one => one.getBoundingClientRect().width);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
  const met = (one, other) => meet(one.getBoundingClientRect(), other.getBoundingClientRect());
  return labels.flatMap((one, at) => labels.slice(at + 1).filter(other => met(one, other)).map(() => one.textContent));
})()"""
