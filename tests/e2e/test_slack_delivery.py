"""Exactly once, whatever breaks between us and Slack."""

import asyncio

import pytest

from core.replies import say
from tests.e2e.slack_world import Bot, World
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]

STEPS = [
    "chat.postMessage",
    "files.getUploadURLExternal",
    "upload",
    "files.completeUploadExternal",
    "chat.update",
]


def seen_once(world: World) -> None:
    everything = world.fake.everything(world.alice, world.channel)
    assert [shown.pictures for shown in everything if shown.pictures] == [[png()]]
    assert len(everything) == 2, [shown.text for shown in everything]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_connection_that_breaks_around_a_call_leaves_one_picture(world: World, step: str, when: str) -> None:
    world.fake.fail(step, drop=when)  # type: ignore[arg-type]
    await world.first_picture()
    seen_once(world)


async def test_an_announcement_whose_answer_was_lost_is_found_in_its_thread(world: World) -> None:
    world.fake.fail("chat.postMessage", drop="after", when=lambda args: bool(args.get("thread_ts")))
    await world.first_picture()
    seen_once(world)
    assert len(world.fake.calls("conversations.replies")) == 1


@pytest.mark.parametrize("step", [*STEPS, "conversations.replies"])
async def test_a_rate_limit_at_any_step_delays_and_doubles_nothing(world: World, step: str) -> None:
    if step == "conversations.replies":
        world.fake.fail("chat.postMessage", drop="after", when=lambda args: bool(args.get("thread_ts")))
    if step == "upload":
        world.fake.fail(step, status=429)
    else:
        world.fake.fail(step, retry_after=1)
    await world.first_picture()
    seen_once(world)


@pytest.mark.parametrize("step", STEPS)
async def test_an_internal_error_at_any_step_doubles_nothing(world: World, step: str) -> None:
    world.fake.fail(step, status=500, error="internal_error")
    await world.first_picture()
    seen_once(world)


async def test_a_file_that_is_processed_late_is_seen_by_everybody_once_it_is(world: World) -> None:
    world.fake.files.hold()
    await world.imagine()
    await world.until(lambda: world.fake.calls("chat.update"))
    world.fake.files.release()
    await world.pictures()
    bob = world.fake.person(world.team, "bob")
    shown = [s for s in world.fake.everything(bob, world.channel) if s.files]
    await world.until(lambda: world.fake.look(bob, shown[0].message).pictures == [png()])


async def test_an_event_that_is_sent_again_to_another_process_makes_one_turn(world: World) -> None:
    other = await Bot(world.fake, world.bot.redis_url, world.bot.images, token=world.team.bot_token).open(working=False)
    await world.fake.mention(world.alice, world.channel, "a fox")
    await world.pictures()
    for delivery in world.fake.deliveries("message") + world.fake.deliveries("app_mention"):
        world.fake.outbox.again(delivery)
    await world.until(lambda: all(d.attempts[-1].latency is not None for d in world.fake.deliveries("app_mention")))
    await world.quiet()
    assert len(world.bot.images.made) == 1
    await other.close()


async def test_no_command_is_lost_while_sockets_are_replaced(world: World) -> None:
    asking = [asyncio.create_task(world.imagine(f"fox {number}")) for number in range(3)]
    await world.fake.sockets.refresh(close_after=1.0)
    asking += [asyncio.create_task(world.imagine(f"fox {number}")) for number in range(3, 6)]
    answers = await asyncio.gather(*asking)
    assert [answer.failed for answer in answers if answer.failed] == []
    await world.pictures(6)
    assert len(world.bot.images.made) == 6


async def test_a_socket_that_breaks_without_a_word_is_opened_again_and_the_other_goes_on(world: World) -> None:
    sockets = world.fake.sockets
    await sockets.cut(number=sockets.open[0].number)
    await world.first_picture("a fox")
    # The SDK looks every few seconds whether a connection still lives.
    await world.fake.wait_for(lambda: len(sockets.open) == world.bot.connections, timeout=60, what="a new connection")
    await world.imagine("a wolf")
    await world.pictures(2)
    assert len(world.bot.images.made) == 2


async def test_a_worker_that_takes_over_goes_on_where_the_other_stopped(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    await world.bot.close()
    world.bot.images.release.set()
    world.bot = await Bot(world.fake, world.bot.redis_url, world.bot.images, token=world.team.bot_token).open()
    await world.pictures()
    seen_once(world)


async def test_buttons_work_after_a_restart(world: World) -> None:
    first = await world.first_picture()
    await world.bot.close()
    world.bot = await Bot(world.fake, world.bot.redis_url, world.bot.images, token=world.team.bot_token).open()
    await world.fake.press(world.alice, first.button("Again"))
    await world.pictures(2)
    assert len(world.bot.images.made) == 2


async def test_what_may_stand_there_twice_says_so_where_nobody_may_look(world: World) -> None:
    token = world.fake.installation(world.team)
    assert token is not None
    token.scopes -= {"channels:history"}
    world.fake.fail("chat.postMessage", drop="after")
    await world.first_picture()
    roots = [shown.text for shown in world.fake.channel(world.alice, world.channel)]
    assert [text.startswith("alice: a fox in the snow") for text in roots] == [True, True]
    assert [say("en", "slack.maybe_twice") in text for text in roots] == [False, True]
    everything = world.fake.everything(world.alice, world.channel)
    assert [shown.pictures for shown in everything if shown.pictures] == [[png()]]
