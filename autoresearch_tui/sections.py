"""What a person may set: a section of autoresearch.toml each, and what its values may be. Where a value comes from is `settings.py`'s."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from autoresearch_tui.clock import TIME, TIME_WORDS, WINDOW, WINDOW_WORDS

# What a value may be. The description completes the sentence "KEY has to be ..".
_CHARACTER = r"[^\x00-\x1f\x7f\ud800-\udfff]"  # what git, a command line and the journal can all hold
_PART = rf"(?!\.\.?(?:/|\Z))(?:(?![/\\]){_CHARACTER})+"
Word = Annotated[str, Meta(pattern=rf"\A{_CHARACTER}+\Z")]
File = Annotated[str, Meta(pattern=rf"\A{_PART}(?:/{_PART})*\Z", description="a file inside the workspace, such as train.py")]
Folder = Annotated[str, Meta(pattern=rf"\A(?:(?:/|~/){_CHARACTER}*)?\Z", description="a folder that begins with / or ~/")]
Metric = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_./@-]{0,63}\Z", description="a name that a training prints, such as val_bpb")]
Theme = Annotated[str, Meta(pattern=r"\A(?:[a-z][a-z0-9-]{0,30})?\Z", description="the name of a theme, such as night")]
Time = Annotated[str, Meta(pattern=TIME, description=TIME_WORDS)]
Window = Annotated[str, Meta(pattern=WINDOW, description=WINDOW_WORDS)]
Count = Annotated[int, Meta(ge=1, le=10**6, description="a whole number from 1 to a million")]
Whole = Annotated[int, Meta(ge=0, le=10**6, description="a whole number from 0 to a million")]
Seed = Annotated[int, Meta(ge=0, lt=2**31, description="a whole number from 0 to 2147483647")]
Amount = Annotated[float, Meta(gt=0, le=1e6, description="a number above 0, at most a million")]
AmountOrZero = Annotated[float, Meta(ge=0, le=1e6, description="a number from 0 to a million")]
MaxCost = Annotated[
    Annotated[float, Meta(gt=0, le=1e6)] | Literal["auto"], Meta(description='a number above 0, at most a million, "auto" or "none"')
]
Switch = Annotated[bool, Meta(description="true or false")]
Choice = Annotated[Literal["auto", "on", "off"], Meta(description='"auto", "on" or "off"')]
Kind = Annotated[Literal["auto", "bubblewrap", "landlock", "off"], Meta(description='"auto", "bubblewrap", "landlock" or "off"')]
_CARD = r"(?:[0-9]{1,3}|(?:GPU|MIG)-[!-+\--~]{1,80})"
Card = Annotated[
    str,
    Meta(
        pattern=rf"\A(?:{_CARD}(?:,{_CARD})*)?\Z",
        description="a number such as 0, a UUID that begins with GPU- or MIG-, or several of these such as 0,1",
    ),
]
Sharing = Annotated[Literal["auto", "share", "swap"], Meta(description='"auto", "share" or "swap"')]
Stranger = Annotated[Literal["retry", "pause"], Meta(description='"retry" or "pause"')]
Effort = Annotated[Literal["low", "medium", "high", "xhigh", "max"], Meta(description='"low", "medium", "high", "xhigh" or "max"')]
Think = Annotated[Literal["auto", "off", "on", "low", "medium", "high"], Meta(description='"auto", "off", "on", "low", "medium" or "high"')]
Address = Annotated[str, Meta(pattern=r"\A[!-~]*\Z", max_length=500, description="an address such as http://127.0.0.1:11434")]
Variable = Annotated[
    str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z", description="the name of an environment variable, such as OPENAI_API_KEY")
]
Tokens = Annotated[int, Meta(ge=1024, le=10**7, description="a number of tokens from 1024 to ten million")]
TokensOrZero = Annotated[int, Meta(ge=0, le=10**7, description="a number of tokens, or 0")]
Currency = Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z", description="three letters, such as EUR")]
Slots = Annotated[int, Meta(ge=1, le=1024, description="a whole number from 1 to 1024")]
Executor = Annotated[Literal["local", "ray"], Meta(description='"local" or "ray"')]
Cluster = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_.\[\]:-]{1,200}\Z", description='"auto", or an address such as 10.0.0.5:6379')]
Goal = Annotated[Literal["lower", "higher"], Meta(description='"lower" or "higher"')]
Researchers = Annotated[  # plain `str`: a pattern in a union with a list makes msgspec 0.22 free memory twice
    str | Annotated[list[Word], Meta(min_length=1)], Meta(description='a name such as "ollama:qwen3.5:9b", or a list of names')
]
Services = Annotated[
    list[Annotated[str, Meta(pattern=r"\A[A-Za-z][A-Za-z0-9+.-]{0,40}://[!-~]+\Z")]],
    Meta(description='a list of addresses such as ["ntfy://TOPIC", "discord://ID/TOKEN"]'),
]
Told = Annotated[
    list[Literal["best", "kept", "crashes", "review", "restarted", "ended", "died", "down", "card", "disk"]],
    Meta(description="a list of these: best, kept, crashes, review, restarted, ended, died, down, card, disk"),
]
Command = Annotated[list[Word], Meta(description='the words of a command, such as ["python", "train.py"]')]
Files = Annotated[list[File], Meta(description='a list of files inside the workspace, such as ["prepare.py"]')]
Metrics = Annotated[list[Metric], Meta(description='a list of names that a training prints, such as ["mfu_percent"]')]


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[run]`"""

    researcher: Researchers = ""
    """NAME or NAME:MODEL; of several the first that can answer speaks. Empty: the engine takes the best that answers on this machine."""
    slots: Slots | None = None
    """How many trials run at once, each on a card, or a part of the cores, of its own. Empty: one; with ray, as many as there are GPUs."""
    executor: Executor = "local"
    """Where trials run: on this machine, or on the GPUs of a Ray cluster (wants the extra `ray`)."""
    overlap: Choice = "auto"
    """Whether the next draft is written while a trial runs. auto: unless the researcher computes where the training does."""
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
    max_cost: MaxCost | None = "auto"
    """What the researchers may cost, in dollars. auto: no limit, but 10 where one of them is hosted."""
    declined: Count | None = 10
    """Requests in a row that a model will not answer, before it is not asked any more."""


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


class Sandbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[sandbox]`: what a training may touch, and how much it may take. docs/containment.md says what each kind stops."""

    kind: Kind = "auto"
    """auto: the strongest that works here. One that is named and does not work keeps the night from starting."""
    memory_gb: AmountOrZero = 0.0
    """Of the machine's memory, for all processes of a trial. 0: nine tenths of what there is, for the engine has to live beside it."""
    processes: Count = 512
    """Of one trial. A compiler on many cores starts dozens; more than this is a loop that forks."""
    disk_gb: Amount = 20.0
    """That one trial may write: the checkpoints of a large model, several times."""


class Ray(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[ray]`: the cluster of `executor = "ray"`; docs/cluster.md says how one is started."""

    address: Cluster = "auto"
    """Of its head. auto: what RAY_ADDRESS says, else the cluster that this machine belongs to."""


class GPU(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[gpu]`"""

    card: Card = ""
    """Its number as nvidia-smi counts, or its UUID; for several slots as many, with commas. Empty: the first of CUDA_VISIBLE_DEVICES."""
    sharing: Sharing = "auto"
    """A local model beside the training: share keeps it loaded, swap unloads it before each trial. auto: share if both fit."""
    stranger: Stranger = "retry"
    """Somebody else computes on the card: retry trains again what was disturbed, pause waits until they are gone."""


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[review]`"""

    on: Switch = False
    """A draft waits for a person before it is trained. Off: the night waits for nobody."""
    timeout_s: Amount = 600.0
    """After which it is approved. Two trials of five minutes: time to read a diff, and an absent reader costs little."""


class Proposing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[proposing]`"""

    shelf: Switch = True
    """A model is offered published ideas that fit the code and were not tried."""
    earlier_runs: Switch = True
    """A model is told what earlier runs of this workspace learned."""


class Ollama(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[ollama]`"""

    address: Address = ""
    """Empty: what OLLAMA_HOST says, else http://127.0.0.1:11434."""
    window: Tokens = 16384
    """Asked for with each request: the server's own default cuts a prompt in half, and says nothing."""
    answer: Tokens = 4096
    """Of the window, kept for the answer, thinking included."""
    think: Think = "auto"
    """auto: what the model does by itself."""


