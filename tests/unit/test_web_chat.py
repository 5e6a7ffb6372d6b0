"""The workspace behind the port when its store or its disk fails, and how long it keeps what."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.web import WebChat, Workspace
from adapters.web.messages import Author, Message, announcement_id, thread_key
from adapters.web.render import message_json
from adapters.web.workspace import MOST_MESSAGES, web_key
from core.errors import PlatformBusy, PlatformGone
from core.pictures import Picture
from core.ports import Announcement, Image, Notice, Result, Stage
from core.turns import Person, Reference, Turn, turn_id
from tests.fakes.web_site import DAY

DRAWING = Notice(Stage.DRAWING)
RESULT = Result((Image(Picture.of(b"bytes", "image/png", (3, 2)), "a fox", "fox.png"),), "m1")
TURN = Turn(turn_id("web", "local", "u.1"), thread_key("general"), Person("web", "local", "u", "Ada"), "a fox", 1.0)
THERE = Announcement(thread_key("general", announcement_id(TURN.id)), announcement_id(TURN.id))


@pytest.fixture
def workspace(redis: Redis, tmp_path: Path) -> Workspace:
    return Workspace(redis, tmp_path / "pictures", ttl=DAY)


@pytest.fixture
def chat(workspace: Workspace) -> WebChat:
    return WebChat(workspace)


def words(number: int, **changes: str) -> Message:
    return Message(f"w{number:024x}", "general", Author("u", "Ada"), float(number), text=str(number), **changes)  # type: ignore[arg-type]


async def test_a_store_that_is_away_is_busy_not_gone(tmp_path: Path) -> None:
    async with Redis(unix_socket_path=str(tmp_path / "nowhere"), retry=Retry(NoBackoff(), 0)) as redis:
        chat = WebChat(Workspace(redis, tmp_path, ttl=DAY))
        for call in (
            chat.announce(TURN, DRAWING, repeated=False),
            chat.update(TURN, THERE, DRAWING),
            chat.deliver(TURN, THERE, RESULT, repeated=False),
        ):
            with pytest.raises(PlatformBusy):
                await call


async def test_a_disk_that_is_full_is_busy_not_gone(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    chat = WebChat(Workspace(redis, tmp_path / "file", ttl=DAY))
    await chat.announce(TURN, DRAWING, repeated=False)
    with pytest.raises(PlatformBusy):
        await chat.deliver(TURN, THERE, RESULT, repeated=False)
    with pytest.raises(PlatformBusy):
        await chat.fetch(Reference("x", attachment="0" * 64), TURN.thread)


async def test_an_announcement_that_has_expired_is_gone(chat: WebChat) -> None:
    with pytest.raises(PlatformGone):
        await chat.update(TURN, THERE, DRAWING)
    with pytest.raises(PlatformGone):
        await chat.deliver(TURN, THERE, RESULT, repeated=False)


async def test_a_channel_that_is_no_more_is_gone(chat: WebChat) -> None:
    with pytest.raises(PlatformGone):
        await chat.announce(replace(TURN, thread=thread_key("nowhere")), DRAWING, repeated=False)


@pytest.mark.parametrize("digest", ["", "../../../etc/passwd", "0" * 64, "/etc/passwd", "small/" + "0" * 64])
async def test_only_pictures_can_be_fetched(chat: WebChat, digest: str) -> None:
    with pytest.raises(PlatformGone):
        await chat.fetch(Reference("x", attachment=digest), TURN.thread)


async def test_posts_that_cross_are_one(workspace: Workspace) -> None:
    posted = await asyncio.gather(*(workspace.post(words(1)) for _ in range(20)))
    assert sorted(posted) == [False] * 19 + [True]
    found, _ = await workspace.timeline("general")
    assert len(found) == 1


async def test_what_hangs_on_a_message_does_not_overwrite_itself(chat: WebChat, workspace: Workspace) -> None:
    announcement = await chat.announce(TURN, DRAWING, repeated=False)
    edits = [replace(TURN, id=turn_id("web", "local", f"e{n}"), thread=announcement.thread) for n in range(10)]
    await asyncio.gather(
        *(chat.announce(edit, DRAWING, repeated=False) for edit in edits),
        *(chat.update(TURN, announcement, Notice(Stage.WAITING, position=n)) for n in range(10)),
        chat.deliver(TURN, announcement, RESULT, repeated=False),
    )
    root = await workspace.message(announcement.message)
    assert root is not None
    assert root.replies == 11
    assert root.preview is not None
    assert root.state is not None
    assert root.state.stage is Stage.WAITING


async def test_the_channel_shows_under_a_picture_who_drew_it_and_what_has_to_be_known(
    chat: WebChat, workspace: Workspace
) -> None:
    announcement = await chat.announce(TURN, DRAWING, repeated=False)
    outcome = replace(
        RESULT, model="m2", notes=("m1 is not available just now, so m2 makes this.",), using="Using: a (1)."
    )
    await chat.deliver(TURN, announcement, outcome, repeated=False)
    root = await workspace.message(announcement.message)
    assert root is not None
    shown = message_json(root)["preview"]
    assert shown["model"] == "m2"
    assert shown["notes"] == ("Using: a (1).", "m1 is not available just now, so m2 makes this.")


async def test_a_channel_keeps_its_newest_messages(workspace: Workspace, redis: Redis) -> None:
    await redis.zadd(
        web_key("channel", "general"), {f"old{number}": number - 10_000 for number in range(MOST_MESSAGES)}
    )
    await workspace.post(words(1))
    assert await redis.zcard(web_key("channel", "general")) == MOST_MESSAGES
    assert await redis.zscore(web_key("channel", "general"), "old0") is None
    assert await redis.zscore(web_key("channel", "general"), words(1).id) == 1


async def test_reading_keeps_what_is_read(workspace: Workspace, redis: Redis) -> None:
    await workspace.post(words(1))
    names = (web_key("channel", "general"), web_key("message", words(1).id))
    for name in names:
        await redis.expire(name, 10)
    await workspace.timeline("general")
    assert all([await redis.ttl(name) > 10 for name in names])


async def test_a_message_that_has_expired_leaves_no_hole(workspace: Workspace, redis: Redis) -> None:
    for number in range(3):
        await workspace.post(words(number))
    await redis.delete(web_key("message", words(1).id))
    found, _ = await workspace.timeline("general")
    assert [posted.message.text for posted in found] == ["0", "2"]


async def test_everything_is_in_one_slot_of_a_cluster(workspace: Workspace, redis: Redis) -> None:
    await workspace.open_channel("posters")
    await workspace.post(words(1))
    keys = [key.decode() async for key in redis.scan_iter()]
    assert keys
    assert all(key.startswith("imagine:1:web:{local}:") for key in keys)
