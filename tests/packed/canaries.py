"""A night that has a bird in every place where something private may stand. None of them may be seen in a redacted file.

Made of facts and real commits, without an engine; `NAMED` are what this machine calls things, for whoever packs it here.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import msgspec

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import Row, write_file
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal, Writer
from autoresearch_tui.packed import opened
from autoresearch_tui.telemetry.owners import Owned, Seen
from autoresearch_tui.telemetry.sample import Process, Sample
from autoresearch_tui.workspace import RunFolder
from tests.engine.nights import TRAIN, git, make_checkout

TAG = "night"
HOST, USER, MAIL, GIT_NAME = "finchbox", "wren-j", "jay.wren@corvid.example", "Jay Wrenfield"
BY = f"{USER}@{HOST}.aviary.example"
UUID, BOOT = "GPU-0f0f0f0f-1111-2222-3333-444444444444", "deadbeef-1111-2222-3333-444444444444"
NOTE, IDEA = "heron says nothing above a million tokens", "osprey: try GELU in the MLP"
FOLDER, HOME, DATASET = "kestrel-lab", "plover-home", "magpie-texts"
LOG = f"""{USER} on {HOST} with {UUID}
Traceback (most recent call last):
  File "/srv/storks/siskin.py", line 3, in load
  File "pipit.py", line 4, in get
  File "C:\\Users\\dunlin\\train.py", line 5, in more
