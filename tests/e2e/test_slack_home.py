"""App Home: one's turns, money, defaults and pictures; and the rules of a workspace."""

from dataclasses import replace

import pytest

from core.choices import Choices
from core.ports import Capabilities
from tests.e2e.slack_world import World, open_world
from tests.fakes.provider import FakeImages
from tests.fakes.slack import FakeSlack, User, View
from tests.fakes.slack.text import readable

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]
pytestmark = pytest.mark.lasting_keys("imagine:1:slack:settings:", "imagine:1:choices:")


async def home(world: World, user: User) -> View:
    calls = len(world.fake.calls("views.publish"))
    await world.fake.open_home(user)
    await world.until(lambda: len(world.fake.calls("views.publish")) > calls)
    view = world.fake.home(user)
    assert view is not None
    return view


def boss_of(world: World) -> User:
    boss = world.fake.person(world.team, "boss", is_admin=True)
    world.fake.invite(world.channel, boss)
    return boss


async def test_home_shows_turns_money_and_pictures(world: World) -> None:
    await world.first_picture("a fox in the snow")
    world.bot.images.held = True
    await world.imagine("a slow wolf")
    await world.until(lambda: len(world.bot.images.sent) == 2)
    view = await home(world, world.alice)
    words = readable(view.blocks)
    assert "a slow wolf – being drawn · ≤ $0.01" in words
    assert "a fox in the snow" in words
    assert "estimated: $0.00 of" in words
    assert "/archives/" in str(view.blocks)
    await world.fake.press(world.alice, view, "home_cancel")
    world.bot.images.release.set()
    await world.quiet()
    assert len(world.fake.pictures(world.alice, world.channel)) == 1


async def test_home_is_a_way_to_begin(world: World) -> None:
    view = await home(world, world.alice)
    await world.fake.press(world.alice, view, "home_begin")
    await world.fake.submit(world.alice, {"prompt": "a fox", "channel": world.channel.id})
    await world.pictures()


async def test_what_somebody_usually_wants_is_kept(world: World) -> None:
    view = await home(world, world.alice)
    await world.fake.choose(world.alice, view, "9:16", "home_ratio")
    await world.fake.choose(world.alice, view, "m2", "home_model")
    await world.imagine("a fox")
    await world.pictures()
    assert (world.bot.images.sent[-1].aspect_ratio, world.bot.images.sent[-1].model) == ("9:16", "m2")


async def test_only_admins_are_shown_and_may_change_the_rules(world: World) -> None:
    view = await home(world, world.alice)
    assert "home_settings" not in str(view.blocks)
    boss = boss_of(world)
    forged = world.fake.element(await home(world, boss), "home_settings")
    await world.fake.press(world.alice, forged)
    await world.until(lambda: world.fake.calls("chat.postEphemeral"))
    assert world.fake.modal(world.alice) is None


async def test_rules_of_a_workspace_are_kept_to(world: World) -> None:
    first = await world.first_picture()
    boss = boss_of(world)
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"editors": "asker", "every_message": "no", "ratio": "16:9"})
    bob = world.fake.person(world.team, "bob")
    world.fake.invite(world.channel, bob)
    await world.fake.press(bob, first.button("Again"))
    await world.until(lambda: [s for s in world.fake.everything(bob, world.channel) if s.private])
    told = [s.text for s in world.fake.everything(bob, world.channel) if s.private]
    assert told == ["In this workspace only alice, who asked for it, and workspace admins may edit this picture."]
    await world.reply("nice", first)
    await world.quiet()
    assert len(world.bot.images.made) == 1
    await world.imagine("a wolf")
    await world.pictures(2)
    assert world.bot.images.sent[-1].aspect_ratio == "16:9"


async def test_a_workspace_says_which_models_may_be_used(world: World) -> None:
    boss = boss_of(world)
    await world.fake.press(boss, await home(world, boss), "home_settings")
    chosen = {"allowed": ["m1", "m2"], "model": "m1", "model_channel": world.channel.id, "channel_model": "m2"}
    await world.fake.submit(boss, chosen | {"when_down": "wait"})
    await world.imagine("a fox")
    await world.pictures()
    assert world.bot.images.sent[-1].model == "m2"
    assert (await world.bot.core.choices.of_workspace("slack", world.team.id)).when_down == "wait"
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"allowed": ["m2"], "model": "m2"})
    await world.imagine("a wolf --model m1")
    assert "m1 is not among them" in world.whispers()[-1]
    view = await home(world, world.alice)
    models = world.fake.element(view, "home_model")
    assert "m1" not in str(models.json)


class Panoramic(FakeImages):
    """Its second model draws one shape alone."""

    async def capabilities(self, model: str) -> Capabilities:
        able = await super().capabilities(model)
        return replace(able, aspect_ratios=("21:9",)) if model == "m2" else able


