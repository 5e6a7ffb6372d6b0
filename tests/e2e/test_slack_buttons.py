"""What the buttons do, who may press them, and what only one person sees."""

import asyncio
from dataclasses import replace

import pytest

from adapters.slack.forms import Context
from adapters.slack.posts import short_key
from core.replies import say
from core.turns import TurnId
from tests.e2e.slack_world import World
from tests.fakes.provider import png
from tests.fakes.slack import Shown

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]


async def test_variations_are_four_pictures_in_one_message(world: World) -> None:
    first = await world.first_picture()
    await world.fake.press(world.alice, first.button("Variations"))
    second = (await world.pictures(2))[-1]
    assert len(second.files) == 4


async def test_another_shape_is_the_same_turn_in_that_shape(world: World) -> None:
    first = await world.first_picture()
    await world.fake.choose(world.alice, first.message, _option(first, "9:16"), "ratio")
    await world.pictures(2)
    job = world.bot.images.sent[-1]
    assert (job.prompt, job.aspect_ratio) == ("a fox in the snow", "9:16")


async def test_undo_goes_back_to_the_picture_before(world: World) -> None:
    first = await world.first_picture()
    await world.reply("make it night", first)
    second = (await world.pictures(2))[-1]
    await world.fake.press(world.alice, second.button("Undo"))
    again = (await world.pictures(3))[-1]
    assert "Back to: a fox" in again.text
    assert [file.id for file in again.files] == [file.id for file in first.files]
    again.button("Edit")
    await world.reply("make it spring", first)
    third = (await world.pictures(4))[-1]
    assert third.files[0].alt == "make it spring ← a fox in the snow"


async def test_the_same_press_sent_twice_makes_one_turn(world: World) -> None:
    first = await world.first_picture()
    pressed = await world.fake.press(world.alice, first.button("Again"))
    world.fake.outbox.again(pressed)
    await world.pictures(2)
    await world.until(lambda: len(pressed.attempts) == 2 and pressed.attempts[-1].latency is not None)
    await world.quiet()
    assert len(world.bot.images.made) == 2


async def test_two_people_who_press_at_once_make_one_turn(world: World) -> None:
    bob = world.fake.person(world.team, "bob")
    world.fake.invite(world.channel, bob)
    first = await world.first_picture()
    button = first.button("Again")
    await asyncio.gather(world.fake.press(world.alice, button), world.fake.press(bob, button))
    await world.pictures(2)
    assert len(world.bot.images.made) == 2


async def test_only_the_asker_or_an_admin_cancels(world: World) -> None:
    bob = world.fake.person(world.team, "bob")
    boss = world.fake.person(world.team, "boss", is_admin=True)
    world.bot.images.held = True
    await world.imagine()
    announced = await world.until(
        lambda: next((s for s in world.fake.everything(world.alice, world.channel) if s.buttons), None)
    )
    await world.fake.press(bob, announced.button("Cancel"))
    await world.until(lambda: [s for s in world.fake.everything(bob, world.channel) if s.private])
    told = [s.text for s in world.fake.everything(bob, world.channel) if s.private]
    assert told == ["Only alice or a moderator can do that."]
    await world.fake.press(boss, announced.button("Cancel"))
    await world.until(lambda: "Cancelled" in world.fake.look(world.alice, announced.message).text)
    world.bot.images.release.set()


async def test_a_button_that_nothing_is_kept_of_says_so(world: World) -> None:
    first = await world.first_picture()
    await world.bot.core.redis.flushall()
    await world.fake.press(world.alice, first.button("Again"))
    await world.until(world.whispers)
    assert "no longer kept here" in world.whispers()[0]


async def test_a_forged_key_presses_nothing(world: World) -> None:
    first = await world.first_picture()
    for value in ("", "0" * 20, "../../etc", "x" * 2000, f"{'a' * 20}|16:9"):
        forged = first.button("Again")
        forged.json["value"] = value
        await world.fake.press(world.alice, forged)
    await world.quiet()
    assert len(world.bot.images.made) == 1


async def of_elsewhere(world: World, picture: Shown) -> str:
    """The key of a turn like a picture's, in a workspace that alice is not in."""
    posts = world.bot.chat.posts
    post = await posts.by_message(world.team.id, picture.message.channel.id, picture.ts)
    assert post is not None
    thread = replace(post.conversation, workspace="TELSEWHERE")
    there = replace(post, turn=replace(post.turn, id=TurnId("slack:TELSEWHERE:1"), thread=thread), thread=thread)
    await posts.keep(there)
    return short_key(there.turn.id)


