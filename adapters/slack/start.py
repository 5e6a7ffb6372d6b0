"""Puts Slack's parts together out of plain arguments."""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from cryptography.fernet import MultiFernet
from redis.asyncio import Redis
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings

from adapters.slack.agent import Agent
from adapters.slack.app import SlackApp, make_app
from adapters.slack.desk import Desk
from adapters.slack.files import Files
from adapters.slack.installations import Installations, InstalledTokens
from adapters.slack.offers import Offers
from adapters.slack.outgoing import SlackChat
from adapters.slack.people import People
from adapters.slack.places import Places
from adapters.slack.posting import Poster
from adapters.slack.posts import Posts
from adapters.slack.response_urls import ResponseUrls, keys_from
from adapters.slack.scopes import NEEDED, OPTIONAL
from adapters.slack.settings import Settings
from adapters.slack.states import States
from adapters.slack.throttle import Throttle
from adapters.slack.tokens import OneWorkspace, Tokens
from adapters.slack.uploads import Uploads
from adapters.slack.web_api import SECONDS, WebApi, make_client
from core.avatars import Avatars
from core.conversation import Conversations
from core.fetching import Fetcher
from core.intake import Intake
from core.pictures.workshop import PictureWorkshop
from core.ports import Models
from core.tree import Tree

API_BASE = "https://slack.com/api"
FILE_HOSTS = ("files.slack.com",)
AVATAR_HOSTS = ("avatars.slack-edge.com",)
RESPONSE_HOSTS = ("hooks.slack.com",)


@dataclass(frozen=True, slots=True)
class Client:
    """What the app is called by Slack, to be installed in many workspaces. `keys` encrypt their tokens."""

    id: str
    secret: str = field(repr=False)
    keys: MultiFernet = field(repr=False)


@dataclass(frozen=True, slots=True)
class SlackSetup:
    """How Slack is reached: with `bot_token` in one workspace, with `client` in many."""

    bot_token: str = field(default="", repr=False)
    client: Client | None = None
    api_base: str = API_BASE
    file_hosts: Collection[str] = FILE_HOSTS
    avatar_hosts: Collection[str] = AVATAR_HOSTS
    response_hosts: Collection[str] = RESPONSE_HOSTS


@asynccontextmanager
async def open_chat(
    setup: SlackSetup,
    redis: Redis,
    workshop: PictureWorkshop,
    fetcher: Fetcher,
    provider: Models,
    *,
    conversation_ttl: int,
) -> AsyncIterator[SlackChat]:
    """Slack as a worker needs it: over the Web API alone, until the block is left. `conversation_ttl` is in seconds."""
    timeout = aiohttp.ClientTimeout(total=4 * SECONDS, connect=SECONDS / 3, sock_read=SECONDS)
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=200)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout, connector=connector))
        api = WebApi(session, setup.api_base, _tokens(setup, redis, session), redis)
        # Whoever is told the token may be told what we say.
        response_hosts = (*setup.response_hosts, urlsplit(setup.api_base).netloc)
        posts, throttle = Posts(redis, ttl=conversation_ttl), Throttle(redis)
        poster, people = Poster(api, posts, throttle), People(api, redis)
        stack.push_async_callback(people.close)
        yield SlackChat(
            api=api,
            people=people,
            posts=posts,
            poster=poster,
            places=Places(api, poster),
            uploads=Uploads(api, redis, setup.file_hosts),
            files=Files(api, fetcher, setup.file_hosts, setup.avatar_hosts),
            throttle=throttle,
            agent=Agent(api),
            response_urls=ResponseUrls(redis, _keys(setup), session, response_hosts),
            workshop=workshop,
            provider=provider,
        )


def open_app(  # noqa: PLR0913 - a wiring
    chat: SlackChat,
    intake: Intake,
    conversations: Conversations,
    *,
    default_model: str,
    most_images: int = 4,
    signing_secret: str = "",
    oauth_flow: AsyncOAuthFlow | None = None,
    avatars: bool = False,
) -> SlackApp:
    """What hears people, through `sockets.listening` or `http.make_http`. Close it in the end.

    `avatars` is whether mentioning somebody may bring theirs along.
    """
    redis = chat.posts.redis
    desk = Desk(
        api=chat.api,
        chat=chat,
        posts=chat.posts,
        poster=chat.poster,
        settings=Settings(redis),
        offers=Offers(chat.provider, default_model=default_model, most_images=most_images),
        agent=chat.agent,
        intake=intake,
        conversations=conversations,
        avatars=Avatars(redis, mentioned=avatars),
        tree=Tree(conversations, chat.workshop),
    )
    return make_app(desk, signing_secret=signing_secret, oauth_flow=oauth_flow)


def make_oauth(chat: SlackChat, setup: SlackSetup, *, redirect_url: str = "") -> AsyncOAuthFlow | None:
    """The flow that installs the app in more workspaces; None where it is set up for one.

    `redirect_url` is where Slack sends people back to; without one, to the first of those in the app's settings.
    """
    held = chat.api.tokens
    if setup.client is None or not isinstance(held, InstalledTokens):
        return None
    return AsyncOAuthFlow(
        client=make_client(chat.api.session, setup.api_base),
        settings=AsyncOAuthSettings(
            client_id=setup.client.id,
            client_secret=setup.client.secret,
            scopes=[*NEEDED, *OPTIONAL],
            user_scopes=[],
            redirect_uri=redirect_url or None,
            installation_store=held.installations,
            installation_store_bot_only=True,
            state_store=States(chat.posts.redis),
        ),
    )


def _keys(setup: SlackSetup) -> MultiFernet:
    return setup.client.keys if setup.client else keys_from(setup.bot_token)


def _tokens(setup: SlackSetup, redis: Redis, session: aiohttp.ClientSession) -> Tokens:
    client = make_client(session, setup.api_base)
    if setup.client is not None:
        installations = Installations(redis, setup.client.keys)
        return InstalledTokens(installations, redis, client, setup.client.id, setup.client.secret)
    return OneWorkspace(make_client(session, setup.api_base, reads=True), setup.bot_token)
