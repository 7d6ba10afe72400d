"""A run at each of its phases, and what a command comes to there, in words: the columns of the tables in `test_answers.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autoresearch_tui.engine.steps import Draw, End, Judge, Rest, Rewinding, Step, Train
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from tests.engine.histories import a_night
from tests.engine.worlds import World

Prepare = Callable[[World], None]

# ------------------------------------------------------------------------------------------------------------------------------
# The phases
# ------------------------------------------------------------------------------------------------------------------------------


def starting(world: World) -> None:
    world.begin()


def baseline(world: World) -> None:
    starting(world)
    world.launch(0)


def between(world: World) -> None:
    a_night(world)


def drafting(world: World) -> None:
    a_night(world)
    world.add(e.Drafting("d0001", "tune", 3, "sweep"))


def reviewing(world: World) -> None:
    drafting(world)
    world.send(c.Review(True))
    world.add(e.Replied("d0001", 1.0))
    world.add(e.Drafted("d0001", "b9", "an idea"))
    world.do(world.next_step())


def training(world: World) -> None:
    a_night(world)
    world.launch(9, 3)


def evaluating(world: World) -> None:
    training(world)
    world.end_trial(9, 1)


def judging(world: World) -> None:
    evaluating(world)
    world.do(world.next_step())


def applying(world: World) -> None:
    judging(world)
    world.do(world.next_step())


def paused(world: World) -> None:
    a_night(world)
    world.send(c.Pause(world.run.session), "bob")
    world.do(world.next_step())


def waiting(world: World) -> None:
    a_night(world)
    world.send(c.Limit("between", "23:00-07:00"))
    world.do(world.next_step())


def ended(world: World) -> None:
    """Said when the engine had ended, and heard by the next one."""
    a_night(world)
    world.finish(End("stopped by bob"))
    world.start()


def late(world: World) -> None:
    """Said while #9 trained, and heard by the next engine that a person started, for the first one died."""
    training(world)
    world.start()


PHASES: dict[str, Prepare] = {
    phase.__name__: phase
    for phase in (
        starting, baseline, drafting, reviewing, training, evaluating, judging, applying, between, paused, waiting, ended, late
    )
}  # fmt: skip


def world_at(phase: str) -> World:
    world = World()
    PHASES[phase](world)
    return world


# ------------------------------------------------------------------------------------------------------------------------------
# What comes of a command
# ------------------------------------------------------------------------------------------------------------------------------


def shown(fact: e.Event) -> str:
    match fact:
        case e.Fulfilled(how=how):
            return f"done: {how}" if how else "done"
        case e.Lapsed(command, why):
            return f"command {command} lapses: {why}"
        case e.Judged(number, verdict, _, tip, by):
            return f"#{number} {verdict} by {by}, trunk #{tip}"
        case e.Drafting(_, operator, parent, of=of):
            return f"{operator} of #{of} on #{parent}"
        case e.Abandoned(draft, why):
            return f"no {draft}: {why}"
        case e.Approved(draft):
            return f"{draft} approved"
        case e.Resumed():
            return "goes on"
        case e.SettingsChanged():
            return "set"
    raise AssertionError(f"nothing of the kind follows from a command at once: {fact}")


def started(step: Step) -> str:
    """The step in words, if it begins something or keeps anything from beginning; what is measured for the noise is nobody's wish."""
    match step:
        case Train(purpose="noise"):
            return ""
        case Train(number, trial):
            return f"train #{number} again" if trial > 1 else f"train #{number}"
        case Draw(idea):
            return "draft the idea" if idea else "draft"
        case Rewinding(_, to):
            return f"trunk #{to}"
        case Rest(why) | End(why):
            return why
    return ""


def story(world: World) -> Iterator[Step | e.Event]:
    """What happens from here on: every step, the verdicts that are ann's, and what is made again for her."""
    world.hear()
    step: Step | None = None
    while not isinstance(step, End):
        if (one := world.run.running) and world.run.engine and one.trials[-1].at > world.run.engine.at:
            world.end_trial(one.number, one.trials[-1].number)
        yield (step := world.next_step())
        before = len(world.transactions)
        if not isinstance(step, End):
            world.do(step)
        facts = [recorded.event for transaction in world.transactions[before:] for recorded in transaction]
        if not (isinstance(step, Judge) and world.run.experiments[step.number].trials[-1].purpose == "noise"):
            yield from (fact for fact in facts if isinstance(fact, e.Judged | e.Drafting) and fact.by == "ann")


def came(world: World, command: int) -> str:
    """What comes of a wish that waits."""
    told: list[str] = []
    for one in story(world):
        if isinstance(one, e.Event):
            told.append(shown(one))
        elif (words := started(one)) and (not isinstance(one, Rest) or one.pause):  # any other rest passes
            if command not in world.run.wishes or (isinstance(one, Rest) and told == [words]):
                break
            told = [words]
    how = next(answer.why for answer in world.run.answers if answer.command == command)
    return "; ".join(filter(None, [*told, how]))


def answered(world: World, wish: c.Command) -> str:
    """What is answered at once."""
    commanded, *facts = world.send(wish)
    assert isinstance(commanded, e.Commanded)
    if commanded.accepted:
        return "; ".join(map(shown, facts)) or "waits"
    assert not facts
    return f"refused: {commanded.why}"


def said(phase: str, wish: c.Command) -> tuple[str, str]:
    """The answer, and what comes of it."""
    world = world_at(phase)
    at_once = answered(world, wish)
    if at_once.startswith("refused"):
        return at_once, ""
    if world.run.heard in world.run.wishes:
        return at_once, came(world, world.run.heard)
    first = first_beginning(world)
    return at_once, first if first != first_beginning(world_at(phase)) else ""


def first_beginning(world: World) -> str:
    return next(words for step in story(world) if isinstance(step, Step) and (words := started(step)))
