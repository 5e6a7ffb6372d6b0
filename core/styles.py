"""Styles: words that are added to a prompt under a name, for a workspace or one of its channels.

The words may speak of saved pictures (`@name`), which then go along as references.

    styles:<shelf>          hash   `<channel>:<folded name>`, the channel empty for the workspace -> JSON `Style`
    style-defaults:<shelf>  hash   channel -> folded name of the style that new pictures there are made in

Neither expires: what a team decides stands until it changes it, or removes us. Both are bounded.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from redis.asyncio import Redis

from core.errors import Declined
from core.library import shelf_of
from core.names import NAME_CHARACTERS, folded, shown
from core.packing import key, pack, text, unpack
from core.turns import Person

MOST_STYLES = 50
MOST_DEFAULTS = 500
"""Channels of a workspace that have a usual style."""
WORDS_CHARACTERS = 500
NO_STYLE = "none"
"""What is chosen to do without the channel's usual style."""

_PUT = """
local hash, field, value, most = KEYS[1], unpack(ARGV)
if redis.call('HEXISTS', hash, field) == 0 and redis.call('HLEN', hash) >= tonumber(most) then return 0 end
redis.call('HSET', hash, field, value)
return 1
"""


@dataclass(frozen=True, slots=True)
class Style:
    """Words under a name. `channel` is empty where the whole workspace has it; `at` is in seconds since the epoch."""

    name: str
    words: str
    by: Person
    at: float
    channel: str = ""


class Styles:
    """The styles of all workspaces. A channel's own comes before the workspace's of the same name."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def save(self, by: Person, name: str, words: str, *, channel: str = "") -> Style:
        """Keep words under a name, in the place of what was there. Raises `Declined`."""
        known, words = folded(name), " ".join(words.split())
        if known is None:
            raise Declined("library.bad_name", {"limit": NAME_CHARACTERS})
        if not 0 < len(words) <= WORDS_CHARACTERS:
            raise Declined("library.style_words", {"limit": WORDS_CHARACTERS, "length": len(words)})
        style = Style(shown(name), words, by, time.time(), channel)
        if not await self._put("styles", by, _field(channel, known), pack(Style, style), MOST_STYLES):
            raise Declined("library.styles_full", {"limit": MOST_STYLES})
        return style

    async def remove(self, person: Person, name: str, *, channel: str) -> None:
        """Forget a style of this channel, or else of the workspace. Raises `Declined` where there is none.

        One that only a single other channel has goes too: that channel may be no more. Of several it is told how each
        is named: `noir:<channel>`.
        """
        name, _, where = name.strip().partition(":")
        there = [style for style in await self.everywhere(person) if folded(style.name) == folded(name)]
        if where:
            there = [style for style in there if style.channel == where]
            if not there:
                raise await self._unknown(person, f"{name}:{where}", channel)
        usual = [style for style in there if style.channel in ("", channel)]
        if len(there) > 1 and not usual:
            known = ", ".join(f"{style.name}:{style.channel}" for style in there)
            raise Declined("library.which_style", {"style": name, "known": known})
        style = there[0] if len(there) == 1 else await self.named(person, name, channel=channel)
        field = _field(style.channel, folded(name) or "")
        await self.redis.hdel(key("styles", shelf_of(person)), field)

    async def listed(self, person: Person, *, channel: str) -> Sequence[Style]:
        """What can be chosen in a channel, by name."""
        styles = await self.everywhere(person)
        # The workspace's first, so that a channel's own takes the place of one of the same name.
        here = sorted((style for style in styles if style.channel in ("", channel)), key=lambda style: style.channel)
        by_name = {folded(style.name): style for style in here}
        return sorted(by_name.values(), key=lambda style: style.name.casefold())

    async def everywhere(self, person: Person) -> Sequence[Style]:
        """All of the workspace's styles and its channels', by name."""
        found = await self.redis.hvals(key("styles", shelf_of(person)))
        return sorted((unpack(Style, json) for json in found), key=lambda style: (style.name.casefold(), style.channel))

    async def named(self, person: Person, name: str, *, channel: str) -> Style:
        """The style that this name means in a channel. Raises `Declined` where there is none."""
        known = folded(name)
        if known is not None:
            fields = [_field(channel, known), _field("", known)]
            for found in await self.redis.hmget(key("styles", shelf_of(person)), fields):
                if found is not None:
                    return unpack(Style, found)
        raise await self._unknown(person, name, channel)

    async def _unknown(self, person: Person, name: str, channel: str) -> Declined:
        names = (style.name for style in await self.listed(person, channel=channel))
        return Declined("library.unknown_style", {"style": name, "known": ", ".join((*names, NO_STYLE))})

    async def default(self, person: Person, channel: str) -> str:
        """The style that new pictures in a channel are made in; empty where none is set, or it is no more."""
        found = await self.redis.hget(key("style-defaults", shelf_of(person)), channel)
        if found is None:
            return ""
        try:
            return (await self.named(person, text(found), channel=channel)).name
        except Declined:
            return ""

    async def defaults(self, person: Person) -> Mapping[str, str]:
        """The styles that new pictures are made in, by channel; without those that are no more."""
        found = await self.redis.hgetall(key("style-defaults", shelf_of(person)))
        known = {_field(style.channel, folded(style.name) or ""): style.name for style in await self.everywhere(person)}
        usual = sorted((text(channel), text(name)) for channel, name in found.items())
        names = {channel: known.get(_field(channel, name)) or known.get(_field("", name)) for channel, name in usual}
        return {channel: name for channel, name in names.items() if name}

    async def set_default(self, person: Person, channel: str, name: str) -> str:
        """Have new pictures in a channel made in a style, or in none; gives its name. Raises `Declined`."""
        if name.strip().casefold() == NO_STYLE:
            await self.redis.hdel(key("style-defaults", shelf_of(person)), channel)
            return ""
        style = await self.named(person, name, channel=channel)
        if not await self._put("style-defaults", person, channel, folded(style.name) or "", MOST_DEFAULTS):
            raise Declined("library.styles_full", {"limit": MOST_DEFAULTS})
        return style.name

    async def forget(self, platform: str, workspace: str) -> None:
        """Drop everything of a workspace that has removed us."""
        shelf = shelf_of(Person(platform, workspace, ""))
        await self.redis.delete(key("styles", shelf), key("style-defaults", shelf))

    async def _put(self, kind: str, person: Person, field: str, value: bytes | str, most: int) -> bool:
        return bool(await self.redis.eval(_PUT, 1, key(kind, shelf_of(person)), field, value, most))


def _field(channel: str, name: str) -> str:
    return f"{quote(channel, safe='')}:{name}"
