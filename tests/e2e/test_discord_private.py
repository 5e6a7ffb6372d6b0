"""Private pictures, and people who brought the bot along: what only an interaction's token can carry."""

from core.statuses import RefusalReason, Refused
from tests.e2e.discord_server import Bot, Server
from tests.fakes.discord import FakeDiscord, Person, Seen
from tests.fakes.provider import FakeImages, png

MESSAGES = "/channels/{channel_id}/messages"

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]


async def picture_of(server: Server, asked: "object") -> Seen:
    def shown() -> Seen | None:
        original = getattr(asked, "original", None)
        return original if original is not None and original.files else None

    seen = await server.fake.until(shown, what="the private picture")
    assert seen is not None
    return seen


async def show_from_status(server: Server, who: Person) -> Seen:
    """The first kept picture of a person, opened from /imagine-status."""
    listed = await (await who.slash(server.channel, "imagine-status")).answered()
    assert listed.private
    await server.fake.until(lambda: listed.original and listed.original.content)
    assert listed.original is not None
    assert listed.original.content.endswith("ready, and kept for you")
    shown = await (await who.press(listed.original, "Show A")).answered()
    assert shown.private
    return await picture_of(server, shown)


async def test_a_private_picture_is_for_one_person_alone(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    asked = await server.imagine("a secret", private=True)
    picture = await picture_of(server, asked)
    await server.quiet()
    assert asked.private
    assert picture.files[0].data == png()
    assert picture.labels == ("Edit", "Again", "Variations", "Publish", "Go back, compare, branch…")
    assert server.fake.messages(server.channel, seen_by=bob) == []
    assert server.fake.threads(server.channel) == []


async def test_an_answer_that_discord_does_not_know_yet_is_edited_a_moment_later(server: Server) -> None:
    original = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    server.fake.faults.fail("PATCH", original, 404, code=10015)
    asked = await server.imagine("a secret", private=True)
    await picture_of(server, asked)
    await server.quiet()


async def test_no_token_is_readable_in_the_store(server: Server) -> None:
    server.bot.images.held = True
    asked = await server.imagine("a secret", private=True)
    await server.fake.until(lambda: server.bot.images.sent)
    redis = server.bot.core.redis
    names = [name async for name in redis.scan_iter("*")]
    kept = [await redis.dump(name) for name in names]
    assert not [name for name, value in zip(names, kept, strict=True) if asked.token.encode() in (value or b"")]
    tokens = [name for name in names if b":token:" in name]
    assert len(tokens) == 1
    assert 0 < await redis.ttl(tokens[0]) <= 15 * 60
    server.bot.images.release.set()
    await server.quiet()


async def test_a_private_picture_is_edited_privately(server: Server) -> None:
    asked = await server.imagine("a secret", private=True)
    picture = await picture_of(server, asked)
    await server.quiet()
    opened = await (await server.alice.press(picture, "Edit")).answered()
    sent = await (await server.alice.submit(opened, {"prompt": "make it night"})).answered()
    second = await picture_of(server, sent)
    await server.quiet()
    assert sent.private
    assert second.files[0].alt == "make it night ← a secret"
    undone = await (await server.alice.press(second, "Undo")).answered()
    again = await picture_of(server, undone)
    assert undone.private
    assert "a secret" in again.content
    assert server.fake.messages(server.channel) == []


async def test_a_private_picture_can_be_published_once(server: Server) -> None:
    asked = await server.imagine("a secret", private=True)
    picture = await picture_of(server, asked)
    await server.quiet()
    for _ in range(2):
        await (await server.alice.press(picture, "Publish")).answered()
    (published,) = await server.pictures(server.channel)
    assert published.labels == ("Edit", "Again", "Variations", "Delete", "Shape", "Go back, compare, branch…")
    server.alice.send(server.channel, "make it night", reply_to=published)
    await server.pictures(server.channel, 2)
    await server.quiet()
    assert server.bot.images.sent[-1].history is not None


async def test_after_the_tokens_death_the_picture_comes_by_direct_message(server: Server) -> None:
    server.bot.images.held = True
    asked = await server.imagine("a secret", private=True)
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.advance(16 * 60)
    server.bot.images.release.set()
    direct = server.fake.dm(server.alice)
    (picture,) = await server.pictures(direct)
    await server.quiet()
    assert picture.files[0].data == png()
    assert asked.original is not None
    assert asked.original.files == ()
    assert server.fake.messages(server.channel) == []


async def test_closed_direct_messages_leave_it_behind_a_button(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    server.fake.close_dms(server.alice)
    server.bot.images.held = True
    await server.imagine("a secret", private=True)
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.advance(16 * 60)
    server.bot.images.release.set()
    waiting = await server.message(server.channel, lambda m: True)
    await server.quiet()
    assert waiting.files == ()
    assert "secret" not in waiting.content
    refused = await (await bob.press(waiting, "Show")).answered()
    assert refused.original is not None
    assert refused.original.files == ()
    shown = await (await server.alice.press(waiting, "Show")).answered()
    picture = await picture_of(server, shown)
    assert shown.private
    assert picture.files[0].data == png()
    opened = await (await server.alice.press(picture, "Edit")).answered()
    sent = await (await server.alice.submit(opened, {"prompt": "make it night"})).answered()
    await picture_of(server, sent)
    await server.quiet()


async def test_where_the_channel_takes_no_button_it_waits_in_the_persons_status(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    server.fake.close_dms(server.alice)
    server.bot.images.held = True
    await server.imagine("a secret", private=True)
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.advance(16 * 60)
    server.fake.deny(server.channel, "send_messages")
    server.bot.images.release.set()
    await server.quiet()
    assert server.fake.messages(server.channel) == []
    await show_from_status(server, server.alice)
    of_others = await (await bob.slash(server.channel, "imagine-status")).answered()
    assert of_others.original is not None
    assert of_others.original.content == "Nothing of yours is under way."


async def test_what_brought_no_picture_in_time_says_so_by_direct_message(server: Server) -> None:
    server.bot.images.finish_at_once = False
    await server.imagine("a secret", private=True)
    await server.fake.until(lambda: server.bot.images.made)
    server.fake.advance(16 * 60)
    server.bot.images.finish(Refused(RefusalReason.MODERATION))
    direct = server.fake.dm(server.alice)
    await server.message(direct, lambda m: "declined this for its content" in m.content)
    await server.quiet()
    assert server.fake.messages(server.channel) == []


async def test_a_private_picture_whose_post_stumbles_is_brought_once(server: Server) -> None:
    """The post by direct message arrives, its answer does not; the nonce is forgotten before it is tried again."""
    server.bot.images.held = True
    await server.imagine("a secret", private=True)
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.advance(16 * 60)
    direct = server.fake.dm(server.alice)
    path = f"*/channels/{direct.id}/messages"
    server.fake.faults.drop("POST", path, after_effect=True)
    server.fake.faults.fail("POST", path, 503, times=None)
    server.bot.images.release.set()
    await server.pictures(direct)
    refused = len(server.fake.calls_to("POST", MESSAGES))
    await server.fake.until(lambda: len(server.fake.calls_to("POST", MESSAGES)) >= refused + 2)
    server.fake.advance(3600)
    server.fake.faults.clear()
    await server.quiet()
    assert len(await server.pictures(direct)) == 1


async def test_a_public_turn_outlives_its_token(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    server.fake.advance(16 * 60)
    server.bot.images.release.set()
    await server.pictures(server.thread())
    await server.quiet()


async def test_somebody_who_brought_the_bot_along_gets_pictures_where_it_is_no_member(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    bot = await Bot(fake_discord, redis_url, FakeImages()).open()
    try:
        elsewhere = fake_discord.guild("Elsewhere", bot=False)
        channel = fake_discord.channel(elsewhere, "general")
        alice = fake_discord.person("alice", elsewhere)
        alice.install()
        server = Server(fake_discord, bot, elsewhere, channel, alice)
        asked = await server.imagine("a fox")
        picture = await picture_of(server, asked)
        await server.quiet()
        opened = await (await alice.press(picture, "Edit")).answered()
        sent = await (await alice.submit(opened, {"prompt": "make it night"})).answered()
        await picture_of(server, sent)
        await server.quiet()
        assert {call.status for call in fake_discord.calls if call.method == "POST"} <= {200, 204}
    finally:
        await bot.close()


async def test_a_visitors_picture_that_came_too_late_for_everything_waits_in_their_status(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    bot = await Bot(fake_discord, redis_url, FakeImages()).open()
    try:
        elsewhere = fake_discord.guild("Elsewhere", bot=False)
        channel = fake_discord.channel(elsewhere, "general")
        alice = fake_discord.person("alice", elsewhere)
        alice.install()
        fake_discord.close_dms(alice)
        server = Server(fake_discord, bot, elsewhere, channel, alice)
        bot.images.held = True
        await server.imagine("a fox")
        await fake_discord.until(lambda: bot.images.sent)
        fake_discord.advance(16 * 60)
        bot.images.release.set()
        await server.quiet()
        picture = await show_from_status(server, alice)
        assert picture.files[0].data == png()
        opened = await (await alice.press(picture, "Edit")).answered()
        sent = await (await alice.submit(opened, {"prompt": "make it night"})).answered()
        await picture_of(server, sent)
        await server.quiet()
        assert bot.images.sent[-1].history is not None
    finally:
        await bot.close()


async def test_a_group_without_the_bot_sees_what_the_one_who_brought_it_asks_for(
    fake_discord: FakeDiscord, redis_url: str
) -> None:
    bot = await Bot(fake_discord, redis_url, FakeImages()).open()
    try:
        guild = fake_discord.guild("Elsewhere", bot=False)
        alice, bob = (fake_discord.person(name, guild) for name in ("alice", "bob"))
        alice.install()
        group = fake_discord.group(alice, bob)
        server = Server(fake_discord, bot, guild, group, alice)
        asked = await server.imagine("a fox")
        picture = await picture_of(server, asked)
        await server.quiet()
        assert not asked.private
        again = await (await alice.press(picture, "Again")).answered()
        await picture_of(server, again)
        await server.quiet()
    finally:
        await bot.close()
