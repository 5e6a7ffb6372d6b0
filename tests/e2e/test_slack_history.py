"""Going back and branching on Slack: sheets, an older picture made current, forks."""

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from adapters.slack.posts import short_key
from core.replies import say
from core.turns import ImageRef, Node
from tests.conftest import wait_until
from tests.e2e.slack_world import World
from tests.fakes.slack import Shown
from tests.fakes.slack.delivery import Delivery

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]


async def edited(world: World, *prompts: str) -> list[Shown]:
    """A picture, and one edit after the other."""
    shown = [await world.first_picture()]
    for prompt in prompts:
        await world.reply(prompt, shown[0])
        shown.append((await world.pictures(len(shown) + 1))[-1])
    return shown


async def choose(world: World, shown: Shown, what: str) -> Delivery:
    """Choose from the overflow menu under a picture."""
    menu = world.fake.element(shown.message, "more")
    value = next(str(one["value"]) for one in menu.json["options"] if str(one["value"]).endswith(f"|{what}"))
    return await world.fake.choose(world.alice, shown.message, value, "more")


async def said(world: World, words: str) -> Shown:
    """A message in the channel or its threads that says this."""

    def found() -> Shown | None:
        return next((s for s in world.fake.everything(world.alice, world.channel) if words in s.text), None)

    shown = await world.until(found, words)
    assert isinstance(shown, Shown)
    return shown


async def node_of(world: World, shown: Shown) -> Node:
    post = await world.bot.chat.posts.by_message(world.team.id, shown.message.channel.id, shown.ts)
    assert post is not None
    node = await world.bot.core.conversations.node(post.conversation, post.turn.id)
    assert node is not None
    return node


async def test_the_path_shows_every_step_in_one_picture(world: World) -> None:
    first, _, third = await edited(world, "make it night", "let it snow")
    await choose(world, third, "path")
    posted = (await world.pictures(4))[-1]
    assert posted.message.thread_ts == first.message.thread_ts
    assert Image.open(BytesIO(posted.pictures[0])).format == "JPEG"
    lines = ["How this picture came to be", "1. a fox in the snow", "2. make it night", "3. let it snow"]
    assert posted.files[0].alt == " ".join(lines)
    assert all(line in posted.text for line in lines)
    await world.fake.message_shortcut(world.alice, third.message, "history")
    assert len(await world.pictures(5)) == 5


async def test_a_picture_is_compared_with_the_one_before_or_with_another(world: World) -> None:
    first, _, third = await edited(world, "make it night", "let it snow")
    await choose(world, third, "compare")
    posted = (await world.pictures(4))[-1]
    assert posted.files[0].alt == "Side by side 2. make it night 3. let it snow"
    await choose(world, third, "compare_with")
    node = await node_of(world, first)
    await world.fake.submit(world.alice, {"picture": f"0:{short_key(node.id)}"})
    posted = (await world.pictures(5))[-1]
    assert posted.files[0].alt == "Side by side 1. a fox in the snow 3. let it snow"


async def test_an_older_picture_is_made_current_and_shown_again(world: World) -> None:
    first, *_ = await edited(world, "make it night", "let it snow")
    await choose(world, first, "restore")
    again = (await world.pictures(4))[-1]
    assert "Back to: a fox in the snow" in again.text
    assert [file.id for file in again.files] == [file.id for file in first.files]
    await world.reply("make it spring", first)
    assert (await world.pictures(5))[-1].files[0].alt == "make it spring ← a fox in the snow"


async def test_a_fork_goes_on_in_a_thread_of_its_own_and_in_another_channel(world: World) -> None:
    first, second = await edited(world, "make it night")
    other = world.fake.new_channel(world.team, "other", [world.alice])
    world.fake.invite(other)
    await choose(world, second, "fork_to")
    await world.fake.submit(world.alice, {"channel": other.id})
    (root,) = await world.pictures(1, other)
    assert "Branched off here by alice" in root.text
    told = await said(world, "alice branched off from “make it night”")
    assert told.message.thread_ts == first.message.thread_ts
    await world.reply("let it snow", root)
    edit = (await world.pictures(2, other))[-1]
    assert edit.files[0].alt == "let it snow ← make it night"
    history = world.bot.images.sent[-1].history
    assert history is not None
    assert len(history) == 4
    await world.reply("let it rain", first)
    assert (await world.pictures(3))[-1].files[0].alt == "let it rain ← make it night ← a fox in the snow"


