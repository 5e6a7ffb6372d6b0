"""The version tree of a thread."""

import time
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from core.conversation import Conversations, added
from core.packing import key
from core.statuses import History
from core.turns import ImageRef, Node, NodeImage, Operation, Options, Person, Reference, ThreadKey, TurnId

THREAD = ThreadKey("fake", "w", "c", "t")
ADA = Person("fake", "w", "ada")


def node(name: str, parent: str = "", **image: Any) -> Node:
    return Node(
        TurnId(name),
        ADA,
        name,
        1.0,
        Operation.EDIT,
        Options(),
        "fake",
        "m1",
        (NodeImage(Reference(name), **image),),
        parent=ImageRef(TurnId(parent)) if parent else None,
    )


def words(text: str) -> History:
    return [{"role": "user", "parts": [{"text": text}]}]


@pytest.fixture
def tree(redis: Redis) -> Conversations:
    return Conversations(redis, ttl=600)


async def test_what_was_asked_for_last_is_current_whenever_it_ends(tree: Conversations) -> None:
    assert await tree.head(THREAD) is None
    await tree.remember(THREAD, node("late"), order=20, messages=["m2"])
    await tree.remember(THREAD, node("early"), order=10, messages=["m1"])
    assert await tree.head(THREAD) == ImageRef(TurnId("late"))


async def test_going_back_makes_an_older_picture_current(tree: Conversations) -> None:
    await tree.remember(THREAD, node("first"), order=1, messages=[])
    await tree.remember(THREAD, node("second"), order=2, messages=[])
    assert await tree.make_current(THREAD, ImageRef(TurnId("first"), 1), event="press")
    await tree.remember(THREAD, node("asked before going back"), order=3, messages=[])
    assert await tree.head(THREAD) == ImageRef(TurnId("first"), 1)


async def test_going_back_comes_after_everything_that_was_asked_before_whatever_the_clocks_say(
    tree: Conversations, redis: Redis
) -> None:
    ahead = int(time.time() * 1e6) + 3_600_000_000
    await redis.set(key("order"), ahead, ex=600)
    await tree.remember(THREAD, node("first"), order=1, messages=[])
    await tree.remember(THREAD, node("second"), order=ahead, messages=[])
    assert await tree.make_current(THREAD, ImageRef(TurnId("first")), event="press")
    await tree.remember(THREAD, node("asked before going back"), order=ahead, messages=[])
    assert await tree.head(THREAD) == ImageRef(TurnId("first"))


async def test_a_press_that_comes_again_does_not_go_back_again(tree: Conversations) -> None:
    await tree.remember(THREAD, node("first"), messages=[])
    assert await tree.make_current(THREAD, ImageRef(TurnId("first")), event="press")
    await tree.remember(THREAD, node("second"), order=2**52, messages=[])
    assert not await tree.make_current(THREAD, ImageRef(TurnId("first")), event="press")
    assert await tree.head(THREAD) == ImageRef(TurnId("second"))


async def test_nobody_goes_back_to_what_is_not_kept(tree: Conversations) -> None:
    assert not await tree.make_current(THREAD, ImageRef(TurnId("nobody")), event="press")
    assert await tree.head(THREAD) is None


async def test_what_is_shown_once_more_is_current_only_where_nothing_else_is(tree: Conversations) -> None:
    await tree.remember(THREAD, node("first"), messages=[])
    assert await tree.head(THREAD) == ImageRef(TurnId("first"))
    await tree.remember(THREAD, node("second"), order=1, messages=[])
    await tree.remember(THREAD, node("first"), messages=["again"])
    assert await tree.head(THREAD) == ImageRef(TurnId("second"))


async def test_of_a_deleted_picture_the_nearest_ancestor_that_still_stands_is_current(tree: Conversations) -> None:
    await tree.remember(THREAD, node("a"), order=1, messages=[])
    await tree.remember(THREAD, replace(node("b"), parent=ImageRef(TurnId("a"), 2)), order=2, messages=[])
    await tree.remember(THREAD, node("c", "b"), order=3, messages=[])
    for name in ("c", "b"):
        await tree.mark_removed(THREAD, TurnId(name))
    assert await tree.head(THREAD) == ImageRef(TurnId("a"), 2)
    await tree.mark_removed(THREAD, TurnId("a"))
    assert await tree.head(THREAD) == ImageRef(TurnId("c"))


