"""Messages, as the page reads and sends them."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from adapters.web.guard import SESSION, language
from adapters.web.history import History, Wish
from adapters.web.incoming import MOST_PICTURES, Incoming
from adapters.web.messages import Posted, Sent, Shown, Target
from adapters.web.parsing import body, number
from adapters.web.render import message_json
from adapters.web.sessions import Session
from adapters.web.workspace import Workspace
from core.errors import Declined

THREAD_MESSAGES = 300

Event = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
Id = Annotated[str, StringConstraints(pattern=r"^[tpw][0-9a-f]{24}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class SentPicture(BaseModel):
    """A picture that was uploaded before."""

    digest: Digest
    name: str = Field(max_length=255)


class SentTarget(BaseModel):
    """A picture that is replied to."""

    message: Id
    index: int = Field(0, ge=0, lt=100)


class SentMessage(BaseModel):
    """What the composer sends."""

    event: Event
    channel: str = Field(max_length=100)
    thread: Id | None = None
    text: str = Field("", max_length=300_000)
    pictures: tuple[SentPicture, ...] = Field((), max_length=2 * MOST_PICTURES)
    target: SentTarget | None = None

    def sent(self) -> Sent:
        """The same, in the words of the workspace."""
        return Sent(
            event=self.event,
            channel=self.channel,
            thread=self.thread or "",
            text=self.text.strip(),
            pictures=tuple(Shown(picture.digest, picture.name) for picture in self.pictures),
            target=Target(self.target.message, self.target.index) if self.target else None,
        )


class Pressed(BaseModel):
    """A button that does something once, to one picture of a message.

    `other` is what that is compared with, `channel` where it is branched off to; empty for the one where it is.
    """

    event: Event
    index: int = Field(0, ge=0, lt=100)
    other: SentTarget | None = None
    channel: str = Field("", max_length=100)


class TalkRoutes:
    """Timelines, threads, sending and buttons."""

    def __init__(self, workspace: Workspace, incoming: Incoming, history: History) -> None:
        self._workspace = workspace
        self._incoming = incoming
        self._history = history

    def routes(self) -> list[web.RouteDef]:
        """Where these are asked for."""
        return [
            web.get("/api/channels/{channel}/messages", self.timeline),
            web.get("/api/threads/{root}", self.thread),
            web.post("/api/messages", self.send),
            web.post("/api/estimate", self.estimate),
            web.post("/api/messages/{message}/again", self.again),
            web.post("/api/messages/{message}/cancel", self.cancel),
            web.post("/api/messages/{message}/{operation}", self.operate),
        ]

    async def timeline(self, request: web.Request) -> web.Response:
        """A channel's messages, the newest or those before a time."""
        channel = request.match_info["channel"]
        if not await self._workspace.has_channel(channel):
            raise Declined("web.channel_gone")
        before = number(request.query.get("before"))
        found, more = await self._workspace.timeline(channel, before=before)
        return web.json_response({"messages": _visible(found, request[SESSION]), "more": more})

    async def thread(self, request: web.Request) -> web.Response:
        """A thread: the message that it hangs on, and its replies."""
        root = await self._workspace.message(request.match_info["root"])
        if root is None or not root.message.visible_to(request[SESSION].user):
            raise Declined("web.thread_gone")
        found, _ = await self._workspace.timeline(root.message.channel, root.message.root, limit=THREAD_MESSAGES)
        return web.json_response({"root": message_json(root), "messages": _visible(found, request[SESSION])})

    async def send(self, request: web.Request) -> web.Response:
        """Take what somebody sends. The same event sent twice is one message."""
        sent = (await body(request, SentMessage)).sent()
        message = await self._incoming.send(sent, request[SESSION], language(request))
        return web.json_response({"message": message}, status=202)

    async def estimate(self, request: web.Request) -> web.Response:
        """What it would cost to send what stands in the composer."""
        sent = (await body(request, SentMessage)).sent()
        estimate = await self._incoming.estimate(sent, request[SESSION], language(request))
        return web.json_response({"estimate": estimate})

    async def again(self, request: web.Request) -> web.Response:
        """The turn of a message once more."""
        pressed = await body(request, Pressed)
        message = await self._incoming.again(
            request.match_info["message"], pressed.event, request[SESSION], language(request)
        )
        return web.json_response({"message": message}, status=202)

    async def operate(self, request: web.Request) -> web.Response:
        """Do something in the tree of the thread that a message belongs to."""
        operation = self._history.operations.get(request.match_info["operation"])
        if operation is None:
            raise web.HTTPNotFound
        pressed = await body(request, Pressed)
        other = Target(pressed.other.message, pressed.other.index) if pressed.other else None
        image = Target(request.match_info["message"], pressed.index)
        wish = Wish(image, pressed.event, request[SESSION], language(request), other, pressed.channel)
        done = await operation(wish)
        return web.json_response({"message": done}, status=202)

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel the turn of a message."""
        await self._incoming.cancel(request.match_info["message"], request[SESSION])
        return web.json_response({}, status=202)


def _visible(found: list[Posted], session: Session) -> list[dict[str, object]]:
    return [message_json(posted) for posted in found if posted.message.visible_to(session.user)]
