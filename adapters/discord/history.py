"""Going back and branching: sheets of how pictures came to be, comparisons, an older picture made current, forks."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.discord import render
from adapters.discord.answers import Said, sentence
from adapters.discord.components import Action, Component, More, channel_select, control_id, row, select
from adapters.discord.desk import Desk, declined_gone, person_of, place_of
from adapters.discord.events import Channel, Interaction, Message
from adapters.discord.gathering import check_reads_back
from adapters.discord.permissions import ADMINISTRATOR, NEEDED
from adapters.discord.posting import Poster
from adapters.discord.posts import Place, Post, channel_of, key_of, short_key
from adapters.discord.presses import Press
from adapters.discord.rest import File, Refused
from adapters.discord.showing import files_of, ratios_of, remember_shown, show_again
from adapters.discord.words import ALT_CHARACTERS, one_line, plain
from core.errors import Declined, PlatformGone
from core.ports import Result
from core.replies import say
from core.tree import Back, Choice, Drawn, words_of
from core.turns import ImageRef, Node, ThreadKey, Turn, TurnId, turn_id

QUOTED_CHARACTERS = 100
LABEL_CHARACTERS = 100
_WRITING = NEEDED["View Channels"] | NEEDED["Send Messages"]

Handler = Callable[[Press], Awaitable[Said]]


async def history(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-history: how the current picture of this conversation came to be, and a way to the others."""
    del options
    check_reads_back(interaction)
    thread = key_of(place_of(interaction), person_of(interaction).workspace)
    head = await desk.conversations.head(thread)
    if head is None:
        raise Declined("tree.nothing_yet")
    drawn = await desk.tree.path(thread, head, desk.chat.fetch, interaction.locale)
    menu = _choose(Action.BACK, head, "tree.choose_back", await desk.tree.choices(thread), interaction.locale)
    return replace(_private(drawn), components=(menu,))


async def path_of_message(desk: Desk, interaction: Interaction, message: Message) -> Said:
    """How the picture of a message of ours came to be, for whom it is asked by alone."""
    check_reads_back(interaction)
    post = await desk.posts.by_message(message.id)
    if post is None or message.author.id != desk.rest.user:
        raise Declined("discord.no_picture_there")
    thread = post.thread or post.turn.thread
    node = await desk.conversations.node(thread, post.turn.id)
    if node and len(node.images) > 1:
        return _ask_which(Action.PATH, post.turn.id, len(node.images), "{}", interaction.locale)
    return _private(await desk.tree.path(thread, ImageRef(post.turn.id), desk.chat.fetch, interaction.locale))


async def went_back(press: Press, back: Back) -> Said:
    """Show a picture again that is current now, and say so."""
    before = await press.desk.posts.by_turn(back.node.id)
    if before is None:
        raise declined_gone()
    words = back.words(press.locale, QUOTED_CHARACTERS)
    # Several are all shown again, so everybody is to be told which is meant.
    notes = (words,) if len(back.node.images) > 1 else ()
    try:
        shown = await show_again(press.desk, before, back.node, *notes, event=press.interaction.id, private=press.alone)
    except PlatformGone as gone:
        raise Declined("tree.picture_gone") from gone
    if press.alone:
        return shown
    return Said(plain(words))


async def _more(press: Press) -> Said:
    """Do what was chosen; of several pictures, ask which one first."""
    chosen = _chosen(press)
    if chosen not in MORE:
        raise declined_gone()
    if chosen in _OLDER:
        check_reads_back(press.interaction)
    node = await press.desk.conversations.node(press.thread, press.post.turn.id)
    count = len(node.images) if node else 1
    if count == 1:
        return await MORE[More(chosen)](press)
    return _ask_which(Action.WHICH, press.post.turn.id, count, f"{chosen}:{{}}", press.locale)


def _ask_which(action: Action, turn: TurnId, count: int, value: str, locale: str) -> Said:
    """A menu of a turn's pictures. `value` is what choosing one gives, with a blank for its index."""
    values, labels = [value.format(index) for index in range(count)], [f"#{index + 1}" for index in range(count)]
    menu = row(select(control_id(action, short_key(turn)), say(locale, "discord.form_which"), values, labels))
    return replace(sentence(locale, "discord.form_which"), components=(menu,))


