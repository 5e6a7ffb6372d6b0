"""What a server decides for itself, and what a thread does."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import NotSent
from core.ports import Capabilities
from core.statuses import Failed, FailureReason
from tests.e2e.discord_server import Server, open_server
from tests.fakes.discord import FakeDiscord, NotAllowed, Person
from tests.fakes.provider import FakeImages

ENDED = {"m1": ("2020-01-01", "m2")}

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]
pytestmark = pytest.mark.lasting_keys("imagine:1:discord:settings:", "imagine:1:choices:")


def manager(server: Server) -> Person:
    role = server.fake.role(server.guild, "managers", manage_guild=True)
    return server.fake.person("manuela", server.guild, roles=[role])


async def decide(server: Server, who: Person, **options: Any) -> str:
    asked = await (await who.slash(server.channel, "imagine-settings", options)).answered()
    assert asked.private
    assert asked.original is not None
    server.bot.gateway._router.desk.settings._cache.clear()  # noqa: SLF001 - as after three seconds
    return asked.original.content


async def answer_to(server: Server, prompt: str = "a fox", **options: Any) -> str:
    asked = await server.imagine(prompt, **options)
    assert asked.original is not None
    return asked.original.content


async def test_settings_are_for_who_manages_the_server(server: Server) -> None:
    with pytest.raises(NotAllowed):
        await server.alice.slash(server.channel, "imagine-settings")
    assert "anyone" in await decide(server, manager(server))


async def test_channels_are_switched_off_and_on(server: Server) -> None:
    who = manager(server)
    shown = await decide(server, who, channel=server.channel, channel_use="off")
    assert f"<#{server.channel.id}>" in shown
    assert "switched off in this channel" in await answer_to(server)
    await decide(server, who, channel=server.channel, channel_use="on")
    await server.first_picture()
    await server.quiet()


async def test_age_restricted_channels_can_be_the_only_ones(server: Server) -> None:
    await decide(server, manager(server), age_restricted="only")
    assert "age-restricted channels only" in await answer_to(server)
    nsfw = server.fake.channel(server.guild, "adults", nsfw=True)
    asked = await (await server.alice.slash(nsfw, "imagine", {"prompt": "a fox"})).answered()
    assert asked.original is not None
    assert asked.original.content.startswith("Taken on")
    await server.quiet()


@pytest.mark.parametrize(("rule", "adults"), [("only", True), ("never", False)])
async def test_a_thread_is_as_age_restricted_as_its_channel(server: Server, rule: str, *, adults: bool) -> None:
    channel = server.fake.channel(server.guild, "adults", nsfw=True)
    await (await server.alice.slash(channel, "imagine", {"prompt": "a fox"})).answered()
    (thread,) = await server.fake.until(lambda: server.fake.threads(channel))
    (first,) = await server.pictures(thread)
    await server.quiet()
    await decide(server, manager(server), age_restricted=rule)
    pressed = await (await server.alice.press(first, "Again")).answered()
    assert pressed.original is not None
    assert pressed.original.content.startswith("Taken on") == adults
    server.alice.send(thread, "make it night")
    if adults:
        await server.pictures(thread, 3)
    else:
        await server.message(thread, lambda seen: "age-restricted" in seen.content)
    await server.quiet()
    assert len(server.bot.images.made) == (3 if adults else 1)


async def test_a_thread_whose_channel_cannot_be_looked_at_is_let_in_by_no_rule_on_age(server: Server) -> None:
    first = await server.first_picture()
    await server.quiet()
    await decide(server, manager(server), age_restricted="never")
    server.fake.faults.fail("GET", f"/channels/{server.channel.id}", 403, code=50001, times=None)
    pressed = await (await server.alice.press(first, "Again")).answered()
    assert pressed.original is not None
    assert "cannot see whether" in pressed.original.content
    server.alice.send(server.thread(), "make it night")
    await server.message(server.thread(), lambda seen: "cannot see whether" in seen.content)
    await server.quiet()
    assert len(server.bot.images.made) == 1


async def test_a_server_keeps_pictures_for_who_asked(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    first = await server.first_picture()
    await server.quiet()
    await decide(server, manager(server), who_may_edit="asker")
    refused = await (await bob.press(first, "Edit")).answered()
    assert refused.original is not None
    assert "only alice" in refused.original.content
    said = bob.send(server.thread(), "make it night")
    answer = await server.message(server.thread(), lambda m: m.reply_to == said.id)
    assert "only alice" in answer.content
    assert len(server.bot.images.made) == 1


async def test_a_number_leads_to_no_picture_that_is_kept_for_somebody_else(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    await server.first_picture("foxes", count=3)
    bob.send(server.thread(), "make it night")
    await server.pictures(server.thread(), 2)
    await server.quiet()
    await decide(server, manager(server), who_may_edit="asker")
    said = bob.send(server.thread(), "#2 make it day")
    answer = await server.message(server.thread(), lambda m: m.reply_to == said.id)
    assert "only alice" in answer.content
    bob.send(server.thread(), "make it dawn")
    await server.pictures(server.thread(), 3)
    await server.quiet()


async def test_the_usual_model_and_shape_are_used_where_nobody_says_otherwise(server: Server) -> None:
    who = manager(server)
    assert "no model called m9" in await decide(server, who, model="m9")
    await decide(server, who, model="m2", aspect_ratio="16:9")
    await server.first_picture()
    await server.quiet()
    job = server.bot.images.sent[-1]
    assert (job.model, job.aspect_ratio) == ("m2", "16:9")


async def test_a_mention_has_the_servers_usual_shape_and_an_edit_keeps_its_own(server: Server) -> None:
    await decide(server, manager(server), aspect_ratio="16:9")
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox")
    await server.pictures(await server.opened())
    await server.quiet()
    await decide(server, manager(server), aspect_ratio="1:1")
    server.alice.send(server.thread(), "make it night")
    await server.pictures(server.thread(), 2)
    await server.quiet()
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a wolf --ar 9:16")
    await server.fake.until(lambda: len(server.bot.images.made) == 3)
    await server.quiet()
    asked = [(job.prompt, job.aspect_ratio) for job in server.bot.images.sent]
    assert (asked[0], asked[2]) == (("a fox", "16:9"), ("a wolf", "9:16"))
    assert asked[1][1] != "1:1"


async def test_a_server_says_which_models_may_be_used(server: Server) -> None:
    who = manager(server)
    assert "no model called m9" in await decide(server, who, allowed_models="m2, m9")
    shown = await decide(server, who, allowed_models="m2,  m1", model="m1", when_down="wait")
    assert "m2, m1" in shown
    assert "turns wait for it" in shown
    shown = await decide(server, who, channel=server.channel, channel_model="m2")
    assert f"<#{server.channel.id}> m2" in shown
    assert "Switched off in:** –" in shown
    await server.first_picture()
    await server.quiet()
    assert server.bot.images.sent[-1].model == "m2"
    assert "m1 is not among them" in await decide(server, who, allowed_models="m2")
    await decide(server, who, allowed_models="m2", model="-")
    assert "only these models may be used: m2. m1 is not among them" in await answer_to(server, model="m1")
    assert "which channel" in await decide(server, who, channel_model="m2")


async def test_only_allowed_models_are_suggested(server: Server) -> None:
    await decide(server, manager(server), allowed_models="m2")
    typed = await server.alice.autocomplete(server.channel, "imagine", "model", "", {"prompt": "a fox"})
    assert [choice["value"] for choice in (await typed.answered()).choices or ()] == ["m2"]


class Panoramic(FakeImages):
    """Its second model draws one shape alone."""

    async def capabilities(self, model: str) -> Capabilities:
        able = await super().capabilities(model)
        return replace(able, aspect_ratios=("21:9",)) if model == "m2" else able


async def test_the_shapes_suggested_are_those_of_the_model_that_would_draw(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    server = await open_server(fake_discord, redis_url, Panoramic())
    for changed, shapes in (({}, "1:1"), ({"model": "m2"}, "21:9")):
        if changed:
            await decide(server, manager(server), **changed)
        typed = await server.alice.autocomplete(server.channel, "imagine", "aspect_ratio", "1", {"prompt": "a fox"})
        assert next(choice["value"] for choice in (await typed.answered()).choices or ()) == shapes
    await server.bot.close()


async def test_the_usual_shape_is_checked_against_the_model_that_would_draw(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    server = await open_server(fake_discord, redis_url, Panoramic(ends=ENDED))
    assert "is not a shape that m2 draws" in await decide(server, manager(server), aspect_ratio="16:9")
    assert "21:9" in await decide(server, manager(server), aspect_ratio="21:9")
    await server.bot.close()


async def test_a_model_that_has_ended_is_neither_suggested_nor_shown(fake_discord: FakeDiscord, redis_url: str) -> None:
    images = FakeImages()
    server = await open_server(fake_discord, redis_url, images)
    await decide(server, manager(server), allowed_models="m1", model="m1")
    images.ends = ENDED
    assert "m1" not in await decide(server, manager(server))
    boss, role = manager(server), server.fake.role(server.guild, "brand")
    rules = (await (await boss.slash(server.channel, "imagine-settings")).answered()).original
    assert rules is not None
    chosen = (await (await boss.choose_roles(rules, "saver_roles", role)).answered()).original
    assert chosen is not None
    assert "m2" in chosen.content
    assert "m1" not in chosen.content
    for who, command, given in (
        (server.alice, "imagine", {"prompt": "a fox"}),
        (manager(server), "imagine-settings", {}),
    ):
        typed = await who.autocomplete(server.channel, command, "model", "", given)
        assert [choice["value"] for choice in (await typed.answered()).choices or ()] == ["m2"]
    await server.bot.close()


async def test_who_draws_in_place_of_a_model_that_was_taken_away_is_said_in_the_channel_and_with_the_picture(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    images = FakeImages(ends={"m1": ("2999-01-01", "m2")}, submits=[NotSent(Failed(FailureReason.MODEL_GONE))])
    server = await open_server(fake_discord, redis_url, images)
    picture = await server.first_picture()
    await server.quiet()
    (announced,) = server.fake.messages(server.channel)
    note = "m1 is no longer offered, so m2 makes this."
    assert announced.content.endswith(f"Done.\n{note}")
    assert note in picture.content
    assert "-# m2" in picture.content
    await server.bot.close()


class Sized(FakeImages):
    """Draws large pictures for more."""

    async def capabilities(self, model: str) -> Capabilities:
        return replace(await super().capabilities(model), sizes=("1K", "4K"), prices={"1K": 67_000, "4K": 151_000})


async def test_suggestions_say_what_so_many_pictures_of_a_size_cost(fake_discord: FakeDiscord, redis_url: str) -> None:
    server = await open_server(fake_discord, redis_url, Sized())
    given: dict[str, Any] = {"prompt": "a fox", "size": "4K", "count": 2}
    for option, labels in (("model", ["m1 ≈ $0.30", "m2 ≈ $0.30"]), ("size", ["1K ≈ $0.13", "4K ≈ $0.30"])):
        others = {name: value for name, value in given.items() if name != option}
        typed = await server.alice.autocomplete(server.channel, "imagine", option, "", others)
        assert [choice["name"] for choice in (await typed.answered()).choices or ()] == labels
    await server.bot.close()


async def test_every_message_is_an_edit_until_the_thread_says_otherwise(server: Server) -> None:
    await server.first_picture()
    await server.quiet()
    asked = await (await server.alice.slash(server.thread(), "imagine-listen", {"on": False})).answered()
    assert asked.original is not None
    assert "only replies and mentions" in asked.original.content
    server.alice.send(server.thread(), "just chatting")
    server.alice.send(server.thread(), f"<@{server.fake.bot.id}> make it night")
    second = (await server.pictures(server.thread(), 2))[-1]
    await server.quiet()
    assert "make it night" in second.content
    assert len(server.bot.images.made) == 2
    await (await server.alice.slash(server.thread(), "imagine-listen", {"on": True})).answered()
    server.alice.send(server.thread(), "and a moon")
    await server.pictures(server.thread(), 3)
    await server.quiet()


async def test_people_are_answered_in_their_language(server: Server) -> None:
    greta = server.fake.person("greta", server.guild, locale="de")
    asked = await (await greta.slash(server.channel, "imagine", {"prompt": "ein Fuchs"})).answered()
    assert asked.original is not None
    assert asked.original.content.startswith("Angenommen.")
    thread = await server.opened()
    (picture,) = await server.pictures(thread)
    await server.quiet()
    assert picture.labels[:3] == ("Ändern", "Noch einmal", "Variationen")


async def test_bots_and_webhooks_are_not_heard(server: Server) -> None:
    await server.first_picture()
    await server.quiet()
    made = len(server.bot.images.made)
    robot = server.fake.person("robot", server.guild)
    robot.user.bot = True
    robot.send(server.thread(), f"<@{server.fake.bot.id}> make it night")
    server.alice.send(server.thread(), "make it day")
    await server.pictures(server.thread(), 2)
    await server.quiet()
    assert len(server.bot.images.made) == made + 1
