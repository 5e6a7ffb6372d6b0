"""A workspace says which models may be used and which is usual; one that has ended gives way to its successor."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.check import check_model
from core.choices import Choices, ModelChoices
from core.errors import Declined, Unavailable
from core.ports import Capabilities
from core.services import Services
from core.statuses import Failed, FailureReason
from core.turns import Operation, Options
from tests.fakes.provider import FakeImages
from tests.unit.conftest import House, MakeHouse

pytestmark = pytest.mark.lasting_keys("imagine:1:choices:")
PAST, FUTURE = "2020-01-01", "2999-01-01"


@dataclass(slots=True)
class Ageing(FakeImages):
    """`asked` is what was asked about."""

    asked: list[str] = field(default_factory=list)

    async def capabilities(self, model: str) -> Capabilities:
        self.asked.append(model)
        return await super(Ageing, self).capabilities(model)


async def choose(house: House, choices: Choices) -> None:
    await house.core.choices.change("fake", "w", choices)


async def declined(house: House, **changes: Any) -> str:
    with pytest.raises(Declined) as refusal:
        await house.core.intake.accept(house.turn(**changes))
    return f"{refusal.value.reply} {refusal.value.details.get('known') or refusal.value.details.get('successor')}"


async def test_a_model_off_the_list_is_declined_with_the_list(idle_house: House) -> None:
    await choose(idle_house, Choices(allowed=("m2",)))
    assert await declined(idle_house, options=Options(model="m1")) == "declined.model_not_allowed m2"


async def test_what_has_taken_the_place_of_an_allowed_model_is_allowed(make_house: MakeHouse) -> None:
    house = await make_house(images=Ageing(ends={"m1": (PAST, "m2")})).open()
    await choose(house, Choices(allowed=("m1",)))
    await house.done(house.turn())
    await house.done(house.turn(options=Options(model="m2")))
    assert [job.model for job in house.images.sent] == ["m2", "m2"]


async def test_the_list_that_a_model_is_not_on_names_what_may_be_used_now(make_house: MakeHouse) -> None:
    images = Ageing(offered=("m1", "m2", "m3"), ends={"m1": (PAST, "m2")})
    house = await make_house(images=images).open(working=False)
    await choose(house, Choices(allowed=("m1",)))
    assert await declined(house, options=Options(model="m3")) == "declined.model_not_allowed m2"


async def test_nobody_naming_a_model_gets_one_of_the_list(house: House) -> None:
    await choose(house, Choices(allowed=("m2",)))
    await house.done(house.turn())
    assert [job.model for job in house.images.sent] == ["m2"]


async def test_a_channel_has_its_own_usual_model(house: House) -> None:
    await choose(house, Choices(model="m1", channels={"c": "m2"}))
    await house.done(house.turn())
    elsewhere = house.turn()
    await house.done(replace(elsewhere, thread=replace(elsewhere.thread, channel="d")))
    assert [job.model for job in house.images.sent] == ["m2", "m1"]


async def test_an_edit_of_a_picture_by_a_model_that_is_not_allowed_any_more_goes_on(house: House) -> None:
    first = await house.done(house.turn())
    await choose(house, Choices(allowed=("m2",)))
    await house.done(house.edit(first))
    again = replace(house.edit(first), operation=Operation.AGAIN, parent=None, options=Options(model="m1"))
    await house.done(again)
    assert [job.model for job in house.images.sent] == ["m1", "m2", "m2"]


async def test_choices_are_seen_by_other_processes_and_dropped_with_the_workspace(idle_house: House) -> None:
    await choose(idle_house, Choices(allowed=("m2",), channels={"c": "m2"}))
    thread = idle_house.turn().thread
    assert await ModelChoices(idle_house.core.redis).of(thread) == Choices(allowed=("m2",), channels={"c": "m2"})
    await idle_house.core.choices.forget("fake", "w")
    assert await ModelChoices(idle_house.core.redis).of(thread) == Choices()


async def test_an_ended_default_gives_way_to_its_successor(make_house: MakeHouse) -> None:
    house = await make_house(images=Ageing(ends={"m1": (PAST, "m2")})).open()
    await house.done(house.turn())
    assert [job.model for job in house.images.sent] == ["m2"]


async def test_who_names_an_ended_model_is_told_the_successor(make_house: MakeHouse) -> None:
    house = await make_house(images=Ageing(ends={"m1": (PAST, "m2")})).open(working=False)
    assert await declined(house, options=Options(model="m1")) == "declined.model_ended m2"


async def test_a_thread_of_an_ended_model_goes_on_with_the_successor(make_house: MakeHouse) -> None:
    images = Ageing()
    house = await make_house(images=images).open()
    first = await house.done(house.turn())
    images.ends = {"m1": (PAST, "m2")}
    await house.done(house.edit(first))
    assert [job.model for job in images.sent] == ["m1", "m2"]
    assert images.sent[-1].history is None
    assert len(images.sent[-1].references) == 1


@pytest.mark.parametrize(
    ("ends", "today", "expected"),
    [
        ({"m1": ("2026-10-02", "m2")}, date(2026, 10, 1), "m1"),
        ({"m1": ("2026-10-02", "m2")}, date(2026, 10, 2), "m2"),
        ({"m1": (PAST, "m2"), "m2": (PAST, "m3")}, date(2026, 1, 1), "m3"),
        ({"m1": (PAST, "m9")}, date(2026, 1, 1), "m1"),
        ({"m1": (PAST, "m2"), "m2": (PAST, "m1")}, date(2026, 1, 1), "m1"),
        ({"m1": (PAST, "")}, date(2026, 1, 1), "m1"),
        ({"m1": (FUTURE, "m2")}, date(2026, 1, 1), "m1"),
    ],
)
async def test_a_successor_counts_from_the_day_and_only_where_it_is_offered(
    ends: dict[str, tuple[str, str]], today: date, expected: str
) -> None:
    services = Services([Ageing(offered=("m1", "m2", "m3"), ends=ends)], today=lambda: today)
    assert await services.current("m1") == expected


@pytest.mark.parametrize(
    ("ends", "choosable"),
    [
        ({}, ("m1", "m2", "m3")),
        ({"m1": (PAST, "m2")}, ("m2", "m3")),
        ({"m1": (PAST, "m2"), "m2": (PAST, "m3")}, ("m3",)),
        ({"m1": (PAST, "m9")}, ("m1", "m2", "m3")),
        ({"m1": (FUTURE, "m2")}, ("m1", "m2", "m3")),
        ({"m1": (PAST, "")}, ("m1", "m2", "m3")),
        ({"m1": (PAST, "m2"), "m2": (PAST, "m1")}, ("m1", "m2", "m3")),
    ],
)
async def test_a_model_that_has_given_way_is_not_to_choose_from(
    ends: dict[str, tuple[str, str]], choosable: tuple[str, ...]
) -> None:
    images = Ageing(offered=("m1", "m2", "m3"), ends=ends)
    services = Services([images])
    assert await services.models() == choosable
    assert not images.asked
    assert [await services.current(model) for model in choosable] == list(choosable)
    with pytest.raises(Declined) as refusal:
        await services.capabilities("m8")
    assert refusal.value.details["known"] == ", ".join(choosable)


async def test_choices_show_what_has_taken_the_place_of_an_ended_model(make_house: MakeHouse) -> None:
    images = Ageing(offered=("m1", "m2", "m3"), ends={"m1": (PAST, "m2")})
    house = await make_house(images=images).open(working=False)
    chosen = Choices(allowed=("m1", "m2", "m3"), model="m1", channels={"c": "m1", "d": "m3"})
    shown = await house.core.intake.renewed(chosen)
    assert shown == Choices(allowed=("m2", "m3"), model="m2", channels={"c": "m2", "d": "m3"})
    assert await house.core.intake.usual_by(Choices(allowed=("m1",))) == "m2"


@pytest.mark.parametrize("day", [PAST, FUTURE])
async def test_a_default_that_is_not_offered_any_more_gives_way_to_its_successor(
    make_house: MakeHouse, day: str
) -> None:
    house = await make_house(images=Ageing(offered=("m2",), ends={"m1": (day, "m2")})).open()
    await house.done(house.turn())
    assert [job.model for job in house.images.sent] == ["m2"]
    assert await declined(house, options=Options(model="m1")) == "declined.model_ended m2"


async def test_every_move_to_a_successor_has_one_line_in_the_log() -> None:
    services = Services([Ageing(offered=("m2",), ends={"m1": (PAST, "m2")})])
    with capture_logs() as lines:
        assert [await services.current("m1") for _ in range(3)] == ["m2"] * 3
        assert await services.current("m2") == "m2"
    assert [(line["model"], line["successor"]) for line in lines] == [("m1", "m2")]


async def test_the_day_that_a_model_ends_on_is_logged_by_a_bot_that_runs_across_it() -> None:
    day = [date(2026, 10, 1)]
    services = Services([Ageing(ends={"m1": ("2026-10-02", "m2")})], today=lambda: day[0])
    with capture_logs() as lines:
        assert await services.current("m1") == "m1"
        assert not lines
        day[0] = date(2026, 10, 2)
        assert await services.current("m1") == "m2"
    assert [line["log_level"] for line in lines] == ["warning"]


@pytest.mark.parametrize("offered", [("m2",), ("m1", "m2")])
async def test_check_names_the_successor_of_a_default_that_has_ended(offered: tuple[str, ...]) -> None:
    finding = await check_model(Services([Ageing(offered=offered, ends={"m1": (PAST, "m2")})]), "m1")
    assert finding.holds is None
    assert finding.words == f"IMAGE_MODEL=m1 has ended on {PAST}: m2 draws in its place. Set IMAGE_MODEL to it."


async def test_a_thread_whose_model_has_gone_goes_on_with_the_usual_one(make_house: MakeHouse) -> None:
    images = Ageing()
    house = await make_house(images=images).open()
    first = await house.done(house.turn(options=Options(model="m2")))
    images.offered = ("m1",)
    await house.done(house.edit(first))
    (reference,) = images.sent[-1].references
    assert (images.sent[-1].model, images.sent[-1].history) == ("m1", None)
    assert reference.url
    again = replace(house.edit(first), operation=Operation.AGAIN, parent=None, options=first.options)
    await house.done(again)
    assert [job.model for job in images.sent] == ["m2", "m1", "m1"]
    assert await declined(house, options=Options(model="m2")) == "declined.unknown_model m1"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (Choices(channels={"c": "m3"}), "m1"),
        (Choices(channels={"c": "m3"}, model="m2"), "m2"),
        (Choices(model="m3"), "m1"),
        (Choices(allowed=("m3", "m2")), "m2"),
    ],
)
async def test_a_usual_model_that_has_gone_leaves_its_place_to_the_next(
    make_house: MakeHouse, choices: Choices, expected: str
) -> None:
    house = await make_house(images=Ageing()).open()
    await choose(house, choices)
    turn = house.turn()
    assert await house.core.intake.usual(turn.thread) == expected
    await house.done(turn)
    assert [job.model for job in house.images.sent] == [expected]


async def test_where_nothing_that_may_be_used_is_offered_the_person_is_told(make_house: MakeHouse) -> None:
    house = await make_house(images=Ageing()).open(working=False)
    await choose(house, Choices(allowed=("m3",)))
    assert await declined(house) == "declined.unknown_model m1, m2"


async def test_a_silent_service_keeps_the_model_of_a_thread(make_house: MakeHouse) -> None:
    images = Ageing()
    house = await make_house(images=images).open()
    first = await house.done(house.turn(options=Options(model="m2")))
    images.troubles["capabilities"] = [Unavailable(Failed(FailureReason.UNREACHABLE, 1.0))] * 9
    with pytest.raises(Declined) as refusal:
        await house.core.intake.accept(house.edit(first))
    assert refusal.value.reply == "declined.service_silent"
    images.troubles.clear()
    await house.done(house.edit(first))
    assert images.sent[-1].model == "m2"


async def test_a_successor_that_nobody_offers_is_not_asked_about_for_every_turn() -> None:
    images = Ageing(ends={"m1": (PAST, "m9")})
    services = Services([images], today=lambda: date(2026, 1, 1))
    assert await asyncio.gather(*(services.current("m1") for _ in range(50))) == ["m1"] * 50
    assert images.asked.count("m9") == 1
