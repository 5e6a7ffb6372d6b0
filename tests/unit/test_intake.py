"""The door: what a person can be told now is told now, before anything is claimed or spent."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import Declined, Unavailable
from core.packing import key
from core.ports import Capabilities, Job
from core.requests import EQUAL_PAYLOAD_SECONDS, digest_of
from core.statuses import Failed, FailureReason
from core.turns import ImageRef, Node, NodeImage, Operation, Options, Person, Reference, ThreadKey, Turn, TurnId
from tests.fakes.provider import FakeImages
from tests.unit.conftest import SETTINGS, House, MakeHouse


async def declined(house: House, turn: Turn) -> str:
    with pytest.raises(Declined) as refusal:
        await house.core.intake.accept(turn)
    assert await house.core.turns.read(turn.id) is None
    assert not await house.core.redis.keys(key("spend", "*"))
    return refusal.value.reply.removeprefix("declined.")


@pytest.mark.parametrize(
    ("prompt", "options", "reply"),
    [
        ("  ", Options(), "empty_prompt"),
        ("x" * 401, Options(), "prompt_too_long"),
        ("a fox", Options(aspect_ratio="16:10"), "unknown_ratio"),
        ("a fox", Options(size="2K"), "no_sizes"),
        ("a fox", Options(count=0), "bad_count"),
        ("a fox", Options(count=5), "bad_count"),
        ("a fox", Options(model="m9"), "unknown_model"),
    ],
)
async def test_what_cannot_be_drawn_is_said_before_anything_is_spent(
    idle_house: House, prompt: str, options: Options, reply: str
) -> None:
    assert await declined(idle_house, idle_house.turn(prompt, options=options)) == reply


async def test_an_edit_of_a_picture_that_is_no_longer_kept_is_declined(idle_house: House) -> None:
    turn = idle_house.turn(parent=ImageRef(TurnId("gone")), operation=Operation.EDIT)
    assert await declined(idle_house, turn) == "parent_gone"


async def test_a_service_that_is_silent_about_a_model_is_said_to_be(make_house: MakeHouse) -> None:
    class Silent(FakeImages):
        async def capabilities(self, model: str) -> Capabilities:
            raise Unavailable(Failed(FailureReason.OVERLOADED, 1.0))

    house = await make_house(images=Silent()).open(working=False)
    assert await declined(house, house.turn()) == "service_silent"


async def test_a_model_without_shapes_is_asked_for_none(make_house: MakeHouse) -> None:
    class Shapeless(FakeImages):
        async def capabilities(self, model: str) -> Capabilities:
            able = await super().capabilities(model)
            return replace(able, aspect_ratios=()) if model == "m2" else able

    house = await make_house(images=Shapeless()).open()
    assert await declined(house, house.turn(options=Options(model="m2", aspect_ratio="1:1"))) == "no_ratios"
    first = await house.done(house.turn(options=Options(aspect_ratio="16:9")))
    await house.done(house.edit(first, options=Options(model="m2")))
    assert house.images.made[-1][1].aspect_ratio is None


async def test_an_edit_keeps_the_shape_that_its_picture_has(house: House) -> None:
    first = await house.done(house.turn())
    thread = house.chat.announcements[first.id].thread
    node = await house.core.conversations.node(thread, first.id)
    assert node is not None
    for size, ratio in (((320, 180), "16:9"), ((0, 0), None)):
        image = NodeImage(node.images[0].shown, width=size[0], height=size[1])
        await house.core.conversations.remember(thread, replace(node, images=(image,)), messages=())
        await house.done(house.edit(first))
        assert house.images.made[-1][1].aspect_ratio == ratio


async def shape_of_an_edit(house: House, node: Node, **options: Any) -> str | None:
    """The shape that an edit of a picture is taken on with."""
    return (await options_of_an_edit(house, node, **options)).aspect_ratio


async def options_of_an_edit(house: House, node: Node, **options: Any) -> Options:
    """How an edit of a picture is taken on."""
    thread = ThreadKey("fake", "w", "c", "t")
    await house.core.conversations.remember(thread, node, messages=())
    edit = house.turn(thread=thread, parent=ImageRef(node.id), operation=Operation.EDIT, options=Options(**options))
    await house.ask(edit)
    record = await house.core.turns.read(edit.id)
    assert record is not None
    return record.turn.options


def node_of(pixels: tuple[int, int], **options: Any) -> Node:
    image = NodeImage(Reference("fox.png"), width=pixels[0], height=pixels[1])
    ada = Person("fake", "w", "ada")
    return Node(TurnId("odd"), ada, "a fox", 1.0, Operation.IMAGINE, Options(**options), "fake", "m1", (image,))


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ((997, 563), "16:9"),
        ((563, 997), "9:16"),
        ((1210, 1000), "1:1"),
        ((1000, 1210), "1:1"),
        ((1, 4000), "9:16"),
        ((4000, 1), "16:9"),
        ((1, 1), "1:1"),
    ],
)
async def test_an_edit_of_a_picture_of_odd_size_gets_the_nearest_shape(
    idle_house: House, size: tuple[int, int], ratio: str
) -> None:
    assert await shape_of_an_edit(idle_house, node_of(size)) == ratio


async def test_an_edit_has_the_shape_that_is_asked_for_else_that_of_its_picture(idle_house: House) -> None:
    node = node_of((1600, 900), aspect_ratio="16:9")
    assert await shape_of_an_edit(idle_house, node) == "16:9"
    assert await shape_of_an_edit(idle_house, node, aspect_ratio="2:3") == "2:3"


async def test_a_model_that_does_not_draw_the_shape_of_a_picture_draws_the_nearest(make_house: MakeHouse) -> None:
    class Squarish(FakeImages):
        async def capabilities(self, model: str) -> Capabilities:
            able = await super().capabilities(model)
            return replace(able, aspect_ratios=("1:1", "4:3", "3:4")) if model == "m2" else able

    house = await make_house(images=Squarish()).open(working=False)
    node = node_of((1600, 900), aspect_ratio="16:9")
    assert await shape_of_an_edit(house, node, model="m2") == "4:3"
    assert await shape_of_an_edit(house, node, model="m1") == "16:9"


async def test_an_edit_goes_on_with_the_model_that_was_asked_for_and_not_with_its_stand_in(idle_house: House) -> None:
    drawn = replace(node_of((100, 100), model="m1"), model="m2")
    assert (await options_of_an_edit(idle_house, drawn)).model == "m1"


async def test_an_edit_has_the_size_of_its_picture_where_the_model_draws_it(make_house: MakeHouse) -> None:
    class Sized(FakeImages):
        async def capabilities(self, model: str) -> Capabilities:
            able = await super().capabilities(model)
            return replace(able, sizes=("1K", "2K")) if model == "m1" else able

    house = await make_house(images=Sized()).open(working=False)
    node = node_of((2048, 2048), size="2K")
    assert (await options_of_an_edit(house, node)).size == "2K"
    assert (await options_of_an_edit(house, node, size="1K")).size == "1K"
    assert (await options_of_an_edit(house, node, model="m2")).size is None


async def test_an_image_turn_with_a_parent_takes_nothing_of_it(house: House) -> None:
    first = await house.done(house.turn(options=Options(aspect_ratio="16:9")))
    thread = house.chat.announcements[first.id].thread
    await house.done(house.turn("anew", thread=thread, parent=ImageRef(first.id)))
    assert house.images.made[-1][1].aspect_ratio is None


async def test_nobody_fills_the_line_alone(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, most_waiting=2)).open(working=False)
    for _ in range(2):
        await house.ask(house.turn())
    with pytest.raises(Declined) as refusal:
        await house.core.intake.accept(house.turn())
    assert refusal.value.reply == "declined.too_many_waiting"
    await house.ask(house.turn(user="bob"))


async def test_nobody_empties_the_account(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, daily_cap=2500)).open(working=False)
    await house.ask(house.turn(options=Options(count=2)))
    with pytest.raises(Declined) as refusal:
        await house.core.intake.accept(house.turn(user="bob"))
    assert refusal.value.reply == "declined.over_budget"


async def test_what_was_taken_on_is_not_declined_when_its_event_comes_again(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())
    await idle_house.core.breaker.fail("fake:m1", "a", FailureReason.NO_CREDIT)
    assert not await idle_house.core.intake.accept(turn)


async def test_a_turn_is_taken_on_although_the_engine_cannot_be_told(idle_house: House) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise ConnectionError

    object.__setattr__(idle_house.core.engine, "wake", fails)
    turn = await idle_house.ask(idle_house.turn())
    assert await idle_house.core.turns.read(turn.id) is not None


async def test_a_waiting_turn_can_be_worded_anew_under_the_same_rules(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())
    assert await idle_house.core.intake.revise(replace(turn, prompt="a wolf", references=(Reference("x"),)))
    record = await idle_house.core.turns.read(turn.id)
    assert record is not None
    assert (record.turn.prompt, record.turn.references) == ("a wolf", (Reference("x"),))
    with pytest.raises(Declined):
        await idle_house.core.intake.revise(replace(turn, prompt=""))
    assert not await idle_house.core.intake.revise(idle_house.turn())


async def test_a_revision_changes_neither_the_price_nor_the_model(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())
    dearer = replace(turn, prompt="a wolf", options=Options(count=4, model="m2", aspect_ratio="16:9", size="4K"))
    assert await idle_house.core.intake.revise(dearer)
    record = await idle_house.core.turns.read(turn.id)
    assert record is not None
    assert record.turn.options == Options(count=1, model="m1", aspect_ratio="16:9")


async def test_what_is_over_cannot_be_cancelled(house: House) -> None:
    turn = await house.done(house.turn())
    with pytest.raises(Declined) as refusal:
        await house.core.intake.cancel(turn.id, turn.author)
    assert refusal.value.reply == "declined.already_over"


async def test_a_turn_that_ends_while_it_is_being_cancelled_is_over(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())

    async def ended(_: TurnId) -> bool:
        return False

    object.__setattr__(idle_house.core.turns, "cancel", ended)
    with pytest.raises(Declined) as refusal:
        await idle_house.core.intake.cancel(turn.id, turn.author)
    assert refusal.value.reply == "declined.already_over"


async def test_a_person_sees_their_open_turns_and_where_they_stand(make_house: MakeHouse) -> None:
    house = await make_house(settings=replace(SETTINGS, requests_in_flight=1)).open(working=False)
    house.images.held = True
    for _ in range(2):
        turn = await house.ask(house.turn())
        await house.core.line.run(turn.id)
    shown = await house.core.intake.open_turns(house.turn().author)
    assert [item.position for item in shown] == [0, 1]
    assert await house.core.intake.open_turns(house.turn(user="bob").author) == []


async def test_a_second_line_of_the_same_words_waits_while_one_is_looked_for(idle_house: House) -> None:
    requests = idle_house.core.line.crew.requests
    turn = await idle_house.ask(idle_house.turn())
    job = Job("m1", turn.prompt)
    await requests.sends.lose("fake:m1", digest_of(idle_house.images.payload(job)), "another")
    assert await idle_house.core.line.run(turn.id) == EQUAL_PAYLOAD_SECONDS
    assert not idle_house.images.sent


async def test_what_the_service_has_asked_us_to_wait_is_waited(idle_house: House) -> None:
    turn = await idle_house.ask(idle_house.turn())
    await idle_house.core.queue.place("fake:m1", turn.id, turn.author, images=1)
    await idle_house.core.line.crew.requests.pace.learn("fake:m1", after=20, limit=None)
    assert 15 < (await idle_house.core.line.run(turn.id) or 0) <= 20
    assert not idle_house.images.sent
