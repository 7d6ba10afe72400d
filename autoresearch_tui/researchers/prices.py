"""What tokens cost: a dated table of the makers' prices, and a person's own on top of it. An unknown model has no cost, and never 0.

How many tokens a request took is its researcher's to say.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

LARGEST = 1 << 20  # bytes; more is another file with this one's name
MILLION = 1e6
DATED = re.compile(r"-20\d{6}$")  # claude-haiku-4-5-20251001 is a day's claude-haiku-4-5

Dollars = Annotated[float, msgspec.Meta(ge=0, le=1e6)]


class PricesError(ValueError):
    """A file of prices cannot be used: one sentence that names the file and the key."""


class Usage(msgspec.Struct, frozen=True):
    """The tokens of one request, each in one place only."""

    fresh: int = 0
    """Of the prompt, neither written to a cache nor read from it."""
    written_5m: int = 0
    written_1h: int = 0
    read: int = 0
    out: int = 0
    """Thinking included."""

    @property
    def prompt(self) -> int:
        return self.fresh + self.written_5m + self.written_1h + self.read


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dollars per million tokens."""

    input: Dollars
    output: Dollars
    write_5m: Dollars | None = None
    write_1h: Dollars | None = None
    read: Dollars | None = None
    """None of the three: as input."""

    def cost(self, usage: Usage) -> float:
        def priced(tokens: int, price: float | None) -> float:
            return tokens * (self.input if price is None else price)

        cached = priced(usage.written_5m, self.write_5m) + priced(usage.written_1h, self.write_1h) + priced(usage.read, self.read)
        return (usage.fresh * self.input + cached + usage.out * self.output) / MILLION


class LongRate(Rate, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all of a request costs whose prompt has more tokens than this."""

    tokens: Annotated[int, msgspec.Meta(gt=0)]


class Price(Rate, frozen=True, forbid_unknown_fields=True):
    """Of one model."""

    above: LongRate | None = None

    def cost(self, usage: Usage) -> float:
        if self.above and usage.prompt > self.above.tokens:
            return self.above.cost(usage)
        return super().cost(usage)


class Prices(msgspec.Struct, frozen=True):
    """Of all models that are known."""

    models: dict[str, Price]
    as_of: datetime.date
    """When the bundled table was compared with the makers' pages."""

    @classmethod
    def load(cls, override: Path | None = None) -> Prices:
        """The bundled prices, and over them those of a person's own file; raises PricesError."""
        as_of, models = _read(Path(__file__).with_name("prices.toml"))
        assert as_of is not None, "the bundled prices are dated"
        return cls(models if override is None else models | _read(override)[1], as_of)

    def of(self, model: str) -> Price | None:
        """The price of exactly this model, or of the one that it is the dated form of."""
        return self.models.get(model) or self.models.get(DATED.sub("", model))

    def cost(self, model: str, usage: Usage) -> float | None:
        """In dollars; None: nobody knows."""
        price = self.of(model)
        return None if price is None else price.cost(usage)


def _read(path: Path) -> tuple[datetime.date | None, dict[str, Price]]:
    tables = _tables(path)
    if unknown := sorted(set(tables) - {"as_of", "model"}):
        raise PricesError(f'{path}: `{unknown[0]}` is no key here: write prices as `[model."NAME"]`, and a date as `as_of`.')
    as_of, models = tables.get("as_of"), tables.get("model", {})
    if as_of is not None and type(as_of) is not datetime.date:
        raise PricesError(f"{path}: `as_of` is no date: write it without quotes, as in 2026-11-20.")
    if not isinstance(models, dict):
        raise PricesError(f'{path}: `model` is no table: write `[model."NAME"]` with `input` and `output` below it.')
    return as_of, {name: _price(path, name, table) for name, table in models.items()}


def _price(path: Path, name: str, table: Any) -> Price:
    where = f'{path}: model."{name}"'
    try:
        return msgspec.convert(table, Price)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        key = place.rstrip("`")
        raise PricesError(f"{where}{key}: {reason[:1].lower()}{reason[1:]}: prices are dollars per million tokens.") from None


def _tables(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise PricesError(f"{path} holds more than {LARGEST} bytes: it is hardly the file of prices that was meant.")
        return tomllib.loads(content.decode())
    except OSError as error:
        raise PricesError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise PricesError(f"{path} is not UTF-8: save it as such.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PricesError(f"{path} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}.") from None
