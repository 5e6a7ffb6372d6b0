"""Finished pictures shown once more: a parent that was gone back to, a private picture that is made public."""

from dataclasses import replace

from adapters.discord import render
from adapters.discord.answers import Said
from adapters.discord.desk import Desk, person_of, place_of
from adapters.discord.events import Interaction, Message
from adapters.discord.pictures import shown_in
from adapters.discord.posting import Poster
from adapters.discord.posts import Post, channel_of, key_of
from adapters.discord.rest import File
from adapters.discord.words import ALT_CHARACTERS, one_line
from core.errors import Declined, ProviderError
from core.pictures.identify import media_type_of
from core.ports import Result
from core.tree import placed
from core.turns import Node, ThreadKey


async def show_again(desk: Desk, post: Post, node: Node, *notes: str, event: str, private: bool) -> Said:
    """Post a node's pictures once more in their conversation, or give them as a private answer."""
    files = await files_of(desk, node)
    turn = replace(post.turn, parent=node.parent)
    body = render.result(turn, Result((), node.model, notes), ratios=await ratios_of(desk, node), links=())
    if private:
        return Said(str(body["content"]), tuple(body["components"]), tuple(files))
    thread = post.thread or post.turn.thread
    message = await Poster(desk.rest).post(channel_of(thread), body, node.id, "again", event, files=files)
    await remember_shown(desk, thread, node, message)
    return Said()


async def publish(desk: Desk, post: Post, interaction: Interaction) -> None:
    """Post a private picture in the channel, where it starts a conversation of its own."""
    private = post.thread or post.turn.thread
    node = await desk.conversations.node(private, post.turn.id)
    if node is None:
        raise Declined("declined.parent_gone")
    person, place = person_of(interaction), place_of(interaction)
    public = replace(
        post.turn.without_parent(),
        options=replace(post.turn.options, private=False),
        thread=key_of(place, person.workspace),
        address={name: value for name, value in post.turn.address.items() if name in ("limit", "direct")},
    )
    # Without its parents a later part of a history is worth nothing.
    images = tuple(image if image.rooted else replace(image, history=None) for image in node.images)
    node = replace(node, parent=None, options=public.options, images=images)
    body = render.result(public, Result((), node.model), ratios=await ratios_of(desk, node), links=())
    files = await files_of(desk, node)
    message = await Poster(desk.rest).post(place.channel, body, node.id, "publish", files=files)
    await desk.posts.keep(Post(public, public.thread, place.channel, message.id), message.id)
    await remember_shown(desk, public.thread, node, message)


async def remember_shown(desk: Desk, thread: ThreadKey, node: Node, message: Message) -> None:
    """Note where a node's pictures are now."""
    fresh = placed(node, shown_in(message), message.id)
    await desk.conversations.remember(thread, fresh, messages=(message.id,))
    await desk.posts.add_message(node.id, message.id)


async def files_of(desk: Desk, node: Node) -> list[File]:
    """A node's pictures, to be posted again. Raises `PlatformGone` where they cannot be had."""
    files = []
    for image in node.images:
        data = await desk.chat.pictures.fetch(image.shown)
        files.append(File(image.shown.name, data, media_type_of(data), one_line(node.prompt, ALT_CHARACTERS)))
    return files


async def ratios_of(desk: Desk, node: Node) -> tuple[str, ...]:
    """The shapes that a node's model draws."""
    try:
        return (await desk.provider.capabilities(node.model)).aspect_ratios
    except (Declined, ProviderError):
        return ()
