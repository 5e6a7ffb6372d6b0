"""Puts Discord's parts together out of plain arguments."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from cryptography.fernet import Fernet, MultiFernet
from redis.asyncio import Redis

from adapters.discord.addresses import CDN
from adapters.discord.desk import Desk
from adapters.discord.gateway import DiscordGateway
from adapters.discord.outgoing import DiscordChat
from adapters.discord.pictures import Pictures
from adapters.discord.posting import Poster
from adapters.discord.posts import Posts
from adapters.discord.private import PrivateAnswers
from adapters.discord.rest import open_rest
from adapters.discord.router import Router
from adapters.discord.settings import Settings
from adapters.discord.throttle import EVERY_SECONDS, Throttle
from adapters.discord.vault import Vault
from core.avatars import Avatars
from core.conversation import Conversations
from core.fetching import Fetcher
from core.intake import Intake
from core.pictures.workshop import PictureWorkshop
from core.ports import Models
from core.tree import Tree


@asynccontextmanager
async def open_chat(  # noqa: PLR0913 - a wiring
    token: str,
    redis: Redis,
    workshop: PictureWorkshop,
    fetcher: Fetcher,
    provider: Models,
    *,
    encryption: Fernet | MultiFernet,
    conversation_ttl: int,
    cdn_hosts: Collection[str],
    message_content: bool = False,
    edit_seconds: float = EVERY_SECONDS,
) -> AsyncIterator[DiscordChat]:
    """Discord as a worker needs it: over REST, without a gateway, until the block is left.

    `conversation_ttl` is in seconds; so is `edit_seconds`, between two edits of one channel's announcements.
    `adapters.discord.addresses.use_addresses` has to be called before, if at all.
    Raises `discord.LoginFailure` where the token is not one.
    """
    async with open_rest(token) as rest:
        posts, vault = Posts(redis, ttl=conversation_ttl), Vault(redis, encryption)
        pictures = Pictures(rest, workshop, fetcher, vault, cdn_hosts)
        poster = Poster(rest)
        yield DiscordChat(
            rest=rest,
            posts=posts,
            poster=poster,
            pictures=pictures,
            private=PrivateAnswers(rest, vault, poster, pictures),
            throttle=Throttle(redis, every=edit_seconds),
            provider=provider,
            plain_messages=message_content,
        )


def make_gateway(
    chat: DiscordChat,
    intake: Intake,
    conversations: Conversations,
    *,
    shards: int | None = None,
    cdn: str = CDN,
    avatars: bool = False,
) -> DiscordGateway:
    """What hears people: `await gateway.run()` in as many processes as one likes.

    `shards` is how many there are in all, by default what Discord recommends. `cdn` is where avatars are,
    `avatars` whether mentioning somebody may bring theirs along.
    """
    redis = chat.posts.redis
    desk = Desk(
        rest=chat.rest,
        posts=chat.posts,
        vault=chat.private.vault,
        settings=Settings(redis),
        chat=chat,
        intake=intake,
        conversations=conversations,
        tree=Tree(conversations, chat.pictures.workshop),
        provider=chat.provider,
        cdn=cdn,
        avatars=Avatars(redis, mentioned=avatars),
    )
    return DiscordGateway(chat.rest, redis, Router(desk), message_content=chat.plain_messages, shards=shards)
