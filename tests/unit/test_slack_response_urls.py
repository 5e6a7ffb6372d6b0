"""The last way to a person: kept so that nobody can read it, used once, and never in anybody's way."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from adapters.slack.response_urls import ResponseUrls, keys_from
from bot.health import listening
from core.turns import TurnId

TURN = TurnId("slack:T1:1")
HOSTS = ("127.0.0.1:1",)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_person_is_told_once_and_by_any_process(redis: Redis, session: aiohttp.ClientSession) -> None:
    told: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        told.append((await request.json())["text"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/answer", hear)
    async with listening(app, "127.0.0.1", 0) as port:
        hosts = (f"127.0.0.1:{port}",)
        await ResponseUrls(redis, keys_from("xoxb-1"), session, hosts).keep(TURN, f"http://127.0.0.1:{port}/answer")
        other = ResponseUrls(redis, keys_from("xoxb-1"), session, hosts)
        await other.say(TURN, "a < b")
        await other.say(TURN, "again")
    assert told == ["a &lt; b"]


async def test_what_another_key_wrote_is_left_alone(redis: Redis, session: aiohttp.ClientSession) -> None:
    await ResponseUrls(redis, keys_from("xoxb-1"), session, HOSTS).keep(TURN, "http://127.0.0.1:1/")
    await ResponseUrls(redis, keys_from("xoxb-2"), session, HOSTS).say(TURN, "hello")


async def test_a_turn_without_an_address_is_none_to_speak_of(redis: Redis, session: aiohttp.ClientSession) -> None:
    urls = ResponseUrls(redis, keys_from("xoxb-1"), session, HOSTS)
    await urls.keep(TURN, "")
    await urls.say(TURN, "hello")
    assert await redis.keys("*slack:response*") == []


async def test_a_store_that_is_away_and_a_dead_address_harm_nobody(
    redis: Redis, session: aiohttp.ClientSession
) -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as away:
        await ResponseUrls(away, keys_from("xoxb-1"), session, HOSTS).keep(TURN, "http://127.0.0.1:1/")
    urls = ResponseUrls(redis, keys_from("xoxb-1"), session, HOSTS)
    await urls.keep(TURN, "http://127.0.0.1:1/")
    await urls.say(TURN, "hello")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com.evil.example/commands/1",
        "https://evil.example/hooks.slack.com",
        "http://hooks.slack.com/commands/1",
        "https://hooks.slack.com@evil.example/",
        "https://somebody@hooks.slack.com/",
        "https://hooks.slack.com:8443/",
        "//hooks.slack.com/",
        "file:///etc/passwd",
        "https://[",
    ],
)
async def test_nothing_is_said_to_an_address_that_is_not_slacks(redis: Redis, url: str) -> None:
    asked: list[str] = []

    async def note(session: object, context: object, params: aiohttp.TraceRequestStartParams) -> None:
        asked.append(str(params.url))
        raise OSError

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        urls = ResponseUrls(redis, keys_from("xoxb-1"), session, ("hooks.slack.com",))
        await urls.keep(TURN, url)
        assert not await urls.say(TURN, "a secret fox")
        assert not await urls.respond(url, "a secret fox")
        assert asked == []
        await urls.respond("https://hooks.slack.com/commands/1", "hello")
        assert asked == ["https://hooks.slack.com/commands/1"]


async def test_an_answer_is_not_carried_on_to_where_it_is_sent_by_a_redirect(
    redis: Redis, session: aiohttp.ClientSession
) -> None:
    heard: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.text())
        return web.Response()

    app = web.Application()
    app.router.add_post("/answer", redirect)
    app.router.add_post("/elsewhere", hear)
    async with listening(app, "127.0.0.1", 0) as port:
        urls = ResponseUrls(redis, keys_from("xoxb-1"), session, (f"127.0.0.1:{port}",))
        assert not await urls.respond(f"http://127.0.0.1:{port}/answer", "a secret fox")
    assert heard == []
