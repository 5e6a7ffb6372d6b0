"""What people do too late, in the wrong place, or where Slack says no to what is only for show."""

from core.turns import Person, TurnId
from tests.e2e.slack_world import World
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]


async def test_an_agent_surface_that_refuses_holds_no_picture_up(world: World) -> None:
    root = await world.fake.open_assistant(world.alice)
    for method in ("assistant.threads.setStatus", "assistant.threads.setSuggestedPrompts"):
        world.fake.fail(method, error="not_allowed", times=99)
    await world.until(lambda: world.fake.calls("assistant.threads.setSuggestedPrompts"))
    await world.fake.message(world.alice, root.channel, "a fox", thread=root)
    (picture,) = await world.pictures(1, root.channel)
    assert picture.pictures == [png()]


async def test_a_private_picture_is_not_promised_in_a_thread_that_others_read(world: World) -> None:
    await world.first_picture()
    await world.fake.mention(world.alice, world.channel, "a secret fox --private", thread=world.root().message)
    await world.until(world.whispers)
    await world.quiet()
    assert len(world.bot.images.made) == 1


async def test_a_thread_that_is_not_ours_cannot_be_told_to_listen(world: World) -> None:
    said = await world.fake.message(world.alice, world.channel, "what about lunch?")
    await world.fake.mention(world.alice, world.channel, "listen on", thread=said)
    await world.until(world.whispers)
    await world.fake.message(world.alice, world.channel, "at noon", thread=said)
    await world.quiet()
    assert world.bot.images.made == []


async def test_a_question_that_is_deleted_once_it_is_answered_leaves_the_picture(world: World) -> None:
    said = await world.fake.mention(world.alice, world.channel, "a fox")
    await world.pictures()
    before = len(world.fake.deliveries("message"))
    await world.fake.delete(said)
    await world.until(lambda: len(world.fake.deliveries("message")) > before)
    (picture,) = await world.pictures()
    assert picture.pictures == [png()]


async def test_a_question_that_is_changed_into_what_cannot_be_is_drawn_as_it_was(world: World) -> None:
    queue, lane = world.bot.core.queue, "fake:m1"
    others = [TurnId(f"other-{number}") for number in range(queue.capacity)]
    for other in others:
        await queue.place(lane, other, Person("slack", "T", other), images=1)
    said = await world.fake.mention(world.alice, world.channel, "a fox")
    await world.until(lambda: world.fake.calls("chat.postMessage"), "a turn that waits, and could be changed")
    before = len(world.fake.deliveries("message"))
    for changed in ("a wolf --ar 7:3", "a wolf " * 80):
        await world.fake.edit(said, f"{world.team.bot.at} {changed}")
    edits = [d for d in world.fake.deliveries("message")[before:] if d.payload["event"].get("subtype")]
    await world.until(lambda: all(edit.settled.is_set() for edit in edits))
    assert [(len(edit.attempts), edit.failed) for edit in edits] == [(1, ""), (1, "")], "heard, and taken as it is"
    for other in others:
        await queue.leave(lane, other)
    await world.pictures()
    assert [(job.prompt, job.aspect_ratio) for job in world.bot.images.sent] == [("a fox", None)]


async def test_home_shows_pictures_whose_messages_cannot_be_linked_to(world: World) -> None:
    await world.first_picture("a fox in the snow")
    world.fake.fail("chat.getPermalink", error="message_not_found", times=9)
    await world.fake.open_home(world.alice)
    await world.until(lambda: world.fake.home(world.alice))
    view = world.fake.home(world.alice)
    assert view is not None
    assert "a fox in the snow" in str(view.blocks)
    assert "/archives/" not in str(view.blocks)


async def test_a_home_that_slack_does_not_take_harms_nobody(world: World) -> None:
    world.fake.fail("views.publish", error="internal_error", status=500, times=2)
    await world.fake.open_home(world.alice)
    await world.until(lambda: world.fake.calls("views.publish"))
    await world.first_picture()
