"""What may not be read in the store is not readable there, and keys can be changed."""

import time

from cryptography.fernet import Fernet, MultiFernet
from redis.asyncio import Redis

from adapters.discord.rest import File
from adapters.discord.vault import KEPT_SECONDS, MARGIN_SECONDS, TOKEN_SECONDS, Vault
from core.packing import text
from tests.fakes.provider import png

OLD, NEW = Fernet(Fernet.generate_key()), Fernet(Fernet.generate_key())
TOKEN = "aW50ZXJhY3Rpb246MTIz.made-up"


async def everything(redis: Redis) -> bytes:
    names = [name async for name in redis.scan_iter("*", _type="string")]
    return b"\n".join([text(await redis.get(name) or b"").encode() for name in names])


async def test_a_token_is_kept_encrypted_for_as_long_as_it_lives(redis: Redis) -> None:
    vault = Vault(redis, OLD)
    await vault.keep_token("turn", TOKEN, made_at=time.time())
    assert await vault.token("turn") == TOKEN
    assert TOKEN.encode() not in await everything(redis)
    left = await redis.ttl("imagine:1:discord:token:turn")
    assert TOKEN_SECONDS - MARGIN_SECONDS - 5 < left <= TOKEN_SECONDS - MARGIN_SECONDS
    await vault.drop_token("turn")
    assert await vault.token("turn") is None


async def test_a_token_that_has_died_is_not_kept(redis: Redis) -> None:
    await Vault(redis, OLD).keep_token("turn", TOKEN, made_at=time.time() - TOKEN_SECONDS)
    assert await everything(redis) == b""


async def test_a_private_picture_and_its_words_are_kept_encrypted_for_a_week(redis: Redis) -> None:
    vault, file = Vault(redis, OLD), File("fox.png", png(), "image/png", "a secret fox")
    await vault.keep_files("turn", "7", "a secret", [file])
    assert await vault.files("turn") == ("a secret", [file])
    kept = await everything(redis)
    for part in (b"secret", b"fox.png", png()[:24]):
        assert part not in kept
    assert KEPT_SECONDS - 5 < await redis.ttl("imagine:1:discord:kept:turn") <= KEPT_SECONDS
    assert await vault.files("another") is None


async def test_what_the_old_key_closed_is_opened_after_the_key_has_changed(redis: Redis) -> None:
    await Vault(redis, MultiFernet([OLD])).keep_token("before", TOKEN, made_at=time.time())
    both = Vault(redis, MultiFernet([NEW, OLD]))
    assert await both.token("before") == TOKEN
    await both.keep_token("after", TOKEN, made_at=time.time())
    alone = Vault(redis, MultiFernet([NEW]))
    assert await alone.token("after") == TOKEN, "the first key closes"


async def test_what_no_key_opens_is_as_good_as_gone(redis: Redis) -> None:
    await Vault(redis, OLD).keep_token("turn", TOKEN, made_at=time.time())
    await Vault(redis, OLD).keep_files("turn", "7", "a secret", [File("fox.png", png(), "image/png", "")])
    stranger = Vault(redis, NEW)
    assert not await stranger.token("turn")
    assert await stranger.files("turn") is None


async def test_what_is_kept_is_found_by_its_person_alone_the_newest_first(redis: Redis) -> None:
    vault = Vault(redis, OLD)
    for name in ("first", "second", "third"):
        await vault.keep_files(name, "7", "a secret", [])
    await vault.keep_files("third", "7", "a secret", [])
    assert await vault.shelf("7", 2) == ["third", "second"]
    assert await vault.shelf("8", 2) == []
    assert 0 < await redis.ttl("imagine:1:discord:shelf:7") <= KEPT_SECONDS
