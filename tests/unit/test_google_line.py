"""Whole turns over Google: drawn once, kept small, and gone on from whatever has expired."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from redis.asyncio import Redis

from bot.wiring import CoreSettings
from core.breaker import Position
from core.errors import NotSent, PlatformBusy
from core.packing import key
from core.ports import Job
from core.providers.google.provider import FULL_SECONDS
from core.providers.google.stash import Stash
from core.statuses import KEPT, Failed, FailureReason, Output
from core.turns import Options, Turn
from tests.conftest import wait_until
from tests.fakes.chat import FakeChat
from tests.fakes.google import Finish, GoogleDouble, Wire, faults, server
from tests.fakes.google.calls import MODEL, google
from tests.fakes.provider import png
from tests.unit.conftest import House
from tests.unit.test_google_contents import AnyToken
from tests.unit.test_line import spent

SETTINGS = CoreSettings(default_model=MODEL, drain=0.2, slots=20, daily_cap=100_000_000)
PRICE = 67_000


@pytest.fixture
async def double() -> AsyncIterator[GoogleDouble]:
    async with GoogleDouble(signature=900) as double:
        yield double


@asynccontextmanager
async def at_work(
    double: GoogleDouble, redis_url: str, *, vertex: bool = False, chat: FakeChat | None = None, working: bool = True
) -> AsyncIterator[House]:
    """A core over Google, with providers and connections of its own."""
    authority = AnyToken(double) if vertex else None
    async with AsyncExitStack() as stack:
        images: Any = await stack.enter_async_context(google(double, redis_url, vertex=vertex, authority=authority))
        house = House(redis_url, chat or FakeChat(), images, SETTINGS)
        await house.open(working=working)
        stack.push_async_callback(house.close)
        yield house


async def kept_of(house: House, turn: Turn) -> int:
    """How many bytes a thread keeps of a turn."""
    thread = house.chat.announcements[turn.id].thread
    return int(await house.core.redis.hstrlen(key("nodes", thread), turn.id))


@pytest.mark.parametrize(("vertex", "depth"), [(False, 6), (True, 20)])
async def test_every_edit_keeps_as_much_as_any_other_and_is_one_request(
    double: GoogleDouble, redis_url: str, *, vertex: bool, depth: int
) -> None:
    async with at_work(double, redis_url, vertex=vertex) as house:
        turn = await house.done(house.turn("a fox", references=(house.chat.attach("fox.png", png("red")),)))
        kept = [await kept_of(house, turn)]
        for number in range(depth):
            turn = await house.done(house.edit(turn, f"edit {number}"))
            kept.append(await kept_of(house, turn))
        assert double.refused == []
        assert (double.posts, len(double.made)) == (depth + 1, depth + 1)
        assert len(double.made[-1].sent) == 2 * depth + 1
        assert max(kept) < 4_000
        assert max(kept[1:]) - min(kept[1:]) < 100
        assert double.files.uploads == (0 if vertex else depth + 2)


@pytest.mark.parametrize("vertex", [False, True])
async def test_a_worker_that_dies_with_the_picture_in_hand_is_followed_by_one_that_delivers_it(
    double: GoogleDouble, redis_url: str, *, vertex: bool
) -> None:
    chat = FakeChat()
    async with at_work(double, redis_url, vertex=vertex, chat=chat, working=False) as first:
        turn = await first.ask(first.turn())
        await first.core.line.run(turn.id)
        await wait_until(lambda: double.made and first.core.sender.under_way == 0)
    assert chat.results == {}
    async with at_work(double, redis_url, vertex=vertex, chat=chat) as second:
        assert await second.ended(turn) == "done"
        assert chat.posts[f"deliver {turn.id}"] == 1
        assert await spent(second) == PRICE
    assert double.posts == 1
    (image,) = chat.results[turn.id].images
    assert (image.link, image.picture.media_type) == ("", "image/png")


@pytest.mark.parametrize("vertex", [False, True])
async def test_a_picture_that_waits_to_be_delivered_is_not_dropped_for_newer_ones(
    double: GoogleDouble, redis_url: str, monkeypatch: pytest.MonkeyPatch, *, vertex: bool
) -> None:
    async with at_work(double, redis_url, vertex=vertex) as house:
        images: Any = house.images
        images._stash = Stash(house.core.redis, most_bytes=1_000)  # noqa: SLF001
        house.chat.troubles["deliver"] = [PlatformBusy(0.3)]
        waiting = await house.ask(house.turn("a fox"))
        await wait_until(lambda: not house.chat.troubles["deliver"])
        for _ in range(3):
            await images._stash.put(os.urandom(900))  # noqa: SLF001
        assert await house.ended(waiting) == "done"
        assert await images._stash.has_room()  # noqa: SLF001


async def test_while_too_much_waits_to_be_delivered_nothing_is_paid_for(double: GoogleDouble, redis_url: str) -> None:
    async with at_work(double, redis_url) as house:
        images: Any = house.images
        images._stash = Stash(house.core.redis, most_bytes=1_000)  # noqa: SLF001
        link = await images._stash.put(os.urandom(1_000), waits=True)  # noqa: SLF001
        with pytest.raises(NotSent) as refusal:
            await images.submit(Job(MODEL, "a fox"))
        assert refusal.value.failure == Failed(FailureReason.RATE_LIMITED, retry_after=FULL_SECONDS)
        assert double.posts == 0
        await images.let_go(Output(link))
        await house.done(house.turn("a fox"))


async def test_a_picture_that_comes_for_a_turn_that_was_cancelled_waits_for_nobody(
    double: GoogleDouble, redis_url: str
) -> None:
    double.hold = asyncio.Event()
    async with at_work(double, redis_url) as house:
        images: Any = house.images
        images._stash = Stash(house.core.redis, most_bytes=100)  # noqa: SLF001
        turn = await house.ask(house.turn("a fox"))
        await wait_until(lambda: double.posts)
        await house.core.intake.cancel(turn.id, turn.author)
        assert await house.ended(turn) == "cancelled"
        double.hold.set()
        await wait_until(lambda: house.core.sender.under_way == 0)
        assert await images._stash.has_room()  # noqa: SLF001


async def test_an_answer_that_broke_off_is_said_at_once_and_not_asked_for_again(
    double: GoogleDouble, redis_url: str
) -> None:
    double.faults.append(Wire.CUT_WITHIN)
    async with at_work(double, redis_url) as house:
        turn = await house.ask(house.turn())
        assert await house.ended(turn, timeout=4) == "failed"
        assert "may have been charged" in house.chat.last(turn.id).cause
        assert await spent(house) == PRICE
    assert double.posts == 1


@pytest.mark.parametrize("vertex", [False, True])
async def test_once_every_picture_that_was_kept_has_expired_an_edit_goes_on_from_those_in_the_chat(
    double: GoogleDouble, redis_url: str, redis: Redis, *, vertex: bool
) -> None:
    async with at_work(double, redis_url, vertex=vertex) as house:
        reference = house.chat.attach("fox.png", png("red"))
        first = await house.done(house.turn(references=(reference,)))
        second = await house.done(house.edit(first))
        double.files.files.clear()
        names = [name async for name in redis.scan_iter(match=key("google", "*"))]
        await redis.delete(*names)
        await house.done(house.edit(second, "at night", references=(reference,)))
        assert double.refused == []
        assert (len(double.made[-1].pictures), len(double.made[-1].sent)) == (1, 5)
    assert double.posts == 3


@pytest.mark.parametrize("vertex", [False, True])
async def test_a_picture_too_large_to_go_back_as_bytes_is_gone_on_from_all_the_same(
    double: GoogleDouble, redis_url: str, monkeypatch: pytest.MonkeyPatch, *, vertex: bool
) -> None:
    buffer = BytesIO()
    Image.frombytes("RGB", (1600, 1600), os.urandom(1600 * 1600 * 3)).save(buffer, "PNG", compress_level=0)
    monkeypatch.setattr(server, "drawn", lambda *_: buffer.getvalue())
    if not vertex:
        double.free_faults.append(faults.OVERLOADED)
    async with at_work(double, redis_url, vertex=vertex) as house:
        first = await house.done(house.turn(options=Options(aspect_ratio="1:1")))
        await house.done(house.edit(first))
        assert (double.refused, len(double.made[-1].pictures)) == ([], 1)
        assert house.chat.results[first.id].notes == ()


async def test_pictures_go_along_as_bytes_while_google_takes_no_files(double: GoogleDouble, redis_url: str) -> None:
    double.free_faults += [faults.OVERLOADED] * 3
    async with at_work(double, redis_url) as house:
        await house.done(house.turn(references=(house.chat.attach("fox.png", png("red")),)))
        assert (double.files.files, len(double.made[-1].pictures)) == ({}, 1)
        assert (await house.core.breaker.condition(f"google:{MODEL}")).position is Position.CLOSED


async def test_an_edit_waits_for_no_files_that_do_not_answer(double: GoogleDouble, redis_url: str) -> None:
    async with at_work(double, redis_url) as house:
        reference = house.chat.attach("fox.png", png("red"))
        first = await house.done(house.turn(references=(reference,)))
        double.free_faults += [faults.OVERLOADED] * 20
        await house.done(house.edit(first, references=(reference,)))
        assert (double.refused, len(double.made[-1].sent)) == ([], 3)
        assert (await house.core.breaker.condition(f"google:{MODEL}")).position is Position.CLOSED


async def test_what_a_thread_keeps_holds_no_picture(double: GoogleDouble, redis_url: str, redis: Redis) -> None:
    double.signature = 300_000
    async with at_work(double, redis_url) as house:
        first = await house.done(house.turn())
        edit = await house.done(house.edit(first))
        nodes = await redis.hgetall(key("nodes", house.chat.announcements[edit.id].thread))
        assert len(nodes) == 2
        for node in nodes.values():
            told = json.loads(node)
            assert len(node) < 3_000
            assert told["images"][0]["url"].startswith(KEPT)
        await house.done(house.edit(edit, "at dawn"))
    assert double.refused == []


async def test_a_picture_to_work_from_and_its_refusal_reach_the_person(double: GoogleDouble, redis_url: str) -> None:
    double.faults.append(Finish("IMAGE_RECITATION"))
    async with at_work(double, redis_url) as house:
        turn = await house.ask(house.turn())
        assert await house.ended(turn) == "failed"
        assert "too close to an existing work" in house.chat.last(turn.id).cause
        assert await spent(house) == 0
