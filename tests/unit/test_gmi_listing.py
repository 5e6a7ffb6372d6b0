"""The list of requests, page by page, however the service tells that there is more."""

import time
from collections.abc import AsyncIterator, Sequence
from email.utils import formatdate
from typing import Any

import pytest

from core.errors import Unavailable
from core.providers.gmi import GmiImages
from core.statuses import Queued, Succeeded
from tests.fakes.scripted_service import Say, ScriptedService, images_of, scripted_service

LIST = "GET /api/requests"
NOW = 1_788_584_785
LINK = "https://storage.googleapis.com/x.png"


@pytest.fixture
async def service() -> AsyncIterator[ScriptedService]:
    async with scripted_service() as opened:
        yield opened


@pytest.fixture
async def images(service: ScriptedService) -> AsyncIterator[GmiImages]:
    async with images_of(service) as opened:
        yield opened


def record(number: int, age: float = 0.0, **more: Any) -> dict[str, Any]:
    return {"request_id": f"r-{number}", "status": "queued", "created_at": NOW - age, **more}


def page(numbers: Sequence[int], **more: Any) -> Say:
    return Say({"requests": [record(number, age=number) for number in numbers], **more})


async def ids(images: GmiImages, since: float = 0, **more: Any) -> list[str]:
    return [item.request.id for item in await images.recent("m", since=since, **more)]


async def test_the_model_is_named_and_pages_are_asked_for(service: ScriptedService, images: GmiImages) -> None:
    service.says(LIST, page(range(100), has_more=True), page(range(100, 150), has_more=False))
    assert await ids(images) == [f"r-{number}" for number in range(150)]
    assert [dict(call.query) for call in service.at(LIST)] == [
        {"model_id": "m", "limit": "100", "offset": "0"},
        {"model_id": "m", "limit": "100", "offset": "100"},
    ]


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ([page(range(3), has_more=False)], 1),
        ([page(range(3), total=3)], 1),
        ([page(range(3), total=5), page(range(3, 5), total=5)], 2),
        ([page(range(3), has_more=True, total=3), page([])], 2),
        ([page(range(100)), page(range(100, 110))], 2),
        ([page(range(3))], 1),
        ([page(range(3), has_more="perhaps", total=-1)], 1),
        ([page([], has_more=True)], 1),
        ([Say({"requests": None})], 1),
        ([Say([record(1)])], 1),
    ],
)
async def test_the_end_of_the_list_is_known_from_whatever_the_service_tells(
    service: ScriptedService, images: GmiImages, answers: list[Say], calls: int
) -> None:
    service.says(LIST, *answers)
    listed = await ids(images)
    assert len(service.at(LIST)) == calls
    assert len(listed) == sum(len(say.body["requests"] or ()) if isinstance(say.body, dict) else 1 for say in answers)


async def test_no_more_than_the_limit_is_read_of_a_list_without_end(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says(LIST, page(range(100), has_more=True))
    assert len(await ids(images, limit=250)) == 100
    assert [call.query["limit"] for call in service.at(LIST)] == ["100", "100", "50"]


async def test_reading_stops_where_the_list_gets_too_old(service: ScriptedService, images: GmiImages) -> None:
    service.says(LIST, page(range(100), has_more=True), page(range(100, 200), has_more=True))
    assert len(await ids(images, since=NOW - 120)) == 121
    assert len(service.at(LIST)) == 2


async def test_a_list_in_another_order_is_read_on(service: ScriptedService, images: GmiImages) -> None:
    service.says(LIST, page([200, 201, 5], has_more=True), page([7, 300, 6], has_more=True), page([400], has_more=True))
    assert await ids(images, since=NOW - 100) == ["r-5", "r-6", "r-7"]


async def test_a_request_that_slid_to_the_next_page_is_listed_once(service: ScriptedService, images: GmiImages) -> None:
    service.says(LIST, page([0, 1, 2], has_more=True), page([2, 3], has_more=False))
    assert await ids(images) == ["r-0", "r-1", "r-2", "r-3"]


async def test_what_cannot_be_dated_is_listed_and_what_cannot_be_named_is_not(
    service: ScriptedService, images: GmiImages
) -> None:
    undated = {"request_id": "r-9", "status": "queued"}
    service.says(LIST, Say({"requests": [undated, {"status": "queued", "created_at": NOW}, 7, None]}))
    assert await ids(images, since=NOW) == ["r-9"]


async def test_a_list_without_dates_is_read_to_its_end(service: ScriptedService, images: GmiImages) -> None:
    first, second = ({"request_id": name, "status": "queued"} for name in ("r-1", "r-2"))
    service.says(LIST, Say({"requests": [first], "has_more": True}), Say({"requests": [second], "has_more": False}))
    assert await ids(images, since=NOW) == ["r-1", "r-2"]


async def test_a_service_whose_clock_is_behind_is_not_taken_for_old(
    service: ScriptedService, images: GmiImages
) -> None:
    behind = 600
    created = time.time() - behind
    headers = {"Date": formatdate(created, usegmt=True)}
    service.says("GET /api/models", Say({"model_ids": []}, headers=headers))
    service.says(
        LIST, Say({"requests": [{"request_id": "r", "status": "queued", "created_at": created}]}, headers=headers)
    )
    await images.models()
    assert await ids(images, since=time.time() - 60) == ["r"]


async def test_a_payload_comes_back_as_the_service_echoes_it(service: ScriptedService, images: GmiImages) -> None:
    echo = {"prompt": "a fox", "x": [None, 2**60]}
    service.says(LIST, Say({"requests": [record(1, payload=echo), record(2, payload={}), record(3, payload="?")]}))
    assert [item.payload for item in await images.recent("m", since=0)] == [echo, {}, {}]


async def test_an_end_that_is_told_in_part_is_listed_as_incomplete(service: ScriptedService, images: GmiImages) -> None:
    done = {"media_urls": [LINK], "next_turn_contents": [{"role": "model"}]}
    service.says(
        LIST,
        Say(
            {
                "requests": [
                    record(1, status="success", outcome=done),
                    record(2, status="success", outcome={"media_urls": [LINK]}),
                    record(3),
                ]
            }
        ),
    )
    whole, part, waiting = await images.recent("m", since=0)
    assert isinstance(whole.status, Succeeded)
    assert (whole.complete, part.complete, waiting.complete) == (True, False, True)
    assert waiting.status == Queued()


@pytest.mark.parametrize("body", [{}, {"error": "no"}, b"<html>", "text"])
async def test_what_is_no_list_is_not_taken_for_an_empty_one(
    service: ScriptedService, images: GmiImages, body: Any
) -> None:
    service.says(LIST, Say(body))
    with pytest.raises(Unavailable):
        await images.recent("m", since=0)
