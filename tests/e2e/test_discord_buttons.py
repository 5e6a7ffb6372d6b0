"""Buttons, forms and menus: they work for as long as the conversation is kept, and once."""

import asyncio
from functools import partial

from core.statuses import RefusalReason, Refused
from core.turns import Operation
from tests.conftest import wait_until
from tests.e2e.discord_server import Server
from tests.fakes.discord import Upload
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]


async def test_the_edit_button_asks_what_to_change(server: Server) -> None:
    first = await server.first_picture()
    opened = await (await server.alice.press(first, "Edit")).answered()
    sent = await server.alice.submit(
        opened,
        {
            "What should it become?": "make it night",
            "Pictures to work from": Upload("moon.png", png("white")),
            "Shape": "16:9",
        },
    )
    await sent.answered()
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    job = server.bot.images.sent[-1]
    assert (job.prompt.splitlines()[0], job.aspect_ratio, len(job.references)) == ("make it night", "16:9", 1)
    assert job.history is not None
    assert "make it night" in second.content


async def test_the_form_lets_one_choose_among_several_pictures(server: Server) -> None:
    first = await server.first_picture("foxes", count=3)
    await server.quiet()
    opened = await (await server.alice.press(first, "Edit")).answered()
    await (await server.alice.submit(opened, {"prompt": "closer", "which": "3"})).answered()
    await server.pictures(server.thread(), 2)
    await server.quiet()
    history = server.bot.images.sent[-1].history
    assert history is not None
    record = await server.bot.core.conversations.head(server.key())
    assert record is not None
    node = await server.bot.core.conversations.node(server.key(), record.node)
    assert node is not None
    assert node.parent is not None
    assert node.parent.index == 2


async def test_again_variations_and_a_shape_go_on_from_the_picture(server: Server) -> None:
    first = await server.first_picture()
    await (await server.alice.press(first, "Again")).answered()
    again = (await server.pictures(server.thread(), 2))[-1]
    assert "a fox in the snow" in again.content
    await (await server.alice.press(first, "Variations")).answered()
    four = (await server.pictures(server.thread(), 3))[-1]
    assert len(four.files) == 4
    shape = next(control for control in first.controls if control.values)
    await (await server.alice.select(first, str(shape.custom_id), "9:16")).answered()
    await server.pictures(server.thread(), 4)
    await server.quiet()
    assert server.bot.images.sent[-1].aspect_ratio == "9:16"
    nodes = [await server.node_of(seen) for seen in await server.pictures(server.thread(), 4)]
    assert [node.operation for node in nodes] == [
        Operation.IMAGINE,
        Operation.AGAIN,
        Operation.VARIATIONS,
        Operation.AGAIN,
    ]


async def test_undo_goes_back_and_shows_the_parent_again(server: Server) -> None:
    await server.first_picture()
    server.alice.send(server.thread(), "make it night")
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    pressed = await (await server.alice.press(second, "Undo")).answered()
    shown = (await server.pictures(server.thread(), 3))[-1]
    assert pressed.original is not None
    assert pressed.original.content == "Back to: a fox in the snow"
    assert "a fox in the snow" in shown.content
    assert "Undo" not in shown.labels
    server.alice.send(server.thread(), "make it spring")
    fourth = (await server.pictures(server.thread(), 4))[-1]
    await server.quiet()
    assert fourth.files[0].alt == "make it spring ← a fox in the snow"
    server.alice.send(server.thread(), "make it autumn", reply_to=shown)
    fifth = (await server.pictures(server.thread(), 5))[-1]
    await server.quiet()
    assert fifth.files[0].alt == "make it autumn ← a fox in the snow"


