"""Models at the page: what they would cost, which may be named, and who chooses that."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from redis.asyncio import Redis

from core.choices import Choices, WhenDown
from core.errors import Declined
from tests.fakes.web_site import Browser, WebSite, web_site

EVENT = "the-event-1"


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


async def estimate(browser: Browser, text: str, **more: Any) -> str:
    asked = {"event": EVENT, "channel": "general", "text": text, **more}
    response = await browser.post("/api/estimate", asked)
    assert response.ok, await response.text()
    return str((await response.json())["estimate"])


async def choose(browser: Browser, **chosen: Any) -> ClientResponse:
    return await browser.ask("PUT", "/api/choices", json={"channel": "general", **chosen})


async def named(browser: Browser, channel: str = "general") -> tuple[list[str], str]:
    found = await browser.get(f"/api/channels/{channel}/models")
    return [model["id"] for model in found["models"]], found["usual"]


async def test_what_a_command_would_cost_is_told_and_nothing_is_done(site: WebSite) -> None:
    ada = await site.somebody()
    assert await estimate(ada, "/imagine a fox --n 2") == "≈ $0.08"
    assert not site.intake.offered
    assert await ada.channel() == []


@pytest.mark.parametrize("text", ["", "hello", "/imagine library", "/imagine a fox --colour red", "/unknown"])
async def test_what_makes_no_turn_costs_nothing(site: WebSite, text: str) -> None:
    assert await estimate(await site.somebody(), text) == ""


async def test_what_would_be_declined_has_no_estimate(site: WebSite) -> None:
    site.intake.refusal = Declined("declined.service_silent")
    assert await estimate(await site.somebody(), "/imagine a fox") == ""


async def test_the_service_is_not_questioned_about_half_a_name(site: WebSite) -> None:
    ada = await site.somebody()
    for typed in ("m", "m9", "gemini-3-p", "m"):
        assert await estimate(ada, f"/imagine a fox --model {typed}") == ""
    assert site.intake.estimated == []
    assert await estimate(ada, "/imagine a fox --model m2") == "≈ $0.04"
    assert (site.models.asked, len(site.intake.estimated)) == (1, 1)


async def test_an_estimate_in_a_thread_is_for_those_who_see_it(site: WebSite) -> None:
    ada, eve = await site.somebody(), await site.somebody("Eve")
    root = await ada.said("/imagine a fox --private")
    assert await estimate(ada, "/imagine a wolf", thread=root) == "≈ $0.04"
    assert await estimate(eve, "/imagine a wolf", thread=root) == ""


async def test_models_say_what_their_pictures_cost(site: WebSite) -> None:
    found = await (await site.somebody()).get("/api/channels/general/models")
    assert [(model["id"], model["estimate"]) for model in found["models"]] == [("m1", "≈ $0.04"), ("m2", "≈ $0.04")]


async def test_whoever_is_here_chooses_the_models(site: WebSite) -> None:
    ada, eve = await site.somebody(), await site.somebody("Eve")
    assert await named(eve) == (["m1", "m2"], "m1")
    assert (await choose(ada, model="m1", channel_model="m2", when_down="wait")).ok
    assert await named(eve) == (["m2", "m1"], "m2")
    assert await named(eve, "design") == (["m1", "m2"], "m1")
    assert (await choose(eve, allowed=["m2"], channel_model="")).ok
    assert await named(ada) == (["m2"], "m2")
    made = site.intake.choices.made["web", "local"]
    assert made == Choices(allowed=("m2",), when_down=WhenDown.OTHER)


async def test_the_dialogue_begins_with_what_was_chosen(site: WebSite) -> None:
    ada = await site.somebody()
    assert (await choose(ada, allowed=["m2"], model="m2", channel_model="m2", when_down="wait")).ok
    shown = await ada.get("/api/channels/general/choices")
    assert (shown["allowed"], shown["model"], shown["channel_model"], shown["when_down"]) == (
        ["m2"],
        "m2",
        "m2",
        "wait",
    )
    assert shown["offered"] == {"m2": "m2 ≈ $0.04", "m1": "m1 ≈ $0.04"}
    assert shown["ways"]["wait"] == "turns wait for it"
    assert (await ada.get("/api/channels/design/choices"))["channel_model"] == ""


async def test_another_channels_usual_model_stands_in_the_way_of_no_choice(site: WebSite) -> None:
    ada = await site.somebody()
    assert (await choose(ada, channel="design", channel_model="m1")).ok
    assert (await choose(ada, allowed=["m2"])).ok
    assert await named(ada, "design") == (["m2"], "m2")
    refused = await choose(ada, channel="random", allowed=["m2"], channel_model="m1")
    assert "m1 is not among them" in await refused.text()


async def test_a_model_that_has_ended_is_shown_and_kept_as_its_successor(site: WebSite) -> None:
    ada = await site.somebody()
    site.intake.choices.made["web", "local"] = Choices(allowed=("m1",), model="m1", channels={"design": "m1"})
    site.intake.successors = {"m1": "m2"}
    assert await named(ada) == (["m2"], "m2")
    shown = await ada.get("/api/channels/general/choices")
    assert (shown["allowed"], shown["model"]) == (["m2"], "m2")
    assert (await choose(ada, allowed=shown["allowed"], model=shown["model"])).ok
    made = site.intake.choices.made["web", "local"]
    assert made == Choices(allowed=("m2",), model="m2", channels={"design": "m2"})


@pytest.mark.parametrize(
    ("chosen", "status", "words"),
    [
        ({"allowed": ["m2"], "model": "m1"}, 422, "m1 is not among them"),
        ({"allowed": ["m9"]}, 422, "no model called m9"),
        ({"channel": "nowhere"}, 422, "channel"),
        ({"allowed": ["m1"] * 21}, 400, ""),
        ({"model": "m" * 201}, 400, ""),
        ({"when_down": "never"}, 400, ""),
    ],
)
async def test_choices_that_cannot_be_are_refused(
    site: WebSite, chosen: dict[str, Any], status: int, words: str
) -> None:
    response = await choose(await site.somebody(), **chosen)
    assert response.status == status
    assert words in (await response.json())["notice"]
    assert not site.intake.choices.made


async def test_choices_are_for_those_who_came_in(site: WebSite) -> None:
    assert (await choose(site.browser())).status == 401