async def test_a_copy_of_an_edit_is_not_asked_for_anew_without_its_picture(world: World) -> None:
    _, second = await edited(world, "make it night")
    other = world.fake.new_channel(world.team, "other", [world.alice])
    world.fake.invite(other)
    await choose(world, second, "fork_to")
    await world.fake.submit(world.alice, {"channel": other.id})
    (root,) = await world.pictures(1, other)
    assert [button.label for button in root.buttons] == ["Edit", "Variations"]
    edit = root.button("Edit")
    stale = replace(edit, json={**edit.json, "action_id": "again"})  # as copies were shown before
    await world.fake.press(world.alice, stale)
    await world.until(lambda: any("ask for variations" in words for words in world.whispers(other)))
    assert len(world.bot.images.sent) == 2


async def test_each_of_several_pictures_is_gone_back_to_compared_and_branched_from(world: World) -> None:
    first = await world.first_picture()
    await world.fake.press(world.alice, first.button("Variations"))
    four = (await world.pictures(2))[-1]
    node = await node_of(world, four)
    post = await world.bot.chat.posts.by_turn(node.id)
    assert post is not None
    await choose(world, four, "restore")
    await world.fake.submit(world.alice, {"which": "restore:2"})
    back = (await world.pictures(3))[-1]
    assert [file.id for file in back.files] == [four.files[2].id]
    assert await world.bot.core.conversations.head(post.conversation) == ImageRef(node.id, 2)
    assert "Back to picture 3 of 4: Variations" in back.text
    await choose(world, four, "compare_with")
    await world.fake.submit(world.alice, {"which": "2", "picture": f"2:{short_key(node.id)}"})
    sheet = (await world.pictures(4))[-1]
    assert sheet.files[0].alt == "Side by side 2 #2. Variations 2 #3. Variations"
    await choose(world, four, "path")
    await world.fake.submit(world.alice, {"which": "path:3"})
    assert (await world.pictures(5))[-1].files[0].alt.startswith("How this picture came to be")
    other = world.fake.new_channel(world.team, "other", [world.alice])
    world.fake.invite(other)
    await choose(world, four, "fork_to")
    await world.fake.submit(world.alice, {"which": "3", "channel": other.id})
    (root,) = await world.pictures(1, other)
    (copy,) = (await node_of(world, root)).images
    assert copy.shown.attachment == node.images[2].shown.attachment


async def test_one_choice_that_comes_twice_posts_one_sheet(world: World) -> None:
    _, second = await edited(world, "make it night")
    chosen = await choose(world, second, "path")
    await world.pictures(3)
    posted, shown = len(world.fake.calls("chat.postMessage")), len(world.fake.calls("chat.update"))
    world.fake.outbox.again(chosen)
    await world.until(lambda: len(world.fake.calls("chat.update")) > shown, "the sheet, put where it is once more")
    assert len(world.fake.calls("chat.postMessage")) == posted


async def test_an_undo_that_comes_twice_shows_the_picture_once(world: World) -> None:
    first, second = await edited(world, "make it night")
    pressed = await world.fake.press(world.alice, second.button("Undo"))
    await world.pictures(3)
    for number in (2, 3):
        world.fake.outbox.again(pressed)
        await world.until(lambda n=number: len(pressed.attempts) == n and pressed.attempts[-1].latency is not None)  # type: ignore[misc]
    shown = await world.pictures(3)
    assert len(shown) == 3
    assert [file.id for file in shown[-1].files] == [file.id for file in first.files]
    await world.reply("let it snow", first)
    assert (await world.pictures(4))[-1].files[0].alt == "let it snow ← a fox in the snow"


async def test_a_lone_picture_is_compared_with_no_other(world: World) -> None:
    first = await world.first_picture()
    await choose(world, first, "compare_with")
    await world.until(world.whispers)
    assert world.whispers() == [say("en", "tree.nothing_before")]
    assert world.fake.modal(world.alice) is None


