"""The facts of a run, each a frozen struct with a name in the past tense. Only the engine appends them.

Fields are only ever added, and with a default: every older journal opens. A kind that this version does not know is an `Unknown`,
shown and otherwise left alone. What the facts add up to is `state.py`'s; where they are kept is `store.py`'s.
"""

from __future__ import annotations

import functools
from typing import Any, Literal

import msgspec

from autoresearch_tui.journal.commands import Command
from autoresearch_tui.journal.results import Row


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag=True):
    """A fact. Its kind in the journal is the name of its class."""


Purpose = Literal["again", "doubt", "noise", "pace", "disturbed", "suspect", "drift", "crashes", "device", "closing"]
"""Why the same code is trained again; `device`: it has no number yet on the kind of device that another's was measured on."""


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a run ends, and when it rests."""

    experiments: int | None = None
    """Of the whole run, the baseline and those of before a resume included."""
    deadline: float | None = None
    """In seconds of UTC; `--until` and `--hours` become this once, so that a restart does not move it."""
    between: str = ""
    """`HH:MM-HH:MM`, the only hours in which trials run."""
    cost: float | None = None
    """In dollars."""
    declined: int | None = None
    """Requests in a row that a model will not answer."""


# ------------------------------------------------------------------------------------------------------------------------------
# The run
# ------------------------------------------------------------------------------------------------------------------------------


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person set about judging."""

    max_memory_gb: float = 0.0
    """More than that is discarded; 0: no limit."""
    hopeless: float = 2.0
    """A loss of so many times the trunk's ends a trial early; 0: never."""
    drift_every: int = 20
    """Experiments between two looks at the trunk; 0: none."""


