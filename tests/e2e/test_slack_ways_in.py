"""Every way to ask for a picture on Slack."""

import pytest

from adapters.slack.settings import Defaults, Settings
from core.turns import Person, TurnId
from tests.e2e.slack_world import World
from tests.fakes.provider import png
from tests.fakes.slack import Upload

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]


@pytest.mark.parametrize(
    "typed",
    ["a fox --ar 16:9 --n 2", "a fox --ar=16:9 --n=2", "a fox —ar “16:9” –n 2"],  # as phones type it
)
async def test_a_command_takes_options_as_people_type_them(world: World, typed: str) -> None:
    picture = await world.first_picture(typed)
    job = world.bot.images.sent[-1]
    assert (job.prompt, job.aspect_ratio) == ("a fox", "16:9")
    assert [file.name for file in picture.files] == ["a-fox-1.png", "a-fox-2.png"]
    assert [file.alt for file in picture.files] == ["a fox", "a fox"]


async def test_the_command_alone_opens_a_form_that_takes_pictures(world: World) -> None:
    await world.imagine("")
    await world.fake.submit(
        world.alice,
        {"prompt": "this at night", "ratio": "16:9", "count": "2", "model": "m2"},
        files={"files": [Upload("cat.png", png("red"))]},
    )
    (picture,) = await world.pictures()
    job = world.bot.images.sent[-1]
    assert (job.prompt, job.aspect_ratio, job.model, len(job.references)) == ("this at night", "16:9", "m2", 1)
    assert len(picture.files) == 2


async def test_a_form_shows_what_is_wrong_at_its_field_and_keeps_what_was_typed(world: World) -> None:
    await world.imagine("")
    await world.fake.submit(world.alice, {"prompt": "x" * 500})
    view = world.fake.modal(world.alice)
    assert view is not None
    assert "Please shorten it" in view.errors["prompt"]


async def test_help_is_for_the_one_who_asks(world: World) -> None:
    await world.imagine("help")
    assert "makes a picture in a thread of its own" in world.whispers()[0]
    assert world.bot.images.made == []


async def test_a_refusal_is_for_the_one_who_asks(world: World) -> None:
    await world.imagine("a fox --ar 7:3")
    assert world.whispers()[0].startswith("7:3 is not a shape that m1 draws.")


async def test_a_direct_message_asks_for_a_picture_and_its_thread_edits_it(world: World) -> None:
    direct = world.fake.dm(world.alice)
    said = await world.fake.message(world.alice, direct, "a fox in the snow")
    (first,) = await world.pictures(1, direct)
    assert first.message.thread_ts == said.ts
    await world.reply("make it night", first)
    await world.pictures(2, direct)
    assert world.bot.images.sent[-1].history is not None


async def test_the_agent_surface_suggests_prompts_and_says_what_it_does(world: World) -> None:
    root = await world.fake.open_assistant(world.alice)
    thread = await world.until(lambda: world.fake.assistant_threads.get((root.channel.id, root.ts)))
    await world.until(lambda: thread.prompts)
    world.bot.images.held = True
    await world.fake.message(world.alice, root.channel, "a fox", thread=root)
    await world.until(lambda: world.fake.assistant_status(root) == "is drawing…")
    world.bot.images.release.set()
    (picture,) = await world.pictures(1, root.channel)
    assert picture.message.thread_ts == root.ts
    await world.until(lambda: world.fake.assistant_status(root) == "")


