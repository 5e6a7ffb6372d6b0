"""People are answered whatever is slow, silent or away: the store, the image service, Discord itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from adapters.discord import desk as desk_module
from adapters.discord.answers import FORM_SECONDS
from core.errors import Unavailable
from core.statuses import Failed, FailureReason
from tests.e2e.discord_server import SETTINGS, Server, open_server
from tests.fakes.discord import FakeDiscord, Invocation, Upload
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

ACKNOWLEDGED_WITHIN = 3.0
CHANNEL = "/channels/{channel_id}"
MESSAGES = "/channels/{channel_id}/messages"


def words(asked: Invocation) -> str:
    return asked.original.content if asked.original else ""


def silence(times: int = 1) -> list[Unavailable]:
    return [Unavailable(Failed(FailureReason.UNREACHABLE, 1.0)) for _ in range(times)]


@asynccontextmanager
async def read_only(redis: Redis) -> AsyncIterator[None]:
    """The store answers, and takes nothing down: it misses a copy of itself."""
    await redis.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        await redis.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("private", [False, True])
async def test_a_command_is_acknowledged_in_time_while_the_store_hangs(server: Server, private: bool) -> None:
    redis = server.bot.core.redis
    await redis.client_pause(1500, all=True)
    asked = await server.alice.slash(server.channel, "imagine", {"prompt": "a fox", "private": private})
    await server.fake.until(lambda: asked.ack_seconds is not None)
    assert asked.ack_seconds is not None
    assert asked.ack_seconds < ACKNOWLEDGED_WITHIN
    await server.fake.until(lambda: server.bot.images.made)
    await server.quiet()
    if private:
        assert asked.original is not None
        assert len(asked.original.files) == 1
    else:
        assert words(asked).startswith("Taken on")
        assert len(await server.pictures(server.thread())) == 1


@pytest.mark.parametrize("private", [False, True])
async def test_a_command_that_the_store_does_not_take_is_refused_in_words(
    server: Server, monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    monkeypatch.setattr(desk_module, "PATIENCE_SECONDS", 0.3)
    async with read_only(server.bot.core.redis):
        asked = await server.imagine("a fox", private=private)
        await server.fake.until(lambda: "cannot note anything down" in words(asked))
    assert asked.private
    await server.first_picture("an owl")
    await server.quiet()
    assert [job.prompt for job in server.bot.images.sent] == ["an owl"]


async def test_a_message_that_the_store_does_not_take_at_once_is_taken_later(server: Server) -> None:
    async with read_only(server.bot.core.redis):
        with capture_logs() as lines:
            server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
            await server.fake.until(lambda: [line for line in lines if line.get("event_name") == "MESSAGE_CREATE"])
    assert len(await server.pictures(await server.opened())) == 1
    await server.quiet()
    assert len(server.bot.images.made) == 1


async def test_a_message_waits_for_a_discord_that_is_too_busy_to_tell_of_its_channel(server: Server) -> None:
    server.fake.faults.fail("GET", CHANNEL, 503, times=3)
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    await server.fake.until(lambda: server.fake.threads(server.channel), 20)
    await server.pictures(server.thread())
    await server.quiet()
    assert len(server.bot.images.made) == 1


async def test_a_form_that_the_store_or_the_service_keeps_waiting_says_so(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    server.bot.images.troubles["capabilities"] = silence()  # type: ignore[assignment]
    refused = await (await server.alice.press(first, "Edit")).answered()
    assert "image service does not answer" in words(refused)
    await server.bot.core.redis.client_pause(round((FORM_SECONDS + 0.5) * 1000), all=True)
    late = await server.alice.press(first, "Edit")
    await server.fake.until(lambda: late.ack_seconds is not None)
    assert late.ack_seconds is not None
    assert late.ack_seconds < ACKNOWLEDGED_WITHIN
    assert "cannot note anything down" in words(late)
    opened = await (await server.alice.press(first, "Edit")).answered()
    assert opened.modal is not None


@pytest.mark.parametrize(("option", "call", "calls"), [("model", "models", 1), ("aspect_ratio", "capabilities", 2)])
async def test_a_silent_service_suggests_nothing_and_lets_people_type(
    server: Server, option: str, call: str, calls: int
) -> None:
    server.bot.images.troubles[call] = silence(calls)  # type: ignore[assignment]
    typed = await server.alice.autocomplete(server.channel, "imagine", option, "1", {"prompt": "a fox"})
    await server.fake.until(lambda: typed.choices is not None)
    assert typed.choices == []
    typed = await server.alice.autocomplete(server.channel, "imagine", option, "1", {"prompt": "a fox"})
    await server.fake.until(lambda: typed.choices)


async def test_the_shapes_of_a_model_nobody_knows_are_not_suggested(server: Server) -> None:
    others = {"prompt": "a fox", "model": "m9"}
    typed = await server.alice.autocomplete(server.channel, "imagine", "aspect_ratio", "1", others)
    await server.fake.until(lambda: typed.choices is not None)
    assert typed.choices == []


async def test_a_service_that_falls_silent_does_not_hold_up_a_finished_picture(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    server.bot.images.troubles["capabilities"] = silence(50)  # type: ignore[assignment]
    server.bot.images.release.set()
    (picture,) = await server.pictures(server.thread())
    assert "Shape" not in picture.labels
    server.bot.images.troubles.clear()
    await server.quiet()


async def test_a_silent_service_is_told_of_before_anything_is_taken_on(server: Server) -> None:
    server.bot.images.troubles["capabilities"] = silence(20)  # type: ignore[assignment]
    asked = await server.imagine("a fox", reference1=Upload("cat.png", png("red")))
    assert "does not answer" in words(asked)
    assert server.fake.messages(server.channel) == []


async def test_an_answer_that_discord_refuses_does_not_lose_the_turn(server: Server) -> None:
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    server.fake.faults.fail("POST", callback, 404, code=10062)
    asked = await server.alice.slash(server.channel, "imagine", {"prompt": "a fox"})
    await server.pictures(await server.opened())
    await server.quiet()
    assert not asked.acknowledged


async def test_an_answer_that_discord_is_too_busy_for_does_not_lose_the_turn(server: Server) -> None:
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    server.fake.faults.fail("POST", callback, 503, times=None)
    await server.alice.slash(server.channel, "imagine", {"prompt": "a fox"})
    await server.pictures(await server.opened())
    server.fake.faults.clear()
    await server.quiet()


async def test_somebody_with_many_turns_sees_the_first_and_how_many_more(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    server = await open_server(fake_discord, redis_url, settings=replace(SETTINGS, most_waiting=30))
    try:
        await list_many(server)
    finally:
        await server.bot.close()


async def list_many(server: Server) -> None:
    server.bot.images.held = True
    for number in range(27):
        await server.imagine(f"{number} @everyone <@1> [free](https://evil.example) " + "x" * 300)
    await server.fake.until(lambda: len(server.fake.messages(server.channel)) == 27)
    listed = await (await server.alice.slash(server.channel, "imagine-status")).answered()
    lines = (await server.fake.until(lambda: words(listed))).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "… and 22 more."
    assert all("@everyone" not in line and "[free](" not in line and "<@1>" not in line for line in lines)
    assert listed.original is not None
    assert listed.original.labels == tuple(f"Cancel {number}" for number in range(1, 6))
    for label in listed.original.labels:
        await (await server.alice.press(listed.original, label)).answered()
    server.bot.images.release.set()
    await server.quiet()
    pictures = [p for thread in server.fake.threads(server.channel) for p in server.fake.messages(thread) if p.files]
    assert len(pictures) == 22
