"""What somebody asks for in words: the turn of a command, or of a reply in a thread."""

import time
from dataclasses import dataclass, replace

from adapters.web.chat import reference_to
from adapters.web.gathering import pointed_at
from adapters.web.messages import (
    PLATFORM,
    WORKSPACE,
    Author,
    Message,
    Posted,
    Sent,
    announcement_id,
    thread_key,
)
from adapters.web.sessions import Session
from adapters.web.workspace import Workspace
from core.commands import parse
from core.conversation import Conversations
from core.errors import Declined
from core.picking import picked
from core.turns import ImageRef, Operation, Options, Reference, ThreadKey, Turn, TurnId, turn_id


@dataclass(frozen=True, slots=True)
class Edited:
    """The picture that a message in a thread goes on from."""

    image: ImageRef
    address: dict[str, str]
    among: int


class Asking:
    """Finds out which turn is asked for. Raises `Declined` with the sentence to say, and RedisError."""

    def __init__(self, workspace: Workspace, conversations: Conversations) -> None:
        self._workspace = workspace
        self._conversations = conversations

    async def begun(self, sent: Sent, words: str, session: Session, locale: str) -> Turn:
        """The turn that a command in a channel asks for."""
        prompt, options = parse(words)
        turn = _turn(sent, session, locale, prompt, options)
        if turn.references:
            return turn
        return replace(turn, references=await pointed_at(self._workspace, prompt, sent.channel))

    async def root(self, sent: Sent, session: Session) -> Posted:
        """The message that the thread hangs on in which something is sent."""
        root = await self._workspace.message(sent.thread)
        if root is None or not root.message.visible_to(session.user) or not _begins(root, sent.channel):
            raise Declined("web.thread_gone")
        return root

    async def replied(
        self, sent: Sent, root: Posted, words: str, session: Session, locale: str, *, commanded: bool
    ) -> Turn:
        """The turn that is asked for in a thread: an edit, unless it is a command that replies to nothing."""
        prompt, options = parse(words)
        if options.private and not root.message.only_for:
            raise Declined("web.private_in_thread")
        edited = None
        if sent.target or not commanded:
            edited, prompt = await self._edited(sent, root, prompt)
        turn = _turn(sent, session, locale, prompt, replace(options, private=bool(root.message.only_for)))
        if edited:
            address, among = edited.address, edited.among
            turn = replace(turn, operation=Operation.EDIT, parent=edited.image, address=address, among=among)
        elif not turn.references:
            meant = await pointed_at(self._workspace, prompt, sent.channel, sent.thread)
            turn = replace(turn, references=meant)
        return turn

    async def _edited(self, sent: Sent, root: Posted, words: str) -> tuple[Edited | None, str]:
        """The picture that is replied to, else the current one of the thread, and the words but for its number.

        None while the thread has no picture.
        """
        thread, target = thread_key(sent.channel, sent.thread), sent.target
        found = await (self._conversations.find(thread, target.message) if target else self._conversations.head(thread))
        if found is None:
            if target:
                raise Declined("declined.parent_gone")
            if root.state and not root.state.stage.final:
                raise Declined("web.still_drawing")
            return None, words
        alone = not sent.pictures and not target
        image, rest = await picked(self._conversations, thread, found, words, alone=alone)
        if target and rest == words:
            image = ImageRef(found.node, target.index)
        return await self.going_on(thread, image), rest

    async def going_on(self, thread: ThreadKey, image: ImageRef) -> Edited:
        """What is kept with a turn about the picture that it goes on from."""
        node = await self._conversations.node(thread, image.node)
        if node is None or not 0 <= image.index < len(node.images):
            raise Declined("declined.parent_gone")
        picture = node.images[image.index]
        shape = f"{picture.width}:{picture.height}"
        address = {"digest": picture.shown.attachment, "message": picture.shown.message, "shape": shape}
        return Edited(image, address, len(node.images))


def _turn(sent: Sent, session: Session, locale: str, prompt: str, options: Options) -> Turn:
    event = name_of(session, sent.event)
    message = Message(announcement_id(event), sent.channel, Author(session.user, session.name), 0.0)
    references: tuple[Reference, ...] = tuple(reference_to(message, shown) for shown in sent.pictures)
    return Turn(
        id=event,
        thread=thread_key(sent.channel, sent.thread),
        author=session.person,
        prompt=prompt,
        asked_at=time.time(),
        options=options,
        references=references,
        reply_to=sent.target.message if sent.target else "",
        locale=locale,
    )


def name_of(session: Session, event: str) -> TurnId:
    """The id of a turn that somebody's browser asks for as `event`. People cannot name each other's events."""
    return turn_id(PLATFORM, WORKSPACE, f"{session.user}.{event}")


def _begins(posted: Posted, channel: str) -> bool:
    message = posted.message
    return message.turn is not None and not message.thread and message.channel == channel