async def test_shapes_are_those_of_the_model_that_would_draw(fake_slack: FakeSlack, redis_url: str) -> None:
    images = Panoramic()
    world = await open_world(fake_slack, redis_url, images=images)
    boss = boss_of(world)

    async def form_of(user: User) -> str:
        await world.until(lambda: world.fake.modal(user))
        view = world.fake.modal(user)
        assert view is not None
        return str(view.blocks)

    async def shapes() -> list[str]:
        """Of App Home, of the form for a picture, and of the workspace's rules."""
        await world.fake.slash(world.alice, world.channel, "/imagine", "")
        await world.fake.press(boss, await home(world, boss), "home_settings")
        shown = str(world.fake.element(await home(world, world.alice), "home_ratio").json)
        offered = (shown, await form_of(world.alice), await form_of(boss))
        return [ratio for one in offered for ratio in ("21:9", "16:9") if ratio in one]

    assert await shapes() == ["16:9"] * 3
    images.ends = {"m1": ("2020-01-01", "m2")}
    assert await shapes() == ["21:9"] * 3
    images.ends = {}
    await world.bot.core.choices.change("slack", world.team.id, Choices(model="m2"))
    assert await shapes() == ["21:9"] * 3
    await world.bot.close()


async def test_a_model_that_has_ended_is_not_offered(fake_slack: FakeSlack, redis_url: str) -> None:
    world = await open_world(fake_slack, redis_url, images=FakeImages(ends={"m1": ("2020-01-01", "m2")}))
    boss = boss_of(world)
    chosen = Choices(allowed=("m1",), model="m1", channels={world.channel.id: "m1"})
    await world.bot.core.choices.change("slack", world.team.id, chosen)
    view = await home(world, boss)
    assert "m1" not in str(world.fake.element(view, "home_model").json)
    await world.fake.press(boss, view, "home_settings")
    opened = world.fake.modal(boss)
    assert opened is not None
    form = str(opened.blocks)
    assert "m2" in form
    assert "m1" not in form
    await world.fake.submit(boss, {"model": "m2"})
    await world.until(lambda: world.fake.modal(boss) is None)
    known = await world.bot.core.choices.of_workspace("slack", world.team.id)
    assert known == Choices(allowed=("m2",), model="m2", channels={world.channel.id: "m2"})
    await world.bot.close()


async def test_a_channel_can_be_switched_off(world: World) -> None:
    boss = boss_of(world)
    other = world.fake.new_channel(world.team, "pictures", [world.alice])
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"off": [world.channel.id]})
    await world.imagine("a fox")
    assert "switched off in this channel" in world.whispers()[0]
    assert not world.bot.images.sent
    await world.fake.slash(world.alice, other, "/imagine", "a fox")
    await world.pictures(channel=other)


async def test_a_channel_that_was_switched_off_stays_so_until_it_is_switched_on(world: World) -> None:
    boss = boss_of(world)
    for off in ([world.channel.id], None):
        await world.fake.press(boss, await home(world, boss), "home_settings")
        await world.fake.submit(boss, {"off": off} if off else {})
        await world.imagine("a fox")
    assert len(world.whispers()) == 2
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"off": []})
    await world.imagine("a fox")
    await world.pictures()


async def test_a_bot_may_be_kept_to_chosen_channels(world: World) -> None:
    boss = boss_of(world)
    other = world.fake.new_channel(world.team, "pictures", [world.alice])
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"only": [other.id]})
    await world.imagine("a fox")
    assert "switched off in this channel" in world.whispers()[0]
    await world.fake.slash(world.alice, other, "/imagine", "a fox")
    await world.pictures(channel=other)


async def test_rules_that_no_model_keeps_are_refused_in_the_form(world: World) -> None:
    boss = boss_of(world)
    await world.fake.press(boss, await home(world, boss), "home_settings")
    view = world.fake.modal(boss)
    assert view is not None
    ratios = next(block["element"] for block in view.blocks if block["block_id"] == "ratio")
    ratios["options"].append({"text": {"type": "plain_text", "text": "7:3"}, "value": "7:3"})
    await world.fake.submit(boss, {"ratio": "7:3"})
    assert "7:3 is not a shape" in view.errors["ratio"]


async def test_a_workspace_that_removes_the_app_takes_its_rules_along_and_one_that_loses_a_person_does_not(
    world: World,
) -> None:
    boss = boss_of(world)
    await world.fake.press(boss, await home(world, boss), "home_settings")
    await world.fake.submit(boss, {"editors": "asker"})
    (name,) = await world.bot.core.redis.keys("imagine:1:slack:settings:*")
    await world.fake.send_event(world.team, {"type": "tokens_revoked", "tokens": {"oauth": [boss.id]}}).settled.wait()
    assert await world.bot.core.redis.exists(name)
    for delivery in world.fake.uninstall(world.team):
        await delivery.settled.wait()
    assert not await world.bot.core.redis.exists(name)


async def test_the_messages_of_the_app_are_no_home(world: World) -> None:
    delivery = await world.fake.open_home(world.alice, "messages")
    assert delivery is not None
    await delivery.settled.wait()
    assert world.fake.calls("views.publish") == []


async def test_a_workspace_that_we_are_not_in_is_not_answered(world: World) -> None:
    other = world.fake.workspace("Elsewhere", install=False)
    await world.fake.send_event(other, {"type": "app_home_opened", "user": "U1", "tab": "home"}).settled.wait()
    assert world.fake.calls("views.publish") == []
