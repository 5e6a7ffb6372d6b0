"""Going back and branching: sheets, older pictures made current, forks."""

from dataclasses import replace

import pytest

from core.errors import Declined, PlatformBusy
from core.tree import MOST_STEPS, Drawn, Tree, placed
from core.turns import ImageRef, Operation, Options, Reference, ThreadKey, Turn, TurnId
from tests.unit.conftest import House


def tree(house: House) -> Tree:
    return Tree(house.core.conversations, house.core.workshop)


def thread_of(house: House, turn: Turn) -> ThreadKey:
    return house.chat.announcements[turn.id].thread


async def edits(house: House, *prompts: str) -> list[Turn]:
    turns = [await house.done(house.turn("a fox"))]
    for prompt in prompts:
        turns.append(await house.done(house.edit(turns[-1], prompt)))
    return turns


async def path(house: House, turn: Turn) -> Drawn:
    return await tree(house).path(thread_of(house, turn), ImageRef(turn.id), house.chat.fetch, "en")


async def declined(work: object) -> str:
    with pytest.raises(Declined) as refusal:
        await work  # type: ignore[misc]
    return refusal.value.reply


async def test_a_path_leads_from_the_first_picture_to_this_one_and_costs_nothing(house: House) -> None:
    _, second, third = await edits(house, "make it night", "let it snow")
    await house.done(house.edit(second, "let it rain"))
    drawn = await path(house, third)
    assert drawn.words == "How this picture came to be\n1. a fox\n2. make it night\n3. let it snow"
    assert drawn.image.picture.media_type == "image/jpeg"
    assert len(house.images.made) == 4


async def test_a_long_path_keeps_its_beginning_and_its_end(house: House) -> None:
    turns = await edits(house, *(f"edit {number}" for number in range(2, MOST_STEPS + 4)))
    lines = (await path(house, turns[-1])).words.splitlines()[1:]
    assert len(lines) == MOST_STEPS
    assert (lines[0], lines[1]) == ("1. a fox", f"{len(turns) - MOST_STEPS + 2}. edit {len(turns) - MOST_STEPS + 2}")


async def test_a_path_goes_by_the_picture_that_was_edited(house: House) -> None:
    first = await house.done(house.turn("foxes", options=Options(count=3)))
    edit = house.edit(first, "closer")
    edit = await house.done(replace(edit, parent=ImageRef(first.id, 2)))
    del house.chat.files[f"p-{first.id}/0"]
    assert (await path(house, edit)).words.splitlines()[1:] == ["1 #3. foxes", "2. closer"]


async def test_variations_are_called_by_their_name(house: House) -> None:
    first = await house.done(house.turn("a fox"))
    four = await house.done(replace(house.edit(first, "Make a variation…"), operation=Operation.VARIATIONS))
    assert (await path(house, four)).words.endswith("2. Variations")


async def test_a_step_that_is_gone_leaves_its_place_and_nothing_at_all_is_said_to_be(house: House) -> None:
    first, second = await edits(house, "make it night")
    whole = (await path(house, second)).image.picture
    del house.chat.files[f"p-{first.id}/0"]
    assert (await path(house, second)).image.picture.digest != whole.digest
    del house.chat.files[f"p-{second.id}/0"]
    assert await declined(path(house, second)) == "tree.picture_gone"


async def test_a_platform_that_is_busy_is_not_taken_for_one_that_lost_the_picture(house: House) -> None:
    _, second = await edits(house, "make it night")
    house.chat.troubles["fetch"] = [PlatformBusy(1.0)]
    with pytest.raises(PlatformBusy):
        await path(house, second)


async def test_two_pictures_are_compared_in_the_order_they_were_made(house: House) -> None:
    first, second, third = await edits(house, "make it night", "let it snow")
    thread, compare = thread_of(house, first), tree(house).compare
    drawn = await compare(thread, ImageRef(third.id), None, house.chat.fetch, "en")
    assert drawn.words == "Side by side\n2. make it night\n3. let it snow"
    drawn = await compare(thread, ImageRef(first.id), ImageRef(third.id), house.chat.fetch, "en")
    assert drawn.words == "Side by side\n1. a fox\n3. let it snow"
    fetch = house.chat.fetch
    assert await declined(compare(thread, ImageRef(first.id), None, fetch, "en")) == "tree.nothing_before"
    assert await declined(compare(thread, ImageRef(first.id), ImageRef(first.id), fetch, "en")) == "tree.same"
    gone = ImageRef(TurnId("nobody"))
    assert await declined(compare(thread, ImageRef(first.id), gone, fetch, "en")) == "declined.parent_gone"
    del house.chat.files[f"p-{second.id}/0"]
    assert await declined(compare(thread, ImageRef(third.id), None, fetch, "en")) == "tree.picture_gone"


