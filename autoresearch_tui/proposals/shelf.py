"""Published tricks for small fast pretraining, of which a model is offered the few that fit the code and were not tried."""

from __future__ import annotations

import msgspec


class Known(msgspec.Struct, frozen=True):
    """One published trick, in our own words."""

    name: str
    what: str
    needs: str
    costs: str
    reported: str
    """Where, and what it gave there."""
