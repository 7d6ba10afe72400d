"""A folder without a night: what it is, what would be done in it, step by step, and what is missing for that."""

from __future__ import annotations

from pathlib import Path

import msgspec

from autoresearch_tui.cockpit.drawing import EMPTY, Row, Span, apart, cells, row, shown, wrapped
from autoresearch_tui.cockpit.parts.times import lasting

AUTO, DEMO = "auto", "demo"
PROFILES = (AUTO, "h100", "shared-48gb", "rtx3090", "small", "cpu", DEMO)
DEMO_EXPERIMENTS = 6


class Data(msgspec.Struct, frozen=True):
    """What a corpus costs before the first training. Figures are rounded: lines and cores differ."""

    says: str
    download_gb: float
    disk_gb: float
    takes: str


CORPORA = {
    "climbmix": Data("climbmix, web text: 12 files from Hugging Face", 1.2, 2.5, "5 to 20 min"),
    "tinystories": Data("TinyStories, short stories: one file from Hugging Face", 1.0, 2.5, "5 to 20 min"),
    "python": Data("the library of this Python: no network is needed", 0.0, 0.02, "under 1 min"),
}
CORPUS_OF = {"h100": "climbmix", "shared-48gb": "climbmix", "rtx3090": "climbmix", "small": "tinystories", "cpu": "python", DEMO: "python"}
BUDGET_OF = {"cpu": 180.0, DEMO: 10.0}
BUDGET_S = 300.0
ON_THE_PROCESSOR = ("cpu", DEMO)
OF_A_CARD = ("torch build", "card", "card memory", "compiler")
"""Checks that are no matter there."""
BESIDE_S = 15.0  # that a trial takes besides: start, compilation, evaluation
ABOUT = (
    "A researcher edits train.py, each edit is trained for a fixed time, and one number decides whether it is kept, all night long."
    " To see a night without any of this: `autoresearch-tui replay --sample`."
)


LOOKS = "The doctor looks at this machine: what is missing here will be told."
STARTS = "It starts as soon as the doctor has looked at this machine."


class Advice(msgspec.Struct, frozen=True):
    """A line of the doctor's."""

    check: str
    found: str
    mend: str
    """The command that mends it, or words."""


class Ground(msgspec.Struct, frozen=True):
    """What was found in the folder and on this machine."""

    folder: Path = Path()
    kind: str = "empty"
    """`empty`, which a folder that is not there counts as; `full` of other things; `workspace`; `file`."""
    measured: bool = False
    """The bundled harness is in it."""
    prepared: bool = False
    corpus: str = ""
    budget_s: float = BUDGET_S
    runs: int = 0
    device: str = ""
    fits: str = "cpu"
    """The profile that suits this machine."""
    researcher: str = ""
    """Who would propose, and why."""
    free_gb: float | None = None
    """Where the data goes."""
    cache: Path = Path()
    asked: bool = False
    """The doctor has answered: what is missing here is known."""
    missing: tuple[Advice, ...] = ()
    """Without it no run can start."""
    warned: tuple[Advice, ...] = ()
    """What is worth a look, and keeps nothing from starting."""
    wrong: str = ""
    """Why the folder cannot be used as it is."""


