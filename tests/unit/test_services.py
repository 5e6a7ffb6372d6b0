"""Several services side by side: each model is drawn by who offers it, and a turn stays with who began it."""

from dataclasses import dataclass
from typing import Any

import pytest

from core.errors import Declined, Unavailable
from core.packing import key
from core.ports import Capabilities
from core.services import Services
from core.statuses import Failed, FailureReason
from core.turns import Options, Route
from tests.conftest import wait_until
from tests.fakes.provider import FakeImages
from tests.unit.conftest import House, MakeHouse


@dataclass(slots=True)
class Silent(FakeImages):
    """Says nothing of its models."""

    async def models(self) -> Any:
        raise Unavailable(Failed(FailureReason.UNREACHABLE, 1.0))

    async def capabilities(self, model: str) -> Capabilities:
        raise Unavailable(Failed(FailureReason.UNREACHABLE, 1.0))


def second(**parts: Any) -> FakeImages:
    return FakeImages("second", offered=("m2", "m3"), **parts)


async def test_a_model_is_asked_of_the_first_that_offers_it() -> None:
    services = Services([FakeImages(), second()])
    assert (await services.offer("m2"))[0] == Route("fake", "m2")
    assert (await services.offer("m3"))[0] == Route("second", "m3")
    assert await services.models() == ("m1", "m2", "m3")


async def test_a_model_that_nobody_offers_is_declined_with_all_there_are() -> None:
    with pytest.raises(Declined) as refusal:
        await Services([FakeImages(), second()]).capabilities("m9")
    assert refusal.value.details["known"] == "m1, m2, m3"


async def test_a_silent_service_hides_none_of_the_others() -> None:
    services = Services([Silent("silent"), second()])
    assert await services.models() == ("m2", "m3")
    assert (await services.offer("m3"))[0] == Route("second", "m3")


async def test_a_model_that_a_silent_service_may_have_is_not_declined() -> None:
    with pytest.raises(Unavailable):
        await Services([Silent("silent"), second()]).capabilities("m1")


def test_two_services_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="name"):
        Services([FakeImages(), FakeImages()])


async def test_each_model_is_drawn_by_who_offers_it(make_house: MakeHouse) -> None:
    other = second()
    house = await make_house(others=(other,)).open()
    await house.done(house.turn())
    asked = await house.done(house.turn(options=Options(model="m3")))
    assert (len(house.images.made), len(other.made)) == (1, 1)
    node = await house.core.conversations.node(house.chat.announcements[asked.id].thread, asked.id)
    assert node is not None
    assert (node.provider, node.model) == ("second", "m3")


async def test_an_edit_in_another_service_goes_on_from_the_picture(make_house: MakeHouse) -> None:
    other = second()
    house = await make_house(others=(other,)).open()
    first = await house.done(house.turn())
    await house.done(house.edit(first, options=Options(model="m3")))
    (job,) = other.sent
    assert job.history is None
    assert len(job.references) == len(other.uploads) == 1
    assert not house.images.uploads


async def test_a_turn_stays_with_its_service_when_another_worker_prefers_another(make_house: MakeHouse) -> None:
    first, other = FakeImages(finish_at_once=False), second()
    house = await make_house(images=first, others=(other,)).open()
    turn = await house.ask(house.turn(options=Options(model="m2")))

    async def going() -> bool:
        (drawing,) = await house.core.turns.drawings([(turn.id, 0)])
        return drawing is not None and drawing.going

    await wait_until(going)
    await house.close()
    first.finish()
    again = await make_house(images=other, others=(first,), chat=house.chat).open()
    assert await again.ended(turn) == "done"
    assert (len(first.made), len(other.made)) == (1, 0)


async def test_a_turn_from_before_routes_were_kept_is_drawn_by_the_first_service(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())
    await idle_house.core.redis.hdel(key("turn", turn.id), "route")
    async with idle_house.core.working():
        assert await idle_house.ended(turn) == "done"
    assert len(idle_house.images.made) == 1