async def test_the_agent_surface_says_what_it_does_for_as_long_as_it_does_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.notices.SHOWN_SECONDS", 0.2)
    monkeypatch.setattr("core.steps.LONGEST_PAUSE", 0.1)
    root = await world.fake.open_assistant(world.alice)
    await world.until(lambda: world.fake.calls("assistant.threads.setSuggestedPrompts"))
    world.bot.images.held = True
    await world.fake.message(world.alice, root.channel, "a fox", thread=root)
    for _ in range(2):
        await world.until(lambda: world.fake.assistant_status(root) == "is drawing…")
        world.fake.clock.advance(121)
        assert world.fake.assistant_status(root) == "", "Slack forgets a status after two minutes"
    await world.until(lambda: world.fake.assistant_status(root) == "is drawing…")
    edits = len(world.fake.calls("chat.update"))
    world.bot.images.release.set()
    await world.pictures(1, root.channel)
    assert world.fake.assistant_status(root) == ""
    assert edits <= 1, "nothing else is said anew that says nothing new"


async def test_any_picture_can_be_edited_from_the_menu_of_its_message(world: World) -> None:
    first = await world.first_picture()
    await world.reply("make it night", first)
    await world.pictures(2)
    await world.fake.message_shortcut(world.alice, first.message, "edit_image")
    await world.fake.submit(world.alice, {"prompt": "make it spring"})
    third = (await world.pictures(3))[-1]
    assert third.files[0].alt == "make it spring ← a fox in the snow"


async def test_somebodys_picture_can_be_edited_and_used_from_the_menu(world: World) -> None:
    photo = await world.fake.message(world.alice, world.channel, "my cat", files=[Upload("cat.png", png("red"))])
    await world.fake.message_shortcut(world.alice, photo, "edit_image")
    await world.fake.submit(world.alice, {"prompt": "with a hat"})
    (picture,) = await world.pictures()
    assert picture.message.thread_ts == photo.ts
    await world.fake.message_shortcut(world.alice, photo, "use_as_reference")
    await world.fake.submit(world.alice, {"prompt": "as a statue"}, files={"files": [Upload("b.png", png("blue"))]})
    await world.pictures(2)
    assert [len(job.references) for job in world.bot.images.sent] == [1, 2]


async def test_a_message_without_a_picture_has_nothing_to_edit(world: World) -> None:
    words = await world.fake.message(world.alice, world.channel, "good morning")
    await world.fake.message_shortcut(world.alice, words, "edit_image")
    await world.until(world.whispers)
    assert world.whispers() == ["There is no picture in that message."]


async def test_the_global_shortcut_asks_where(world: World) -> None:
    await world.fake.shortcut(world.alice, "imagine")
    await world.fake.submit(world.alice, {"prompt": "a fox", "channel": world.channel.id})
    await world.pictures()
    assert world.root().text == "alice: a fox"


async def test_other_people_are_left_to_talk(world: World) -> None:
    bob = world.fake.person(world.team, "bob")
    world.fake.invite(world.channel, bob)
    hello = await world.fake.message(bob, world.channel, "good morning")
    await world.fake.message(world.alice, world.channel, "and to you", thread=hello)
    await world.quiet()
    assert world.bot.images.made == []
    assert world.whispers() == []


async def test_a_thread_can_be_told_to_listen_to_mentions_alone(world: World) -> None:
    first = await world.first_picture()
    await world.fake.mention(world.alice, world.channel, "listen off", thread=first.message)
    await world.until(world.whispers)
    await world.reply("nice!", first)
    await world.quiet()
    assert len(world.bot.images.made) == 1
    await world.fake.mention(world.alice, world.channel, "make it night", thread=first.message)
    await world.pictures(2)