class Rates(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a night costs besides its researcher."""

    gpu_hour: float = 0.0
    """In the currency, for each hour of training; 0: nobody pays for it."""
    kwh: float = 0.0
    """In the currency, for each kilowatt-hour that the card took while it trained."""
    currency: str = "USD"
    """Of both. What a researcher costs is always in dollars."""


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """The conditions under which one trial was trained. What nobody could see is None or empty."""

    seconds: float = 0.0
    """How long it was watched."""
    util: float | None = None
    """In percent, on average; so are power and clock."""
    memory_gb: float | None = None
    """The most that was taken of the whole card, by everybody."""
    training_gb: float | None = None
    """The most that the training took, where the driver tells whose memory it is."""
    llm_gb: float | None = None
    """What the language model held meanwhile."""
    power_w: float | None = None
    temperature_c: float | None = None
    """At its hottest."""
    sm_mhz: float | None = None
    throttled: dict[str, float] = {}
    """By reason, the share of the time."""
    strangers: tuple[str, ...] = ()
    """Who computed on the card and was not there at the start."""
    waited: float | None = None
    """The share of its time that the training's threads waited for a core."""


class Slot(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place where one trial at a time trains."""

    name: str
    """`gpu0`, `cpu1`; on another machine with its name before, as in `lab7/gpu0`."""
    device: str = ""
    """Its class: what numbers have to have in common to be compared."""
    card: str = ""
    """The UUID of its card; empty: it has none, or nobody knows."""
    sandbox: str = ""
    """That keeps its trials."""


class RunStarted(Event, frozen=True):
    """A new run: where it begins, and what makes its numbers comparable."""

    tag: str
    start: str
    """The commit of the baseline."""
    origin: str = "HEAD"
    """What `--from` said."""
    key: dict[str, str] = {}
    """The comparability key: resuming with another one is refused."""
    trust: str = "reported"
    """How far its numbers are checked: `verified` or `reported`."""
    seed: int = 42
    edit: str = "train.py"
    metric: str = "val_bpb"
    goal: str = "lower"
    budget_s: float = 300.0
    sigma: float | None = None
    """The profile's guess of how far equal code differs, before it is measured here."""
    confirms: str = ""
    """The night whose gain is measured again here, with another budget; such a run searches nothing."""
    chosen: int | None = None
    """The experiment at the end of that night's trunk."""
    blob: str = ""
    """Its code."""
    repeats: int = 0
    """Trainings of it, and of the baseline."""


class Remembered(Event, frozen=True):
    """Rows of a night that was measured elsewhere: known to the search, never compared."""

    source: str
    rows: tuple[Row, ...]


class EngineStarted(Event, frozen=True):
    """An engine took the run up. `after` says how the one before it died, if a keeper started this one."""

    pid: int
    born: int
    """Its start in the kernel's ticks: with pid and boot it names one process for ever."""
    boot: str
    version: str
    researcher: str
    limits: Limits = Limits()
    review: bool = False
    review_timeout_s: float = 600.0
    after: str = ""
    device: str = ""
    rules: Rules = Rules()
    chain: tuple[str, ...] = ()
    """Who else proposes while those before are down; `researcher` is the first."""
    chosen: str = ""
    """Why this one, where nobody was named."""
    local_only: bool = False
    """Nothing but this machine is spoken to."""
    rates: Rates = Rates()
    sandbox: str = ""
    """What holds the trainings: `bubblewrap`, `landlock` or `unsandboxed`."""
    sandbox_why: str = ""
    """Why it is no stronger one."""
    card: str = ""
    """The GPU that it trains on, by its UUID."""


class Equipped(Event, frozen=True):
    """The slots that there are from now on. An engine with a single one, which stays, does not say so."""

    slots: tuple[Slot, ...]
    why: str = ""
    """What came or went."""


class EngineEnded(Event, frozen=True):
    """The engine stopped in good order, and why."""

    why: str


class ProgramChanged(Event, frozen=True):
    """`program.md` is another text than before."""

    sha: str
    diff: str = ""


class SettingsChanged(Event, frozen=True):
    """A limit or the review was changed while the run goes on."""

    limits: Limits
    review: bool
    by: str = ""


class Commanded(Event, frozen=True):
    """A command was heard, and accepted or refused. An accepted one that waits for its moment is a wish until the next two."""

    command: int
    wish: Command | None
    by: str
    accepted: bool
    why: str = ""


class Fulfilled(Event, frozen=True):
    """A wish came true."""

    command: int
    how: str = ""


class Lapsed(Event, frozen=True):
    """A wish cannot come true any more."""

    command: int
    why: str


class Paused(Event, frozen=True):
    """Nothing new starts."""

    by: str
    why: str = ""


class Resumed(Event, frozen=True):
    """Work goes on."""

    by: str


class Waiting(Event, frozen=True):
    """Nothing can start for now; it goes on by itself."""

    why: str


class Shared(Event, frozen=True):
    """How the language model and the training have the card's memory from now on: `share`, `swap` or `apart`."""

    mode: str
    why: str
    guess: bool = False
    """Not all of its figures were measured."""


class Unloaded(Event, frozen=True):
    """The language model gave its memory back before a trial, and the driver says so."""

    researcher: str
    seconds: float
    freed_gb: float


class ResearcherDown(Event, frozen=True):
    researcher: str
    why: str
    until: float | None = None
    """When it is looked for again."""
    for_good: bool = False
    """Only a person mends it."""


class ResearcherUp(Event, frozen=True):
    researcher: str


class Declined(Event, frozen=True):
    """A model will not answer this request; somebody else is asked."""

    draft: str
    researcher: str
    category: str


class Passed(Event, frozen=True):
    """A researcher can make nothing of this draft; the next of the chain may."""

    draft: str
    researcher: str
    why: str


class Blocked(Event, frozen=True):
    """A run that speaks to this machine only refused a connection, or the look-up of a name."""

    what: str


class Rewound(Event, frozen=True):
    """The trunk went to an earlier experiment."""

    to: int
    by: str


class Drifted(Event, frozen=True):
    """The trunk's code measures otherwise than it did: from this trial on a number is compared with newer ones only."""

    number: int
    trial: int
    was: float
    now: float
    since: int
    """The first experiment that was compared while nobody knew."""


class Concluded(Event, frozen=True):
    """The closing measurement: what the trunk is better than the baseline, both measured afresh."""

    tip: int
    gain: float
    low: float | None = None
    high: float | None = None
    """Nineteen of twenty such intervals hold the true gain; None where nobody knows the noise."""
    p: float | None = None
    """How often chance alone would look like this; None where nothing is left to chance."""
    audit_gain: float | None = None
    """The same on text that decided nothing; None where there is none."""
    audit_low: float | None = None
    audit_high: float | None = None
    audit_p: float | None = None
    baseline_trials: int = 1
    tip_trials: int = 1


class Warned(Event, frozen=True):
    """Something that a person should know, in one sentence."""

    why: str


# ------------------------------------------------------------------------------------------------------------------------------
# A draft
# ------------------------------------------------------------------------------------------------------------------------------


class Drafting(Event, frozen=True):
    """A researcher is asked."""

    draft: str
    operator: str
    parent: int
    researcher: str
    of: int | None = None
    """The experiment that it repairs, keeps, or reverts."""
    idea: int | None = None
    """The command whose idea is tried."""
    notes: tuple[int, ...] = ()
    """The commands whose notes it was given."""
    program: str = ""
    """Hash of the `program.md` that it was given."""
    by: str = ""
    """The person who wants it kept unless it crashes."""


class Asked(Event, frozen=True):
    """This draft's next reply is asked for, of whom, and in which form of an edit."""

    draft: str
    researcher: str
    dialect: str = ""
    tokens: int = 0
    """Of the prompt, as estimated, and not corrected by what this researcher counted before."""


class Replied(Event, frozen=True):
    """The whole reply is in `replies/<draft>.jsonl`."""

    draft: str
    seconds: float
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = 0.0
    cut: str = ""
    """Why it is not whole."""
    seen: dict[str, float] = {}
    """What else the server told, by a name that says the unit."""


class Spent(Event, frozen=True):
    """What was paid for a reply that broke off, or that nobody may use."""

    draft: str
    researcher: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None


class Refused(Event, frozen=True):
    """The reply is not usable, and why; the researcher is asked again."""

    draft: str
    reason: str
    wrong: str = ""
    """`reply`, `edit`, `code`, `same` or `frozen`: what kind of mistake it is."""
    detail: str = ""
    """The part that failed, and what stands nearest to it."""


class Drafted(Event, frozen=True):
    """The reply became a checked train.py, kept in git as a blob."""

    draft: str
    blob: str
    idea: str
    why: str = ""
    changes: dict[str, tuple[str, str]] = {}
    """Knobs that differ from the parent's, old and new."""
    fingerprint: str = ""
    """Hash of the code without its comments: what was tried is not tried again."""
    parent: int | None = None
    """The trunk moved while the draft waited, and the same edit was made there."""
    added: int = 0
    """Nodes of the syntax tree more than the parent has; literals do not count."""


class Held(Event, frozen=True):
    """The draft waits for a person."""

    draft: str
    until: float


class Approved(Event, frozen=True):
    draft: str
    by: str
    note: str = ""


class Abandoned(Event, frozen=True):
    """The draft came to nothing."""

    draft: str
    why: str
    by: str = ""
    outdated: bool = False
    """By no fault of its own: the trunk moved meanwhile, or another draft was faster."""


# ------------------------------------------------------------------------------------------------------------------------------
# An experiment
# ------------------------------------------------------------------------------------------------------------------------------


class Proposed(Event, frozen=True):
    """An experiment has its number. All that its commit is made of is here, so that the same intent is the same commit."""

    number: int
    draft: str = ""
    operator: str = "baseline"
    parent: int | None = None
    idea: str = "baseline"
    why: str = ""
    blob: str = ""
    """Its train.py; empty for the baseline, which is the commit that the run began from."""
    changes: dict[str, tuple[str, str]] = {}
    fingerprint: str = ""
    researcher: str = ""
    of: int | None = None
    by: str = ""
    """The person who decided already that it is kept unless it crashes."""
    added: int = 0


class Committed(Event, frozen=True):
    number: int
    commit: str


class Launched(Event, frozen=True):
    """A trial's processes exist and wait for the word; it is given after this is written."""

    number: int
    trial: int
    seed: int
    pid: int
    born: int
    boot: str
    purpose: str = ""
    """Why the same code is trained again, one of `Purpose` or a later version's; empty for its first training."""
    slot: str = ""
    """Where; empty: there is only one."""
    device: str = ""
    """The class of that: name, power limit, driver, torch. Empty: the run's."""


class Ended(Event, frozen=True):
    """A trial's processes are gone, all of them."""

    number: int
    trial: int
    outcome: str
    """`finished`, `hopeless`, `crash`, `skipped` or `interrupted`."""
    crash: str = ""
    why: str = ""
    by: str = ""
    code: int | None = None
    seconds: float = 0.0
    gap_s: float = 0.0
    slow: bool = False
    """Hopeless for its pace, which a stranger on the machine may have caused."""
    shrank: bool = False
    """Its log was longer once: a training only adds to it."""
    kwh: float | None = None
    """What the card took meanwhile; None: it does not say."""
    card: Card | None = None
    """What could be seen of its conditions; None: nothing."""


class Measured(Event, frozen=True):
    """The trial's number, or why it has none."""

    number: int
    trial: int
    value: float | None
    refused: str = ""
    trust: str = "reported"
    memory_gb: float = 0.0
    steps: int | None = None
    tokens_m: float | None = None
    training_s: float | None = None
    recorded: dict[str, str] = {}
    """Further lines of the summary."""
    audit: float | None = None
    """The same model on the second held-out text, which only the closing measurement reads."""
    evidence: tuple[str, ...] = ()
    """Mechanical signs that the number is not what it says."""


class Tainted(Event, frozen=True):
    """The trial's conditions were unfair: its number is shown, and never compared."""

    number: int
    trial: int
    why: str


class Judged(Event, frozen=True):
    """Keep, discard or crash; `tip` is the experiment at the end of the trunk from now on."""

    number: int
    verdict: str
    reason: str
    tip: int
    by: str = "policy"


class Applied(Event, frozen=True):
    """Branch, refs, note, checkpoint and results.tsv say what was judged."""

    number: int


class Unknown(Event, frozen=True):
    """A kind that a later version writes."""

    name: str
    body: str


class Recorded(msgspec.Struct, frozen=True):
    """An event in its place in the journal."""

    seq: int
    at: float
    """Seconds of UTC."""
    mono: float
    """The same moment on a clock that nobody sets; it compares within one boot only."""
    event: Event


@functools.cache
def kinds() -> dict[str, type[Event]]:
    return {kind.__name__: kind for kind in Event.__subclasses__() if kind is not Unknown}


@functools.cache
def _decoder() -> msgspec.json.Decoder[Any]:
    union: Any = None
    for kind in kinds().values():
        union = kind if union is None else union | kind
    return msgspec.json.Decoder(union)


encode = msgspec.json.Encoder().encode


def decode(kind: str, body: bytes | str) -> Event:
    if kind not in kinds():
        return Unknown(name=kind, body=body if isinstance(body, str) else body.decode("utf-8", "replace"))
    try:
        event: Event = _decoder().decode(body)
    except msgspec.ValidationError:
        if kind != Commanded.__name__:
            raise
        fields = msgspec.json.decode(body, type=dict[str, Any])
        return msgspec.convert(fields | {"wish": None}, Commanded)  # a later version knew what was wished
    return event