async def test_undo_goes_to_the_nearest_picture_before_that_stands(house: House) -> None:
    first, second, third = await edits(house, "make it night", "let it snow")
    thread, conversations = thread_of(house, first), house.core.conversations
    await conversations.mark_removed(thread, second.id)
    assert (await tree(house).undo(thread, third.id, event="press")).node.id == first.id
    assert await conversations.head(thread) == ImageRef(first.id)
    assert await declined(tree(house).undo(thread, first.id, event="another")) == "tree.nothing_before"
    assert await declined(tree(house).restore(thread, ImageRef(second.id), event="third")) == "tree.picture_gone"
    assert await declined(tree(house).restore(thread, ImageRef(first.id, 7), event="4")) == "declined.parent_gone"


async def test_going_back_says_to_which_of_several_pictures(house: House) -> None:
    first = await house.done(house.turn("foxes", options=Options(count=3)))
    edit = await house.done(replace(house.edit(first, "closer"), parent=ImageRef(first.id, 2)))
    after = await house.done(house.edit(edit, "closer still"))
    thread = thread_of(house, first)
    back = await tree(house).undo(thread, after.id, event="one")
    assert back.words("en", 100) == "Back to: closer"
    await house.core.conversations.mark_removed(thread, edit.id)
    back = await tree(house).undo(thread, after.id, event="two")
    assert (back.image, back.words("en", 100)) == (ImageRef(first.id, 2), "Back to picture 3 of 3: foxes")
    assert back.words("en", 4) == "Back to picture 3 of 3: fox…"


async def test_an_edit_asked_before_an_undo_does_not_take_it_back(house: House) -> None:
    first, second = await edits(house, "make it night")
    thread = thread_of(house, first)
    house.images.held = True
    late = await house.ask(house.edit(second, "asked before"))
    await tree(house).undo(thread, second.id, event="press")
    house.images.release.set()
    assert await house.ended(late) == "done"
    assert await house.core.conversations.head(thread) == ImageRef(first.id)


async def test_a_fork_is_gone_on_from_with_all_that_led_to_it(house: House) -> None:
    first, second = await edits(house, "make it night")
    thread, elsewhere = thread_of(house, first), ThreadKey("fake", "w", "other", "t2")
    node = await tree(house).fork(thread, ImageRef(second.id), as_turn=TurnId("fake:w:fork"), shared=False)
    assert (node.parent, node.message, node.prompt) == (None, "", "make it night")
    house.chat.files["there/0"] = house.chat.files[f"p-{second.id}/0"]
    shown = Reference("there.png", channel="other", message="there", attachment="0")
    await house.core.conversations.remember(elsewhere, placed(node, [shown], "there"), messages=["there"])
    edit = house.turn("let it snow", thread=elsewhere, parent=ImageRef(node.id), operation=Operation.EDIT)
    await house.done(edit)
    assert len(house.images.made[-1][1].history or []) == 4
    assert await house.core.conversations.head(elsewhere) == ImageRef(edit.id)
    assert await house.core.conversations.head(thread) == ImageRef(second.id)


async def forked(house: House, where: ThreadKey, image: ImageRef, name: str, *, shared: bool = True) -> ThreadKey:
    """A copy of a picture, remembered in a thread of its own."""
    there = replace(where, thread=name)
    node = await tree(house).fork(where, image, as_turn=TurnId(f"fake:w:{name}"), shared=shared)
    original = node.images[0].shown
    house.chat.files[f"{name}/0"] = house.chat.files[f"{original.message}/{original.attachment}"]
    copy = placed(node, [Reference("copy.png", channel="c", message=name, attachment="0")], name)
    await house.core.conversations.remember(there, copy, messages=[name])
    return there


async def lines(house: House, thread: ThreadKey, node: str) -> list[str]:
    drawn = await tree(house).path(thread, ImageRef(TurnId(node)), house.chat.fetch, "en")
    return drawn.words.splitlines()[1:]


