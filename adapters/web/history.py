"""Going back and branching: sheets of how pictures came to be, comparisons, an older picture made current, forks.

What is posted here has an id made from the browser's event, so that the same one sent twice is one message.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from adapters.web.asking import name_of
from adapters.web.chat import BOT, WebChat, announcement_of, reference_to
from adapters.web.incoming import Incoming
from adapters.web.messages import Message, Posted, Shown, State, Target, pictures_id, thread_key, words_id
from adapters.web.sessions import Session
from adapters.web.workspace import Workspace
from core.conversation import Conversations
from core.errors import Declined, PlatformGone
from core.ports import Stage
from core.replies import say
from core.tree import Back, Drawn, Tree, placed, words_of
from core.turns import ImageRef, Node, ThreadKey, Turn

QUOTED_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with a picture of a message, by whom.

    `other` is what it is compared with, `channel` where it is branched off to; empty for the one where it is.
    """

    picture: Target
    event: str
    session: Session
    locale: str
    other: Target | None = None
    channel: str = ""


class History:
    """What can be done in the tree of a thread. Raises as `Incoming`."""

    def __init__(
        self,
        workspace: Workspace,
        chat: WebChat,
        conversations: Conversations,
        tree: Tree,
        incoming: Incoming,
        *,
        most_images: int,
    ) -> None:
        """`most_images` is how many variations are asked for."""
        self._most_images = most_images
        self._workspace = workspace
        self._chat = chat
        self._conversations = conversations
        self._tree = tree
        self._incoming = incoming
        self.operations: Mapping[str, Callable[[Wish], Awaitable[str]]] = {
            "variations": self._variations,
            "undo": self._undo,
            "restore": self._restore,
            "path": self._path,
            "compare": self._compare,
            "fork": self._fork,
        }

    async def _variations(self, wish: Wish) -> str:
        variations, count = self._incoming.variations, self._most_images
        return await variations(wish.picture.message, wish.event, wish.session, wish.locale, count=count)

    async def _undo(self, wish: Wish) -> str:
        asked, thread, turn = await self._about(wish)
        return await self._went_back(wish, asked, await self._tree.undo(thread, turn.id, event=_name(wish)))

    async def _restore(self, wish: Wish) -> str:
        asked, thread, turn = await self._about(wish)
        back = await self._tree.restore(thread, ImageRef(turn.id, wish.picture.index), event=_name(wish))
        return await self._went_back(wish, asked, back)

    async def _path(self, wish: Wish) -> str:
        asked, thread, turn = await self._about(wish)
        drawn = await self._tree.path(thread, ImageRef(turn.id, wish.picture.index), self._chat.fetch, wish.locale)
        return await self._show(wish, asked, drawn)

    async def _compare(self, wish: Wish) -> str:
        asked, thread, turn = await self._about(wish)
        other = None
        if wish.other:
            found = await self._conversations.find(thread, wish.other.message)
            if found is None:
                raise Declined("declined.parent_gone")
            other = ImageRef(found.node, wish.other.index)
        drawn = await self._tree.compare(
            thread, ImageRef(turn.id, wish.picture.index), other, self._chat.fetch, wish.locale
        )
        return await self._show(wish, asked, drawn)

    async def _fork(self, wish: Wish) -> str:
        asked, thread, turn = await self._about(wish)
        if asked.message.only_for:
            raise Declined("tree.private")
        channel = wish.channel or asked.message.channel
        if not await self._workspace.has_channel(channel):
            raise Declined("web.channel_gone")
        image = ImageRef(turn.id, wish.picture.index)
        # Whoever sees one channel here sees all of them.
        node = await self._tree.fork(thread, image, as_turn=name_of(wish.session, wish.event), shared=True)
        root = await self._begin(wish, turn, node, channel)
        words = say(
            wish.locale,
            "tree.branched",
            name=wish.session.name,
            prompt=words_of(node, wish.locale)[:QUOTED_CHARACTERS],
            place=f"#{root.channel}",
        )
        await self._say(wish, asked, words)
        return root.id

    async def _begin(self, wish: Wish, asked: Turn, node: Node, channel: str) -> Message:
        """A thread of its own in a channel, whose first picture is a copy. Gives the message it hangs on."""
        turn = replace(
            asked.without_parent(),
            id=node.id,
            options=replace(asked.options, count=1),
            thread=thread_key(channel),
            asked_at=time.time(),
            reply_to="",
            address={},
        )
        root = announcement_of(turn)
        pictures = Message(
            id=pictures_id(turn.id),
            channel=channel,
            author=BOT,
            at=time.time(),
            thread=root.id,
            pictures=_shown(node),
            answers=root.id,
            model=node.model,
            notes=(say(wish.locale, "tree.branched_from", name=wish.session.name),),
        )
        await self._post(root, State(Stage.DONE, say(wish.locale, "stage.done")))
        await self._post(pictures)
        references = [reference_to(pictures, shown) for shown in pictures.pictures]
        known = placed(node, references, pictures.id)
        await self._conversations.remember(thread_key(channel, root.id), known, messages=(root.id, pictures.id))
        return root

    async def _went_back(self, wish: Wish, asked: Posted, back: Back) -> str:
        shown = _shown(back.node)
        message = await self._say(wish, asked, back.words(wish.locale, QUOTED_CHARACTERS), shown)
        thread = thread_key(message.channel, message.thread)
        await self._conversations.remember(thread, back.node, messages=(message.id,))
        return message.id

    async def _show(self, wish: Wish, asked: Posted, drawn: Drawn) -> str:
        picture, name = drawn.image.picture, drawn.image.file_name
        digest = await self._workspace.files.put(picture.data)
        shown = Shown(digest, name, drawn.image.alt_text, picture.width, picture.height)
        return (await self._say(wish, asked, drawn.words, (shown,))).id

    async def _say(self, wish: Wish, asked: Posted, words: str, pictures: tuple[Shown, ...] = ()) -> Message:
        message = Message(
            id=words_id(_name(wish)),
            channel=asked.message.channel,
            author=BOT,
            at=time.time(),
            thread=asked.message.root,
            text=words,
            pictures=pictures,
            only_for=asked.message.only_for,
        )
        await self._post(message)
        return message

    async def _post(self, message: Message, state: State | None = None) -> None:
        try:
            await self._workspace.post(message, state)
        except PlatformGone as gone:
            raise Declined("web.thread_gone") from gone

    async def _about(self, wish: Wish) -> tuple[Posted, ThreadKey, Turn]:
        asked = await self._incoming.announcement(wish.picture.message, wish.session)
        if asked.message.turn is None:
            raise Declined("declined.parent_gone")
        return asked, thread_key(asked.message.channel, asked.message.root), asked.message.turn


def _name(wish: Wish) -> str:
    return f"{wish.session.user}.{wish.event}"


def _shown(node: Node) -> tuple[Shown, ...]:
    return tuple(
        Shown(image.shown.attachment, image.shown.name, node.prompt, image.width, image.height) for image in node.images
    )
