"""What may be said on the command line: its words, options and help. What they do is `verbs/`'s."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

PROFILES = ("auto", "h100", "shared-48gb", "rtx3090", "small", "cpu", "demo")


class Parser(argparse.ArgumentParser):
    def __init__(self, **named: Any) -> None:
        super().__init__(**named, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"autoresearch-tui: {message}. `{self.prog} --help` shows how.\n")


def build_parser() -> Parser:
    parser = Parser(
        prog="autoresearch-tui",
        description="A night of autonomous pretraining research, supervised from a terminal.",
        epilog="Without a command it opens the screen: the newest run of DIR. DIR is a workspace, the current folder if it is left out.",
    )
    parser.add_argument("--version", action="store_true", help="which version this is")
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    verb = verbs.add_parser("open")  # what no command means
    _dir(verb)
    verb.add_argument("--tag", help="the run to show; default: the newest")
    verb.add_argument("--watch", action="store_true", help="to look at only: its keys send nothing")
    verb.add_argument("--in-browser", action="store_true", help=argparse.SUPPRESS)  # `serve` does, once for each
    _theme(verb)
    verb = verbs.add_parser("demo", help="a workspace that needs nothing, and a run in it: ten seconds a training")
    _dir(verb)
    _limits(verb)
    _running(verb)
    verb.add_argument("--profile", choices=PROFILES)
    verb.add_argument("--headless", action="store_true", help="plain lines, and nothing but them")
    _theme(verb)
    verb = verbs.add_parser("new", help="make a workspace")
    _dir(verb)
    verb.add_argument("--profile", choices=PROFILES, help="default: auto, the one that suits this device")
    verb = verbs.add_parser("prepare", help="data and tokenizer; goes on where it was interrupted")
    _dir(verb)
    verb.add_argument("--dataset", metavar="NAME", help="climbmix, tinystories, python, or a folder of texts")
    verb = verbs.add_parser("run", help="work on a run in this terminal; Ctrl+C once: stop after this trial, twice: now")
    _dir(verb)
    _limits(verb)
    _running(verb)
    verb.add_argument("--detached", action="store_true", help="in the background: the night outlives this terminal")
    verb = verbs.add_parser("status", help="one screenful about a run")
    _dir(verb)
    verb.add_argument("--tag")
    verb.add_argument("--json", action="store_true", help="for programs; a stable interface")
    verb.add_argument("--prompt", action="store_true", help="what the next prompt would be")
    verb.add_argument("--researcher", metavar="NAME[:MODEL]", help="for whom; default: as the settings say")
    verb = verbs.add_parser("send", help="tell a run something; without words: what there is to tell")
    verb.add_argument("words", nargs="*", metavar="COMMAND [ARG ..]")
    verb.add_argument("--dir", type=Path)
    verb.add_argument("--tag")
    verb = verbs.add_parser("apply", help="apply a model's reply to a file, and print the new file; exit 1 and the reason if refused")
    verb.add_argument("file", type=Path, metavar="FILE")
    verb.add_argument("reply", metavar="REPLY", help="a file with the reply; -: standard input")
    _morning(verbs)
    _taking(verbs)
    verb = verbs.add_parser("replay", help="a night again, on the screen")
    _run(verb)
    verb.add_argument("--speed", type=_speed, metavar="N", help="times as fast as it was; default: 60, of the sample 5")
    verb.add_argument("--sample", action="store_true", help="a night that was recorded for newcomers; it needs nothing")
    _theme(verb)
    verb = verbs.add_parser("serve", help="the screen in a browser of this machine")
    _dir(verb)
    verb.add_argument("--tag", help="the run to show; default: the newest")
    verb.add_argument("--watch", action="store_true", help="to look at only: its keys send nothing")
    verb.add_argument("--port", type=int, default=8200, help="on the loopback address; default: 8200, 0: any that is free")
    verb.add_argument("--reached-as", metavar="ADDRESS", help="what a browser reaches it by, where a proxy stands before it")
    _theme(verb)
    verb = verbs.add_parser("doctor", help="what is missing on this machine, and the command that mends it; exit 1 if no run could start")
    _dir(verb)
    verb.add_argument("--json", action="store_true", help="for programs")
    verb = verbs.add_parser("notify", help="tell the services of `[notify]` what happens in a run; a detached run does it by itself")
    _dir(verb)
    verb.add_argument("--tag", help="default: the newest")
    verb.add_argument("--test", action="store_true", help="send one message to each, and say how that went")
    verb = verbs.add_parser("runs", help="every run of DIR")
    _dir(verb)
    verb.add_argument("--delete", metavar="TAG", help="after naming what goes")
    verb.add_argument("--yes", action="store_true", help="delete without asking")
    return parser


def _morning(verbs: Any) -> None:
    verb = verbs.add_parser("report", help="the morning: what happened, what is real, what now")
    _run(verb, "or any results.tsv; ")
    verb.add_argument("--format", choices=("text", "md", "html", "json", "png"), help="default: by the name of FILE, else text")
    _output(verb)
    verb.add_argument(
        "--sigma",
        type=_sigma,
        metavar="S",
        help="of a results.tsv: how far equal trainings differ there, as far as you know; it counts as a guess",
    )
    verb = verbs.add_parser("compare", help="several nights side by side: models, programs, machines")
    verb.add_argument("runs", nargs="+", metavar="RUN", help="a tag, a workspace, a run's folder, a packed night or a results.tsv")
    verb.add_argument("--dir", type=Path)
    verb.add_argument("--format", choices=("text", "json", "png"), help="default: by the name of FILE, else text")
    _output(verb)
    verb = verbs.add_parser("confirm", help="does the gain hold? baseline and trunk again, with a longer budget")
    _run(verb)
    verb.add_argument("--budget", type=float, metavar="S", help="seconds of training; default: four times the run's")
    verb.add_argument("--repeats", type=int, default=3, metavar="N", help="trainings of each; default: 3")
    verb.add_argument("--gpu", metavar="ID", help="the card to train on")
    verb = verbs.add_parser("bench", help="which model is the better researcher? runs of each from the same beginning, and of `sweep`")
    verb.add_argument("researchers", nargs="*", metavar="RESEARCHER", help="NAME[:MODEL]; none: only show what is there")
    verb.add_argument("--dir", type=Path)
    verb.add_argument("--repeats", type=int, metavar="K", help="runs of each; default: 3")
    verb.add_argument("--experiments", type=int, metavar="N", help="changes that each run tries; default: 15")
    verb.add_argument("--max-cost", metavar="USD", help="of each run; `none`: no limit")
    verb.add_argument("--slots", metavar="N", help="so many runs at a time: one on each card, or on a part of the cores")
    verb.add_argument("--seed", metavar="N")
    verb.add_argument("--format", choices=("text", "json"), help="default: by the name of FILE, else text")
    _output(verb)


def _taking(verbs: Any) -> None:
    verb = verbs.add_parser("finish", help="the kept changes as one branch to merge; your checkout stays as it is")
    _run(verb)
    verb.add_argument("--branch", metavar="NAME", help="default: autoresearch-TAG")
    verb = verbs.add_parser("pack", help="a night in one file, for a colleague")
    _run(verb)
    _output(verb)
    verb.add_argument("--redact", action="store_true", help="without prompts, replies, notes, names of people and machines, and paths")


def _run(verb: argparse.ArgumentParser, more: str = "") -> None:
    verb.add_argument(
        "run", nargs="?", metavar="RUN", help=f"a tag, a workspace, a run's folder or a packed night; {more}default: the newest run here"
    )
    verb.add_argument("--dir", type=Path)


def _output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--output", type=Path, metavar="FILE", help="what to write; -: standard output")


def _dir(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    verb.add_argument("--dir", type=Path, help=argparse.SUPPRESS)


def _theme(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--theme", metavar="NAME", help="colours; ctrl+p on the screen lists them")


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed <= 1e5:
        raise argparse.ArgumentTypeError(f"a speed is a number from 0 (it stands still) to 100000, not {text!r}")
    return speed


def _sigma(text: str) -> float:
    try:
        sigma = float(text)
    except ValueError:
        sigma = -1.0
    if not 0 < sigma < 1e6:
        raise argparse.ArgumentTypeError(f"a standard deviation is a number above 0, such as 0.0005, not {text!r}")
    return sigma


def _limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--experiments", metavar="N", help="end after N experiments of the run, the baseline included")
    verb.add_argument("--until", metavar="HH:MM", help="end at the next such time")
    verb.add_argument("--hours", metavar="H", help="end in H hours")
    verb.add_argument("--between", metavar="HH:MM-HH:MM", help="train in these hours only")
    verb.add_argument("--max-cost", metavar="USD", help="end when the researchers have cost so much; `none`: no limit")
    verb.add_argument("--researcher", metavar="NAME[:MODEL]", help="who proposes, or several with commas; `sweep` needs nothing")
    verb.add_argument("--overlap", metavar="auto|on|off", help="write the next draft while a trial runs")
    verb.add_argument(
        "--gpu",
        metavar="ID",
        help="the card to train on, by its number or UUID, or several with commas; default: the first of CUDA_VISIBLE_DEVICES",
    )
    verb.add_argument("--slots", metavar="N", help="so many trials at once: one on each card, or on a part of the cores")
    verb.add_argument("--executor", metavar="local|ray", help="train on this machine, or on a Ray cluster; default: local")
    verb.add_argument("--seed", metavar="N")


def _running(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--tag", metavar="TAG", help="the run to go on with, or a new one; default: the newest")
    verb.add_argument("--from", dest="origin", metavar="HEAD|RUN|COMMIT|FILE", help="where a new run begins")
    verb.add_argument("--after", help=argparse.SUPPRESS)  # a keeper says how the engine before died,
    verb.add_argument("--ready", type=int, help=argparse.SUPPRESS)  # and where it waits to hear that this one works
    verb.set_defaults(detached=False)
