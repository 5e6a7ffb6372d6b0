"""Going back and branching on Discord: sheets, an older picture made current, forks."""

from io import BytesIO

from PIL import Image

from adapters.discord.components import Action, button, control_id, row, select
from adapters.discord.posting import MESSAGE
from adapters.discord.words import plain
from core.replies import say
from core.turns import ImageRef
from tests.conftest import wait_until
from tests.e2e.discord_server import Server
from tests.fakes.discord import Invocation, Seen, Upload
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

MORE = "Go back, compare, branch…"


def menu(seen: Seen, action: str = "more") -> str:
    """The custom_id of the menu of a message that does this."""
    return next(str(control.custom_id) for control in seen.controls if str(control.custom_id).startswith(f"{action}:"))


async def chose(server: Server, seen: Seen, what: str) -> Invocation:
    return await (await server.alice.select(seen, menu(seen), what)).answered()


async def said(server: Server, press: Invocation) -> Seen:
    """The private answer to a press, once it is there."""

    def answered() -> Seen | None:
        return press.original if press.original and not press.original.loading else None

    seen = await server.fake.until(answered, what="an answer")
    assert seen is not None
    assert seen.private
    return seen


async def edited(server: Server, *prompts: str) -> list[Seen]:
    """A picture, and one edit after the other."""
    await server.first_picture()
    await server.quiet()
    for number, prompt in enumerate(prompts, 2):
        server.alice.send(server.thread(), prompt)
        await server.pictures(server.thread(), number)
        await server.quiet()
    return await server.pictures(server.thread())


def sheet(seen: Seen) -> Image.Image:
    assert [file.content_type for file in seen.files] == ["image/jpeg"]
    return Image.open(BytesIO(seen.files[0].data))


async def test_the_path_shows_every_step_in_one_picture(server: Server) -> None:
    _, _, third = await edited(server, "make it night", "let it snow")
    pressed = await chose(server, third, "path")
    assert (await said(server, pressed)).content == "It is in the conversation."
    posted = (await server.pictures(server.thread(), 4))[-1]
    assert sheet(posted).width > 1200
    lines = ["How this picture came to be", "1. a fox in the snow", "2. make it night", "3. let it snow"]
    assert posted.files[0].alt == " ".join(lines)
    assert posted.content == f"<@{server.alice.id}> · " + "\n".join(lines)
    assert posted.pings == ()


async def test_a_picture_is_compared_with_the_one_before_or_with_another(server: Server) -> None:
    first, second, third = await edited(server, "make it night", "let it snow")
    assert "compare" not in next(control for control in first.controls if control.custom_id == menu(first)).values
    await chose(server, third, "compare")
    posted = (await server.pictures(server.thread(), 4))[-1]
    assert posted.files[0].alt == "Side by side 2. make it night 3. let it snow"
    asked = await said(server, await chose(server, third, "compare_with"))
    (control,) = asked.controls
    assert [option["label"] for option in control.wire["options"]] == ["2. make it night", "1. a fox in the snow"]
    await (await server.alice.select(asked, menu(asked, "compare"), control.values[1])).answered()
    posted = (await server.pictures(server.thread(), 5))[-1]
    assert posted.files[0].alt == "Side by side 1. a fox in the snow 3. let it snow"
    assert second.id != third.id


async def test_an_older_picture_is_made_current_and_that_is_said(server: Server) -> None:
    first, *_ = await edited(server, "make it night", "let it snow")
    pressed = await chose(server, first, "restore")
    assert (await said(server, pressed)).content == "Back to: a fox in the snow"
    await server.pictures(server.thread(), 4)
    server.alice.send(server.thread(), "make it spring")
    fifth = (await server.pictures(server.thread(), 5))[-1]
    await server.quiet()
    assert fifth.files[0].alt == "make it spring ← a fox in the snow"


async def test_the_history_offers_the_way_back_to_what_still_stands(server: Server) -> None:
    _, second, _ = await edited(server, "make it night", "let it snow")
    await (await server.alice.press(second, "Delete")).answered()
    asked = await (await server.alice.slash(server.thread(), "imagine-history")).answered()
    seen = await server.fake.until(lambda: asked.original if asked.original and asked.original.files else None)
    assert seen is not None
    assert seen.files[0].alt == "How this picture came to be 1. a fox in the snow 2. make it night 3. let it snow"
    (control,) = seen.controls
    labels = [option["label"] for option in control.wire["options"]]
    assert labels == ["3. let it snow · current", "1. a fox in the snow"]
    pressed = await (await server.alice.select(seen, menu(seen, "back"), control.values[1])).answered()
    assert (await said(server, pressed)).content == "Back to: a fox in the snow"


