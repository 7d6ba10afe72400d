"""What of every fact, command and sample may be in a redacted file, field by field.

Whatever can hold text is in this table or comes out empty: a field that somebody adds says nothing until it is thought about. Numbers
stay, except those that name a boot of a machine. What the rules do to a text is `redacting.py`'s.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.results import Row
from autoresearch_tui.telemetry.owners import Owned, Seen
from autoresearch_tui.telemetry.sample import Process, Sample

Rule = Literal[
    "kept", "left out", "machine", "model", "code", "person", "said", "tag", "sha", "key", "researcher", "serial", "program", "stranger",
    "reason", "verdict", "zero", "parts",
]  # fmt: skip
"""How a field is treated:

kept: a word of ours, a number or a hash; left out: nobody needs it, or nobody can say what is in it; machine: written by a machine, its
names, paths and addresses go; model: written by the model, names and paths go; code: a piece of code; person: who it was; said: what a
person or a server said; tag, sha, key, researcher, serial: renamed, and the same thing has the same name everywhere; program: what runs
on the card; stranger: who else computes there; reason: a machine's, or a person's; verdict: a word of ours or nothing; zero: a number
that is left out; parts: structs with a table of their own.
"""

DRAFT: dict[str, Rule] = {"idea": "model", "why": "model", "blob": "sha", "changes": "code", "fingerprint": "kept", "draft": "kept"}

FIELDS: dict[type[msgspec.Struct], dict[str, Rule]] = {
    e.RunStarted: {
        "tag": "tag", "start": "sha", "origin": "left out", "key": "key", "trust": "kept", "edit": "machine", "metric": "kept",
        "goal": "kept", "confirms": "model", "chosen": "kept", "blob": "sha",
    },
    e.Remembered: {"source": "left out", "rows": "parts"},
    e.EngineStarted: {
        "born": "zero", "boot": "serial", "version": "kept", "researcher": "researcher", "limits": "parts", "after": "machine",
        "device": "machine", "rules": "parts", "chain": "researcher", "chosen": "machine", "rates": "parts", "sandbox": "kept",
        "sandbox_why": "machine", "card": "serial",
    },
    e.Equipped: {"slots": "parts", "why": "left out"},
    e.EngineEnded: {"why": "machine"},
    e.ProgramChanged: {"sha": "kept", "diff": "left out"},
    e.SettingsChanged: {"limits": "parts", "by": "person"},
    e.Commanded: {"wish": "parts", "by": "person", "why": "machine"},
    e.Fulfilled: {"how": "machine"},
    e.Lapsed: {"why": "machine"},
    e.Paused: {"by": "person", "why": "machine"},
    e.Resumed: {"by": "person"},
    e.Waiting: {"why": "machine"},
    e.Shared: {"mode": "kept", "why": "machine"},
    e.Unloaded: {"researcher": "researcher"},
    e.ResearcherDown: {"researcher": "researcher", "why": "said"},
    e.ResearcherUp: {"researcher": "researcher"},
    e.Declined: {"draft": "kept", "researcher": "researcher", "category": "said"},
    e.Passed: {"draft": "kept", "researcher": "researcher", "why": "said"},
    e.Blocked: {"what": "said"},
    e.Rewound: {"by": "person"},
    e.Drifted: {},
    e.Concluded: {},
    e.Warned: {"why": "machine"},
    e.Drafting: {"draft": "kept", "operator": "kept", "researcher": "researcher", "program": "kept", "by": "person"},
    e.Asked: {"draft": "kept", "researcher": "researcher", "dialect": "kept"},
    e.Replied: {"draft": "kept", "cut": "machine", "seen": "machine"},
    e.Spent: {"draft": "kept", "researcher": "researcher"},
    e.Refused: {"draft": "kept", "reason": "machine", "wrong": "kept", "detail": "left out"},
    e.Drafted: DRAFT,
    e.Held: {"draft": "kept"},
    e.Approved: {"draft": "kept", "by": "person", "note": "said"},
    e.Abandoned: {"draft": "kept", "why": "reason", "by": "person"},
    e.Proposed: DRAFT | {"operator": "kept", "researcher": "researcher", "by": "person"},
    e.Committed: {"commit": "sha"},
    e.Launched: {"born": "zero", "boot": "serial", "purpose": "kept", "slot": "serial", "device": "machine"},
    e.Ended: {"outcome": "kept", "crash": "kept", "why": "machine", "by": "person", "card": "parts"},
    e.Measured: {"refused": "machine", "trust": "kept", "recorded": "machine", "evidence": "machine"},
    e.Tainted: {"why": "machine"},
    e.Judged: {"verdict": "kept", "reason": "machine", "by": "person"},
    e.Applied: {},
    e.Limits: {"between": "kept"},
    e.Rules: {},
    e.Rates: {"currency": "kept"},
    e.Slot: {"name": "serial", "device": "machine", "card": "serial", "sandbox": "kept"},
    e.Card: {"throttled": "kept", "strangers": "stranger"},
    Row: {"commit": "left out", "status": "verdict", "description": "left out", "extra": "left out"},
    c.Pause: {},
    c.Resume: {},
    c.Skip: {"draft": "kept"},
    c.Keep: {},
    c.Discard: {},
    c.Again: {},
    c.Note: {"text": "said"},
    c.Idea: {"text": "said"},
    c.Rewind: {},
    c.Review: {},
    c.Approve: {"draft": "kept", "note": "said"},
    c.Reject: {"draft": "kept", "note": "said"},
    c.Limit: {"what": "kept", "value": "machine"},
    c.Stop: {},
    c.Withdraw: {},
    Seen: {"card": "parts", "owned": "parts"},
    Owned: {"source": "kept"},
    Sample: {
        "name": "machine", "uuid": "serial", "throttle": "kept", "processes": "parts", "source": "kept", "fault": "kept",
        "said": "machine", "why": "machine",
    },
    Process: {"name": "program", "user": "left out"},
}  # fmt: skip