class Step(msgspec.Struct, frozen=True):
    """One command of our own command line."""

    says: str
    takes: str
    words: tuple[str, ...]
    details: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What Enter would do, and where."""

    target: Path
    profile: str
    """Empty where the workspace is there."""
    steps: tuple[Step, ...]


def plan_of(ground: Ground, profile: str) -> Plan:
    """A workspace is used as it is; else one is made, in this folder if nothing else is in it."""
    if ground.kind == "workspace":
        data = [_prepare(ground.folder, ground.corpus)] if ground.measured and not ground.prepared else []
        return Plan(ground.folder, "", (*data, _start(ground.folder, ground.budget_s, ground.researcher)))
    name = "autoresearch-demo" if profile == DEMO else "lab"
    target = ground.folder / name if ground.kind == "full" or profile == DEMO else ground.folder
    suits = ground.fits if profile == AUTO else profile
    start = _start(target, BUDGET_OF.get(suits, BUDGET_S), ground.researcher, DEMO_EXPERIMENTS if profile == DEMO else None)
    make = ("new", str(target), "--profile", profile)
    files = f"{target}: program.md, train.py, prepare.py, and a git repository for them"
    if profile != AUTO:
        return Plan(
            target, profile, (Step(f"make a workspace ({profile})", "seconds", make, (files,)), _prepare(target, CORPUS_OF[profile]), start)
        )
    corpus = CORPORA[CORPUS_OF[suits]]
    fit = "fit: a few steps of training, with a smaller batch until they fit into what is free"
    details = (files, f"profile {suits}, for {ground.device}", f"data: {_sizes(corpus)}", fit)
    return Plan(target, profile, (Step("make a workspace, with its data", corpus.takes, make, details), start))


def _prepare(target: Path, corpus: str) -> Step:
    known = CORPORA.get(corpus)
    details = (_sizes(known) if known else f"the texts of {corpus}", "its tokens are learned and written once, for every workspace")
    return Step("get the data", known.takes if known else "minutes", ("prepare", str(target)), details)


def _sizes(data: Data) -> str:
    load = f", about {data.download_gb:.1f} GB to download, which goes on where it was interrupted" if data.download_gb else ""
    disk = f"{data.disk_gb:.1f} GB" if data.disk_gb >= 0.1 else f"{data.disk_gb * 1000:.0f} MB"
    return f"{data.says}{load}; about {disk} on disk"


def _start(target: Path, budget_s: float, researcher: str, experiments: int | None = None) -> Step:
    limit = ("--experiments", str(experiments)) if experiments else ()
    each = f"{budget_s:g} s" if budget_s < 60 else f"{budget_s / 60:g} min"
    hour = f"some {3600 / (budget_s + BESIDE_S):.0f} experiments an hour"
    ends = f"{experiments} experiments, then it ends" if experiments else f"{hour}, until somebody stops it"
    details = (f"in the background: the baseline first, {each} of training, then {ends}", f"by {researcher}" if researcher else "")
    return Step("start the engine", "seconds", ("run", str(target), "--detached", *limit), tuple(filter(None, details)))


# ------------------------------------------------------------------------------------------------------------------------------
# The screen
# ------------------------------------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True):
    ground: Ground | None = None
    """None while it is looked for."""
    plan: Plan | None = None
    at: int = -1
    """The step that works; -1: nothing was started."""
    seconds: int = 0
    """For which that step has worked."""
    failed: str = ""
    """Why that step came to nothing."""
    ending: bool = False
    """Somebody asked it to end."""
    wanted: bool = False
    """Enter was pressed while the doctor looked: it starts when that is over."""

    @property
    def works(self) -> bool:
        return self.at >= 0 and not self.failed

    @property
    def lacks(self) -> tuple[Advice, ...]:
        """What this plan cannot start without. One that trains on the processor needs no card."""
        if self.ground is None or self.plan is None:
            return ()
        spared = OF_A_CARD if self.plan.profile in ON_THE_PROCESSOR else ()
        return tuple(one for one in self.ground.missing if one.check not in spared)

    @property
    def waits(self) -> bool:
        """For the doctor."""
        return self.plan is not None and self.ground is not None and not (self.ground.asked or self.works or self.ground.wrong)

    @property
    def ready(self) -> bool:
        """Enter may start it."""
        return self.plan is not None and self.ground is not None and not (self.works or self.waits or self.lacks or self.ground.wrong)


SIGNS = {"done": Span("✓ ", "good"), "works": Span("● ", "accent"), "failed": Span("✗ ", "bad"), "waits": Span("  ")}


def rows(part: Welcome, width: int, height: int) -> list[Row]:
    ground, plan = part.ground, part.plan
    if ground is None or plan is None:
        return _text("A look at the folder and the machine, which takes a moment.", width, "dim")
    out = _text(is_called(ground), width, "strong")
    if ground.wrong:
        return [*out, EMPTY, *_text(ground.wrong, width, "bad")]
    if part.lacks:
        out += [EMPTY, *_text("Something is missing first:", width, "warn"), *_advice(part.lacks, width)]
    out += [EMPTY, *_text(f"Nothing is started before Enter. It does this{_as(plan)}:" if part.at < 0 else "This is done:", width)]
    for index, step in enumerate(plan.steps):
        out += _step(step, index, _state(part, index), part.seconds, width)
    if part.failed:
        out += [
            EMPTY,
            *_text(f"That came to nothing: {part.failed}", width, "bad"),
            *_text("Enter tries it again from there.", width, "dim"),
        ]
    if needs := _disk(ground, plan):
        out += [EMPTY, *_text(needs, width, "warn")]
    if part.at >= 0:
        return out
    if part.waits:
        out += [EMPTY, *_text(STARTS if part.wanted else LOOKS, width, "accent" if part.wanted else "dim")]
    if ground.warned:
        out += [EMPTY, *_text("Worth a look, though nothing waits for it:", width), *_advice(ground.warned, width)]
    return [*out, EMPTY, *_text(ABOUT, width, "dim")]


def _advice(lines: tuple[Advice, ...], width: int) -> list[Row]:
    out = []
    for one in lines:
        out += [*_text(f"  {one.check}: {one.found}", width), *(_text(f"    {one.mend}", width, "accent") if one.mend else [])]
    return out


def is_called(ground: Ground) -> str:
    match ground.kind:
        case "workspace":
            return f"{ground.folder} is a workspace, and has no run yet."
        case "full":
            return f"{ground.folder} is no workspace: it holds other things, which stay as they are."
    return f"{ground.folder} is empty: it can become a workspace."


def _state(part: Welcome, index: int) -> str:
    if index < part.at:
        return "done"
    if index == part.at:
        return "failed" if part.failed else "works"
    return "waits"


def _as(plan: Plan) -> str:
    """With which profile; `p` takes the next."""
    return f", with the profile {plan.profile}" if plan.profile else ""


def _step(step: Step, index: int, state: str, seconds: int, width: int) -> list[Row]:
    head = row(SIGNS[state], f"{index + 1}  ", Span(step.says, "strong"))
    takes = {"done": "done", "works": f"{lasting(seconds)} of {step.takes}", "failed": "failed"}.get(state, step.takes)
    out = [apart(head, row(Span(takes, "dim")), width)]
    for detail in step.details:
        out += [row("     ", Span(line, "dim")) for line in wrapped(detail, max(10, width - 5))]
    return out


def _disk(ground: Ground, plan: Plan) -> str:
    """Where the data would not fit."""
    corpus = ground.corpus if not plan.profile else CORPUS_OF[ground.fits if plan.profile == AUTO else plan.profile]
    needed = CORPORA[corpus].disk_gb if corpus in CORPORA else 0.0
    if ground.prepared or ground.free_gb is None or ground.free_gb > needed:
        return ""
    return f"{ground.cache} has {ground.free_gb:.1f} GB free, and the data takes about {needed:.1f}: set XDG_CACHE_HOME to a larger disk."


def keys(part: Welcome) -> str:
    """What can be pressed now."""
    if part.works:
        return "it ends.." if part.ending else "escape ends it"
    can = ["it starts at once.."] if part.waits and part.wanted else ["enter start"] if part.ready or part.waits else ["r look again"]
    if part.ground and part.ground.kind != "workspace":
        can += ["d demo", "p profile"]
    return " · ".join([*can, "q quit"])


def _text(text: str, width: int, role: str = "") -> list[Row]:
    """Wrapped, and indented as its beginning is."""
    indent = text[: cells(text) - cells(text.lstrip())]
    return [row(indent, Span(line, role)) for line in wrapped(shown(text.strip()), max(10, width - len(indent)))]