async def test_a_fork_goes_on_in_a_thread_of_its_own(server: Server) -> None:
    _, second = await edited(server, "make it night")
    old = server.thread()
    pressed = await chose(server, second, "fork")
    new = await server.fake.until(
        lambda: next((t for t in server.fake.threads(server.channel) if t.id != old.id), None)
    )
    assert new is not None
    words = f"alice branched off from “make it night”. It goes on in <#{new.id}>."
    assert (await said(server, pressed)).content == words
    await server.message(old, lambda seen: seen.content == words)
    root = await server.message(server.channel, lambda seen: bool(seen.files))
    assert "Branched off here by alice" in root.content
    server.alice.send(new, "let it snow")
    (edit,) = await server.pictures(new)
    await server.quiet()
    assert edit.files[0].alt == "let it snow ← make it night"
    history = server.bot.images.sent[-1].history
    assert history is not None
    assert len(history) == 4
    server.alice.send(old, "let it rain")
    there = (await server.pictures(old, 3))[-1]
    await server.quiet()
    assert there.files[0].alt == "let it rain ← make it night ← a fox in the snow"


async def how_it_came_to_be(server: Server, seen: Seen) -> Seen:
    """The answer to that entry of a message's menu."""
    asked = await (await server.alice.message_menu(seen, "How it came to be")).answered()
    return await said(server, asked)


async def test_the_menu_of_several_pictures_asks_which(server: Server) -> None:
    several = await server.first_picture("foxes", count=3)
    await server.quiet()
    asked = await how_it_came_to_be(server, several)
    (control,) = asked.controls
    assert [option["label"] for option in control.wire["options"]] == ["#1", "#2", "#3"]
    chosen = await (await server.alice.select(asked, menu(asked, "path"), control.values[1])).answered()
    seen = await server.fake.until(lambda: chosen.original if chosen.original and chosen.original.files else None)
    assert seen is not None
    assert seen.private
    assert seen.files[0].alt == "How this picture came to be 1 #2. foxes"
    assert len(await server.pictures(server.thread())) == 1


async def test_going_back_to_one_of_several_says_which_to_everybody(server: Server) -> None:
    several = await server.first_picture("foxes", count=3)
    await server.quiet()
    asked = await said(server, await chose(server, several, "restore"))
    pressed = await (await server.alice.select(asked, menu(asked, "which"), "restore:1")).answered()
    assert (await said(server, pressed)).content == "Back to picture 2 of 3: foxes"
    back = (await server.pictures(server.thread(), 2))[-1]
    assert "Back to picture 2 of 3: foxes" in back.content
    server.alice.send(server.thread(), "closer", reply_to=back)
    edit = (await server.pictures(server.thread(), 3))[-1]
    await server.quiet()
    assert "picture 2 of 3" in edit.content
    pressed = await (await server.alice.select(asked, menu(asked, "which"), "restore:2")).answered()
    assert (await said(server, pressed)).content == "Back to picture 3 of 3: foxes"
    await (await server.alice.press(several, "Variations")).answered()
    varied = (await server.pictures(server.thread(), 5))[-1]
    await server.quiet()
    assert "Variations · picture 3 of 3\n" in varied.content


async def test_nobody_is_shown_how_it_came_to_be_who_may_not_read_back(server: Server) -> None:
    _, second = await edited(server, "make it night")
    server.fake.deny(server.channel, "read_message_history", who=server.alice)
    assert "may not read earlier" in (await how_it_came_to_be(server, second)).content
    for what in ("path", "compare_with"):
        assert "may not read earlier" in (await said(server, await chose(server, second, what))).content
    assert len(await server.pictures(server.thread())) == 2


async def test_the_story_of_a_copy_is_whole_in_its_channel_and_begins_with_it_in_another(server: Server) -> None:
    _, second = await edited(server, "make it night")
    await said(server, await chose(server, second, "fork"))
    copy = await server.message(server.channel, lambda seen: bool(seen.files))
    sheet_of_it = await how_it_came_to_be(server, copy)
    assert sheet_of_it.files[0].alt == "How this picture came to be 1. a fox in the snow 2. make it night"
    other = server.fake.channel(server.guild, "other")
    asked = await said(server, await chose(server, second, "fork_to"))
    await said(server, await (await server.alice.choose_channel(asked, menu(asked, "fork"), other)).answered())
    copy = await server.message(other, lambda seen: bool(seen.files))
    assert (await how_it_came_to_be(server, copy)).files[0].alt == "How this picture came to be 1. make it night"


