"""Saved pictures and styles, in typed words: `/imagine library …`. What they are told, only who asks sees.

Who may save, replace and remove is one rule here: everybody who has the one password, and everything.
"""

import time

from aiohttp import web

from adapters.web.chat import BOT
from adapters.web.guard import SESSION
from adapters.web.messages import Message, Sent, words_id
from adapters.web.sessions import Session
from adapters.web.workspace import Workspace
from core.errors import PlatformGone
from core.librarian import Fetch, Librarian, Visitor


class TypedLibrary:
    """Does what is typed to the library. Raises `Declined`, and may raise RedisError."""

    def __init__(self, workspace: Workspace, librarian: Librarian) -> None:
        self._workspace = workspace
        self._librarian = librarian

    async def answered(self, sent: Sent, words: str, session: Session, locale: str) -> str | None:
        """The id of the message that answers; None where the words are a prompt."""
        message = words_id(f"{session.user}.{sent.event}")
        if await self._workspace.message(message):
            return message
        who = Visitor(session.person, sent.channel, locale, moderator=True, place=lambda name: f"#{name}")
        said = await self._librarian.answer(who, words, await self._fetch(sent, session))
        if said is None:
            return None
        answer = Message(
            id=message,
            channel=sent.channel,
            author=BOT,
            at=time.time(),
            thread=sent.thread,
            text=said,
            only_for=session.user,
        )
        await self._workspace.post(answer)
        return message

    async def _fetch(self, sent: Sent, session: Session) -> Fetch | None:
        """What is attached, else the picture that is replied to."""
        digest = sent.pictures[0].digest if sent.pictures else ""
        if sent.target and not digest:
            posted = await self._workspace.message(sent.target.message)
            pictures = posted.message.pictures if posted and posted.message.visible_to(session.user) else ()
            digest = pictures[sent.target.index].digest if sent.target.index < len(pictures) else ""
        if not digest:
            return None

        async def fetch() -> bytes:
            data = await self._workspace.files.get(digest)
            if data is None:
                raise PlatformGone("a picture is no longer kept", reason="gone")
            return data

        return fetch


class LibraryRoutes:
    """What the composer completes."""

    def __init__(self, librarian: Librarian) -> None:
        self._librarian = librarian

    def routes(self) -> list[web.RouteDef]:
        """Where these are asked for."""
        return [web.get("/api/channels/{channel}/library", self.names)]

    async def names(self, request: web.Request) -> web.Response:
        """The names that can be spoken of in a channel."""
        person = request[SESSION].person
        return web.json_response(
            {
                "pictures": await self._librarian.names(person),
                "styles": await self._librarian.style_names(person, request.match_info["channel"]),
            }
        )
