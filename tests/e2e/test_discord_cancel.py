"""Cancel, pressed at each point of a turn's way: it ends, or it is said that it is too late."""

import asyncio

import pytest

from core.errors import AnswerLost, Unavailable
from core.pictures import Picture
from core.ports import Upload
from core.statuses import Failed, FailureReason, Running
from tests.e2e.discord_server import Server
from tests.fakes.discord import Invocation
from tests.fakes.discord import Upload as Attached
from tests.fakes.provider import FakeImages, png

pytest_plugins = ["tests.fakes.discord.fixtures", "tests.e2e.discord_fixtures"]

MESSAGES = "/channels/{channel_id}/messages"


async def cancel(server: Server) -> str:
    """Press Cancel, and read the private answer."""
    announced = await server.message(server.channel, lambda m: "Cancel" in m.labels)
    pressed: Invocation = await (await server.alice.press(announced, "Cancel")).answered()
    assert pressed.private
    assert pressed.original is not None
    return pressed.original.content


async def cancelled(server: Server) -> None:
    """The announcement says so, has no button any more, and no picture comes."""
    ended = await server.message(server.channel, lambda m: "Cancelled." in m.content)
    await server.quiet()
    assert ended.labels == ()
    places = [server.channel, *server.fake.threads(server.channel)]
    assert not [seen for place in places for seen in server.fake.messages(place) if seen.files]


async def drawing(server: Server) -> None:
    """A turn whose request is at the service, and stays there."""
    server.bot.images.finish_at_once = False
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.made)


async def test_a_turn_in_line_is_cancelled_before_anything_is_sent(server: Server) -> None:
    server.bot.images.held = True
    bob = server.fake.person("bob", server.guild)
    for _ in range(4):
        await server.imagine("an owl", by=bob)
    await server.fake.until(lambda: len(server.bot.images.sent) == 4)
    await server.imagine("one too many", by=bob)
    waiting = await server.message(server.channel, lambda m: "In line" in m.content)
    pressed = await (await bob.press(waiting, "Cancel")).answered()
    assert pressed.original is not None
    assert pressed.original.content.startswith("Cancelling")
    await server.message(server.channel, lambda m: m.id == waiting.id and "Cancelled." in m.content)
    server.bot.images.release.set()
    await server.quiet()
    assert "one too many" not in [job.prompt for job in server.bot.images.sent]


async def test_a_turn_whose_references_are_being_prepared_is_cancelled_before_anything_is_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def upload(images: FakeImages, picture: Picture) -> Upload:
        arrived.set()
        await go_on.wait()
        return Upload("https://store/reference", picture.media_type)

    monkeypatch.setattr(FakeImages, "upload", upload)
    await server.imagine("with this", reference1=Attached("cat.png", png("red")))
    await asyncio.wait_for(arrived.wait(), 10)
    assert (await cancel(server)).startswith("Cancelling")
    go_on.set()
    await cancelled(server)
    assert server.bot.images.sent == []


async def test_a_turn_that_was_sent_is_cancelled_while_the_service_keeps_its_answer(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    assert (await cancel(server)).startswith("Cancelling")
    await cancelled(server)
    server.bot.images.release.set()


async def test_a_turn_in_the_services_own_line_is_cancelled(server: Server) -> None:
    await drawing(server)
    assert (await cancel(server)).startswith("Cancelling")
    await cancelled(server)
    server.bot.images.finish()


async def test_a_turn_that_is_being_drawn_is_cancelled_and_may_still_cost(server: Server) -> None:
    await drawing(server)
    server.bot.images.finish(Running())
    await server.message(server.channel, lambda m: "Drawing with" in m.content or "Sent to" in m.content)
    assert (await cancel(server)).startswith("Cancelling")
    await cancelled(server)
    (announced,) = server.fake.messages(server.channel)
    assert "may still charge" in announced.content
    server.bot.images.finish()


async def test_a_turn_whose_answer_was_lost_is_cancelled_while_it_is_looked_for(server: Server) -> None:
    images = server.bot.images
    images.finish_at_once = False
    images.submits.append(AnswerLost())
    silence = [Unavailable(Failed(FailureReason.UNREACHABLE, 1.0)) for _ in range(100)]
    images.troubles["recent"] = list(silence)
    await server.imagine("a fox")
    await server.message(server.channel, lambda m: "fell silent" in m.content)
    assert (await cancel(server)).startswith("Cancelling")
    await cancelled(server)
    assert len(images.made) == 1, "it is not sent again either"


async def test_a_turn_that_is_being_posted_can_no_longer_be_cancelled_and_says_so(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    await server.fake.until(lambda: server.bot.images.sent)
    posting = server.fake.faults.hold("POST", MESSAGES)
    server.bot.images.release.set()
    await posting.arrived()
    assert await cancel(server) == "That is already finished."
    posting.release()
    await server.pictures(server.thread())
    await server.quiet()
    (announced,) = server.fake.messages(server.channel)
    assert announced.content.endswith("Done.")


async def test_a_turn_that_is_cancelled_while_its_picture_is_fetched_posts_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def download(images: FakeImages, output: object) -> bytes:
        arrived.set()
        await go_on.wait()
        return png()

    monkeypatch.setattr(FakeImages, "download", download)
    await server.imagine("a fox")
    await asyncio.wait_for(arrived.wait(), 10)
    assert (await cancel(server)).startswith("Cancelling")
    go_on.set()
    await cancelled(server)


async def test_a_turn_that_is_over_says_so_to_who_cancels_it_from_an_old_screen(server: Server) -> None:
    server.bot.images.held = True
    await server.imagine("a fox")
    announced = await server.message(server.channel, lambda m: "Cancel" in m.labels)
    server.bot.images.release.set()
    hold = server.fake.faults.hold("PATCH", "/channels/{channel_id}/messages/{message_id}")
    await hold.arrived()
    pressed = await (await server.alice.press(announced, "Cancel")).answered()
    assert pressed.original is not None
    assert pressed.original.content == "That is already finished."
    hold.release()
    await server.quiet()