async def test_the_story_of_a_copy_does_not_lead_into_somebodys_private_thread(server: Server) -> None:
    secret = server.fake.thread(server.channel, "secret", by=server.alice, private=True)
    server.fake.world.add_thread_member(secret.id, server.fake.bot.id)
    server.alice.send(secret, f"<@{server.fake.bot.id}> a fox in the snow")
    (first,) = await server.pictures(secret)
    server.alice.send(secret, "make it night", reply_to=first)
    second = (await server.pictures(secret, 2))[-1]
    await server.quiet()
    await said(server, await chose(server, second, "fork"))
    copy = await server.message(server.channel, lambda seen: bool(seen.files))
    assert (await how_it_came_to_be(server, copy)).files[0].alt == "How this picture came to be 1. make it night"


async def test_edits_in_one_moment_an_undo_between_and_a_deletion_leave_the_right_picture_current(
    server: Server,
) -> None:
    _, second = await edited(server, "make it night")
    thread = server.thread()
    server.bot.images.held = True
    before = server.alice.send(thread, "let it snow", reply_to=second)
    await server.fake.until(lambda: len(server.bot.images.sent) == 3)
    await (await server.alice.press(second, "Undo")).answered()
    after = server.alice.send(thread, "let it rain", reply_to=second)
    await server.fake.until(lambda: len(server.bot.images.sent) == 4)
    server.bot.images.release.set()
    await server.quiet()
    answers = {seen.reply_to: seen for seen in await server.pictures(thread, 5)}
    assert "let it snow" in answers[before.id].content
    rain = answers[after.id]
    head = await server.bot.core.conversations.head(server.key())
    assert head == await server.bot.core.conversations.find(server.key(), str(rain.id))
    node = await server.node_of(second)
    server.fake.delete(rain)

    async def went_back() -> bool:
        return await server.bot.core.conversations.head(server.key()) == ImageRef(node.id)

    await wait_until(went_back)
    server.alice.send(thread, "make it spring")
    last = (await server.pictures(thread, 5))[-1]
    await server.quiet()
    assert last.files[0].alt == "make it spring ← make it night ← a fox in the snow"


async def test_a_copy_of_an_edit_is_not_asked_for_anew_without_its_picture(server: Server) -> None:
    _, second = await edited(server, "make it night")
    await chose(server, second, "fork")
    root = await server.message(server.channel, lambda seen: bool(seen.files))
    assert root.labels == ("Edit", "Variations", "Delete", "Go back, compare, branch…")
    asked = len(server.bot.images.sent)
    key = menu(root).removeprefix("more:")
    stale = [row(button(Action.AGAIN, key, "Again")), row(select(control_id(Action.RATIO, key), "Shape", ["1:1"]))]
    rest = server.bot.chat.rest
    await rest.call("PATCH", MESSAGE, {"components": stale}, channel_id=str(server.channel.id), message_id=str(root.id))
    root = await server.message(server.channel, lambda seen: "Again" in seen.labels)
    for pressed in (await server.alice.press(root, "Again"), await server.alice.select(root, "Shape", "1:1")):
        assert "ask for variations" in (await said(server, await pressed.answered())).content
    await server.quiet()
    assert len(server.bot.images.sent) == asked


async def test_each_of_several_pictures_is_gone_back_to_compared_and_branched_from(server: Server) -> None:
    several = await server.first_picture("foxes", count=3)
    await server.quiet()

    async def chose_one(what: str, number: int) -> Invocation:
        asked = await said(server, await chose(server, several, what))
        (control,) = asked.controls
        assert [option["label"] for option in control.wire["options"]] == ["#1", "#2", "#3"]
        return await (await server.alice.select(asked, menu(asked, "which"), control.values[number - 1])).answered()

    await said(server, await chose_one("restore", 3))
    thread = server.thread()
    post = await server.bot.chat.posts.by_message(str(several.id))
    assert post is not None
    assert post.thread is not None
    assert await server.bot.core.conversations.head(post.thread) == ImageRef(post.turn.id, 2)
    asked = await said(server, await chose_one("compare_with", 2))
    (control,) = asked.controls
    assert [option["label"] for option in control.wire["options"]] == ["1 #3. foxes · current", "1 #1. foxes"]
    await (await server.alice.select(asked, menu(asked, "compare"), control.values[0])).answered()
    await server.message(thread, lambda seen: any("Side by side" in str(file.alt) for file in seen.files))
    await chose_one("fork", 2)
    copy = await server.message(server.channel, lambda seen: "Branched off here" in seen.content)
    assert len({file.name for file in several.files}) == 3
    assert [file.name for file in copy.files] == [several.files[1].name]


