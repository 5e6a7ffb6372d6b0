"""Slack over signed HTTP."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.e2e.slack_world import World, open_world
from tests.fakes.slack import FakeSlack

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]


@pytest.fixture
async def http_world(fake_slack: FakeSlack, redis_url: str) -> AsyncIterator[World]:
    world = await open_world(fake_slack, redis_url, http=True)
    yield world
    await world.bot.close()
    assert not fake_slack.violations


async def test_commands_events_buttons_and_forms_come_by_http(http_world: World) -> None:
    world = http_world
    first = await world.first_picture()
    await world.reply("make it night", first)
    await world.pictures(2)
    await world.fake.press(world.alice, first.button("Edit"))
    await world.fake.submit(world.alice, {"prompt": "make it spring"})
    await world.pictures(3)
    assert {attempt.via for d in world.fake.outbox.sent for attempt in d.attempts} == {"http"}


async def test_slack_can_verify_the_address_and_probe_it(http_world: World) -> None:
    assert await http_world.fake.verify_url()
    assert (await http_world.fake.ssl_check()).status == 200


@pytest.mark.parametrize(
    "forgery", [{"secret": "another"}, {"skew": -330.0}, {"skew": 330.0}, {"tamper": True}], ids=str
)
async def test_what_is_forged_stale_or_changed_on_the_way_is_refused(
    http_world: World, forgery: dict[str, object]
) -> None:
    world = http_world
    asked = await world.imagine()
    await world.pictures()
    answered = await world.fake.post_signed(asked.kind, asked.payload | {"trigger_id": "1.2.3"}, **forgery)  # type: ignore[arg-type]
    assert answered.status in (401, 403)
    assert len(world.bot.images.made) == 1


async def test_a_replayed_signature_does_nothing_twice(http_world: World) -> None:
    world = http_world
    first = await world.first_picture()
    switched = await world.fake.mention(world.alice, world.channel, "listen off", thread=first.message)
    await world.until(world.whispers)
    await world.fake.mention(world.alice, world.channel, "listen on", thread=first.message)
    await world.until(lambda: len(world.whispers()) == 2)
    for delivery in list(world.fake.outbox.sent):
        assert (await world.fake.replay(delivery)).status == 200
    await world.reply("make it night", first)
    await world.pictures(2)
    assert len(world.bot.images.made) == 2
    assert switched.ts


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"payload=%7B", b"[]", b"null", b'{"type":"event_callback"}', b"a" * 1_000_001]
)
async def test_rubbish_is_refused_without_harm(http_world: World, body: bytes) -> None:
    world = http_world
    answered = await world.fake.post_raw(body, {"Content-Type": "application/json"})
    assert 400 <= answered.status < 500
    await world.first_picture()


async def test_an_event_that_was_not_recorded_is_sent_again(http_world: World) -> None:
    world = http_world
    world.fake.outbox.ack_timeout = 0.001
    await world.fake.mention(world.alice, world.channel, "a fox")
    await world.until(lambda: all(len(d.attempts) > 1 for d in world.fake.outbox.sent))
    world.fake.outbox.ack_timeout = 3.0
    world.fake.clock.advance(61)
    await world.pictures()
    assert len(world.bot.images.made) == 1


async def test_a_burst_is_acknowledged_at_once(http_world: World) -> None:
    world = http_world
    world.bot.images.held = True
    people = [world.fake.person(world.team, f"p{number}") for number in range(50)]
    await asyncio.gather(*(world.fake.slash(p, world.channel, "/imagine", "a fox") for p in people))
    latencies = sorted(world.fake.latencies("/imagine"))
    assert len(latencies) == 50
    assert latencies[-1] < 3
    world.bot.images.release.set()