connecting to https://goldcrest.corvid.example:8443/v1?key=linnet and 10.11.12.13, mac 0a:1b:2c:3d:4e:5f, fe80::1ff:fe23:4567:890a
{MAIL} has the key sk-proj-redpollredpollredpoll; CUDA_WHO is starlings
step 00001 (50.0%) | loss: 2.100000 | lrm: 1.00\rstep 00002 (100.0%) | loss: 2.000000
---
val_bpb:          1.150000
"""
BIRDS = """
    finchbox wren-j jay.wren corvid Wrenfield aviary 0f0f0f0f deadbeef heron osprey kestrel plover magpie storks siskin pipit dunlin
    goldcrest linnet 10.11.12.13 0a:1b:2c fe80: redpoll starlings dipper goshawk bittern whimbrel avocet curlew godwit nuthatch firecrest
    chiffchaff brambling twite oriole
    """.split()  # noqa: SIM905
"""dipper: a thought; goshawk: a reply; bittern: program.md; whimbrel: another file; avocet: the tag of an earlier night; curlew: a
stranger; godwit: his program; nuthatch: a reason; firecrest: a later kind of fact; chiffchaff: an agent's folder; brambling: the history
before the run; twite: a value of the environment; oriole: a draft's detail; the others are a person, a machine, a place, an address, a
note, an idea, or stand in a log."""


def make_night(home: Path) -> tuple[RunFolder, Path]:
    """A workspace below this folder with a run of three experiments, and the checkout."""
    lab = make_checkout(home / HOME / FOLDER)
    git(lab, "config", "user.name", GIT_NAME)
    git(lab, "config", "user.email", MAIL)
    (lab / "program.md").write_text("bittern: never ask twice\n")
    (lab / "whimbrel.txt").write_text("brambling\n")
    (lab / "train.py").write_text(f"{TRAIN}# by {GIT_NAME}, for {home / HOME}/data and {USER}\n")
    git(lab, "add", ".")
    git(lab, "commit", "-q", "-m", "brambling")
    (lab / "whimbrel.txt").write_text("nothing\n")
    git(lab, "commit", "-q", "-am", "The start of it")
    run = RunFolder(lab / ".autoresearch" / TAG)
    for name in ("logs", "replies"):
        (run.folder / name).mkdir(parents=True)
    for number in range(3):
        run.log(number, 1).write_text(LOG)
    reply = [{"kind": "thinking", "text": "dipper"}, {"kind": "text", "text": "goshawk <idea>wider</idea>"}]
    run.reply("d0001").write_text("".join(json.dumps(part) + "\n" for part in reply))
    _write(run, lab, Lineage(lab, TAG))
    return run, lab


def _write(run: RunFolder, lab: Path, lineage: Lineage) -> None:
    start = git(lab, "rev-parse", "HEAD")
    key = {
        "prepare.py": hashlib.sha256((lab / "prepare.py").read_bytes()).hexdigest()[:16],
        "edit": "train.py",
        "metric": "val_bpb",
        "goal": "lower",
        "data": f"{DATASET}-12345678-1024",
    }
    key |= {"train": f"/home/{USER}/bin/python train.py", "device": "NVIDIA H200"}
    with Writer(run.journal) as writer:
        writer.append(e.RunStarted(TAG, start, "avocet", key, sigma=0.001))
        writer.append(e.Remembered(f"{FOLDER}/results.tsv", (Row("abc1234", 1.0, 2.0, "keep", "avocet", {"note": "avocet"}),)))
        agent = f"command:/home/{USER}/chiffchaff/agent --as {USER}"
        writer.append(e.EngineStarted(4, 5, BOOT, "1", "openai:toy", chain=(agent, "sweep"), device="NVIDIA H200", card=UUID))
        writer.append(e.Warned(f"openai:toy at http://goldcrest.corvid.example:8000/v1 is slow; {lab}/whimbrel.txt is large"))
        writer.append(e.ResearcherDown("openai:toy", "organization nuthatch has no credit"), e.Blocked("a look-up of goldcrest"))
        writer.append(
            e.ProgramChanged("1" * 40, "+bittern"), e.Waiting("the card is held by curlew's run x in /home/curlew (pid 7) since 1")
        )
        _experiments(writer, lab, lineage, start)
        writer.append(e.EngineEnded(f"stopped by {BY}"))
        seen = Seen(Sample(1.0, "NVIDIA H200", UUID, processes=(Process(7, 1, "godwit", "curlew"), Process(8, 1, "python", USER))), Owned())
        writer.sample((1.0, msgspec.json.encode(seen).decode()))
        writer.save_snapshot()
        write_file(run.results, writer.run.rows)
    with closing(sqlite3.connect(run.journal, isolation_level=None)) as connection:  # what a later version may write
        connection.execute("INSERT INTO event VALUES (1000, 1.0, 1.0, 'Migrated', NULL, '{\"to\": \"firecrest\"}')")
        connection.execute("INSERT INTO command (at, by, kind, target, body) VALUES (1, 'firecrest', 'fly', '', '{}')")


def _experiments(writer: Writer, lab: Path, lineage: Lineage, start: str) -> None:
    writer.append(e.Proposed(0), e.Committed(0, start))
    _settle(writer, lineage, 0, start, 1.2, "baseline")
    for wish in (c.Note(NOTE), c.Idea(IDEA), c.Reject("d0009", "heron")):
        number = writer.send(wish, BY)
        writer.append(e.Commanded(number, wish, BY, True))
    ideas = ((None, "wider, as twitcher asked", f"{NOTE}: said {USER}"), (2, "GELU in the MLP", "osprey wants it"))
    source = (lab / "train.py").read_text()
    for number, (command, idea, why) in enumerate(ideas, 1):
        source = re.sub(r"WIDTH = \d+", f"WIDTH = {512 * number}", source)
        blob, draft = lineage.write_blob(source), f"d000{number}"
        writer.append(e.Drafting(draft, "tune", number - 1, "openai:toy", idea=command, notes=(1,)))
        writer.append(e.Refused(draft, "SEARCH is not in the file", "edit", "oriole"))
        writer.append(e.Drafted(draft, blob, idea, why, {"WIDTH": ("256", str(512 * number))}, f"f{number}"))
        writer.append(e.Proposed(number, draft, "tune", number - 1, idea, why, blob, researcher="openai:toy", fingerprint=f"f{number}"))
        commit = lineage.commit(writer.run.experiments[number - 1].commit, blob, f"{idea}\n\n{why}\n", 1e9 + number)
        writer.append(e.Committed(number, commit))
        _settle(writer, lineage, number, commit, 1.2 - number / 20, f"kept by hand by {BY}", BY)
    writer.append(
        e.Drafting("d0009", "tune", 2, "openai:toy"), e.Drafted("d0009", lineage.write_blob(source + "# twite-ltd\n"), "more", "deeper")
    )
    writer.append(e.Abandoned("d0009", "rejected: heron", BY))


def _settle(writer: Writer, lineage: Lineage, number: int, commit: str, value: float, reason: str, by: str = "policy") -> None:
    card = e.Card(10.0, 99.0, strangers=("godwit (pid 7, curlew) took 3 GB of the card from 0:10 on",))
    writer.append(e.Launched(number, 1, 42, 10, 11, BOOT))
    why = 'ValueError: File "/srv/storks/siskin.py"' if number else ""
    writer.append(e.Ended(number, 1, "finished", why=why, seconds=10.0, card=card))
    writer.append(e.Measured(number, 1, value, memory_gb=1.0, steps=10, recorded={"host": HOST}, evidence=(f"{USER} was here",)))
    if number == 1:
        writer.append(e.Tainted(number, 1, "godwit (pid 7, curlew) took 3 GB of the card"))
    writer.append(e.Judged(number, "keep", reason, number, by), e.Applied(number))
    lineage.point(number, commit)
    lineage.move_branch(commit, writer.run.experiments[number - 1].commit if number else None)
    lineage.annotate(commit, f"{TAG} #{number} keep: {reason}\n\nanother #1 keep: avocet\n")


def state(file: Path) -> Run:
    """What the facts in a packed file add up to."""
    with opened(file) as (folder, _), Journal(folder.journal) as journal:
        return fold(journal.events())


def contents(packed: Path) -> dict[str, bytes]:
    """Everything that is in a packed file, as far as anybody can take it apart: also what git and SQLite hold."""
    found = {"the file": packed.read_bytes()}
    with zipfile.ZipFile(packed) as members:
        found |= {member.filename: members.read(member) + repr(member).encode() + member.extra for member in members.infolist()}
    with opened(packed) as (folder, repository):
        found["git"] = git_objects(repository)
        found["names"] = "\n".join(str(path.relative_to(folder.folder)) for path in folder.folder.rglob("*")).encode()
    return found


def git_objects(repository: Path) -> bytes:
    objects = ["git", "cat-file", "--batch", "--batch-all-objects", "--buffer"]
    refs = subprocess.run(["git", "for-each-ref"], cwd=repository, capture_output=True, check=True).stdout
    return refs + subprocess.run(objects, cwd=repository, capture_output=True, check=True).stdout


def birds_in(packed: Path, *more: str) -> dict[str, list[str]]:
    """Which of them are seen, and where."""
    seen: dict[str, list[str]] = {}
    for place, content in contents(packed).items():
        text = content.lower()
        for bird in (*BIRDS, *more):
            if bird.lower().encode() in text:
                seen.setdefault(bird, []).append(place)
    return seen
