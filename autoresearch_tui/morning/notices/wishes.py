"""What a person wants of a follower, from the settings and the environment. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from autoresearch_tui.morning.notices.box import Rules
from autoresearch_tui.morning.notices.news import DEFAULT
from autoresearch_tui.morning.notices.services import Service, services_of
from autoresearch_tui.sections import Settings


class Wishes(msgspec.Struct, frozen=True):
    """Who is told what, and when."""

    services: tuple[Service, ...] = ()
    about: tuple[str, ...] = DEFAULT
    rules: Rules = Rules()
    only_here: bool = False
    """Nobody but this machine is spoken to."""
    floor_gb: float = 0.0


def wishes_of(settings: Settings, environment: Mapping[str, str]) -> Wishes:
    mine = settings.notify
    rules = Rules(mine.quiet or "", tuple(mine.urgent), mine.hourly)
    only_here = settings.privacy.local_only is True
    return Wishes(services_of(mine, environment), tuple(mine.about) or DEFAULT, rules, only_here, settings.disk.floor_gb)
