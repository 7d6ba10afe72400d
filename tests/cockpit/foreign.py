"""A night in which everybody writes what breaks screens: the model, the training, people, processes on the card, files.

Owns the texts, and a journal, logs, replies and code full of them. Does not own what a screen has to make of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Writer
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.telemetry.owners import Owned, Seen
from autoresearch_tui.telemetry.sample import Process, Sample
from autoresearch_tui.workspace import RunFolder
from tests.engine.nights import TRAIN, make_checkout

TEXTS = {
    "markup": "[/ [/] [0] [bold [bold]x[/bold] [@click=app.quit]y[/] [link=http://x]z[/link] \\[b] \\\\[red]w",
    "tensors": "tensor([[0.1, -2e-05], [nan, inf]], device='cuda:0', grad_fn=<AddmmBackward0>)",
    "colours": "\x1b[31mred\x1b[0m \x9b1mbold \x1b[38;2;1;2;3mrgb \x1b[2J\x1b[H\x1b[?1049l\x1b[?25h",
    "titles": "\x1b]0;a title\x07 \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b]52;c;aGVsbG8=\x07 \x9d0;c1\x9c \x1bPq#0\x1b\\ \x1b_G\x1b\\",
    "controls": "nul\x00bel\x07back\x08tab\tvt\x0bff\x0cdel\x7fso\x0ec1\x85\x90\x9f ends \x1b",
    "lines": "one\u2028two\u2029three\u0085four\x1cfive",
    "right to left": "שלום \u202eabc\u202c مرحبا \u2066x\u2069 \u200f",
    "wide": "学習率を下げる \uff57\uff49\uff44\uff45 한국어 ﷽ 𠀀",
    "emoji": "👩\u200d🚀 👍🏽 🏽 🇩🇪 🏴\U000e0067\U000e007f ❤\ufe0f\u200d🔥 1\ufe0f\u20e3 ☺\ufe0f ☺\ufe0e \U0001fae9",
    "marks": "e\u0301 a\u0301\u0302\u0303\u0304\u0305 Z\u0336\u0336\u0336 \u0301first \u20ddx \u1161\u11a8 \u1100\u1161\u11a8",
    "vowels": "हिन्दी में लिखा தமிழ் বাংলা ภาษาไทย ខ្មែរ \u0d4e\u0d15 \U00016ff0",
    "unsettled": "䷀ ☰ ⚊ ㉈ \U0001d160 \U0001d300 \U0001d369 \ufffe \U000e0fff \ue000 \u0378",
    "boxes": "│ ╮ ╰──╯ █░ ▇ ⠿ ● ○ ‖ …",
    "unseen": "a\u200bb\u2060c\u00add\ufeffe\u034ff\u3164g\u2800h\u180ei",
    "long": "x" * 5000,
}
"""By what is strange in it."""
EVERYTHING = " ".join(text for text in TEXTS.values() if len(text) < 1000)
TAG = "night"


def make_night(folder: Path) -> RunFolder:
    """A workspace with a run of one experiment for each of the texts; another one trains, one is written, and one waits."""
    lab = make_checkout(folder)
    run = RunFolder(lab / ".autoresearch" / TAG)
    for name in ("logs", "replies"):
        (run.folder / name).mkdir(parents=True)
    (lab / "program.md").write_text(EVERYTHING)
    with Writer(run.journal) as writer:
        _begin(writer)
        for number, text in enumerate(TEXTS.values()):
            _experiment(writer, run, number, text, _blob(lab, text))
        _now(writer, run, len(TEXTS), _blob(lab, EVERYTHING))
        writer.sample((time.time(), msgspec.json.encode(_seen()).decode()))
        writer.send(c.Note(EVERYTHING), EVERYTHING)
    return run


def _blob(lab: Path, text: str) -> str:
    """Of a train.py with this text in it."""
    source = TRAIN + "".join(f"NAME = {part!r}  # {part}\n" for part in text.splitlines())
    done = subprocess.run(["git", "hash-object", "-w", "--stdin"], cwd=lab, input=source.encode(), capture_output=True, check=True)
    return done.stdout.decode().strip()


def _begin(writer: Writer) -> None:
    said = EVERYTHING
    pid = os.getpid()
    writer.append(e.RunStarted(TAG, "c0", origin=said, key={said: said}, metric="val_bpb", sigma=0.001))
    rules = {"device": said, "chain": (said, "sweep"), "chosen": said, "sandbox": "landlock", "sandbox_why": said}
    writer.append(e.EngineStarted(pid, born(pid), boot_id(), said, TEXTS["markup"], after=said, **rules))  # type: ignore[arg-type]
    writer.append(e.ProgramChanged("1", said), e.Shared("share", said, guess=True), e.Unloaded(said, 1.0, 2.0))
    writer.append(e.ResearcherDown(TEXTS["emoji"], said, time.time() + 60), e.Blocked(said), e.Warned(said))


def _experiment(writer: Writer, run: RunFolder, number: int, text: str, blob: str) -> None:
    draft = f"d{number:04}"
    if number:
        writer.append(e.Drafting(draft, "tune", 0, text), e.Asked(draft, text, text), e.Refused(draft, text, "edit", text))
        writer.append(e.Replied(draft, 1.0, 10, 20, 0.0, cut=text, seen={text: 1.0}), e.Drafted(draft, blob, text, text))
    knobs = {text: (text, text)}
    what = {"operator": "tune", "parent": 0, "idea": text, "why": text, "blob": blob, "changes": knobs, "researcher": text, "by": text}
    writer.append(e.Proposed(number, draft, **what) if number else e.Proposed(0), e.Committed(number, f"{number:07}abc"))  # type: ignore[arg-type]
    writer.append(e.Launched(number, 1, 42, 1, 1, "boot"))
    outcome = "crash" if number % 3 == 2 else "finished"
    card = e.Card(seconds=1.0, util=99.0, throttled={text: 0.5}, strangers=(text,))
    writer.append(e.Ended(number, 1, outcome, text if outcome == "crash" else "", text, text, seconds=300.0, card=card))
    if outcome == "finished":
        trust = "suspect" if number % 3 == 1 else "verified"
        writer.append(e.Measured(number, 1, 1.0 - number / 1000, trust=trust, recorded={text: text}, evidence=(text,)))
        writer.append(*[e.Tainted(number, 1, text)] * (number % 4 == 3))
    verdict = "crash" if outcome == "crash" else "keep" if number % 2 == 0 else "discard"
    writer.append(e.Judged(number, verdict, text, 0, by=text if number % 5 == 4 else "policy"), e.Applied(number))
    writer.append(e.Commanded(number + 1, c.Note(text), text, number % 2 == 0, text))
    _write(run, number, draft, text)


def _write(run: RunFolder, number: int, draft: str, text: str) -> None:
    """Its log and its reply, with what no journal would take."""
    log = b"\n".join(
        (text.encode(), b"\xff\xfe\x80 torn \xe2\x82", b"a\rb " + text.encode(), b"step 00001 (50.0%) | loss: " + text.encode())
    )
    run.log(number, 1).write_bytes(log)
    parts = [{"kind": "attempt", "text": text}, {"kind": "thinking", "text": text}, {"kind": "text", "text": text + " \ud800 \udfff"}]
    run.reply(draft).write_text("".join(json.dumps(part) + "\n" for part in parts) + '{"kind": "text", "te')


def _now(writer: Writer, run: RunFolder, number: int, blob: str) -> None:
    """What trains, what is written, and what waits for a person."""
    said = EVERYTHING
    writer.append(e.Proposed(number, "", "tune", 0, said, said, blob, researcher=said), e.Committed(number, f"{number:07}abc"))
    writer.append(e.Launched(number, 1, 42, 1, 1, "boot"))
    writer.append(e.Drafting("d0800", "tune", 0, "sweep"), e.Drafted("d0800", blob, said, said, {said: (said, said)}))
    writer.append(e.Held("d0800", time.time() + 500))
    writer.append(e.Drafting("d0900", "tune", 0, "sweep", notes=(1,), idea=900), e.Asked("d0900", "sweep"))
    writer.append(e.Commanded(900, c.Idea(said), said, True), e.Waiting(said))
    _write(run, number, "d0900", said)


def _seen() -> Seen:
    gb, why = 10**9, {"power_w": EVERYTHING, "sm_mhz": TEXTS["vowels"]}
    there = tuple(Process(pid, gb, name, name) for pid, name in enumerate(TEXTS.values(), 100))
    words: dict[str, Any] = {"name": EVERYTHING, "said": EVERYTHING, "why": why, "throttle": (TEXTS["emoji"],), "source": TEXTS["wide"]}
    card = Sample(time.time(), util=98, memory_total=80 * gb, memory_used=40 * gb, processes=there, **words)
    return Seen(card, Owned(10 * gb, 20 * gb, 10 * gb, 40 * gb, source=EVERYTHING))
