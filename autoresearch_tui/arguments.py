"""What may be said on the command line: its words, options and help. What they do is `cli.py`'s."""

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
        epilog="Without a command it follows the newest run of DIR. DIR is a workspace, the current folder if it is left out.",
    )
    parser.add_argument("--version", action="store_true", help="which version this is")
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    verb = verbs.add_parser("open")  # what no command means
    _dir(verb)
    verb = verbs.add_parser("demo", help="a workspace that needs nothing, and a run in it: ten seconds a training")
    _dir(verb)
    _limits(verb)
    _running(verb)
    verb.add_argument("--profile", choices=PROFILES)
    verb.add_argument("--headless", action="store_true", help="plain lines, and nothing but them")
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
    verb = verbs.add_parser("runs", help="every run of DIR")
    _dir(verb)
    verb.add_argument("--delete", metavar="TAG", help="after naming what goes")
    verb.add_argument("--yes", action="store_true", help="delete without asking")
    return parser


def _dir(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    verb.add_argument("--dir", type=Path, help=argparse.SUPPRESS)


def _limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--experiments", metavar="N", help="end after N experiments of the run, the baseline included")
    verb.add_argument("--until", metavar="HH:MM", help="end at the next such time")
    verb.add_argument("--hours", metavar="H", help="end in H hours")
    verb.add_argument("--between", metavar="HH:MM-HH:MM", help="train in these hours only")
    verb.add_argument("--max-cost", metavar="USD", help="end when the researchers have cost so much; `none`: no limit")
    verb.add_argument("--researcher", metavar="NAME[:MODEL]", help="who proposes, or several with commas; `sweep` needs nothing")
    verb.add_argument("--overlap", metavar="auto|on|off", help="write the next draft while a trial runs")
    verb.add_argument("--gpu", metavar="ID", help="the card to train on, by its number or UUID; default: the first of CUDA_VISIBLE_DEVICES")
    verb.add_argument("--seed", metavar="N")


def _running(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--tag", metavar="TAG", help="the run to go on with, or a new one; default: the newest")
    verb.add_argument("--from", dest="origin", metavar="HEAD|RUN|COMMIT", help="where a new run begins")
    verb.add_argument("--after", help=argparse.SUPPRESS)  # a keeper says how the engine before died,
    verb.add_argument("--ready", type=int, help=argparse.SUPPRESS)  # and where it waits to hear that this one works
    verb.set_defaults(detached=False)
