"""A contest in sentences: who is the better researcher, as far as anybody can tell, and what has to be known to read it right. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from autoresearch_tui.contest.intervals import MOST
from autoresearch_tui.contest.places import CONTROL
from autoresearch_tui.contest.standing import Contest, Played, Standing, standings
from autoresearch_tui.journal.noise import noise_of
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.wording import chance, gain, number, several

LONGEST = 60  # characters of a researcher's name
SHOWN = 6  # runs that are named


def contest_of(first: Run, played: Sequence[Played], experiments: int) -> Contest:
    """All that there is to say of these runs."""
    noise, baseline = noise_of(first), first.baseline
    found = Contest(
        "",
        tuple(standings(first, played, experiments)),
        metric=first.metric,
        goal=first.goal,
        device=first.key.get("device", ""),
        experiments=experiments,
        baseline=baseline.value if baseline else None,
        baseline_trials=len(baseline.numbers) if baseline else 0,
        sigma=noise.sigma,
        assumed=noise.assumed,
    )
    begun = all(one.run.experiments for one in played)
    return replace(found, sentence=" ".join(_said(found, begun)), notes=tuple(_notes(found)))


def named(researcher: str) -> str:
    return clean_line(researcher, LONGEST)


def length_of(tried: Collection[int]) -> str:
    """How far runs are: `3 experiments`, `2 to 6 experiments`."""
    least, most = min(tried, default=0), max(tried, default=0)
    return several(most, "experiment") if least == most else f"{least} to {most} experiments"


def _said(found: Contest, begun: bool) -> Iterator[str]:
    others = [one for one in found.standings if one.researcher != CONTROL]
    if not begun:
        yield "It was ended before every run had begun: the same command goes on."
    elif not found.standings:
        yield "No run has begun yet: name who takes part, and it goes on."
    elif not others:
        yield "Nobody but sweep took part: there is nothing to compare it with."
    control = next((one for one in found.standings if one.researcher == CONTROL), Standing(CONTROL, 0))
    most = max((found.experiments, *(length for one in found.standings for length in one.tried)))
    for one in others:
        yield _beside_the_control(one, control, most)


def _beside_the_control(one: Standing, control: Standing, most: int) -> str:
    name, against = named(one.researcher), one.against
    if against is None and one.compared and control.compared:
        far = f"{name} has tried {length_of(one.compared)} a run and {CONTROL} {length_of(control.compared)}"
        return f"{name} and {CONTROL} do not compare yet: {far}; `--experiments {most}` brings all of them so far."
    if against is None:
        return f"{name} cannot be compared with {CONTROL}: one of them has no number yet."
    ahead, behind = (name, CONTROL) if against.value > 0 else (CONTROL, name)
    by = number(abs(against.value))
    if against.low is None or against.high is None:
        told = f"{ahead} is ahead by {by}; `--repeats 3` tells more"
        return f"Whether {name} or {CONTROL} is the better researcher nobody can tell from one run: {told}."
    if not against.value:
        return f"{name} and {CONTROL} gained the same."
    low, high = (against.low, against.high) if against.value > 0 else (-against.high, -against.low)
    told = f"by {by} ({', '.join(filter(None, (f'{gain(low)} to {gain(high)}', against.word, chance(against.p))))})"
    if against.word == "sure":
        return f"{ahead} is the better researcher here: it gained more than {behind}, {told}."
    more = f"about {against.repeats} repeats of each would tell" if against.repeats else f"not even {MOST} repeats of each would tell"
    if against.word == "likely":
        hidden = f"; if that is so, {more} for sure" if against.low * against.high <= 0 else ""
        return f"{ahead} is likely the better researcher here: it gained more than {behind}, {told}{hidden}."
    return f"Whether {name} or {CONTROL} is the better researcher nobody can tell: {ahead} is ahead {told}; if that is so, {more}."


def _notes(found: Contest) -> Iterator[str]:
    chosen = [named(one.researcher) for one in found.standings if not one.fresh and one.gain is not None]
    if chosen:
        yield f"Not every trunk of {', '.join(chosen)} is measured afresh yet: until then a gain claims too much."
    if found.sigma is not None and found.assumed:
        yield "Sigma is a guess: the baseline was not trained three times."
    if drifted := sum(one.drifted for one in found.standings):
        yield (
            f"The machine drifted in {several(drifted, 'run')}: a gain compares with a baseline of before that, a difference between"
            " researchers does not."
        )
    left = [line for one in found.standings for line in one.unfinished]
    if left:
        more = f"; and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        yield f"Unfinished: {'; '.join(clean_line(line, 200) for line in left[:SHOWN])}{more}."
    if told := [one for one in found.standings if one.against and one.against.word in ("sure", "likely")]:
        length = length_of(told[0].compared)
        yield f"It is said of this train.py, this device and {length} a run: elsewhere another may be better."
