"""The page and what it asks for, as one aiohttp application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from adapters.web.changes import Changes
from adapters.web.chat import WebChat
from adapters.web.events import EventRoutes
from adapters.web.guard import add_headers, guards
from adapters.web.history import History
from adapters.web.incoming import Incoming
from adapters.web.intake import Intake
from adapters.web.library import LibraryRoutes, TypedLibrary
from adapters.web.models import ModelRoutes, Offers
from adapters.web.pictures import PictureRoutes
from adapters.web.sessions import Sessions
from adapters.web.start import StartRoutes, WebSetup
from adapters.web.talk import TalkRoutes
from adapters.web.workspace import Workspace
from core.conversation import Conversations
from core.librarian import Librarian
from core.ports import Models
from core.tree import SheetMaker, Tree
from core.wording import Wording

STATIC = Path(__file__).parent / "static"
MOST_JSON_BYTES = 1_000_000
MOST_VARIATIONS = 4
PRUNE_SECONDS = 6 * 3600.0


def create_app(
    workspace: Workspace,
    intake: Intake,
    conversations: Conversations,
    provider: Models,
    workshop: SheetMaker,
    setup: WebSetup,
    wording: Wording,
) -> web.Application:
    """The web workspace, to be served on loopback, or anywhere with a password."""
    sessions = Sessions(workspace.redis, ttl=workspace.ttl, password=setup.password)
    changes = Changes(workspace)
    librarian = Librarian(wording.library, wording.styles)
    typed = TypedLibrary(workspace, librarian)
    app = web.Application(client_max_size=MOST_JSON_BYTES, middlewares=guards(sessions))
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.append(_running(changes, workspace))
    app.on_shutdown.append(_cutting_off(changes))
    offers = Offers(provider)
    incoming = Incoming(workspace, intake, conversations, wording, typed, offers)
    most = min(MOST_VARIATIONS, setup.most_images)
    history = History(
        workspace, WebChat(workspace), conversations, Tree(conversations, workshop), incoming, most_images=most
    )
    app.add_routes(
        [
            *StartRoutes(workspace, sessions, changes, setup).routes(),
            *ModelRoutes(workspace, intake, provider, offers).routes(),
            *TalkRoutes(workspace, incoming, history).routes(),
            *LibraryRoutes(librarian).routes(),
            *PictureRoutes(workspace.files, workshop, max_upload_bytes=setup.max_upload_bytes).routes(),
            *EventRoutes(changes).routes(),
            web.get("/", _page),
            web.static("/static", STATIC),
        ]
    )
    return app


async def _page(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "index.html")


def _running(changes: Changes, workspace: Workspace) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(_: web.Application) -> AsyncIterator[None]:
        pruning = asyncio.create_task(_prune(workspace))
        async with changes:
            yield
        pruning.cancel()
        with suppress(asyncio.CancelledError):
            await pruning

    return run


def _cutting_off(changes: Changes) -> Callable[[web.Application], Awaitable[None]]:
    async def cut_off(_: web.Application) -> None:
        changes.cut_off()

    return cut_off


async def _prune(workspace: Workspace) -> None:
    while True:
        with suppress(OSError):
            await workspace.files.prune()
        await asyncio.sleep(PRUNE_SECONDS)