@pytest.mark.parametrize("made_up", ["restore:x", "sharpen:0", "restore:-1", "restore:99", ""])
async def test_a_picture_that_was_not_offered_is_not_gone_back_to(world: World, made_up: str) -> None:
    await world.imagine("foxes --n 2")
    (several,) = await world.pictures()
    before = await node_of(world, several)
    await choose(world, several, "restore")
    view = await world.until(lambda: world.fake.modal(world.alice))
    element = next(block["element"] for block in view.content["blocks"] if block.get("block_id") == "which")
    element["options"][0]["value"] = made_up
    await world.fake.submit(world.alice, {"which": made_up})
    assert list(view.errors) == ["which"]
    assert await node_of(world, several) == before
    assert len(await world.pictures()) == 1


async def test_two_edits_in_the_same_moment_are_two_children_each_answered(world: World) -> None:
    first = await world.first_picture()
    world.bot.images.held = True
    asked = [await world.reply(prompt, first) for prompt in ("make it night", "let it snow")]
    await world.until(lambda: len(world.bot.images.sent) == 3)
    world.bot.images.release.set()
    pictures = (await world.pictures(3))[1:]
    assert {shown.files[0].alt for shown in pictures} == {
        "make it night ← a fox in the snow",
        "let it snow ← a fox in the snow",
    }
    assert len(asked) == 2
    root = await node_of(world, first)
    parents = [(await node_of(world, shown)).parent for shown in pictures]
    assert [parent.node if parent else None for parent in parents] == [root.id, root.id]


async def test_the_story_of_a_copy_is_whole_in_its_channel_and_begins_with_it_in_another(world: World) -> None:
    _, second = await edited(world, "make it night")
    other = world.fake.new_channel(world.team, "other", [world.alice])
    world.fake.invite(other)
    stories = {
        world.channel.id: "How this picture came to be 1. a fox in the snow 2. make it night",
        other.id: "How this picture came to be 1. make it night",
    }
    for channel in (other, world.channel):
        known = await world.pictures(0, channel)
        await choose(world, second, "fork_to")
        await world.fake.submit(world.alice, {"channel": channel.id})
        copy = (await world.pictures(len(known) + 1, channel))[-1]
        await world.fake.message_shortcut(world.alice, copy.message, "history")
        sheet = (await world.pictures(len(known) + 2, channel))[-1]
        assert sheet.files[0].alt == stories[channel.id]


async def test_the_shortcut_on_several_pictures_asks_which(world: World) -> None:
    several = await world.first_picture("foxes --n 3")
    await world.fake.message_shortcut(world.alice, several.message, "history")
    await world.fake.submit(world.alice, {"which": "path:1"})
    assert (await world.pictures(2))[-1].files[0].alt == "How this picture came to be 1 #2. foxes"


async def test_edits_in_one_moment_an_undo_between_and_a_deletion_leave_the_right_picture_current(
    world: World,
) -> None:
    first, second = await edited(world, "make it night")
    world.bot.images.held = True
    await world.reply("let it snow", first)
    await world.until(lambda: len(world.bot.images.sent) == 3)
    await world.fake.press(world.alice, second.button("Undo"))
    await said(world, "Back to: a fox in the snow")
    await world.reply("let it rain", first)
    await world.until(lambda: len(world.bot.images.sent) == 4)
    world.bot.images.release.set()
    await world.quiet()
    made = {shown.files[0].alt: shown for shown in await world.pictures(5)}
    assert "let it snow ← make it night ← a fox in the snow" in made
    rain = made["let it rain ← a fox in the snow"]
    post = await world.bot.chat.posts.by_message(world.team.id, world.channel.id, rain.ts)
    assert post is not None
    conversations, root = world.bot.core.conversations, await node_of(world, first)
    assert await conversations.head(post.conversation) == ImageRef(post.turn.id)
    await world.fake.delete(rain.message)

    async def went_back() -> bool:
        return await conversations.head(post.conversation) == ImageRef(root.id)

    await wait_until(went_back)
    await world.reply("make it spring", first)
    assert (await world.pictures(5))[-1].files[0].alt == "make it spring ← a fox in the snow"


async def test_what_is_no_longer_there_is_said_to_who_asks(world: World) -> None:
    first, second = await edited(world, "make it night")
    await choose(world, first, "compare_with")
    async for name in world.bot.core.redis.scan_iter("imagine:1:nodes:*"):
        await world.bot.core.redis.delete(name)
    for number, what in enumerate(("path", "compare", "restore"), 1):
        await choose(world, second, what)
        await world.until(lambda count=number: len(world.whispers()) == count)  # type: ignore[misc]
        assert "no longer kept here" in world.whispers()[-1]
