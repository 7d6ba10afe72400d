"""Nights whose trials overlap: several slots, each of a class of device, that come and go; trainings that end in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from autoresearch_tui.engine import ends, plan
from autoresearch_tui.engine.moment import Moment
from autoresearch_tui.engine.steps import Bury, Busy, Confirm, End, Judge, Measure, Step, Train
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from tests.engine.histories import TRIAL_S
from tests.engine.worlds import Night, Sending

Fleet = tuple[str, ...]
"""The class of each slot."""
BETTER_THERE = {"": 0.0, "cpu": 0.0, "a100": 0.0, "h100": 0.5}
"""By how much every number is better on such a device: no verdict may rest on that."""


class Life(NamedTuple):
    """What goes on for an experiment: its processes are made, or it trains, or it is measured."""

    slot: str
    step: Train | Measure
    launched: bool = False


class Overlap(Night):
    """Does what the plan says in several slots, as the controller does, and says where that cannot be done."""

    def __init__(
        self,
        luck: Sequence[int] = (0,),
        sendings: Sequence[Sending] = (),
        kills: Mapping[int, bool] | None = None,
        fleets: Sequence[Fleet] = (("a100", "a100"),),
        changes: Mapping[int, int] | None = None,
        in_turn: bool = False,
    ) -> None:
        """`changes`: the moments at which another fleet is there; an engine that starts finds the next one."""
        super().__init__(luck, sendings, kills)
        self.told = f"Overlap({[*luck]}, {[*sendings]}, {kills}, {[*fleets]}, {changes}, {in_turn})"
        self.fleets = fleets
        self.changes = dict(changes or {})
        self.in_turn = in_turn
        self.lives: dict[int, Life] = {}
        self.slots: dict[str, str] = {}
        self.most = 0
        """Trials that ran at once."""
        self._equip(fleets[0])
        self.silent = max([self.silent, *self.changes])

    @property
    def moment(self) -> Moment:
        taken = {life.slot for life in self.lives.values()}
        return Moment(
            self.now,
            trial_s=TRIAL_S,
            taken="" if self.slots else "no slot is there",
            slots=tuple(self.slots.values()),
            free=tuple(device for name, device in self.slots.items() if name not in taken),
            busy=frozenset(self.lives),
            crowded=all(device == "cpu" for device in self.slots.values()),
            in_turn=self.in_turn and len(self.slots) > 1,
        )

    def next_step(self) -> Step:
        return self.ending or plan.next_step(self.run, self.moment)

    def listen(self) -> None:
        super().listen()
        if self.moments in self.changes:
            self._equip(self.fleets[self.changes[self.moments] % len(self.fleets)])

    def start(self, limits: e.Limits | None = None, review: bool | None = None, after: str = "") -> None:
        self.lives.clear()
        self._equip(self.fleets[self.run.session % len(self.fleets)] or self.fleets[0])
        super().start(limits, review, after)

    def do(self, step: Step) -> None:
        """Between any two steps something may end, or be written ahead."""
        self._do(step)
        if self.lives and not self.ending and self._lucky(False, True, False):
            self._advance()
        if not self.ending and not self.in_turn and self._lucky(True, False) and (ahead := plan.ahead(self.run, self.moment)):
            self._do(ahead)

    def _do(self, step: Step) -> None:
        match step:
            case Busy():
                assert self.lives, "it waits for nothing"
                self._advance()
            case Train():
                self._begin(step, self._free(step.device))
            case Measure(number, trial):
                assert len(self.lives) < len(self.slots), "there is no slot to measure it in"
                slot = next(one.slot for one in self.run.experiments[number].trials if one.number == trial)
                self._begin(step, slot if slot in self.slots and all(life.slot != slot for life in self.lives.values()) else self._free(""))
            case Bury():
                assert self.slots, "nobody is there to bury it"
                super().do(step)
            case Judge(number):
                tip = self.run.tip
                assert number not in self.lives, "it is not over"
                assert number == tip or tip is None or (tip not in self.lives and self.run.experiments[tip].settled), "the trunk is open"
                super().do(step)
            case Confirm():
                self.add(e.Proposed(1, operator="keep", parent=0, idea="the best", blob=self.run.blob))
            case _:
                super().do(step)

    def finish(self, end: End) -> None:
        self.ending = self.ending or (end if end.failed else None)  # nobody needs then what still trains: it is interrupted
        assert self.ending or not self.lives, "it ends while something trains"
        for number, life in sorted(self.lives.items()):
            if life.launched and isinstance(life.step, Train):
                self.end_trial(number, life.step.trial)
        self.lives.clear()
        super().finish(end)

    def _equip(self, fleet: Fleet) -> None:
        self.slots = {f"{'cpu' if device == 'cpu' else 'gpu'}{place}": device for place, device in enumerate(fleet)}

    def _free(self, device: str) -> str:
        taken = {life.slot for life in self.lives.values()}
        free = [name for name, other in self.slots.items() if name not in taken and (not device or other == device)]
        assert free, f"no slot is free on {device}"
        return free[0]

    def _begin(self, step: Train | Measure, slot: str) -> None:
        assert step.number not in self.lives, "two trials of one experiment at once"
        self.lives[step.number] = Life(slot, step, launched=isinstance(step, Measure))
        self.most = max(self.most, len(self.lives))

    def _advance(self) -> None:
        """Whatever goes on next in one of the slots."""
        number, life = self._lucky(*sorted(self.lives.items()))
        if isinstance(life.step, Measure):
            del self.lives[number]
            return self._measured(number, life)
        if not life.launched:
            return self._launch(number, life, life.step)
        self.end_trial(number, life.step.trial)
        following = plan.piece(self.run, number)
        if isinstance(following, Measure):
            self.lives[number] = life._replace(step=following)
        else:
            del self.lives[number]
        return None

    def _launch(self, number: int, life: Life, step: Train) -> None:
        self.hear()
        if self.ending or life.slot not in self.slots or not plan.still_wanted(self.run, self.moment, step):
            del self.lives[number]
            return
        fulfilled = [e.Fulfilled(step.again.command, f"trial {step.trial}")] if step.again else []
        self.add(e.Launched(number, step.trial, 42, 1, 1, "boot", step.purpose, life.slot, self.slots[life.slot]), *fulfilled)
        self.lives[number] = life._replace(launched=True)

    def end_trial(self, number: int, trial: int) -> None:
        if self.lives[number].slot in self.slots or self.ending:
            return super().end_trial(number, trial)
        self.add(*ends.ended(self.run, number, trial, Outcome("interrupted", why="its slot is gone")))
        return None

    def _measured(self, number: int, life: Life) -> None:
        self.hear()
        trial = life.step.trial
        if self.ending:
            return
        if life.slot not in self.slots:
            self.add(e.Ended(number, trial, "interrupted", why="its slot is gone"))
            return
        device = next(one.device for one in self.run.experiments[number].trials if one.number == trial)
        value = self._lucky(0.99, 0.98, 0.97, 0.96, None)
        better = BETTER_THERE[device] + self._lucky(0, 0.001, 0.002, 0.003)
        self.add(e.Measured(number, trial, value and value - better, memory_gb=1.0, evidence=()))
        self.now += timedelta(seconds=self._lucky(0, 1, 30))