async def test_a_deep_tree_is_read_in_a_few_readings(tree: Conversations, redis: Redis) -> None:
    for number in range(40):
        await tree.remember(THREAD, node(f"n{number}", f"n{number - 1}" if number else ""), order=number, messages=[])
    before = (await redis.info("stats"))["total_commands_processed"]
    found = [one.id async for one in tree.ancestors(THREAD, TurnId("n39"))]
    after = (await redis.info("stats"))["total_commands_processed"]
    assert found == [f"n{number}" for number in reversed(range(40))]
    assert after - before <= 5


async def test_every_message_of_a_turn_shows_its_picture(tree: Conversations) -> None:
    await tree.remember(THREAD, node("first"), order=1, messages=["announced", "posted", ""])
    assert await tree.find(THREAD, "announced") == await tree.find(THREAD, "posted") == ImageRef(TurnId("first"))
    assert await tree.find(THREAD, "another") is None
    assert await tree.find(THREAD, "") is None


async def test_a_turn_whose_end_was_cut_off_does_not_bring_a_deleted_picture_back(tree: Conversations) -> None:
    await tree.remember(THREAD, node("first"), order=1, messages=["m1"])
    await tree.remember(THREAD, node("second", "first"), order=2, messages=["m2"])
    await tree.mark_removed(THREAD, TurnId("second"))
    await tree.remember(THREAD, node("second", "first"), order=2, messages=["m2"])
    assert await tree.head(THREAD) == ImageRef(TurnId("first"))


async def test_remembering_twice_is_remembering_once(tree: Conversations, redis: Redis) -> None:
    for _ in range(2):
        await tree.remember(THREAD, node("first"), order=1, messages=["m1"])
    assert await tree.node(THREAD, TurnId("first")) == node("first")
    assert await redis.hlen(key("nodes", THREAD)) == 1


async def test_a_history_is_put_together_from_all_its_parents(tree: Conversations) -> None:
    await tree.remember(THREAD, node("a", history=words("a")), order=1, messages=[])
    await tree.remember(THREAD, node("b", "a", history=words("b"), rooted=False), order=2, messages=[])
    await tree.remember(THREAD, node("c", "a", history=words("c"), rooted=False), order=3, messages=[])
    await tree.remember(THREAD, node("d", "c", history=words("d")), order=4, messages=[])
    assert await tree.history(THREAD, ImageRef(TurnId("b"))) == [*words("a"), *words("b")]
    assert await tree.history(THREAD, ImageRef(TurnId("c"))) == [*words("a"), *words("c")]
    assert await tree.history(THREAD, ImageRef(TurnId("d"))) == words("d")


async def test_a_history_with_a_hole_is_none(tree: Conversations) -> None:
    await tree.remember(THREAD, node("a"), order=1, messages=[])
    await tree.remember(THREAD, node("b", "a", history=words("b"), rooted=False), order=2, messages=[])
    await tree.remember(THREAD, node("c", "gone", history=words("c"), rooted=False), order=3, messages=[])
    for name, index in (("b", 0), ("c", 0), ("a", 7), ("nobody", 0)):
        assert await tree.history(THREAD, ImageRef(TurnId(name), index)) is None


def test_only_what_a_turn_added_is_kept() -> None:
    assert added([*words("a"), *words("b")], words("a")) == (words("b"), False)
    assert added([*words("changed"), *words("b")], words("a")) == ([*words("changed"), *words("b")], True)
    assert added(words("a"), None) == (words("a"), True)
    assert added(None, words("a")) == (None, True)


async def test_a_deleted_picture_can_still_be_gone_on_from(tree: Conversations, redis: Redis) -> None:
    await tree.remember(THREAD, node("a"), order=1, messages=[])
    await tree.mark_removed(THREAD, TurnId("a"))
    await tree.mark_removed(THREAD, TurnId("nobody"))
    assert await tree.node(THREAD, TurnId("a")) == replace(node("a"), removed=True)
    assert await redis.hlen(key("nodes", THREAD)) == 1


async def test_a_switch_is_on_off_or_untouched(tree: Conversations) -> None:
    assert await tree.switch(THREAD, "listen") is None
    for on in (True, False):
        await tree.set_switch(THREAD, "listen", on=on)
        assert await tree.switch(THREAD, "listen") is on