class OpenAI(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[openai]`: any server that speaks its protocol."""

    address: Address = ""
    """Empty: llama.cpp's own, http://127.0.0.1:8080/v1, which is sent no key. A key is for the server that is named here."""
    key_from: Variable = "OPENAI_API_KEY"
    """The environment variable that holds the key, if the server wants one."""
    window: TokensOrZero = 0
    """0: what the server says."""
    answer: Tokens = 4096
    """Of the window, kept for the answer, thinking included."""


class Anthropic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[anthropic]`"""

    address: Address = ""
    """Empty: Anthropic's own."""
    key_from: Variable = "ANTHROPIC_API_KEY"
    """The environment variable that holds the key. It is read only where a person named this researcher."""
    effort: Effort = "medium"
    """How much it thinks; thinking is paid for."""
    answer: Tokens = 8192
    """The most that one answer may take, thinking included."""


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[command]`: a coding agent with a command line."""

    timeout_s: Amount = 600.0
    """For one draft: two trials of five minutes."""


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[privacy]`"""

    local_only: Annotated[bool | Literal["auto"], Meta(description='true, false or "auto"')] = "auto"
    """Speak to nothing but this machine. auto: where no researcher is anywhere else."""


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[cost]`: what a night costs besides its researcher."""

    gpu_hour: AmountOrZero = 0.0
    """For each hour of training: rent, or power and wear. 0: it is not counted."""
    kwh: AmountOrZero = 0.0
    """For each kilowatt-hour that the card took while it trained, where it says so. 0: it is not counted."""
    currency: Currency = "USD"
    """Of both. What a researcher costs is in dollars, as its makers say it."""
    prices: Folder = ""
    """A file with prices of models, in the form of the bundled prices.toml, which it overrides."""


class Screen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[screen]`"""

    theme: Theme = ""
    """One of `themes/`, or of your own folder of them. Empty: one that suits the terminal."""
    bell: Switch = False
    """It rings the terminal's bell at a new best, at the end, and when the engine died and stays dead."""


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[notify]`: who hears of it while you sleep. `autoresearch-tui notify --test` tries them; docs/notify.md shows some."""

    to: Services = []
    """Services, as apprise writes them; they hold tokens, and nothing shows them whole. Wants the extra `notify`."""
    to_from: Annotated[str, Meta(pattern=r"\A(?:[A-Za-z_][A-Za-z0-9_]*)?\Z", description="the name of an environment variable")] = ""
    """An environment variable that holds more of them, with spaces between."""
    about: Told = []
    """What they are told. Empty: best, ended, died, down, card and disk; docs/notify.md says what each of all ten is."""
    quiet: Window | None = None
    """In these hours nothing is sent; at their end what happened comes as one message."""
    urgent: Told = []
    """What is sent in these hours too. A person who would get up for it writes ["died", "card"]."""
    hourly: Count = 6
    """Messages an hour at most; what would be more waits, and comes as one. That a night ended, or its engine died, always comes."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that can be set."""

    run: Run = Run()
    limits: Limits = Limits()
    experiment: Experiment = Experiment()
    judging: Judging = Judging()
    disk: Disk = Disk()
    sandbox: Sandbox = Sandbox()
    ray: Ray = Ray()
    gpu: GPU = GPU()
    review: Review = Review()
    proposing: Proposing = Proposing()
    ollama: Ollama = Ollama()
    openai: OpenAI = OpenAI()
    anthropic: Anthropic = Anthropic()
    command: Agent = Agent()
    privacy: Privacy = Privacy()
    cost: Cost = Cost()
    screen: Screen = Screen()
    notify: Notify = Notify()