async def _which(press: Press) -> Said:
    chosen, _, index = _chosen(press).partition(":")
    if chosen not in MORE or not index.isdecimal():
        raise declined_gone()
    return await MORE[More(chosen)](replace(press, index=int(index), what=f"{press.what}:{chosen}:{index}"))


async def _path_of_one(press: Press) -> Said:
    """The answer to `path_of_message`, once one of several pictures is chosen."""
    index = _chosen(press)
    if not index.isdecimal():
        raise declined_gone()
    image = ImageRef(press.post.turn.id, int(index))
    return _private(await press.desk.tree.path(press.thread, image, press.desk.chat.fetch, press.locale))


async def _path(press: Press) -> Said:
    drawn = await press.desk.tree.path(press.thread, press.image, press.desk.chat.fetch, press.locale)
    return await _show(press, drawn)


async def _compare(press: Press, other: ImageRef | None = None) -> Said:
    image, fetch = press.image, press.desk.chat.fetch
    return await _show(press, await press.desk.tree.compare(press.thread, image, other, fetch, press.locale))


async def _compare_with(press: Press) -> Said:
    image = press.image
    choices = [choice for choice in await press.desk.tree.choices(press.thread) if choice.image != image]
    if not choices:
        raise Declined("tree.nothing_before")
    menu = _choose(Action.COMPARE, image, "tree.choose", choices, press.locale)
    return replace(sentence(press.locale, "tree.choose"), components=(menu,))


async def _compared(press: Press) -> Said:
    return await _compare(press, await _picked(press))


async def _restore(press: Press) -> Said:
    return await _back_to(press, press.image)


async def _back(press: Press) -> Said:
    return await _back_to(press, await _picked(press))


async def _back_to(press: Press, image: ImageRef) -> Said:
    await press.check_editor()
    return await went_back(press, await press.desk.tree.restore(press.thread, image, event=press.interaction.id))


async def _fork(press: Press) -> Said:
    place = place_of(press.interaction)
    return await _fork_into(press, replace(place, channel=place.root, parent=""))


async def _fork_to(press: Press) -> Said:
    name = control_id(Action.FORK, short_key(press.post.turn.id), press.index)
    menu = row(channel_select(name, say(press.locale, "tree.where")))
    return replace(sentence(press.locale, "tree.where"), components=(menu,))


async def _forked_to(press: Press) -> Said:
    resolved = press.interaction.data.get("resolved", {}).get("channels", {}).get(_chosen(press))
    channel = Channel.model_validate(resolved) if resolved else None
    here = await press.desk.with_age(place_of(press.interaction))
    if channel is None or not _may_write(int(resolved.get("permissions", 0))):
        raise Declined("tree.not_there")
    if here.age_restricted and not channel.nsfw:
        raise Declined("tree.not_there")
    return await _fork_into(press, Place(channel.id, age_restricted=channel.nsfw))


async def _fork_into(press: Press, place: Place) -> Said:
    """Begin a thread in a channel with a copy of the picture, and say in the old one where that is."""
    desk, interaction, person = press.desk, press.interaction, person_of(press.interaction)
    if press.alone or place.direct:
        raise Declined("tree.private")
    await press.check_editor()
    await desk.rules_for(interaction.guild_id, place)
    await press.once()
    name = turn_id("discord", person.workspace, interaction.id)
    shared = await _shared(desk, press.thread, place)
    node = await desk.tree.fork(press.thread, press.image, as_turn=name, shared=shared)
    options = replace(press.post.turn.options, count=1)
    thread = await _begin(press, replace(press.post.turn, id=name, options=options), node, place)
    words = say(
        press.locale,
        "tree.branched",
        name=plain(person.name),
        prompt=plain(one_line(words_of(node, press.locale), QUOTED_CHARACTERS)),
        place=f"<#{channel_of(thread)}>",
    )
    await Poster(desk.rest).post(channel_of(press.thread), render.message(words), name, "branched")
    return Said(words)


