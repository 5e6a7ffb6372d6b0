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
from core.turns import Node, ThreadKey


async def show_again(desk: Desk, post: Post, node: Node, *, event: str = "", private: bool = False) -> Said:
    """Post a node's pictures once more in their conversation, or give them as a private answer."""
    files = await _files(desk, node)
    turn = replace(post.turn, parent=node.parent)
    body = render.result(turn, Result((), node.model), ratios=await _ratios(desk, node), links=())
    if private:
        return Said(str(body["content"]), tuple(body["components"]), tuple(files))
    thread = post.thread or post.turn.thread
    message = await Poster(desk.rest).post(channel_of(thread), body, node.id, "again", event, files=files)
    await _remember(desk, thread, node, message)
    return Said()


async def publish(desk: Desk, post: Post, interaction: Interaction) -> None:
    """Post a private picture in the channel, where it starts a conversation of its own."""
    private = post.thread or post.turn.thread
    node = await desk.conversations.node(private, post.turn.id)
    if node is None:
        raise Declined("declined.parent_gone")
    person, place = person_of(interaction), place_of(interaction)
    public = replace(
        post.turn,
        parent=None,
        options=replace(post.turn.options, private=False),
        thread=key_of(place, person.workspace),
        address={name: value for name, value in post.turn.address.items() if name in ("limit", "direct")},
    )
    node = replace(node, parent=None, options=public.options)
    body = render.result(public, Result((), node.model), ratios=await _ratios(desk, node), links=())
    files = await _files(desk, node)
    message = await Poster(desk.rest).post(place.channel, body, node.id, "publish", files=files)
    await desk.posts.keep(Post(public, public.thread, place.channel, message.id), message.id)
    await _remember(desk, public.thread, node, message)


async def _remember(desk: Desk, thread: ThreadKey, node: Node, message: Message) -> None:
    images = tuple(
        # Without its parents a later part of a history is worth nothing.
        replace(image, shown=shown, history=image.history if node.parent or image.rooted else None)
        for image, shown in zip(node.images, shown_in(message), strict=True)
    )
    fresh = replace(node, images=images, message=message.id, removed=False)
    await desk.conversations.remember(thread, fresh, messages=(message.id,))
    await desk.posts.add_message(node.id, message.id)


async def _files(desk: Desk, node: Node) -> list[File]:
    files = []
    for image in node.images:
        data = await desk.chat.pictures.fetch(image.shown)
        files.append(File(image.shown.name, data, media_type_of(data), one_line(node.prompt, ALT_CHARACTERS)))
    return files


async def _ratios(desk: Desk, node: Node) -> tuple[str, ...]:
    try:
        return (await desk.provider.capabilities(node.model)).aspect_ratios
    except (Declined, ProviderError):
        return ()
