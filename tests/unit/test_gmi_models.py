"""What models take: by the table, by the service, and by both."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.errors import Declined, Unavailable
from core.ports import Capabilities
from core.providers.gmi import GmiImages, service_client
from core.providers.gmi.capabilities import KNOWN
from core.providers.gmi.client import QueueClient
from core.providers.gmi.models import HOUR, SOON, Models
from core.services import Services
from tests.fakes.scripted_service import KEY, Say, ScriptedService, images_of, scripted_service

FLASH = "gemini-2.5-flash-image"
INFO = f"GET /api/models/{FLASH}"
NEW = "GET /api/models/new-image-model"
TEN = ("1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
PROMPT = {"name": "prompt", "type": "string"}


@pytest.fixture
async def service() -> AsyncIterator[ScriptedService]:
    async with scripted_service() as opened:
        yield opened


@pytest.fixture
async def images(service: ScriptedService) -> AsyncIterator[GmiImages]:
    async with images_of(service) as opened:
        yield opened


def test_the_table_says_what_was_announced() -> None:
    flash = KNOWN[FLASH]
    assert flash.aspect_ratios == TEN
    assert (flash.max_references, flash.sizes, flash.price) == (3, (), 39_000)
    assert (flash.ends, flash.successor) == ("2026-10-02", "gemini-3.1-flash-image")
    assert KNOWN["gemini-3-pro-image"].max_prompt == 2_000
    assert set(TEN) - set(KNOWN["gemini-3-pro-image"].aspect_ratios) == {"3:2", "2:3"}
    assert KNOWN["gemini-3.1-flash-image"].sizes == ("512", "1K", "2K", "4K")


def test_every_successor_is_a_model_we_know_and_does_not_end_itself() -> None:
    for able in KNOWN.values():
        assert bool(able.ends) == bool(able.successor)
        assert not able.successor or not KNOWN[able.successor].ends


@pytest.mark.parametrize(
    "body",
    [
        {"model_ids": ["a", "b", "a"]},
        {"models": ["a", "b", "a"]},
        {"models": [{"model": "a"}, {"id": "b"}, {"id": "a"}]},
        {"model_ids": ["a"], "models": ["b", 7, None, {}, ""]},
        ["a", "b"],
    ],
)
async def test_both_lists_of_models_are_read(service: ScriptedService, images: GmiImages, body: Any) -> None:
    service.says("GET /api/models", Say(body))
    assert list(await images.models()) == ["a", "b"]


async def test_the_services_word_replaces_the_tables(service: ScriptedService, images: GmiImages) -> None:
    parameters = [
        {"name": "aspect_ratio", "options": ["1:1", "16:9", "16:9", "auto", 7, None]},
        {"name": "image_size", "options": [{"label": "Large", "value": "2K"}, {"label": "?"}]},
    ]
    price = {"price": "0.05", "pricing_type": "per_request", "unit": "image"}
    service.says(INFO, Say({"model": FLASH, "parameters": parameters, "price_info": price}))
    able = await images.capabilities(FLASH)
    assert (able.aspect_ratios, able.sizes, able.price) == (("1:1", "16:9"), ("2K",), 50_000)
    assert able.max_references == 3
    assert able.ends == "2026-10-02"


@pytest.mark.parametrize(
    "info",
    [
        {},
        [],
        {"parameters": None, "price_info": None},
        {"parameters": [{"name": "aspect_ratio", "options": []}, {"name": "image_size"}], "price_info": {"price": 0}},
        {"parameters": "none", "price_info": {"price": -1}},
        {"price_info": {"price": 0.3, "unit": "1M tokens"}},
        {"price_info": {"price": 1e6}},
        {"price_info": {"price": "free"}},
    ],
)
async def test_nonsense_leaves_the_table_as_it_is(service: ScriptedService, images: GmiImages, info: Any) -> None:
    service.says(INFO, Say(info))
    assert await images.capabilities(FLASH) == KNOWN[FLASH]


@pytest.mark.parametrize(
    "silence", [Say(status=502, body=b""), Say(cut=True), Say(b"<html>"), Say({"error": "?"}, 401)]
)
async def test_while_the_service_is_silent_the_table_is_believed(
    service: ScriptedService, images: GmiImages, silence: Say
) -> None:
    service.says(INFO, silence)
    assert await images.capabilities(FLASH) == KNOWN[FLASH]


async def test_a_model_that_only_the_service_knows_takes_what_it_lists(
    service: ScriptedService, images: GmiImages
) -> None:
    parameters = [
        PROMPT,
        {"name": "image", "max_value": 5},
        {"name": "aspect_ratio", "options": ["1:1", "9:16"]},
        {"name": "image_size", "options": ["1K", "1024x768"]},
    ]
    info = {"model_type": "image", "parameters": parameters, "price_info": {"price": 0.02}}
    service.says(NEW, Say(info))
    able = await images.capabilities("new-image-model")
    assert able == Capabilities("new-image-model", ("1:1", "9:16"), 5, sizes=("1K", "1024x768"), price=20_000)


@pytest.mark.parametrize(
    ("parameters", "references"),
    [
        ([PROMPT], 0),
        ([PROMPT, {"name": "image"}], 1),
        ([PROMPT, {"name": "image", "max_value": -4}], 1),
        ([PROMPT, {"name": "image", "max_value": 1e9}], 1),
        ([], 0),
    ],
)
async def test_nothing_is_assumed_of_a_new_model(
    service: ScriptedService, images: GmiImages, parameters: list[Any], references: int
) -> None:
    service.says(NEW, Say({"parameters": parameters}))
    able = await images.capabilities("new-image-model")
    assert (able.aspect_ratios, able.sizes, able.max_references) == ((), (), references)


async def test_a_new_model_while_the_service_is_silent_is_not_guessed_at(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says(NEW, Say(status=502, body=b""))
    with pytest.raises(Unavailable):
        await images.capabilities("new-image-model")


@pytest.mark.parametrize(
    "info",
    [
        {"model_type": "image-to-video"},
        {"model_type": "Text to Speech"},
        {"model_type": "image", "parameters": [{"name": "text"}]},
    ],
)
async def test_a_model_that_makes_no_pictures_from_words_is_declined(
    service: ScriptedService, images: GmiImages, info: Any
) -> None:
    service.says(NEW, Say(info))
    service.says("GET /api/models", Say({"model_ids": ["new-image-model", FLASH]}))
    with pytest.raises(Declined) as refusal:
        await images.capabilities("new-image-model")
    assert refusal.value.details == {"model": "new-image-model", "known": FLASH}


async def test_a_model_that_the_service_has_dropped_is_declined(service: ScriptedService, images: GmiImages) -> None:
    service.says(INFO, Say({"error": "model does not exist"}, 404))
    service.says("GET /api/models", Say({"model_ids": ["gemini-3.1-flash-image", "kling-video"]}))
    with pytest.raises(Declined) as refusal:
        await images.capabilities(FLASH)
    assert refusal.value.details == {"model": FLASH, "known": "gemini-3.1-flash-image"}


@pytest.mark.parametrize("gone", [FLASH, "gemini-2.5-flash-image-preview", "gemini-3.1-flash-image-preview"])
async def test_what_has_taken_the_place_of_a_dropped_model_draws(
    service: ScriptedService, images: GmiImages, gone: str
) -> None:
    service.says(f"GET /api/models/{gone}", Say({"error": "model does not exist"}, 404))
    service.says("GET /api/models/gemini-3.1-flash-image", Say({}))
    assert await Services([images]).current(gone) == "gemini-3.1-flash-image"


async def test_models_are_named_even_where_the_list_cannot_be_had(service: ScriptedService, images: GmiImages) -> None:
    service.says("GET /api/models/what", Say({"error": "no"}, 404))
    with pytest.raises(Declined) as refusal:
        await images.capabilities("what")
    assert FLASH in str(refusal.value.details["known"])


async def test_where_no_model_is_known_the_first_on_offer_are_named(
    service: ScriptedService, images: GmiImages
) -> None:
    service.says("GET /api/models/what", Say({"error": "no"}, 404))
    service.says("GET /api/models", Say({"model_ids": [f"m{number}" for number in range(300)]}))
    with pytest.raises(Declined) as refusal:
        await images.capabilities("what")
    assert str(refusal.value.details["known"]).split(", ") == [f"m{number}" for number in range(12)]


async def test_what_the_service_said_is_believed_for_an_hour(service: ScriptedService) -> None:
    dearer, dearest = ({"price_info": {"price": price}} for price in (0.01, 0.02))
    service.says(INFO, Say(dearer), Say(dearest), Say(status=502, body=b""))
    now = [0.0]
    async with service_client() as client:
        models = Models(QueueClient(client, base_url=service.url, key=KEY), clock=lambda: now[0])

        async def price_at(moment: float) -> int:
            now[0] = moment
            return (await models.capabilities(FLASH)).price

        assert [await price_at(moment) for moment in (0.0, HOUR - 1)] == [10_000] * 2
        assert [await price_at(moment) for moment in (HOUR, 2 * HOUR - 1)] == [20_000] * 2
        assert len(service.at(INFO)) == 2
        assert [await price_at(2 * HOUR + moment) for moment in (0, SOON - 1, SOON)] == [20_000] * 3
        assert len(service.at(INFO)) == 4


async def test_many_who_ask_at_once_ask_the_service_once(service: ScriptedService, images: GmiImages) -> None:
    service.says(INFO, Say({}))
    await asyncio.gather(*(images.capabilities(FLASH) for _ in range(20)))
    assert len(service.at(INFO)) == 1


async def test_invented_models_leave_nothing_behind(service: ScriptedService) -> None:
    async with service_client() as client:
        models = Models(QueueClient(client, base_url=service.url, key=KEY))
        before = len(vars(models)["_remembered"])
        for number in range(10):
            service.says(f"GET /api/models/invented-{number}", Say({"error": "no"}, 404))
            with pytest.raises(Declined):
                await models.capabilities(f"invented-{number}")
        assert len(vars(models)["_remembered"]) == before
