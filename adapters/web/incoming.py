"""What people do at the page, as turns.

Every event is named by the browser that sends it, so that the same one sent twice is one turn.
"""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from redis.exceptions import RedisError

from adapters.web.asking import Asking, name_of
from adapters.web.chat import announcement_of
from adapters.web.intake import Intake
from adapters.web.library import TypedLibrary
from adapters.web.messages import (
    PLATFORM,
    WORKSPACE,
    Author,
    Message,
    Posted,
    Sent,
    Shown,
    State,
    thread_key,
    words_id,
)
from adapters.web.models import Offers
from adapters.web.sessions import Session
from adapters.web.workspace import Workspace
from core.conversation import Conversations
from core.errors import Declined, PlatformGone
from core.librarian import asks
from core.picking import current_among
from core.ports import Stage
from core.replies import cost_estimate, say
from core.turns import ImageRef, Operation, Options, Turn
from core.wording import Wording

LONGEST_WORDS = 8000
MOST_PICTURES = 10
_COMMAND = re.compile(r"/imagine(?:\s+|$)", re.IGNORECASE)
_ANY_COMMAND = re.compile(r"/[a-z]+(?:\s|$)", re.IGNORECASE)


class Incoming:
    """Takes what people send. Every method raises `Declined` with the sentence to say, and may raise RedisError."""

    def __init__(
        self,
        workspace: Workspace,
        intake: Intake,
        conversations: Conversations,
        wording: Wording,
        library: TypedLibrary,
        offers: Offers,
    ) -> None:
        self._offers = offers
        self._workspace = workspace
        self._wording = wording
        self._library = library
        self._intake = intake
        self._conversations = conversations
        self._asking = Asking(workspace, conversations)

    async def send(self, sent: Sent, session: Session, locale: str) -> str:
        """Post what somebody wrote, or take it on as a turn. Gives the id of the message that shows it."""
        await self._check_pictures(sent.pictures)
        if sent.thread:
            return await self._reply(sent, session, locale)
        if not await self._workspace.has_channel(sent.channel):
            raise Declined("web.channel_gone")
        if command := _COMMAND.match(sent.text):
            words = sent.text[command.end() :]
            if answer := await self._library.answered(sent, words, session, locale):
                return answer
            return await self._take(await self._asking.begun(sent, words, session, locale))
        if _ANY_COMMAND.match(sent.text):
            raise Declined("web.unknown_command")
        return await self._say(sent, session)

    async def estimate(self, sent: Sent, session: Session, locale: str) -> str:
        """What it would cost to send this; empty where no turn would come of it, and for a model not known as offered.

        It is asked at every pause in typing, and the service is not to be questioned about each half of a name.
        """
        command = _COMMAND.match(sent.text)
        words = sent.text[command.end() if command else 0 :]
        if command and asks(words):
            return ""
        try:
            if sent.thread:
                root = await self._asking.root(sent, session)
                turn = await self._asking.replied(sent, root, words, session, locale, commanded=bool(command))
            elif command:
                turn = await self._asking.begun(sent, words, session, locale)
            else:
                return ""
            if turn.options.model and turn.options.model not in await self._known_models(turn):
                return ""
            return cost_estimate(await self._intake.estimate(turn))
        except Declined:
            return ""

    async def _known_models(self, turn: Turn) -> Sequence[str]:
        choices = await self._intake.choices.of_workspace(PLATFORM, WORKSPACE)
        return (*choices.allowed, await self._intake.usual(turn.thread), *await self._offers.names())

    async def again(self, message: str, event: str, session: Session, locale: str) -> str:
        """The turn of an announcement, or of the pictures it came to, once more."""
        announced = await self.announcement(message, session)
        turn = announced.message.turn
        if turn is None:
            raise Declined("declined.parent_gone")
        if turn.uprooted:
            raise Declined("declined.uprooted")
        return await self._take(
            replace(
                turn,
                id=name_of(session, event),
                thread=thread_key(announced.message.channel, announced.message.root),
                author=session.person,
                asked_at=time.time(),
                operation=Operation.AGAIN,
                reply_to=message,
                locale=locale,
            )
        )

    async def variations(self, message: str, event: str, session: Session, locale: str, *, count: int) -> str:
        """Variations of the picture that a message shows."""
        announced = await self.announcement(message, session)
        turn = announced.message.turn
        if turn is None:
            raise Declined("declined.parent_gone")
        thread = thread_key(announced.message.channel, announced.message.root)
        image = await current_among(self._conversations, thread, ImageRef(turn.id))
        edited = await self._asking.going_on(thread, image)
        return await self._take(
            Turn(
                id=name_of(session, event),
                thread=thread,
                author=session.person,
                prompt=say(locale, "prompt.variations"),
                asked_at=time.time(),
                operation=Operation.VARIATIONS,
                options=Options(count=count, model=turn.options.model, private=turn.options.private),
                parent=edited.image,
                reply_to=message,
                locale=locale,
                address=edited.address,
                among=edited.among,
            )
        )

    async def cancel(self, message: str, session: Session) -> None:
        """Cancel the turn of an announcement."""
        announced = await self.announcement(message, session)
        if announced.message.turn is None:
            raise Declined("declined.already_over")
        await self._intake.cancel(announced.message.turn.id, session.person)

    async def _say(self, sent: Sent, session: Session) -> str:
        if not sent.text.strip() and not sent.pictures:
            raise Declined("web.empty_message")
        if len(sent.text) > LONGEST_WORDS:
            raise Declined("web.message_too_long", {"length": len(sent.text), "limit": LONGEST_WORDS})
        message = Message(
            id=words_id(f"{session.user}.{sent.event}"),
            channel=sent.channel,
            author=Author(session.user, session.name),
            at=time.time(),
            text=sent.text.strip(),
            pictures=sent.pictures,
        )
        try:
            await self._workspace.post(message)
        except PlatformGone as gone:
            raise Declined("web.channel_gone") from gone
        return message.id

    async def _reply(self, sent: Sent, session: Session, locale: str) -> str:
        root = await self._asking.root(sent, session)
        command = _COMMAND.match(sent.text)
        words = sent.text[command.end() if command else 0 :]
        if command and (answer := await self._library.answered(sent, words, session, locale)):
            return answer
        return await self._take(await self._asking.replied(sent, root, words, session, locale, commanded=bool(command)))

    async def _take(self, turn: Turn) -> str:
        """Take a turn on, and show at once that it is: its worker finds the announcement there and goes on with it."""
        turn = await self._wording.settle(turn)
        message = announcement_of(turn)
        if await self._intake.accept(turn):
            state = State(Stage.WAITING, say(turn.locale, "web.taken_on"))
            with suppress(RedisError, PlatformGone):
                await self._workspace.post(message, state)
        return message.id

    async def announcement(self, message: str, session: Session) -> Posted:
        """The announcement that a message is, or answers."""
        posted = await self._workspace.message(message)
        if posted and posted.message.answers:
            posted = await self._workspace.message(posted.message.answers)
        if posted is None or not posted.message.visible_to(session.user):
            raise Declined("web.thread_gone")
        return posted

    async def _check_pictures(self, pictures: Sequence[Shown]) -> None:
        if len(pictures) > MOST_PICTURES:
            raise Declined("web.too_many_pictures", {"limit": MOST_PICTURES})
        for shown in pictures:
            if not await self._workspace.files.has(shown.digest):
                raise Declined("web.picture_gone", {"name": shown.name})
