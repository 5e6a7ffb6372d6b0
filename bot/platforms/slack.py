"""Slack, wired."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow

from adapters.slack.app import SlackApp
from adapters.slack.http import EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH, make_http
from adapters.slack.sockets import listening as hearing
from adapters.slack.start import Client, SlackSetup, make_oauth, open_app, open_chat
from bot.health import listening
from bot.platforms.parts import Parts, cipher
from bot.settings import Settings, SetupError
from core.ports import ChatPlatform


def slack_setup(settings: Settings) -> SlackSetup:
    """How Slack is reached, by the settings."""
    client = None
    if settings.slack_client_id and settings.slack_client_secret:
        secret = settings.slack_client_secret.get_secret_value()
        client = Client(settings.slack_client_id, secret, cipher(settings, secret))
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    return SlackSetup(
        bot_token=token,
        client=client,
        api_base=settings.slack_api_base,
        file_hosts=settings.slack_file_hosts,
        avatar_hosts=settings.slack_avatar_hosts,
        response_hosts=settings.slack_response_hosts,
    )


@asynccontextmanager
async def open_slack(parts: Parts, platforms: dict[str, ChatPlatform], *, listens: bool) -> AsyncIterator[list[str]]:
    """Slack to post to and, where the role listens, Socket Mode and HTTP, whichever there are secrets for."""
    settings, core, setup = parts.settings, parts.core, slack_setup(parts.settings)
    async with AsyncExitStack() as stack:
        chat = await stack.enter_async_context(
            open_chat(setup, core.redis, core.workshop, parts.fetcher, core.services, conversation_ttl=core.turns.ttl)
        )
        platforms["slack"] = chat
        if not listens:
            yield []
            return
        public = settings.slack_public_url
        oauth = make_oauth(chat, setup, redirect_url=f"{public}{REDIRECT_PATH}" if public else "")
        secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
        app = open_app(
            chat,
            core.intake,
            core.conversations,
            default_model=settings.image_model,
            most_images=core.intake.limits.most_images,
            signing_secret=secret,
            oauth_flow=oauth,
            avatars=settings.avatars,
        )
        stack.push_async_callback(app.close)
        yield await stack.enter_async_context(_ways_in(app, oauth, settings))


@asynccontextmanager
async def _ways_in(app: SlackApp, oauth: AsyncOAuthFlow | None, settings: Settings) -> AsyncIterator[list[str]]:
    async with AsyncExitStack() as stack:
        places: list[str] = []
        if settings.slack_app_token:
            await stack.enter_async_context(hearing(app, settings.slack_app_token.get_secret_value()))
            places.append("Listening on Slack by Socket Mode.")
        if settings.slack_signing_secret:
            host, wanted = settings.slack_http_host, settings.slack_http_port
            try:
                port = await stack.enter_async_context(listening(make_http(app, oauth), host, wanted))
            except OSError as error:
                raise SetupError(
                    f"Port {wanted} on {host} is taken. Stop what runs there, or set SLACK_HTTP_PORT."
                ) from error
            places.append(f"Listening for Slack at http://{host}:{port}{EVENTS_PATH}")
            if oauth:
                public = settings.slack_public_url or f"http://{host}:{port}"
                places.append(f"Install it in workspaces from {public}{INSTALL_PATH}")
        yield places