async def test_a_button_pressed_twice_or_by_two_has_one_effect(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    first = await server.first_picture()
    await server.quiet()
    pressed = await asyncio.gather(*(who.press(first, "Again") for who in (server.alice, server.alice, bob)))
    for press in pressed:
        await press.answered()
    await server.pictures(server.thread(), 2)
    await server.quiet()
    assert len(server.bot.images.made) == 2
    answers = sorted(str(press.original.content)[:8] for press in pressed if press.original)
    assert answers == ["Somebody", "Somebody", "Taken on"]


async def test_buttons_work_after_a_restart_of_everything(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    await server.bot.close()
    await server.bot.open()
    opened = await (await server.alice.press(first, "Edit")).answered()
    await (await server.alice.submit(opened, {"prompt": "make it night"})).answered()
    await server.pictures(server.thread(), 2)
    await server.quiet()


async def test_a_button_whose_turn_is_no_longer_kept_says_what_to_do(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    async for key in server.bot.core.redis.scan_iter("imagine:1:discord:turn:*"):
        await server.bot.core.redis.delete(key)
    for label in ("Edit", "Again"):
        pressed = await (await server.alice.press(first, label)).answered()
        assert pressed.private
        assert pressed.original is not None
        assert "no longer kept" in pressed.original.content


async def test_cancel_is_for_who_asked_and_for_moderators(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    role = server.fake.role(server.guild, "moderators", manage_messages=True)
    mallory = server.fake.person("mallory", server.guild, roles=[role])
    server.bot.images.held = True
    for who, effect in ((bob, "Only alice or a moderator"), (mallory, "Cancelling")):
        await server.imagine("a fox")
        announced = await server.message(server.channel, lambda m: "Cancel" in m.labels)
        pressed = await (await who.press(announced, "Cancel")).answered()
        assert pressed.private
        assert pressed.original is not None
        assert pressed.original.content.startswith(effect)
        await (await server.alice.press(announced, "Cancel")).answered()
        await server.fake.until(lambda: not [m for m in server.fake.messages(server.channel) if "Cancel" in m.labels])
    server.bot.images.release.set()
    await server.quiet()


async def test_cancel_works_while_a_turn_waits_in_line(server: Server) -> None:
    server.bot.images.held = True
    for _ in range(6):
        await server.imagine("a fox")
    waiting = await server.message(server.channel, lambda m: "In line" in m.content)
    await (await server.alice.press(waiting, "Cancel")).answered()
    await server.message(server.channel, lambda m: m.content.endswith("Cancelled."))
    server.bot.images.release.set()
    await server.quiet()
    assert len(server.bot.images.made) == 5


async def test_status_lists_what_is_under_way_and_cancels_it(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    asked = await (await server.alice.slash(server.channel, "imagine-status")).answered()
    assert asked.private
    assert asked.original is not None
    assert asked.original.content == "1. a fox — being drawn · ≤ $0.01"
    await (await server.alice.press(asked.original, "Cancel 1")).answered()
    await server.message(server.channel, lambda m: "Cancelled" in m.content)
    server.bot.images.release.set()
    await server.quiet()
    asked = await (await server.alice.slash(server.channel, "imagine-status")).answered()
    assert asked.original is not None
    assert asked.original.content == "Nothing of yours is under way."


async def test_anybodys_picture_can_be_edited_or_used_from_its_menu(blind_server: Server) -> None:
    server = blind_server
    bob = server.fake.person("bob", server.guild, avatar=png("red"))
    posted = bob.send(server.channel, "my cat", files=[Upload("cat.png", png("red"))])
    for number, menu in enumerate(("Edit this image", "Use as reference"), 1):
        opened = await (await server.alice.message_menu(posted, menu)).answered()
        await (await server.alice.submit(opened, {"prompt": "as a watercolour"})).answered()
        await server.fake.until(partial(server.has_threads, number))
        await server.quiet()
        assert len(server.bot.images.sent[-1].references) == 1
    opened = await (await server.alice.user_menu(server.channel, bob, "Use avatar as reference")).answered()
    await (await server.alice.submit(opened, {"prompt": "as a knight"})).answered()
    await server.fake.until(lambda: len(server.fake.threads(server.channel)) == 3)
    await server.quiet()
    assert len(server.bot.images.sent[-1].references) == 1
    nothing = bob.send(server.channel, "only words")
    refused = await (await server.alice.message_menu(nothing, "Use as reference")).answered()
    assert refused.original is not None
    assert refused.original.content == "There is no picture in that message."


async def test_the_menu_of_our_own_picture_edits_it(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    opened = await (await server.alice.message_menu(first, "Edit this image")).answered()
    await (await server.alice.submit(opened, {"prompt": "make it night"})).answered()
    await server.pictures(server.thread(), 2)
    await server.quiet()
    assert server.bot.images.sent[-1].history is not None


async def test_people_delete_their_own_results_and_go_on_from_them(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    first = await server.first_picture()
    server.alice.send(server.thread(), "make it night")
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    refused = await (await bob.press(first, "Delete")).answered()
    assert refused.original is not None
    assert refused.original.content == "Only alice or a moderator can do that."
    await (await server.alice.press(first, "Delete")).answered()
    await server.fake.until(lambda: len([m for m in server.fake.messages(server.thread()) if m.files]) == 1)
    node = await server.node_of(second)
    assert node.parent is not None

    async def removed() -> bool:
        parent = await server.bot.core.conversations.node(server.key(), node.parent.node) if node.parent else None
        return parent is not None and parent.removed

    await wait_until(removed)
    server.alice.send(server.thread(), "and a moon")
    await server.pictures(server.thread(), 2)
    await server.quiet()


async def test_autocomplete_offers_models_and_the_shapes_they_draw(server: Server) -> None:
    typed = await server.alice.autocomplete(server.channel, "imagine", "aspect_ratio", "16", {"prompt": "a fox"})
    await server.fake.until(lambda: typed.choices is not None)
    assert [choice["value"] for choice in typed.choices or ()] == ["16:9", "9:16"]
    typed = await server.alice.autocomplete(server.channel, "imagine", "model", "m", {"prompt": "a fox"})
    await server.fake.until(lambda: typed.choices is not None)
    assert [choice["value"] for choice in typed.choices or ()] == ["m1", "m2"]


async def test_a_failed_turn_offers_to_be_tried_again(server: Server) -> None:

    server.bot.images.finish_at_once = False
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.made)
    server.bot.images.finish(Refused(RefusalReason.MODERATION))
    failed = await server.message(server.channel, lambda m: "Again" in m.labels)
    assert "declined this for its content" in failed.content
    server.bot.images.finish_at_once = True
    await (await server.alice.press(failed, "Again")).answered()
    await server.fake.until(lambda: len(server.bot.images.made) == 2)
    await server.quiet()
