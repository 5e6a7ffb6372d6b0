"""Pictures that people mean without attaching them, on Discord."""

from tests.e2e.discord_server import Server
from tests.fakes.discord import Seen, Upload
from tests.fakes.provider import png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

WATERCOLOUR = "this as a watercolour"


def photo(server: Server, name: str = "photo.png", colour: str = "red") -> Seen:
    return server.alice.send(server.channel, "look", files=[Upload(name, png(colour))])


async def made(server: Server) -> Seen:
    (picture,) = await server.pictures(await server.opened())
    await server.quiet()
    return picture


async def test_a_reply_to_somebodys_picture_works_from_it(server: Server) -> None:
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> make it a winter scene", reply_to=photo(server))
    picture = await made(server)
    assert "Using: photo.png, replied to." in picture.content
    assert len(server.bot.images.made[0][1].references) == 1


async def test_what_is_attached_is_numbered_before_what_is_replied_to(server: Server) -> None:
    logo = Upload("logo.png", png("blue"))
    words = f"<@{server.fake.bot.id}> put image 1 on image 2"
    server.alice.send(server.channel, words, reply_to=photo(server), files=[logo])
    picture = await made(server)
    assert "Using: logo.png (1), photo.png, replied to (2)." in picture.content
    assert server.bot.images.uploads[0].data == png("blue") or server.bot.images.uploads[1].data == png("blue")
    assert "image 1 is “logo.png”; image 2 is “photo.png”" in server.bot.images.made[0][1].prompt


async def test_this_is_the_newest_picture_of_the_channel(server: Server) -> None:
    photo(server, "older.png")
    photo(server, "newest.png", "blue")
    server.alice.send(server.channel, "nice")
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> {WATERCOLOUR}")
    picture = await made(server)
    assert f"Using: newest.png by {server.alice.name}, the newest here." in picture.content
    assert [upload.data for upload in server.bot.images.uploads] == [png("blue")]


async def test_this_in_a_command_is_the_newest_picture_too(server: Server) -> None:
    photo(server)
    await server.imagine(WATERCOLOUR)
    assert "photo.png" in (await made(server)).content


async def test_no_picture_of_the_channel_is_taken_that_nobody_points_at(server: Server) -> None:
    photo(server)
    before = len(server.fake.calls)
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox in the snow")
    assert "Using" not in (await made(server)).content
    assert ("GET", "/channels/{channel_id}/messages") not in [
        (call.method, call.template) for call in server.fake.calls[before:]
    ]


async def test_this_without_a_picture_says_what_to_do_and_spends_nothing(server: Server) -> None:
    asked = server.alice.send(server.channel, f"<@{server.fake.bot.id}> {WATERCOLOUR}")
    answer = await server.message(server.channel, lambda seen: seen.reply_to == asked.id)
    assert "no picture here that you could mean" in answer.content
    assert server.bot.images.sent == []


async def test_a_picture_that_discord_hides_from_us_is_said_to_be_hidden(blind_server: Server) -> None:
    server = blind_server
    asked = server.alice.send(server.channel, f"<@{server.fake.bot.id}> {WATERCOLOUR}", reply_to=photo(server))
    answer = await server.message(server.channel, lambda seen: seen.reply_to == asked.id)
    assert "Use as reference" in answer.content
    assert server.bot.images.sent == []


async def test_a_reply_to_somebodys_picture_in_our_thread_takes_it_into_the_edit(server: Server) -> None:
    await server.first_picture()
    logo = server.alice.send(server.thread(), "wait", files=[Upload("logo.png", png("blue"))])
    await server.pictures(server.thread(), 2)
    server.alice.send(server.thread(), "put this on it", reply_to=logo)
    picture = (await server.pictures(server.thread(), 3))[-1]
    await server.quiet()
    assert "Using: logo.png, replied to (1)." in picture.content


async def test_nobody_gets_a_picture_of_what_they_may_not_read(server: Server) -> None:
    photo(server)
    server.fake.deny(server.channel, "read_message_history", who=server.alice)
    told = await server.imagine(WATERCOLOUR)
    assert "You may not read earlier messages" in str(told.original and told.original.content)
    asked = server.alice.send(server.channel, f"<@{server.fake.bot.id}> {WATERCOLOUR}")
    answer = await server.message(server.channel, lambda seen: seen.reply_to == asked.id)
    assert "You may not read earlier messages" in answer.content
    told = await (await server.alice.slash(server.channel, "imagine-history")).answered()
    assert "You may not read earlier messages" in str(told.original and told.original.content)
    assert server.bot.images.sent == []
    server.alice.send(server.channel, f"<@{server.fake.bot.id}> a fox in the snow")
    assert "Using" not in (await made(server)).content


async def test_what_a_role_is_denied_or_granted_in_a_channel_counts_in_its_threads(server: Server) -> None:
    await server.first_picture()
    await server.quiet()
    thread = server.fake.thread(server.channel, "talk", by=server.alice)
    readers = server.fake.role(server.guild, "readers")
    server.fake.deny(server.channel, "read_message_history", who=server.guild.everyone_role)
    server.fake.allow(server.channel, "read_message_history")
    server.alice.send(thread, "look", files=[Upload("photo.png", png("red"))])
    asked = server.alice.send(thread, f"<@{server.fake.bot.id}> {WATERCOLOUR}")
    answer = await server.message(thread, lambda seen: seen.reply_to == asked.id)
    assert "You may not read earlier messages" in answer.content
    server.fake.world.add_member_role(server.guild.id, server.alice.id, readers.id)
    server.fake.allow(server.channel, "read_message_history", who=readers)
    server.alice.send(thread, f"<@{server.fake.bot.id}> {WATERCOLOUR}")
    (picture,) = await server.pictures(thread)
    await server.quiet()
    assert "photo.png by alice, the newest here" in picture.content