async def test_the_path_of_a_copy_leads_to_the_first_picture_where_all_may_see_that(house: House) -> None:
    first = await house.done(house.turn("foxes", options=Options(count=2)))
    second = await house.done(replace(house.edit(first, "closer"), parent=ImageRef(first.id, 1)))
    copy = await forked(house, thread_of(house, first), ImageRef(second.id), "one")
    edit = house.turn("let it snow", thread=copy, parent=ImageRef(TurnId("fake:w:one")), operation=Operation.EDIT)
    await house.done(edit)
    story = ["1 #2. foxes", "2. closer", "3. let it snow"]
    assert await lines(house, copy, edit.id) == story
    again = await forked(house, copy, ImageRef(edit.id), "two")
    assert await lines(house, again, "fake:w:two") == story
    of_first = await forked(house, copy, ImageRef(TurnId("fake:w:one")), "three")
    assert await lines(house, of_first, "fake:w:three") == story[:2]
    hidden = await forked(house, copy, ImageRef(edit.id), "four", shared=False)
    assert await lines(house, hidden, "fake:w:four") == ["1. let it snow"]
    beyond = await forked(house, hidden, ImageRef(TurnId("fake:w:four")), "five")
    assert await lines(house, beyond, "fake:w:five") == ["1. let it snow"]
    for name in ("nodes", "tree"):
        await house.core.redis.delete(f"imagine:1:{name}:{thread_of(house, first)}")
    assert await lines(house, copy, edit.id) == ["1. closer", "2. let it snow"]


async def test_undo_at_a_copy_says_where_what_led_to_it_is(house: House) -> None:
    first, second = await edits(house, "make it night")
    thread = thread_of(house, first)
    for number, (image, shared) in enumerate(((first, True), (second, True), (second, False))):
        copy = await forked(house, thread, ImageRef(image.id), f"copy-{number}", shared=shared)
        name = TurnId(f"fake:w:copy-{number}")
        assert await declined(tree(house).undo(copy, name, event=f"press {number}")) == "tree.nothing_before_copy"


async def test_a_fork_takes_the_one_picture_that_was_chosen(house: House) -> None:
    first = await house.done(house.turn("foxes", options=Options(count=3)))
    node = await house.core.conversations.node(thread_of(house, first), first.id)
    assert node is not None
    copy = await tree(house).fork(
        thread_of(house, first), ImageRef(first.id, 2), as_turn=TurnId("fake:w:fork"), shared=False
    )
    assert [image.shown for image in copy.images] == [node.images[2].shown]
    assert copy.options.count == 1


async def test_a_removed_picture_comes_back_in_no_sheet_and_no_fork(house: House) -> None:
    first, second, third = await edits(house, "make it night", "let it snow")
    thread, fetch = thread_of(house, first), house.chat.fetch
    whole = (await path(house, third)).image.picture
    await house.core.conversations.mark_removed(thread, second.id)
    without = (await path(house, third)).image.picture
    assert without.digest != whole.digest
    del house.chat.files[f"p-{second.id}/0"]
    assert (await path(house, third)).image.picture.digest == without.digest
    compare = tree(house).compare
    assert await declined(compare(thread, ImageRef(third.id), None, fetch, "en")) == "tree.picture_gone"
    again = tree(house).fork(thread, ImageRef(second.id), as_turn=TurnId("fake:w:fork"), shared=False)
    assert await declined(again) == "tree.picture_gone"


async def test_only_a_copy_of_what_was_made_from_a_picture_is_uprooted(house: House) -> None:
    first, second = await edits(house, "make it night")
    for operation in (Operation.EDIT, Operation.AGAIN, Operation.VARIATIONS):
        turn = replace(second, operation=operation)
        assert not turn.uprooted
        assert turn.without_parent().uprooted
        assert turn.without_parent().without_parent().uprooted
    for operation in (Operation.IMAGINE, Operation.AGAIN):
        assert not replace(first, operation=operation).without_parent().uprooted


async def test_the_choices_are_the_newest_pictures_that_stand(house: House) -> None:
    first = await house.done(house.turn("foxes", options=Options(count=2)))
    second, third = [await house.done(house.edit(first, prompt)) for prompt in ("closer", "farther")]
    thread = thread_of(house, first)
    await house.core.conversations.mark_removed(thread, second.id)
    choices = await tree(house).choices(thread)
    assert [choice.label("en") for choice in choices] == ["3. farther · current", "1 #2. foxes", "1 #1. foxes"]
    assert choices[0].image == ImageRef(third.id)
    assert await tree(house).choices(replace(thread, thread="nowhere")) == []
