"""Long conversations, and turns that somebody gives up."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.store import embedded_store
from core.errors import AnswerLost
from core.histories import pictures
from core.ports import Notice, Stage
from core.replies import notice_text, say
from core.turns import Person, TurnId
from tests.e2e.slack_world import Bot, World, open_world
from tests.fakes.provider import png
from tests.fakes.slack import FakeSlack, Shown, Upload

pytest_plugins = ["tests.fakes.slack.fixtures", "tests.e2e.slack_fixtures"]

MANY = 200


async def announced(world: World) -> Shown:
    """The announcement that can be cancelled."""

    def found() -> Shown | None:
        everything = world.fake.everything(world.alice, world.channel)
        return next((s for s in everything if any(b.label == "Cancel" for b in s.buttons)), None)

    shown = await world.until(found, "an announcement")
    assert isinstance(shown, Shown)
    return shown


async def test_the_twentieth_edit_goes_on_from_the_nineteenth(world: World) -> None:
    await world.first_picture("edit 0")
    for number in range(1, 21):
        await world.reply(f"edit {number}", world.root())
        await world.pictures(number + 1)
        history = world.bot.images.sent[-1].history
        assert history is not None
        asked = [part["text"] for turn in history for part in turn["parts"] if turn["role"] == "user"]
        assert asked[-1] == f"edit {number - 1}"
    assert len(world.bot.images.made) == 21


async def test_an_edit_after_all_links_have_died_goes_on_from_all_before_it(world: World) -> None:
    await world.first_picture("a fox")
    await world.reply("edit 1", world.root())
    await world.pictures(2)
    world.bot.images.expire_links()
    await world.reply("edit 2", world.root())
    last = (await world.pictures(3))[-1]
    history = world.bot.images.sent[-1].history
    assert history is not None
    assert len(history) == 4
    assert not set(pictures(history)) & world.bot.images.unreadable
    assert say("en", "note.rebuilt") not in last.text


async def test_a_turn_that_waits_in_line_can_be_cancelled_and_costs_nothing(world: World) -> None:
    queue = world.bot.core.queue
    for number in range(queue.capacity):
        await queue.place("fake:m1", TurnId(f"other-{number}"), Person("slack", "T", f"U{number}"), images=1)
    await world.imagine()
    waiting = await announced(world)
    await world.fake.press(world.alice, waiting.button("Cancel"))
    await world.until(lambda: "Cancelled" in world.fake.look(world.alice, waiting.message).text)
    for number in range(queue.capacity):
        await queue.leave("fake:m1", TurnId(f"other-{number}"))
    await world.quiet()
    assert world.bot.images.sent == []


async def test_a_turn_whose_pictures_are_being_fetched_can_be_cancelled_and_costs_nothing(world: World) -> None:
    world.fake.fail("download", delay=600.0)
    await world.fake.mention(world.alice, world.channel, "this at night", files=[Upload("cat.png", png("red"))])
    preparing = await announced(world)
    assert notice_text(Notice(Stage.PREPARING), "en") in preparing.text
    await world.until(lambda: not world.fake.faults.waiting, "the file is being asked for")
    await world.fake.press(world.alice, preparing.button("Cancel"))
    world.fake.clock.advance(601)
    await world.until(lambda: "Cancelled" in world.fake.look(world.alice, preparing.message).text)
    await world.quiet()
    assert world.bot.images.sent == []


async def test_a_turn_whose_answer_is_being_looked_for_can_be_cancelled_and_says_what_it_may_cost(
    world: World,
) -> None:
    world.bot.images.submits.append(AnswerLost())
    world.bot.images.echoes_payload = False
    await world.imagine()
    lost = await announced(world)
    checking = notice_text(Notice(Stage.CHECKING), "en")
    await world.until(
        lambda: checking in world.fake.look(world.alice, lost.message).text, "the word that it is checked"
    )
    await world.fake.press(world.alice, lost.button("Cancel"))
    await world.until(lambda: say("en", "stage.cancelled_charged") in world.fake.look(world.alice, lost.message).text)
    await world.quiet()
    assert len(world.bot.images.made) == 1
    assert world.fake.pictures(world.alice, world.channel) == []


async def test_a_turn_whose_picture_is_being_posted_is_posted_and_says_so(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    cancel = (await announced(world)).button("Cancel")
    world.fake.fail("files.completeUploadExternal", delay=600.0)
    world.bot.images.release.set()
    await world.until(lambda: world.fake.calls("upload"), "bytes on their way")
    await world.fake.press(world.alice, cancel)
    await world.until(world.whispers)
    world.fake.clock.advance(601)
    (picture,) = await world.pictures()
    assert picture.pictures == [png()]
    assert world.whispers() == [say("en", "declined.already_over")]


async def test_a_turn_that_is_done_cannot_be_cancelled(world: World) -> None:
    world.bot.images.held = True
    await world.imagine()
    cancel = (await announced(world)).button("Cancel")
    world.bot.images.release.set()
    (picture,) = await world.pictures()
    await world.fake.press(world.alice, cancel)
    await world.until(world.whispers)
    assert world.fake.look(world.alice, picture.message).pictures == picture.pictures


@pytest.mark.parametrize(
    "typed",
    ["ثعلب في الثلج", "🦊❄️👩‍👩‍👧", "\u202efox\u202c", "e\u0301" * 50],
    ids=["rtl", "emoji", "override", "marks"],
)
async def test_words_of_any_script_arrive_whole(world: World, typed: str) -> None:
    (picture,) = [await world.first_picture(typed)]
    assert world.bot.images.sent[-1].prompt == typed
    assert picture.pictures


async def test_two_hundred_commands_at_once_are_acknowledged_and_are_two_hundred_turns(world: World) -> None:
    people = [world.fake.person(world.team, f"person{number}") for number in range(MANY)]
    for person in people:
        world.fake.invite(world.channel, person)
    world.bot.images.held = True
    world.fake.outbox.ack_timeout = 10.0  # how soon is for the benchmark, where Slack is a process of its own
    answers = await asyncio.gather(*(world.imagine(f"fox {n}", by=person) for n, person in enumerate(people)))
    assert [answer for answer in answers if answer.failed] == []
    taken = await world.bot.core.turns.count_open()
    refused = [answer for answer in answers if answer.answer and answer.answer.get("text")]
    assert taken + len(refused) == MANY, "each is a turn or is told why it is none"
    await world.bot.close()


async def test_buttons_work_after_everything_was_restarted_and_branch(fake_slack: FakeSlack, tmp_path: Path) -> None:
    async with embedded_store(tmp_path) as url:
        world = await open_world(fake_slack, url)
        first = await world.first_picture()
        await world.reply("make it night", world.root())
        await world.pictures(2)
        await world.bot.close()
    assert not await _answers(url), "the store has ended as well"
    async with embedded_store(tmp_path) as url:
        world.bot = await Bot(fake_slack, url, world.bot.images, token=world.team.bot_token).open()
        await world.fake.press(world.alice, first.button("Edit"))
        await world.fake.submit(world.alice, {"prompt": "make it rain"})
        await world.pictures(3)
        await world.bot.close()
    history = world.bot.images.sent[-1].history
    assert history is not None
    assert "make it night" not in str(history), "a branch starts at the picture whose button was pressed"


async def _answers(url: str) -> bool:
    async with Redis.from_url(url) as redis:
        try:
            return bool(await redis.ping())
        except RedisError:
            return False
