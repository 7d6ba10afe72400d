"""The sentences that text and Markdown share: which night it is, how much was done in it, what it cost. Pure."""

from __future__ import annotations

from datetime import datetime

from autoresearch_tui.morning.account import Account, Hours, Kept, Proposer
from autoresearch_tui.morning.parts.gains import is_doubtful
from autoresearch_tui.morning.wording import amounts, duration, gain, money, number, several, share, thousands

SHORT_S = 0.5  # less than that is not told
VERDICTS = {"keep": "kept", "discard": "discarded", "crash": "crashed"}


def headline(account: Account) -> str:
    """Whose morning it is, and whether it is over."""
    if account.source == "table":
        return f"{account.name} · {several(account.experiments, 'row')}: {tally(account)}"
    said = [f"autoresearch {account.name}", account.state, moment(account.began)]
    return " · ".join(part for part in said if part)


def moment(at: float | None) -> str:
    try:
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M") if at else ""
    except (OverflowError, OSError, ValueError):
        return ""  # no time that a clock could show


def tally(account: Account) -> str:
    ordered = sorted(account.counts.items(), key=lambda pair: (list(VERDICTS).index(pair[0]) if pair[0] in VERDICTS else 9, pair[0]))
    return ", ".join(f"{count} {VERDICTS.get(verdict, verdict)}" for verdict, count in ordered) or "no verdict yet"


def pace_line(account: Account) -> str:
    """How much was done, in what time, on what; of a table that is its headline."""
    if account.source == "table":
        return noise_line(account)
    said = [f"{several(account.experiments, 'experiment')} ({tally(account)})"]
    if account.hours and account.hours.whole:
        said[0] += f" in {duration(account.hours.whole)}, {several(account.trials, 'training')}"
        worked = account.hours.worked
        if worked >= 60 and account.experiments > 1:
            said.append(f"{3600 * account.experiments / worked:.1f} an hour")
    if account.budget_s:
        said.append(f"{account.budget_s:g} s a training")
    said += [part for part in (account.device, account.trust, noise_line(account)) if part]
    return " · ".join(said)


def noise_line(account: Account) -> str:
    if account.sigma is None:
        return ""
    if account.source == "table":
        return f"sigma {number(account.sigma)}, as it was given"
    if account.sigma == 0 and not account.assumed:
        return "equal trainings give equal numbers"
    return f"sigma {number(account.sigma)} {'assumed' if account.assumed else 'measured'}"


def money_line(account: Account) -> str:
    """What it cost: tokens, money, energy, hours of the card, and for each gain that is sure."""
    spent = account.spent
    if spent is None:
        return ""
    said = [f"{duration(3600 * spent.gpu_hours)} of training processes"]
    if spent.kwh is not None:
        said.append(f"{spent.kwh:.2f} kWh")
    if spent.gpu:
        said.append(f"the card {money(spent.gpu, spent.currency)}")
    if spent.tokens_in or spent.tokens_out:
        said.append(f"{thousands(spent.tokens_in)} tokens read, {thousands(spent.tokens_out)} written")
    said.append(
        "researchers at a price nobody knows" if spent.researchers_usd is None else f"researchers {amounts({'USD': spent.researchers_usd})}"
    )
    if spent.per_sure_gain and any(spent.per_sure_gain.values()):
        said.append(f"for each sure gain {amounts(spent.per_sure_gain)}")
    return f"It took {', '.join(said)}."


def luck_line(account: Account) -> str:
    """How much of the gain is probably noise."""
    said = []
    measured = sum(one.gain is not None for one in account.kept)
    if account.small is not None and account.sigma is None and measured:
        said.append(
            f"{account.small_kept} of {several(measured, 'gain')} are below {account.small:g}, one part in two thousand of the baseline;"
            " on most machines equal trainings differ by more."
            f" {several(account.near_discards, 'discard')} came as near to the best of their time."
        )
    if account.doubtful and account.doubtful_gain is not None:
        part = share(account.doubtful_gain, account.gained)
        said.append(f"{several(account.doubtful, 'change')} with {gain(account.doubtful_gain)} together, {part} of all gains.")
    return " ".join(said)


def solid_of(account: Account) -> list[Kept]:
    """Kept changes that are more than luck, as far as anybody knows; last those that the best code does not have any more."""
    solid = [one for one in account.kept if not (one.on_trunk and is_doubtful(one, account.small))]
    return [*(one for one in solid if one.on_trunk), *(one for one in solid if not one.on_trunk)]


def doubtful_of(account: Account) -> list[Kept]:
    """Those of the best code that are probably luck."""
    return [one for one in account.kept if one.on_trunk and is_doubtful(one, account.small)]


def how_sure(one: Kept) -> str:
    """In a word; of what was kept for another reason than its number, that."""
    if one.gain is None:
        return "not compared"
    for reason in ("simpler", "refit"):
        if one.reason.startswith(f"{reason}:"):
            return reason
    return one.word


def what(one: Kept) -> str:
    """The idea, with who decided where a person did, and whether the best code has it."""
    by = "" if one.by in ("", "policy") else f"[{one.by}] "
    return f"{'' if one.on_trunk else '(off the trunk) '}{by}{one.idea}"


def hours_of(hours: Hours) -> list[tuple[str, float]]:
    """The parts of the whole that took any time, by the words for them."""
    parts = {
        "training": hours.training,
        "starting": hours.starting,
        "evaluating": hours.evaluating,
        "drafting": hours.drafting,
        "paused": hours.paused,
        "idle": hours.idle,
        "no engine": hours.away,
    }
    return [(name, seconds) for name, seconds in parts.items() if seconds >= SHORT_S]


def usable(one: Proposer) -> str:
    """Of its replies, those that could be tried."""
    replies = one.usable + one.refused
    return f"{one.usable}/{replies}" if replies else "-"


def mistakes(one: Proposer) -> str:
    """What was wrong with the others, the most frequent first."""
    return ", ".join(f"{kind} {count}" for kind, count in sorted(one.wrong.items(), key=lambda pair: (-pair[1], pair[0])))
