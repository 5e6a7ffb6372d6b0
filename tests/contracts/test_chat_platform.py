"""What every chat platform promises the core. `tests/contracts/harness.py` has the table of platforms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import PIL.Image
import pytest
from redis.asyncio import Redis

from core.errors import PlatformGone
from core.pictures import Picture
from core.ports import Announcement, Image, Notice, Result, Stage
from core.replies import notice_text
from core.turns import Reference, ThreadKey, Turn
from tests.conftest import wait_until
from tests.contracts.harness import PLATFORMS
from tests.contracts.seen import Harness, Platform
from tests.fakes.picture_files import BLUE, RED, noise, packed

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> &amp; "
    "@everyone @here <!channel> <@U1> <@123> [a](javascript:b) *c* `d` __e__"
)
WAITING = Notice(Stage.WAITING, position=2, seconds=40)
DRAWING = Notice(Stage.DRAWING, model="m1", usual=12, since=1_700_000_000)
DONE = Notice(Stage.DONE, model="m1")


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> Platform:
    return PLATFORMS[request.param]


@pytest.fixture
async def harness(platform: Platform, redis: Redis, tmp_path: Path) -> AsyncIterator[Harness]:
    async with platform.open(redis, tmp_path) as harness:
        yield harness


@pytest.fixture
async def turn(harness: Harness) -> Turn:
    """A turn that a person has asked for on the platform."""
    await harness.imagine("a fox", "1")
    return harness.intake.only


def picture(colour: tuple[int, int, int] = RED) -> Picture:
    size = (64, 32)
    return Picture.of(packed(PIL.Image.new("RGB", size, colour), "PNG"), "image/png", size)


def result(*pictures: Picture, alt: str = "a fox in the snow", notes: tuple[str, ...] = ()) -> Result:
    images = tuple(Image(one, f"{alt} {index}", f"fox-{index}.png") for index, one in enumerate(pictures, 1))
    return Result(images, "m1", notes)


async def announced(harness: Harness, turn: Turn) -> Announcement:
    return await harness.chat.announce(turn, WAITING, repeated=False)


async def texts(harness: Harness, thread: ThreadKey) -> str:
    return "\n".join(seen.text for seen in await harness.seen(thread))


async def test_a_thread_key_comes_back_from_its_string(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    for key in (turn.thread, announcement.thread):
        assert key.platform == harness.chat.name
        assert ThreadKey.parse(str(key)) == key


async def test_a_first_turn_is_announced_with_its_words_and_opens_a_thread(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    assert announcement.thread.thread
    *_, seen = await harness.seen(announcement.thread)  # where a thread needs a root of its own, that is first
    assert seen.id == announcement.message
    assert turn.prompt in seen.text
    assert notice_text(WAITING, turn.locale) in seen.text


async def test_an_announcement_shows_the_newest_notice_alone(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    await harness.chat.update(turn, announcement, replace(DRAWING, stage=Stage.FAILED, cause="It was too dark."))
    seen = await texts(harness, announcement.thread)
    assert "It was too dark." in seen
    assert notice_text(WAITING, turn.locale) not in seen


async def test_an_announcement_that_is_repeated_is_one_message(harness: Harness, turn: Turn) -> None:
    first = await announced(harness, turn)
    before = [seen.id for seen in await harness.seen(first.thread)]
    second = await harness.chat.announce(turn, DRAWING, repeated=True)
    assert second == first
    assert [seen.id for seen in await harness.seen(first.thread)] == before


async def test_pictures_arrive_whole_with_their_alt_texts_in_one_message(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    pictures = (picture(RED), picture(BLUE))
    delivered = await harness.chat.deliver(
        turn, announcement, result(*pictures, notes=("Left out a.",)), repeated=False
    )
    shown = [seen for seen in await harness.seen(announcement.thread) if seen.pictures]
    assert [seen.id for seen in shown] == [delivered.message]
    assert [(one.data, one.alt) for one in shown[0].pictures] == [
        (pictures[0].data, "a fox in the snow 1"),
        (pictures[1].data, "a fox in the snow 2"),
    ]
    assert "Left out a." in shown[0].text


async def test_what_was_used_is_named_while_it_is_drawn_and_with_the_picture(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    using = "Using: photo.jpg (1), logo_v2.png (2)."
    await harness.chat.update(turn, announcement, replace(DRAWING, stage=Stage.CHECKING, using=using))
    assert using in await texts(harness, announcement.thread)
    delivered = await harness.chat.deliver(turn, announcement, replace(result(picture()), using=using), repeated=False)
    (shown,) = [seen for seen in await harness.seen(announcement.thread) if seen.id == delivered.message]
    assert using in shown.text


@pytest.mark.parametrize("times", [1, 3])
async def test_pictures_that_are_delivered_again_are_there_once(harness: Harness, turn: Turn, times: int) -> None:
    announcement = await announced(harness, turn)
    first = await harness.chat.deliver(turn, announcement, result(picture()), repeated=False)
    for _ in range(times):
        assert await harness.chat.deliver(turn, announcement, result(picture()), repeated=True) == first
    assert sum(len(seen.pictures) for seen in await harness.seen(announcement.thread)) == 1


async def test_a_delivery_whose_first_attempt_never_arrived_is_made_when_repeated(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    await harness.chat.deliver(turn, announcement, result(picture()), repeated=True)
    assert sum(len(seen.pictures) for seen in await harness.seen(announcement.thread)) == 1


async def test_deliveries_that_cross_end_in_one_message(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    await harness.chat.deliver(turn, announcement, result(picture()), repeated=False)
    await asyncio.gather(
        *(harness.chat.deliver(turn, announcement, result(picture()), repeated=True) for _ in range(3))
    )
    assert sum(len(seen.pictures) for seen in await harness.seen(announcement.thread)) == 1


async def test_what_was_delivered_can_be_fetched(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    delivered = await harness.chat.deliver(turn, announcement, result(picture(RED), picture(BLUE)), repeated=False)
    fetched = [await harness.chat.fetch(reference, announcement.thread) for reference in delivered.images]
    assert fetched == [picture(RED).data, picture(BLUE).data]


async def test_what_a_person_attached_can_be_fetched(harness: Harness) -> None:
    data = packed(noise(40, 30), "PNG")
    reference = await harness.attach(data, "garden.png")
    assert reference.name == "garden.png"
    assert await harness.chat.fetch(reference, harness.intake.only.thread) == data


async def test_what_was_attached_is_found_without_its_link(harness: Harness) -> None:
    data = packed(noise(40, 30), "PNG")
    reference = replace(await harness.attach(data, "garden.png"), url="")
    assert await harness.chat.fetch(reference, harness.intake.only.thread) == data


async def test_a_picture_that_never_was_is_gone(harness: Harness, turn: Turn) -> None:
    lost = Reference("lost.png", channel=turn.thread.channel, message="404", attachment="404")
    with pytest.raises(PlatformGone):
        await harness.chat.fetch(lost, turn.thread)


async def test_a_redelivered_command_makes_one_turn(harness: Harness) -> None:
    for _ in range(2):
        await harness.imagine("a fox", "1")
    assert harness.intake.only.prompt == "a fox"
    assert len(harness.intake.offered) == 2


async def test_different_commands_make_different_turns(harness: Harness) -> None:
    for event in ("1", "2"):
        await harness.imagine("a fox", event)
    assert len(harness.intake.turns) == 2


async def test_a_person_is_answered_although_the_core_hangs(platform: Platform, harness: Harness) -> None:
    harness.intake.hanging = asyncio.Event()
    asking = asyncio.create_task(harness.imagine("a fox", "1"))
    if platform.acknowledges_first:
        await asyncio.wait_for(asking, 3)
    else:
        # The page itself waits: nothing may claim meanwhile that the turn was taken on.
        await wait_until(lambda: harness.intake.offered)
        assert not asking.done()
    harness.intake.hanging.set()
    await asking


async def test_hostile_words_are_shown_as_they_were_typed_and_ping_nobody(harness: Harness) -> None:
    await harness.imagine(HOSTILE, "1")
    turn = harness.intake.only
    assert turn.prompt == HOSTILE
    announcement = await announced(harness, turn)
    await harness.chat.deliver(turn, announcement, result(picture(), alt=HOSTILE, notes=(HOSTILE,)), repeated=False)
    seen = await harness.seen(announcement.thread)
    assert [HOSTILE in one.text for one in seen] == [True, True]
    assert HOSTILE in seen[1].pictures[0].alt
    assert not any(one.pinged for one in seen)


async def test_the_bot_does_not_answer_itself(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    await harness.chat.deliver(turn, announcement, result(picture()), repeated=False)
    with suppress(PlatformGone):
        await harness.echo(announcement.thread)
    assert len(harness.intake.offered) == 1


async def test_a_turn_in_a_thread_stays_in_it(harness: Harness, turn: Turn) -> None:
    first = await announced(harness, turn)
    edit = replace(turn, id=type(turn.id)(f"{turn.id}-edit"), thread=first.thread, prompt="make it night")
    second = await harness.chat.announce(edit, WAITING, repeated=False)
    assert second.thread == first.thread
    assert second.message != first.message
    assert [seen.id for seen in await harness.seen(first.thread)][-2:] == [first.message, second.message]


async def test_a_final_notice_is_always_shown(harness: Harness, turn: Turn) -> None:
    announcement = await announced(harness, turn)
    for _ in range(5):
        await harness.chat.update(turn, announcement, DRAWING)
    await harness.chat.update(turn, announcement, DONE)
    seen = await texts(harness, announcement.thread)
    assert notice_text(DRAWING, turn.locale) not in seen
