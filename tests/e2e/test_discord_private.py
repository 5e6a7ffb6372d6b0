"""Private pictures, and people who brought the bot along: what only an interaction's token can carry."""

from tests.e2e.discord_server import Bot, Server
from tests.fakes.discord import FakeDiscord, Seen
from tests.fakes.provider import FakeImages, png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]


async def picture_of(server: Server, asked: "object") -> Seen:
    def shown() -> Seen | None:
        original = getattr(asked, "original", None)
        return original if original is not None and original.files else None

    seen = await server.fake.until(shown, what="the private picture")
    assert seen is not None
    return seen


async def test_a_private_picture_is_for_one_person_alone(server: Server) -> None:
    bob = server.fake.person("bob", server.guild)
    asked = await server.imagine("a secret", private=True)
    picture = await picture_of(server, asked)
    await server.quiet()
    assert asked.private
    assert picture.files[0].data == png()
    assert picture.labels == ("Edit", "Again", "Variations", "Publish")
    assert server.fake.messages(server.channel, seen_by=bob) == []
    assert server.fake.threads(server.channel) == []


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
    assert published.labels == ("Edit", "Again", "Variations", "Delete", "Shape")
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
