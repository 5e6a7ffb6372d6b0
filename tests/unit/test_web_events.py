"""What open pages are told while they are open, and after they were away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from adapters.web import changes, events
from adapters.web.changes import Change, Changes, Gap, Quiet
from adapters.web.messages import Author, Message, State
from adapters.web.workspace import Workspace, web_key
from core.ports import Notice, Stage
from tests.conftest import wait_until
from tests.fakes.web_site import DAY, Browser, WebSite, web_site


@pytest.fixture
async def site(redis: Redis, tmp_path: Path) -> AsyncIterator[WebSite]:
    async with web_site(redis, tmp_path) as site:
        yield site


@pytest.fixture
async def ada(site: WebSite) -> Browser:
    return await site.somebody("Ada")


def words(number: int) -> Message:
    return Message(f"w{number:024x}", "general", Author("u", "Ada"), float(number), text=str(number))


async def test_a_page_sees_what_is_said(ada: Browser) -> None:
    async with ada.events(after=await ada.cursor()) as events:
        assert events.response.content_type == "text/event-stream"
        message = await ada.said("hello")
        event = await events.next()
    assert (event.data["kind"], event.data["message"]["id"], event.data["message"]["text"]) == (
        "message",
        message,
        "hello",
    )


async def test_two_pages_see_the_same(site: WebSite, ada: Browser) -> None:
    bob = await site.somebody("Bob")
    cursor = await ada.cursor()
    async with ada.events(after=cursor) as one, bob.events(after=cursor) as other:
        await ada.said("hello")
        await bob.said("hello yourself")
        assert await one.messages(2) == await other.messages(2)


async def test_a_page_of_one_process_sees_what_anothers_worker_posts(
    site: WebSite, ada: Browser, redis: Redis, tmp_path: Path
) -> None:
    cursor = await ada.cursor()
    async with ada.events(after=cursor) as events:
        await ada.said("/imagine a fox")
        (shown,) = await events.messages(1)
        elsewhere = Workspace(redis, tmp_path, ttl=DAY)
        await elsewhere.set_state(shown["id"], State(Stage.DRAWING, "Drawing."))
        (shown,) = await events.messages(1)
    assert shown["state"]["text"] == "Drawing."


async def test_progress_and_pictures_come_by_themselves(site: WebSite, ada: Browser) -> None:
    cursor = await ada.cursor()
    async with ada.events(after=cursor) as events:
        await ada.said("/imagine a fox")
        (shown,) = await events.messages(1)
        assert shown["state"]["stage"] == "waiting"
        turn = site.intake.only
        await site.chat.announce(turn, Notice(Stage.DRAWING, usual=12, since=1.5), repeated=False)
        (shown,) = await events.messages(1)
        assert (shown["state"]["stage"], shown["state"]["usual"], shown["state"]["since"]) == ("drawing", 12, 1.5)


async def test_a_notice_that_says_nothing_new_is_not_told(site: WebSite, ada: Browser) -> None:
    await ada.said("/imagine a fox")
    turn = site.intake.only
    announcement = await site.chat.announce(turn, Notice(Stage.DRAWING), repeated=False)
    before = await ada.cursor()
    for _ in range(5):
        await site.chat.update(turn, announcement, Notice(Stage.DRAWING))
    assert await ada.cursor() == before


async def test_a_new_channel_is_told(ada: Browser) -> None:
    async with ada.events(after=await ada.cursor()) as events:
        await ada.post("/api/channels", {"name": "posters"})
        assert (await events.next()).data == {"kind": "channel", "name": "posters"}


async def test_a_page_that_was_away_catches_up(ada: Browser) -> None:
    async with ada.events(after=await ada.cursor()) as events:
        await ada.said("before")
        last = (await events.next()).id
    said = [await ada.said(f"{number}") for number in range(3)]
    async with ada.events(after="0-0", last=last) as events:
        assert [message["id"] for message in await events.messages(3)] == said
        live = await ada.said("now")
        assert [message["id"] for message in await events.messages(1)] == [live]


async def test_catching_up_tells_of_each_message_once_as_it_is_now(site: WebSite, ada: Browser) -> None:
    cursor = await ada.cursor()
    await ada.said("/imagine a fox")
    turn = site.intake.only
    announcement = await site.chat.announce(turn, Notice(Stage.WAITING, position=3), repeated=False)
    for position in (2, 1):
        await site.chat.update(turn, announcement, Notice(Stage.WAITING, position=position))
    await site.chat.update(turn, announcement, Notice(Stage.DONE))
    await ada.said("that was all")
    async with ada.events(after=cursor) as events:
        first, second = await events.messages(2)
    assert first["state"]["stage"] == "done"
    assert second["text"] == "that was all"


async def test_a_page_that_was_away_too_long_is_told_so(ada: Browser, redis: Redis) -> None:
    async with ada.events(after=await ada.cursor()) as events:
        await ada.said("before")
        last = (await events.next()).id
    await ada.said("after")
    await redis.xtrim(web_key("changes"), maxlen=1, approximate=False)
    async with ada.events(last=last) as events:
        assert (await events.next()).data == {"kind": "gap"}
        live = await ada.said("now")
        assert [message["id"] for message in await events.messages(1)] == [live]


async def test_a_page_from_before_the_store_was_emptied_is_told_so(ada: Browser, redis: Redis) -> None:
    async with ada.events(last="9999999999999-0") as events:
        assert (await events.next()).data == {"kind": "gap"}


async def test_only_the_author_is_told_of_what_is_private(site: WebSite, ada: Browser) -> None:
    eve = await site.somebody("Eve")
    cursor = await ada.cursor()
    async with ada.events(after=cursor) as hers, eve.events(after=cursor) as others:
        private = await ada.said("/imagine a secret --private")
        public = await ada.said("hello")
        assert [message["id"] for message in await hers.messages(2)] == [private, public]
        assert [message["id"] for message in await others.messages(1)] == [public]


@pytest.mark.parametrize("place", ["x", "1", "-", "1-", "$", "0-0 evil", "9" * 30 + "-0"])
async def test_a_place_that_is_none_is_refused(ada: Browser, place: str) -> None:
    assert (await ada.ask("GET", "/api/events", headers={"Last-Event-ID": place})).status == 400


async def test_there_is_an_end_to_pages(ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_PAGES", 1)
    monkeypatch.setattr(changes, "QUIET_SECONDS", 0.02)
    async with ada.events():
        assert (await ada.ask("GET", "/api/events")).status == 503
    await wait_until(lambda: _opens(ada))


async def _opens(browser: Browser) -> bool:
    async with browser.session.get(f"{browser.base}/api/events") as response:
        return response.ok


async def test_stopping_ends_every_stream_at_once(redis: Redis, tmp_path: Path) -> None:
    async with web_site(redis, tmp_path) as site:
        ada = await site.somebody()
        stream = ada.events()
        reading = await stream.__aenter__()
        ada.session, held = (await site.somebody()).session, ada.session
    with pytest.raises(EOFError):
        await reading.next()
    await stream.__aexit__(None, None, None)
    await held.close()


async def test_a_page_that_reads_too_slowly_is_cut_off(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_BEHIND", 3)
    workspace = Workspace(redis, tmp_path, ttl=DAY)
    async with Changes(workspace) as feed, feed.follow("0-0") as page:
        await workspace.post(words(0))
        told = [(await anext(page)).posted.message.text]  # type: ignore[union-attr]
        for number in range(1, 10):
            await workspace.post(words(number))
        newest = await feed.newest()
        await wait_until(lambda: not feed._pages)  # noqa: SLF001 - nothing outside shows it
        told += [change.posted.message.text async for change in page]  # type: ignore[union-attr]
    assert told == [str(number) for number in range(len(told))]
    assert len(told) < 10
    assert newest != "0-0"


async def test_a_quiet_stream_still_beats(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "QUIET_SECONDS", 0.01)
    workspace = Workspace(redis, tmp_path, ttl=DAY)
    async with Changes(workspace) as feed, feed.follow("0-0") as page:
        assert await anext(page) == Quiet()


async def test_the_reader_survives_an_outage_of_the_store(redis_url: str, tmp_path: Path) -> None:
    async with Redis.from_url(redis_url) as redis:
        workspace = Workspace(redis, tmp_path, ttl=DAY)
        async with Changes(workspace) as feed, feed.follow("0-0") as page:
            await redis.client_kill_filter(_type="normal", skipme=True)
            await workspace.post(words(1))
            change = await asyncio.wait_for(anext(page), 5)
            assert isinstance(change, Change)
            assert change.posted == await workspace.message(words(1).id)


async def test_nothing_is_told_twice_where_catching_up_and_live_meet(redis: Redis, tmp_path: Path) -> None:
    workspace = Workspace(redis, tmp_path, ttl=DAY)
    async with Changes(workspace) as feed:
        for number in range(30):
            await workspace.post(words(number))
        async with feed.follow("0-0") as page:
            poster = asyncio.gather(*(workspace.post(words(number)) for number in range(30, 60)))
            told = [await asyncio.wait_for(anext(page), 5) for _ in range(60)]
            await poster
    assert not any(isinstance(change, Gap | Quiet) for change in told)
    assert len({change.posted.message.id for change in told if isinstance(change, Change) and change.posted}) == 60
