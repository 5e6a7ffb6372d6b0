"""Slack is answered within three seconds, whatever is slow; and what `check` says of the tokens."""

import asyncio

import pytest
from cryptography.fernet import Fernet, MultiFernet

from adapters.slack.check import check_slack
from adapters.slack.start import Client, SlackSetup
from core.replies import say
from core.statuses import Failed, FailureReason
from tests.e2e.slack_world import Bot, World, open_world
from tests.fakes.slack import FakeSlack

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]
PAUSE_SECONDS = 4.0


async def test_a_command_is_acknowledged_while_the_store_hangs_and_taken_on_after(world: World) -> None:
    await world.bot.core.redis.client_pause(round(PAUSE_SECONDS * 1000), all=False)
    asked = await world.imagine()
    assert asked.failed is None or asked.failed == ""
    assert asked.latency is not None
    assert asked.latency < 3
    await world.pictures()
    assert len(world.bot.images.made) == 1


async def test_a_refusal_that_comes_late_is_said_by_the_response_url(world: World) -> None:
    await world.bot.core.redis.client_pause(round(PAUSE_SECONDS * 1000), all=True)
    asked = await world.imagine("a fox --ar 7:3")
    assert asked.latency is not None
    assert asked.latency < 3
    await world.until(world.whispers)
    assert world.whispers()[0].startswith("7:3 is not a shape")
    assert len(world.fake.calls("response_url")) == 1


async def test_events_are_acknowledged_while_the_store_hangs_and_taken_on_after(world: World) -> None:
    first = await world.first_picture()
    before = len(world.fake.outbox.sent)
    await world.bot.core.redis.client_pause(round(PAUSE_SECONDS * 1000), all=True)
    await world.reply("make it night", first)
    await world.fake.mention(world.alice, world.channel, "a wolf")
    sent = world.fake.outbox.sent[before:]
    await world.until(lambda: all(d.settled.is_set() for d in sent))
    assert all(d.latency is not None and d.latency < 3 and len(d.attempts) == 1 for d in sent)
    await world.pictures(3)
    assert len(world.bot.images.made) == 3


async def test_a_command_is_recorded_before_it_is_acknowledged(world: World) -> None:
    world.bot.images.held = True
    asked = await world.imagine()
    assert asked.latency is not None
    assert await world.bot.core.turns.count_open() == 1
    world.bot.images.release.set()


async def test_no_command_waits_for_slack_to_tell_who_somebody_is(fake_slack: FakeSlack, redis_url: str) -> None:
    world = await open_world(fake_slack, redis_url)
    await world.bot.close()
    hearing = await Bot(fake_slack, redis_url, world.bot.images, token=world.team.bot_token).open(working=False)
    before = len(fake_slack.requests)
    asked = await world.imagine()
    said = await fake_slack.mention(world.alice, world.channel, "a wolf")
    await world.until(lambda: all(delivery.settled.is_set() for delivery in fake_slack.outbox.sent))
    assert asked.latency is not None
    assert said.ts
    assert await hearing.core.turns.count_open() == 2
    assert {request.method for request in fake_slack.requests[before:]} <= {"auth.test"}, "who we are, once a process"
    await hearing.close()


async def test_the_first_picture_of_a_stranger_is_told_of_in_their_language(world: World) -> None:
    dora = world.fake.person(world.team, "dora", locale="de-DE")
    world.fake.invite(world.channel, dora)
    world.bot.images.finish_at_once = False
    await world.imagine("ein fuchs", by=dora)
    await world.until(lambda: world.bot.images.made)
    (announced,) = [s for s in world.fake.everything(dora, world.channel) if s.buttons]
    assert [button.label for button in announced.buttons] == ["Abbrechen"]
    world.bot.images.finish(Failed(FailureReason.STUCK))
    await world.quiet()
    told = world.fake.look(dora, announced.message).text
    assert say("de", "failed.stuck", model="m1", minutes=10) in told, "the core's own words too"


async def test_nobody_waits_for_the_name_of_a_person(world: World) -> None:
    world.fake.fail("users.info", times=1, delay=30.0)
    asked = await asyncio.wait_for(world.imagine(), 3)
    assert asked.latency is not None
    await world.pictures()
    assert world.root().text.startswith("alice:")


async def found(fake: FakeSlack, token: str, **more: str) -> list[tuple[str, bool | None, str]]:
    return [row async for row in check_slack(SlackSetup(token, api_base=fake.api_url), **more)]


async def test_the_check_names_every_scope_that_is_missing(fake_slack: FakeSlack) -> None:
    team = fake_slack.workspace("Acme")
    assert all(holds for _, holds, _ in await found(fake_slack, team.bot_token, app_token=fake_slack.app.app_token))
    token = fake_slack.installation(team)
    assert token is not None
    token.scopes -= {"files:read", "im:write", "assistant:write"}
    rows = await found(fake_slack, team.bot_token, app_token=fake_slack.app.app_token)
    words = {said: holds for _, holds, said in rows}
    assert words["files:read is missing (the pictures that people attach): add it and install the app again."] is False
    assert sum(holds is False for holds in words.values()) == 2
    assert sum(holds is None for holds in words.values()) == 1


@pytest.mark.parametrize("app_token", ["", "xapp-wrong"])
async def test_the_check_says_which_token_is_wrong(fake_slack: FakeSlack, app_token: str) -> None:
    rows = await found(fake_slack, "xoxb-wrong", app_token=app_token)
    assert [holds for _, holds, _ in rows] == [False, False]
    assert not any("xoxb-wrong" in said or "xapp-wrong" in said for _, _, said in rows)


async def test_the_check_says_that_slack_cannot_be_reached() -> None:
    rows = [
        row async for row in check_slack(SlackSetup("xoxb-1", api_base="http://127.0.0.1:1/api"), app_token="xapp-1")
    ]
    assert ["cannot be reached" in said for _, _, said in rows] == [True, True]


async def test_many_workspaces_need_http() -> None:
    client = Client("id", "secret", MultiFernet([Fernet(Fernet.generate_key())]))
    rows = [row async for row in check_slack(SlackSetup(client=client))]
    assert [(holds, "SLACK_SIGNING_SECRET" in said) for _, holds, said in rows] == [(False, True)]


async def test_a_command_is_taken_on_once_a_store_that_refuses_takes_it(world: World) -> None:
    redis = world.bot.core.redis
    await redis.config_set("maxmemory", "1")
    try:
        asked = await world.imagine()
    finally:
        await redis.config_set("maxmemory", "0")
    assert asked.latency is not None
    assert asked.latency < 3
    await world.pictures()
    assert len(world.bot.images.made) == 1
