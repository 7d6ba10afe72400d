"""What to do now, in sentences, the first thing first. Pure: it follows from the account alone."""

from __future__ import annotations

from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.parts.looks import TUI, Place
from autoresearch_tui.morning.wording import gain, several, share

SHOWN = 3  # near misses that are named
MANY = 0.3  # of the experiments crashed: something is wrong that is no idea


def advice_of(run: Run, account: Account, place: Place) -> tuple[str, ...]:
    said = [*_standing(run, account, place), *_result(run, account, place), *_luck(account), *_next(account, place)]
    return tuple(said)


def _standing(run: Run, account: Account, place: Place) -> list[str]:
    if account.source == "table" or place.packed:
        return []
    if place.alive:
        return ["It is still at work: what stands here is not the end of it."]
    if not run.ended:
        return [f"Its engine died: `{TUI} run` in its workspace goes on where it stopped, and nothing is lost."]
    return []


def _result(run: Run, account: Account, place: Place) -> list[str]:
    if account.source == "table" or account.result.gain is None or not place.git or run.confirms:
        return []
    said = []
    asked = any(one.chosen == run.tip for one in account.confirmed)
    if account.result.basis == "night" and not (place.alive or asked):
        said.append(f"Is it real? `{TUI} confirm {place.named}` trains the baseline and the best code again.")
    said.append(f"Take it home: `{TUI} finish {place.named}` makes one branch of the kept changes; your checkout stays as it is.")
    if run.best is not None and run.best.number not in (run.tip, run.trunk[0]):
        ends = f"the diff here ends at #{run.best.number}, the best number"
        said.append(f"That branch, and a confirmation, take #{run.tip}, the end of the trunk; {ends}.")
    return said


def _luck(account: Account) -> list[str]:
    if not account.doubtful or not account.doubtful_gain:
        return []
    which = "unsure" if account.small is None or account.sigma is not None else "below what equal trainings often differ by"
    those = f"{several(account.doubtful, 'kept change')} {'is' if account.doubtful == 1 else 'are'} {which}"
    part = share(account.doubtful_gain, account.gained)
    return [f"{those} and brought {gain(account.doubtful_gain)} together ({part} of all gains): leave out what makes the code longer."]


def _next(account: Account, place: Place) -> list[str]:
    said = []
    crashed = account.counts.get("crash", 0)
    if account.experiments and crashed >= max(2.0, MANY * account.experiments):
        kind = account.crashes[0].kind if account.crashes else "crash"
        tried = several(account.experiments, "experiment")
        said.append(f"{crashed} of {tried} crashed, most often by {kind}: mend that before the next night.")
    if account.near and not place.alive:
        names = ", ".join(f"#{one.number}" for one in account.near[:SHOWN])
        said.append(f"Worth another try, alone or together: {names}.")
    if account.trend and account.trend.word in ("plateau", "stuck") and not place.alive:
        said.append(f"It was not getting better any more: try another researcher, or a wider search{_from_its_best(account, place)}.")
    return said


def _from_its_best(account: Account, place: Place) -> str:
    if account.result.gain is None or not place.git:
        return ""
    return f", in a new night from its best: `{TUI} run --tag {place.tag}-2 --from {place.named}`"