async def test_a_fork_goes_to_another_channel_where_both_may_write(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    other, closed = server.fake.channel(server.guild, "other"), server.fake.channel(server.guild, "closed")
    server.fake.deny(closed, "send_messages", who=server.alice)
    for channel, done in ((closed, False), (other, True)):
        asked = await said(server, await chose(server, first, "fork_to"))
        pressed = await (await server.alice.choose_channel(asked, menu(asked, "fork"), channel)).answered()
        assert ("branched off" in (await said(server, pressed)).content) == done
        assert len(server.fake.threads(channel)) == done
    assert "cannot go on there" not in first.content


async def test_one_press_that_comes_twice_posts_one_sheet_and_one_fork(server: Server) -> None:
    _, second = await edited(server, "make it night")
    for what, files, threads in (("path", 3, 1), ("fork", 3, 2)):
        pressed = await chose(server, second, what)
        await said(server, pressed)
        old = server.fake.threads(server.channel)[0]
        answers = len(server.fake.calls_to("POST", "/interactions/{interaction_id}/{interaction_token}/callback"))
        pressed.redeliver()
        await server.fake.until(
            lambda before=answers: (
                len(  # type: ignore[misc]
                    server.fake.calls_to("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
                )
                > before
            )
        )
        assert len(await server.pictures(old)) == files
        assert len(server.fake.threads(server.channel)) == threads


async def test_two_edits_in_the_same_moment_are_two_children_each_answered(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    asked = [server.alice.send(server.thread(), prompt, reply_to=first) for prompt in ("make it night", "let it snow")]
    pictures = (await server.pictures(server.thread(), 3))[1:]
    await server.quiet()
    assert {(seen.reply_to, seen.files[0].alt) for seen in pictures} == {
        (asked[0].id, "make it night ← a fox in the snow"),
        (asked[1].id, "let it snow ← a fox in the snow"),
    }
    nodes = [await server.node_of(seen) for seen in pictures]
    root = await server.node_of(first)
    assert [node.parent.node if node.parent else None for node in nodes] == [root.id, root.id]
    head = await server.bot.core.conversations.head(server.key())
    assert head is not None
    assert (await server.bot.core.conversations.node(server.key(), head.node)) in nodes


async def test_where_nothing_was_made_there_is_no_history(server: Server) -> None:
    asked = await (await server.alice.slash(server.channel, "imagine-history")).answered()
    assert say("en", "tree.nothing_yet")[:20] in (await said(server, asked)).content
    cat = server.alice.send(server.channel, "my cat", files=[Upload("cat.png", png("red"))])
    asked = await (await server.alice.message_menu(cat, "How it came to be")).answered()
    assert plain(say("en", "discord.no_picture_there")) in (await said(server, asked)).content


async def test_the_story_of_a_private_picture_stays_private(server: Server) -> None:
    asked = await server.imagine("a secret fox", private=True)
    await server.fake.until(lambda: asked.original and asked.original.files)
    await server.quiet()
    assert asked.original is not None
    told = await said(server, await chose(server, asked.original, "path"))
    assert "a secret fox" in told.content
    assert sheet(told).width
    assert server.fake.messages(server.channel) == []
    assert server.fake.threads(server.channel) == []


async def test_a_lone_picture_is_compared_with_no_other(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    told = await said(server, await chose(server, first, "compare_with"))
    assert told.content == plain(say("en", "tree.nothing_before"))
    assert not told.controls


async def test_a_picture_that_cannot_be_had_any_more_is_neither_shown_again_nor_branched_from(server: Server) -> None:
    first, _ = await edited(server, "make it night")
    server.fake.deny(server.channel, "read_message_history")
    for what in ("restore", "fork"):
        assert (await said(server, await chose(server, first, what))).content == say("en", "tree.picture_gone")
    assert len(await server.pictures(server.thread(), 2)) == 2
    assert server.has_threads(1)


async def test_what_was_made_for_adults_is_not_branched_off_to_where_others_read(server: Server) -> None:
    adults = server.fake.channel(server.guild, "adults", nsfw=True)
    await (await server.alice.slash(adults, "imagine", {"prompt": "a fox"})).answered()
    (thread,) = await server.fake.until(lambda: server.fake.threads(adults))
    (first,) = await server.pictures(thread)
    await server.quiet()
    asked = await said(server, await chose(server, first, "fork_to"))
    pressed = await (await server.alice.choose_channel(asked, menu(asked, "fork"), server.channel)).answered()
    assert (await said(server, pressed)).content == say("en", "tree.not_there")
    assert server.fake.messages(server.channel) == []


async def test_what_is_no_longer_there_is_said_to_who_asks(server: Server) -> None:
    first, second = await edited(server, "make it night")
    await (await server.alice.press(first, "Delete")).answered()
    assert "no longer there" in (await said(server, await chose(server, second, "compare"))).content
    async for name in server.bot.core.redis.scan_iter("imagine:1:nodes:*"):
        await server.bot.core.redis.delete(name)
    for what in ("path", "compare", "restore", "fork"):
        assert "no longer kept" in (await said(server, await chose(server, second, what))).content
