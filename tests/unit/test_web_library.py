"""Saved pictures and styles at the page: typed, told to who asks alone, completed and shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from core.turns import Source
from tests.fakes.provider import png
from tests.fakes.web_site import Browser, WebSite, web_site

pytestmark = pytest.mark.lasting_keys("imagine:1:library:", "imagine:1:saved:", "imagine:1:style")


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


async def told(browser: Browser, text: str, **more: object) -> str:
    message = await browser.said(text, **more)
    (shown,) = [one for one in await browser.channel(str(more.get("channel", "general"))) if one["id"] == message]
    assert shown["private"]
    assert shown["author"]["name"] == "imagine"
    return str(shown["text"])


async def test_a_picture_is_saved_listed_used_and_removed(site: WebSite) -> None:
    ada, eve = await site.somebody(), await site.somebody("Eve")
    picture = await ada.uploaded(png("red"))
    assert "@mascot" in await told(ada, "/imagine library save mascot", pictures=[picture])
    assert "• @mascot – saved by Ada" in await told(eve, "/imagine library")
    assert len(await eve.channel()) == 1, "what Ada was told is hers"
    assert await eve.get("/api/channels/general/library") == {"pictures": ["mascot"], "styles": []}
    message = await eve.said("/imagine @mascot on a mug")
    turn = site.intake.only
    assert [(one.name, one.source) for one in turn.references] == [("@mascot", Source.SAVED)]
    (shown,) = [one for one in await eve.channel() if one["id"] == message]
    assert (shown["text"], shown["pictures"]) == ("@mascot on a mug", [])
    assert "removed" in await told(eve, "/imagine library remove @mascot")
    assert await eve.get("/api/channels/general/library") == {"pictures": [], "styles": []}


async def test_a_picture_that_only_its_author_sees_is_saved_by_nobody_else(site: WebSite) -> None:
    ada, eve = await site.somebody(), await site.somebody("Eve")
    picture = await ada.uploaded(png("red"))
    secret = await ada.said("/imagine a fox --private", pictures=[picture])
    target = {"message": secret, "index": 0}
    assert "Send the picture along" in await eve.notice("/imagine library save mine", target=target)
    assert "@mine" in await told(ada, "/imagine library save mine", target=target)


async def test_the_same_event_twice_saves_once(site: WebSite) -> None:
    ada, event = await site.somebody(), str(uuid4())
    picture = await ada.uploaded(png("red"))
    first = await ada.said("/imagine library save mascot", pictures=[picture], event=event)
    await told(ada, "/imagine library remove mascot")
    assert await ada.said("/imagine library save mascot", pictures=[picture], event=event) == first
    assert (await ada.get("/api/channels/general/library"))["pictures"] == []


async def test_a_name_without_a_picture_is_refused_at_the_composer(site: WebSite) -> None:
    ada = await site.somebody()
    assert await ada.notice("/imagine library save mascot") == "Send the picture along that is to be saved."


async def test_styles_of_other_channels_are_listed_with_where_they_hold(site: WebSite) -> None:
    ada = await site.somebody()
    await told(ada, "/imagine library style noir here: dark")
    await told(ada, "/imagine library default noir")
    await ada.post("/api/channels", {"name": "design"})
    listed = await told(ada, "/imagine library", channel="design")
    assert "• noir (in #general only)" in listed
    assert "Usual styles elsewhere: #general – noir." in listed


async def test_again_keeps_a_style_that_was_removed(site: WebSite) -> None:
    ada = await site.somebody()
    await told(ada, "/imagine library style noir: dark")
    message = await ada.said("/imagine a fox --style noir")
    await told(ada, "/imagine library remove style noir")
    await ada.post(f"/api/messages/{message}/again", {"event": str(uuid4())})
    assert [(turn.options.style, turn.addition) for turn in site.intake.turns.values()] == [("noir", "dark")] * 2


async def test_a_style_is_made_chosen_shown_and_done_without(site: WebSite) -> None:
    ada = await site.somebody()
    assert "--style noir" in await told(ada, "/imagine library style noir: dark <b>and</b> grainy")
    assert "dark <b>and</b> grainy" in await told(ada, "/imagine library style noir")
    assert "from now on" in await told(ada, "/imagine library default noir")
    assert (await ada.get("/api/channels/general/library"))["styles"] == ["noir", "none"]
    for text, style, addition in (
        ("/imagine a fox", "style: noir", "dark <b>and</b> grainy"),
        ("/imagine a wolf --style none", "", ""),
    ):
        message = await ada.said(text)
        (shown,) = [one for one in await ada.channel() if one["id"] == message]
        assert shown["turn"]["style"] == style
        assert list(site.intake.turns.values())[-1].addition == addition
    assert "no style pop here" in await ada.notice("/imagine a fox --style pop")
