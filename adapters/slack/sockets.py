"""Slack over Socket Mode: several connections, so that one is always open while another is being replaced."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

from adapters.slack.app import SlackApp
from adapters.slack.web_api import make_client
from core.background import stop

CONNECTIONS = 2
"""Slack allows ten for an app, all processes together."""

log = structlog.get_logger()


@asynccontextmanager
async def listening(app: SlackApp, app_token: str, *, connections: int = CONNECTIONS) -> AsyncIterator[None]:
    """Hear Slack while the block runs."""
    handlers = [_handler(app, app_token) for _ in range(connections)]
    async with AsyncExitStack() as stack:
        for handler in handlers:
            stack.push_async_callback(_close, handler)
        stack.push_async_callback(stop, *(asyncio.create_task(_connect(handler)) for handler in handlers))
        yield


def _handler(app: SlackApp, app_token: str) -> AsyncSocketModeHandler:
    api = app.desk.api
    client = make_client(api.session, api.base_url, reads=True)
    return AsyncSocketModeHandler(app.bolt, app_token, logger=logging.getLogger(__name__), web_client=client)


async def _connect(handler: AsyncSocketModeHandler) -> None:
    await handler.connect_async()  # type: ignore[no-untyped-call]


async def _close(handler: AsyncSocketModeHandler) -> None:
    await handler.close_async()  # type: ignore[no-untyped-call]
