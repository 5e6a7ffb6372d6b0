"""Pictures that a workspace has saved under a name, to be used as `@name` in any prompt.

A copy is kept, small enough for the store, so that a name still works when the message that it came from has gone.

    library:<shelf>      hash    folded name -> JSON `Saved`
    saved:<shelf>:<id>   string  the bytes of a saved picture: PNG or JPEG, at most `MOST_BYTES`
    unsaved:<shelf>      zset    the names that were removed last, by when, for `UNSAVED_SECONDS` after the last of them

The first two do not expire: what a team saves is the team's until it removes it, or us. They are bounded
by `MOST_SAVED` and `MOST_OWN` instead.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

from redis.asyncio import Redis

from core.errors import Declined
from core.names import MOST_SPOKEN, NAME_CHARACTERS, folded, shown
from core.packing import key, pack, text, unpack
from core.pictures.workshop import PictureWorkshop
from core.turns import Person, Reference, Source

MOST_SAVED = 50
MOST_OWN = 10
"""For somebody in no workspace: nobody there answers for how many of them there are."""
MOST_BYTES = 1_000_000
LONGEST_SIDE = 1536
"""Pixels: no model looks at more of a reference."""
MOST_UNSAVED = 100
UNSAVED_SECONDS = 90 * 86_400
"""How long people who use a name are told that its picture has been removed; then it is text."""
NOBODYS = "@me"
"""The workspace of people who are in none: what is saved there is for its person alone."""

_SAVE = """
local shelf, name, json, id, user, all_access, most = KEYS[1], unpack(ARGV)
local found = redis.call('HGET', shelf, name)
local known = found and cjson.decode(found)
if known and all_access == '' and known.by.user ~= user then return {'taken', found} end
if not known and redis.call('HLEN', shelf) >= tonumber(most) then return {'full', ''} end
if known then redis.call('DEL', KEYS[2] .. known.id) end
redis.call('SET', KEYS[2] .. id, ARGV[7])
redis.call('HSET', shelf, name, json)
redis.call('ZREM', KEYS[3], name)
return {known and 'replaced' or 'new', ''}
"""

_REMOVE = """
local shelf, name, user, all_access, now, most, seconds = KEYS[1], unpack(ARGV)
local found = redis.call('HGET', shelf, name)
if not found then return {'unknown', ''} end
local known = cjson.decode(found)
if all_access == '' and known.by.user ~= user then return {'taken', found} end
redis.call('DEL', KEYS[2] .. known.id)
redis.call('HDEL', shelf, name)
redis.call('ZADD', KEYS[3], now, name)
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -most - 1)
redis.call('EXPIRE', KEYS[3], seconds)
return {'removed', ''}
"""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved picture. `name` is as it was typed; `at` is in seconds since the epoch, sizes are in pixels."""

    id: str
    name: str
    by: Person
    at: float
    width: int = 0
    height: int = 0


def shelf_of(person: Person) -> str:
    """Whose names somebody speaks of: their workspace's, or their own where they are in none."""
    own = (person.user,) if person.workspace == NOBODYS else ()
    return ":".join(quote(part, safe="") for part in (person.platform, person.workspace, *own))


class Library:
    """The saved pictures of all workspaces. With `all_access` somebody changes what others saved, too."""

    def __init__(self, redis: Redis, workshop: PictureWorkshop) -> None:
        self.redis = redis
        self.workshop = workshop

    async def save(self, by: Person, name: str, data: bytes, *, all_access: bool = False) -> bool:
        """Keep a copy of a picture under a name: True when it took the place of another.

        Raises `Declined` where the name is none, somebody else's, or one too many, and `PictureRefused` or
        `WorkshopUnavailable` for the picture.
        """
        shelf, known, most = shelf_of(by), _checked(name), MOST_OWN if by.workspace == NOBODYS else MOST_SAVED
        small = await self.workshop.thumbnail(data, LONGEST_SIDE)
        picture = await self.workshop.prepare_reference(small.data, MOST_BYTES)
        saved = Saved(uuid4().hex, shown(name), by, time.time(), picture.width, picture.height)
        keys = _keys(shelf)
        arguments = (known, pack(Saved, saved), saved.id, by.user, "1" if all_access else "", most, picture.data)
        return await self._done(_SAVE, keys, arguments, name, most=most) == "replaced"

    async def remove(self, by: Person, name: str, *, all_access: bool = False) -> None:
        """Forget a name and its picture. Raises `Declined` where there is none, or it is somebody else's."""
        may = "1" if all_access else ""
        arguments = (_checked(name), by.user, may, round(time.time()), MOST_UNSAVED, UNSAVED_SECONDS)
        await self._done(_REMOVE, _keys(shelf_of(by)), arguments, name)

    async def listed(self, person: Person) -> Sequence[Saved]:
        """What this person may speak of, by name."""
        found = await self.redis.hgetall(key("library", shelf_of(person)))
        return [unpack(Saved, found[name]) for name in sorted(found)]

    async def references(self, person: Person, names: Sequence[str]) -> dict[str, Reference]:
        """Those of the folded names that something is saved under, as references."""
        shelf, asked = shelf_of(person), list(dict.fromkeys(names))[:MOST_SPOKEN]
        if not asked:
            return {}
        found = await self.redis.hmget(key("library", shelf), asked)
        known = {name: unpack(Saved, json) for name, json in zip(asked, found, strict=True) if json is not None}
        return {name: _reference(shelf, saved) for name, saved in known.items()}

    async def removed(self, person: Person, names: Sequence[str]) -> list[Reference]:
        """Those of the folded names whose picture was removed of late, as references that do not go along."""
        asked = list(dict.fromkeys(names))[:MOST_SPOKEN]
        found = await self.redis.zmscore(key("unsaved", shelf_of(person)), asked) if asked else []
        gone = (name for name, at in zip(asked, found, strict=True) if at is not None)
        return [Reference(f"@{name}", source=Source.SAVED, refused="unsaved") for name in gone]

    async def picture(self, attachment: str) -> bytes | None:
        """The bytes of such a reference; None once it has been removed or replaced."""
        found = await self.redis.get(key("saved", attachment))
        return found if isinstance(found, bytes) else None

    async def forget(self, platform: str, workspace: str) -> None:
        """Drop everything of a workspace that has removed us."""
        shelf = shelf_of(Person(platform, workspace, ""))
        found = await self.redis.hvals(key("library", shelf))
        kept = [key("saved", shelf, unpack(Saved, json).id) for json in found]
        await self.redis.delete(key("library", shelf), key("unsaved", shelf), *kept)

    async def _done(
        self, script: str, keys: tuple[str, ...], arguments: Sequence[str | bytes | int], name: str, *, most: int = 0
    ) -> str:
        outcome, standing = map(text, await self.redis.eval(script, len(keys), *keys, *arguments))
        match outcome:
            case "taken":
                by = unpack(Saved, standing).by
                raise Declined("library.taken", {"name": shown(name), "person": by.name or by.user})
            case "full":
                raise Declined("library.full", {"limit": most})
            case "unknown":
                raise Declined("library.unknown", {"name": shown(name)})
        return outcome


def _keys(shelf: str) -> tuple[str, ...]:
    return key("library", shelf), key("saved", shelf, ""), key("unsaved", shelf)


def _reference(shelf: str, saved: Saved) -> Reference:
    return Reference(f"@{saved.name}", attachment=f"{shelf}:{saved.id}", source=Source.SAVED)


def _checked(name: str) -> str:
    known = folded(name)
    if known is None:
        raise Declined("library.bad_name", {"limit": NAME_CHARACTERS})
    return known
