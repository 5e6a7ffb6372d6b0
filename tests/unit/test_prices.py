"""The operator's prices count from their day on, by size, and are what a turn reserves and costs."""

from dataclasses import dataclass, replace
from datetime import date

import pytest

from bot.settings import load_settings
from core.estimates import with_estimates
from core.ports import Capabilities
from core.prices import Price, priced
from core.services import Services
from core.turns import Options
from tests.fakes.provider import FakeImages
from tests.unit.conftest import MakeHouse

TABLE = {"m1": (Price(5_000, date(2026, 12, 1), {"4K": 9_000}), Price(3_000))}


@dataclass(slots=True)
class Sized(FakeImages):
    """Draws large pictures for more."""

    async def capabilities(self, model: str) -> Capabilities:
        able = await super(Sized, self).capabilities(model)
        return replace(able, sizes=("1K", "4K"), prices={"4K": 4_000})


@pytest.mark.parametrize(
    ("today", "size", "price"),
    [
        (date(2026, 11, 30), None, 3_000),
        (date(2026, 11, 30), "4K", 3_000),
        (date(2026, 12, 1), "1K", 5_000),
        (date(2027, 1, 1), "4K", 9_000),
    ],
)
async def test_the_latest_price_that_has_begun_counts(today: date, size: str | None, price: int) -> None:
    services = Services([Sized()], prices=TABLE, today=lambda: today)
    assert (await services.capabilities("m1")).price_of(size) == price
    assert (await services.capabilities("m2")).price_of("4K") == 4_000


def test_a_price_that_has_not_begun_changes_nothing() -> None:
    able = Capabilities("m1", (), 1, price=7)
    assert priced(able, {"m1": (Price(9, date(2999, 1, 1)),)}, date(2026, 1, 1)) == able


async def test_a_large_picture_costs_what_large_ones_cost(make_house: MakeHouse) -> None:
    house = await make_house(images=Sized()).open()
    turn = await house.done(house.turn(options=Options(size="4K", count=2)))
    node = await house.core.conversations.node(house.chat.announcements[turn.id].thread, turn.id)
    assert node is not None
    assert node.cost == 8_000


def test_prices_are_read_with_their_days_and_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    table = '{"m1": [{"from": "2026-12-01", "price": 0.005, "sizes": {"4K": 0.009}}, {"price": 0.003}]}'
    monkeypatch.setenv("PRICES", table)
    assert load_settings(env_file=None).prices == TABLE


async def test_people_see_an_estimate_where_they_choose() -> None:
    services = Services([FakeImages()], prices={"m1": (Price(39_000),)})
    assert await with_estimates(services, ("m1", "m9")) == {"m1": "m1 ≈ $0.04", "m9": "m9"}


async def test_an_estimate_is_of_the_size_and_the_number_that_are_chosen() -> None:
    services = Services([Sized()], prices={"m1": (Price(39_000, sizes={"4K": 80_000}),)})
    assert await with_estimates(services, ("m1", "m2"), size="4K", count=3) == {"m1": "m1 ≈ $0.24", "m2": "m2 ≈ $0.01"}


async def test_what_a_turn_reserves_is_shown_and_foretold(make_house: MakeHouse) -> None:
    house = await make_house(images=Sized()).open(working=False)
    large = house.turn(options=Options(size="4K", count=2))
    assert await house.core.intake.estimate(large) == 8_000
    turn = await house.ask(large)
    await house.core.line.run(turn.id)
    (shown,) = await house.core.intake.open_turns(turn.author)
    assert shown.where("en") == "being drawn · ≈ $0.01"
    assert {notice.price for notice in house.chat.notices[turn.id] if not notice.stage.final} == {8_000}