async def _shared(desk: Desk, thread: ThreadKey, place: Place) -> bool:
    """Whether all of a channel may see a conversation: it is in that channel, and in no thread that may be private."""
    known = await desk.posts.place(thread.thread) if thread.thread else None
    return thread.channel == place.channel and (not thread.thread or bool(known and known.ours))


async def _begin(press: Press, asked: Turn, node: Node, place: Place) -> ThreadKey:
    desk, person = press.desk, person_of(press.interaction)
    turn = replace(
        asked.without_parent(),
        reply_to="",
        thread=key_of(place, person.workspace),
        address={name: value for name, value in asked.address.items() if name == "limit"},
    )
    note = say(press.locale, "tree.branched_from", name=person.name)
    body = render.result(turn, Result((), node.model, (note,)), ratios=await ratios_of(desk, node), links=())
    try:
        files = await files_of(desk, node)
        message = await Poster(desk.rest).post(place.channel, body, node.id, "fork", files=files)
    except PlatformGone as gone:
        raise Declined("tree.picture_gone") from gone
    except Refused as refused:
        raise Declined("tree.not_there") from refused
    thread = await desk.chat.open_conversation(turn, message)
    ours = Place(thread.thread, thread.channel, ours=True) if thread.thread == message.id else None
    await desk.posts.keep(Post(turn, thread, place.channel, message.id), message.id, place=ours)
    await remember_shown(desk, thread, node, message)
    return thread


async def _show(press: Press, drawn: Drawn) -> Said:
    """Post a sheet in the conversation, once for each press; or give it to who pressed alone."""
    if press.alone:
        return _private(drawn)
    heading = f"<@{press.interaction.person.id}>"
    body = render.message(f"{heading} · {plain(drawn.words)}")
    target = channel_of(press.thread)
    await Poster(press.desk.rest).post(target, body, press.interaction.id, "sheet", files=(_file(drawn),))
    return sentence(press.locale, "tree.posted")


def _private(drawn: Drawn) -> Said:
    return Said(plain(drawn.words), files=(_file(drawn),))


def _file(drawn: Drawn) -> File:
    image = drawn.image
    alt_text = one_line(image.alt_text, ALT_CHARACTERS)
    return File(image.file_name, image.picture.data, image.picture.media_type, alt_text)


def _choose(action: Action, image: ImageRef, question: str, choices: Sequence[Choice], locale: str) -> Component:
    """A menu of pictures; each is named by its index and the key of its turn."""
    values = [f"{choice.image.index}:{short_key(choice.image.node)}" for choice in choices]
    labels = [one_line(choice.label(locale), LABEL_CHARACTERS) for choice in choices]
    return row(select(control_id(action, short_key(image.node), image.index), say(locale, question), values, labels))


async def _picked(press: Press) -> ImageRef:
    index, _, name = _chosen(press).partition(":")
    post = await press.desk.posts.by_key(name)
    if post is None or not index.isdigit() or (post.thread or post.turn.thread) != press.thread:
        raise declined_gone()
    return ImageRef(post.turn.id, int(index))


def _chosen(press: Press) -> str:
    return str(next(iter(press.interaction.data.get("values") or ()), ""))


def _may_write(permissions: int) -> bool:
    return bool(permissions & ADMINISTRATOR) or permissions & _WRITING == _WRITING


MORE: Mapping[More, Handler] = {
    More.PATH: _path,
    More.COMPARE: _compare,
    More.COMPARE_WITH: _compare_with,
    More.RESTORE: _restore,
    More.FORK: _fork,
    More.FORK_TO: _fork_to,
}
_OLDER = (More.PATH, More.COMPARE_WITH)
"""What shows more than the picture and the one that it was made from."""
HANDLERS: Mapping[str, Handler] = {
    Action.MORE: _more,
    Action.WHICH: _which,
    Action.PATH: _path_of_one,
    Action.COMPARE: _compared,
    Action.BACK: _back,
    Action.FORK: _forked_to,
}