@pytest.mark.parametrize(
    ("label", "filled"), [("Edit", {"prompt": "make it night"}), ("Share to channel", {"channel": "C"})]
)
async def test_a_form_reaches_no_turn_of_another_workspace(world: World, label: str, filled: dict[str, str]) -> None:
    await world.imagine("a secret fox --private")
    (picture,) = await world.pictures(1, world.fake.dm(world.alice))
    await world.fake.press(world.alice, picture.button(label))
    view = await world.until(lambda: world.fake.modal(world.alice))
    view.content["private_metadata"] = Context(key=await of_elsewhere(world, picture)).written()
    field = next(iter(filled))
    await world.fake.submit(world.alice, {field: world.channel.id if field == "channel" else filled[field]})
    assert view.errors == {field: say("en", "slack.button_gone")}
    await world.quiet()
    assert len(world.bot.images.made) == 1


async def test_a_private_picture_is_in_the_persons_own_messages(world: World) -> None:
    await world.imagine("a secret fox --private")
    direct = world.fake.dm(world.alice)
    (picture,) = await world.pictures(1, direct)
    assert world.fake.channel(world.alice, world.channel) == []
    await world.reply("make it night", picture)
    await world.pictures(2, direct)
    assert world.fake.channel(world.alice, world.channel) == []


async def test_a_private_picture_can_be_shared_and_goes_on_there(world: World) -> None:
    await world.imagine("a secret fox --private")
    (picture,) = await world.pictures(1, world.fake.dm(world.alice))
    await world.fake.press(world.alice, picture.button("Share to channel"))
    await world.fake.submit(world.alice, {"channel": world.channel.id})
    (shared,) = await world.pictures()
    bob = world.fake.person(world.team, "bob")
    assert world.fake.look(bob, shared.message).pictures == [png()]
    await world.reply("make it night", shared)
    edited = (await world.pictures(2))[-1]
    assert edited.message.thread_ts == shared.ts
    assert [b.label for b in shared.buttons] == ["Edit", "Again", "Variations"]


async def test_a_private_picture_is_shared_by_nobody_else(world: World) -> None:
    bob = world.fake.person(world.team, "bob")
    await world.imagine("a secret fox --private")
    direct = world.fake.dm(world.alice)
    (picture,) = await world.pictures(1, direct)
    await world.fake.press(bob, picture.button("Share to channel"))
    await world.until(lambda: direct.ephemerals)
    assert [said.text for said in direct.ephemerals] == [say("en", "declined.not_yours", name="alice")]
    assert world.fake.modal(bob) is None


async def test_a_private_picture_that_is_no_longer_kept_is_said_to_be_in_its_form(world: World) -> None:
    await world.imagine("a secret fox --private")
    (picture,) = await world.pictures(1, world.fake.dm(world.alice))
    await world.fake.press(world.alice, picture.button("Share to channel"))
    view = world.fake.modal(world.alice)
    assert view is not None
    await world.bot.core.redis.flushall()
    await world.fake.submit(world.alice, {"channel": world.channel.id})
    assert view.errors == {"channel": say("en", "slack.button_gone")}
    assert world.fake.channel(world.alice, world.channel) == []


async def test_hostile_words_ping_nobody_and_are_shown_as_they_are(world: World) -> None:
    hostile = "<!channel> <!here> <@U0000000004> <https://evil.example|kind> *b* _i_ `c` &amp; @everyone :fire:"
    await world.fake.slash(world.alice, world.channel, "/imagine", hostile)
    (picture,) = await world.pictures()
    assert "<!channel> <!here>" in picture.text
    assert "*b* _i_ `c` &amp; @everyone :fire:" in picture.text
    assert world.fake.pings == []


async def test_long_words_are_cut_where_they_are_shown_and_sent_whole(world: World) -> None:
    long = "fox & " * 60
    await world.imagine(long)
    await world.pictures()
    assert world.bot.images.sent[-1].prompt == " ".join(long.split())


async def test_people_are_answered_in_their_language(world: World) -> None:
    dora = world.fake.person(world.team, "dora", locale="de-DE")
    world.fake.invite(world.channel, dora)
    await world.fake.slash(dora, world.channel, "/imagine", "ein fuchs --ar 7:3")
    told = [s.text for s in world.fake.everything(dora, world.channel) if s.private]
    assert "7:3" in told[0]
    assert "is not a shape" not in told[0]


def _option(shown: Shown, ratio: str) -> str:
    menu = next(e for block in shown.message.blocks for e in block.get("elements", ()) if e.get("action_id") == "ratio")
    return str(next(o["value"] for o in menu["options"] if o["value"].endswith(ratio)))
