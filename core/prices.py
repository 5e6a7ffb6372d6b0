"""What pictures cost by the operator's word, from which day on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeAlias

from core.ports import Capabilities


@dataclass(frozen=True, slots=True)
class Price:
    """The price of an image in micro-dollars, from a day on. `sizes` are those whose price differs."""

    amount: int
    since: date = date.min
    sizes: Mapping[str, int] = field(default_factory=dict)


PriceTable: TypeAlias = Mapping[str, Sequence[Price]]
"""The prices of each model, in any order: the latest that has begun counts."""


def priced(able: Capabilities, table: PriceTable, today: date) -> Capabilities:
    """A model with the operator's price of the day, where there is one."""
    begun = [price for price in table.get(able.model, ()) if price.since <= today]
    if not begun:
        return able
    price = max(begun, key=lambda known: known.since)
    return replace(able, price=price.amount, prices=price.sizes)
