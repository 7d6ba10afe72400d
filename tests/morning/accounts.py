"""Accounts made by hand, for those who show them: of numbers in their order, and of a night in which every text is an attack."""

from __future__ import annotations

from collections import Counter

from autoresearch_tui.morning.account import (
    Account,
    Confirmed,
    Crashes,
    Doubt,
    Hours,
    Kept,
    Look,
    Near,
    Point,
    Proposer,
    Result,
    Spent,
    Trend,
)

HOSTILE = (
    "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"></style></title></svg>"
    "<iframe src=http://127.0.0.1:9/></iframe>]]>--><a href=javascript:alert(1)>`x`</a> '\" onload=alert(1) & &lt; $\\frac{a$ $5 "
    "\x00\x1b[2J\x9b31m\u202eevil\u2066\ud800\u200b漢字😀\u0301"
)


def night(*values: float | None, goal: str = "lower", sigma: float | None = None, source: str = "run", idea: str = "") -> Account:
    """Each experiment with one number, None for a crash; whatever is better than all before it is kept."""
    sign = 1.0 if goal == "lower" else -1.0
    points: list[Point] = []
    kept: list[Kept] = []
    trunk: list[int] = []
    best: float | None = None
    for number, value in enumerate(values):
        said = idea or f"idea {number} with a few words"
        better = value is not None and (best is None or sign * value < sign * best)
        verdict = "crash" if value is None else "keep" if better else "discard"
        points.append(Point(number, () if value is None else (value,), value, verdict, said))
        if better and value is not None:
            if best is not None:
                kept.append(Kept(number, f"{number:07x}", said, value, sign * (best - value), "sure" if sigma else ""))
            trunk.append(number)
            best = value
    first = points[trunk[0]].value if trunk else None
    gain = sign * (first - best) if first is not None and best is not None else None
    result = Result(
        f"A night of {len(values)} experiments.", first, trunk[-1] if trunk else None, value=best, gain=gain, basis="night" if trunk else ""
    )
    return Account(
        "night",
        source,
        result,
        goal=goal,
        sigma=sigma,
        experiments=len(values),
        trials=len(values),
        counts=dict(Counter(point.verdict for point in points)),
        kept=tuple(sorted(kept, key=lambda one: -(one.gain or 0.0))),
        points=tuple(points),
        trunk=tuple(trunk),
    )


def hostile(diff_lines: int = 3) -> Account:
    """Every text that can come from others, in every part."""
    bad = HOSTILE
    attack = f"+{bad}\n-{bad}\n {bad}\n"
    return Account(
        bad,
        "packed",
        Result(bad, 1.0, 1, bad, 0.9, bad, 0.1, 0.05, 0.15, 0.001, bad, bad, 0.1, 0.0, 0.2, caveat=bad),
        confirmed=(Confirmed(bad, 1.0, 0.1, 0.0, 0.2, 0.01, bad, bad),),
        metric=bad,
        goal=bad,
        began=1e30,
        ended=-1e30,
        state=bad,
        device=bad,
        trust=bad,
        sandbox=bad,
        sigma=0.01,
        experiments=4,
        trials=5,
        counts={"keep": 2, bad: 2},
        kept=(Kept(1, bad, bad, 0.9, 0.1, bad, 0.001, 2, bad, bad, bad, False, bad, bad),),
        small=0.0005,
        doubtful=1,
        doubtful_gain=0.1,
        near=(Near(2, bad, bad, 0.95, 0.05, 1, bad),),
        trend=Trend(bad, bad, (0.5, 0.0, 1.0, 0.2, 0.1)),
        crashes=(Crashes(bad, (3,), bad, (bad, bad)),),
        hours=Hours(100.0, 50.0, 10.0, 10.0, 10.0, 10.0, 5.0, 5.0),
        spent=Spent(10, 10, 1.0, 1.0, 1.0, 1.0, bad, {bad: 1.0}, {bad: 1.0}),
        proposers=(Proposer(bad, 1, 1, 1, 0.1, 2, 1, 1, {bad: 1}, 5, 5, 1.0, 1.0),),
        doubts=(Doubt(1, 1, bad, bad),),
        diff=f"--- {bad}\n+++ {bad}\n@@ {bad}\n" + attack * diff_lines,
        advice=(bad,),
        looks=(Look(bad, bad),),
        points=(
            Point(0, (1.0,), 1.0, "keep", bad),
            Point(1, (0.9, 0.91), 0.9, "keep", bad),
            Point(2, (0.95,), 0.95, bad, bad, tainted=True),
            Point(3, (), None, "crash", bad),
        ),
        trunk=(0, 1),
        warnings=(bad,),
        unknown=(bad,),
    )