async def test_a_reply_while_the_first_picture_is_drawn_is_told_to_wait(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    await world.until(lambda: world.bot.images.sent)
    await world.reply("make it night", world.root())
    await world.until(world.whispers)
    assert world.whispers() == ["The first picture is still on its way. Send this again once it is here."]
    world.bot.images.release.set()
    await world.pictures()


async def test_the_second_picture_of_a_message_can_be_named(world: World) -> None:
    first = await world.first_picture("foxes --n 2")
    await world.reply("#5 make it night", first)
    await world.until(world.whispers)
    assert "#1 to #2; there is no #5" in world.whispers()[0]
    await world.reply("make it night", first)
    second = (await world.pictures(2))[-1]
    assert "picture 1 of 2 (for another, begin with #2)" in second.text
    await world.reply("#2 make it day", first)
    third = (await world.pictures(3))[-1]
    assert third.text.startswith("make it day")
    assert "picture 2 of 2" in third.text


async def test_image_two_may_be_of_somebody_who_is_mentioned(world: World) -> None:
    first = await world.first_picture("foxes --n 2")
    await world.reply(f"image 2 worn by {world.alice.at}", first)
    assert "picture 1 of 2 (for another" in (await world.pictures(2))[-1].text


async def test_a_message_that_is_changed_while_it_waits_changes_its_turn(world: World) -> None:
    alice = Person("slack", world.team.id, world.alice.id)
    await Settings(world.bot.core.redis).change_defaults(alice, Defaults(aspect_ratio="16:9"))
    blocker = world.bot.core.queue
    for number in range(blocker.capacity):
        await blocker.place("fake:m1", TurnId(f"other-{number}"), Person("slack", "T", f"U{number}"), images=1)
    said = await world.fake.mention(world.alice, world.channel, "a fox")
    await world.until(lambda: world.fake.calls("chat.postMessage"))
    await world.fake.edit(said, f"{world.team.bot.at} a wolf")
    await world.until(lambda: any(d.settled.is_set() for d in world.fake.deliveries("message")[1:]))
    for number in range(blocker.capacity):
        await blocker.leave("fake:m1", TurnId(f"other-{number}"))
    await world.pictures()
    assert [(job.prompt, job.aspect_ratio) for job in world.bot.images.sent] == [("a wolf", "16:9")]


async def test_a_message_that_is_deleted_while_it_waits_cancels_its_turn(world: World) -> None:
    world.bot.images.held = True
    said = await world.fake.mention(world.alice, world.channel, "a fox")
    await world.until(lambda: world.bot.images.sent)
    await world.fake.delete(said)
    await world.until(
        lambda: any("Cancelled" in s.text for s in world.fake.everything(world.alice, world.channel)), "the word"
    )
    world.bot.images.release.set()
    await world.quiet()
    assert world.fake.pictures(world.alice, world.channel) == []


async def test_a_picture_whose_message_was_deleted_can_still_be_gone_on_from(world: World) -> None:
    first = await world.first_picture()
    await world.fake.delete(first.message)
    await world.reply("make it night", world.root())
    await world.pictures()
    assert world.bot.images.sent[-1].history is not None


async def test_status_tells_what_is_under_way(world: World) -> None:
    await world.imagine("status")
    world.bot.images.held = True
    await world.imagine("a slow fox")
    await world.until(lambda: world.bot.images.sent)
    await world.imagine("status")
    assert world.whispers() == ["Nothing of yours is under way.", "• a slow fox – being drawn · ≤ $0.01"]
    world.bot.images.release.set()
    await world.pictures()


async def test_an_empty_mention_is_told_how_once(world: World) -> None:
    await world.fake.mention(world.alice, world.channel)
    await world.until(world.whispers)
    await world.fake.mention(world.alice, world.channel)
    await world.quiet()
    assert len(world.whispers()) == 1


async def test_a_message_of_another_shape_than_known_harms_nobody(world: World) -> None:
    for event in ({"type": "message"}, {"type": "message", "ts": 5, "channel": []}, {"type": "app_mention"}):
        delivery = world.fake.send_event(world.team, event)
        await delivery.settled.wait()
        assert len(delivery.attempts) == 1
    await world.first_picture()


async def test_bots_are_not_answered(world: World) -> None:
    event = {
        "type": "message",
        "channel": world.channel.id,
        "channel_type": "channel",
        "ts": "1.2",
        "user": "U0OTHER",
        "bot_id": "B0OTHER",
        "text": f"{world.team.bot.at} a fox",
    }
    await world.fake.send_event(world.team, event).settled.wait()
    await world.quiet()
    assert world.bot.images.made == []
