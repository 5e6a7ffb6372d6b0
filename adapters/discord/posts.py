"""What Discord's ids mean to us: which turn a message or a button belongs to, which threads are ours.

    discord:turn:<key>        JSON `Post`     a turn as it was asked, and where it is shown; buttons carry its key
    discord:message:<id>      string          the key of the turn that a message of ours shows
    discord:place:<channel>   JSON `Place`    a channel or thread: where it hangs, and whether we opened it
    discord:press:<what>      string          a button that has just been pressed, for a few seconds

All expire after the conversations' time from their last use, but for the presses.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

from redis.asyncio import Redis

from core.packing import key, pack, text, unpack
from core.turns import Person, ThreadKey, Turn, TurnId

KEY_CHARACTERS = 20
PRESS_SECONDS = 5
_PRIVATE = "private-"


def short_key(turn: TurnId) -> str:
    """What stands for a turn in a button, a nonce or a search for our own messages."""
    return sha256(turn.encode()).hexdigest()[:KEY_CHARACTERS]


def event_of(turn: TurnId) -> str:
    """Discord's id of what asked for a turn; nothing of the turn is older."""
    event = turn.rpartition(":")[2]
    return event if event.isdigit() else "0"


@dataclass(frozen=True, slots=True)
class Post:
    """A turn on Discord. `thread` is its conversation, once announced; `message` its announcement, in `channel`."""

    turn: Turn
    thread: ThreadKey | None = None
    channel: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, or a thread below `parent`. `ours` says that we opened it."""

    channel: str
    parent: str = ""
    ours: bool = False
    age_restricted: bool = False
    direct: bool = False

    @property
    def root(self) -> str:
        """The channel whose rules hold here."""
        return self.parent or self.channel


def key_of(place: Place, workspace: str) -> ThreadKey:
    """The conversation that a place is, before any thread is opened there."""
    if place.parent:
        return ThreadKey("discord", workspace, place.parent, place.channel)
    return ThreadKey("discord", workspace, place.channel)


def private_thread(place: Place, person: Person) -> ThreadKey:
    """The conversation of what one person keeps to themselves in a place, below the channel whose rules hold there."""
    within = f"-{place.channel}" if place.parent else ""
    return ThreadKey("discord", person.workspace, place.root, f"{_PRIVATE}{person.user}{within}")


def channel_of(thread: ThreadKey) -> str:
    """The channel or thread in which a conversation's messages are."""
    if not thread.thread.startswith(_PRIVATE):
        return thread.thread or thread.channel
    _, _, within = thread.thread.removeprefix(_PRIVATE).partition("-")
    return within or thread.channel


class Posts:
    """Finds turns by what Discord tells of them."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        """`ttl` is in seconds after the last use."""
        self.redis = redis
        self.ttl = ttl

    async def keep(self, post: Post, *messages: str, place: Place | None = None) -> None:
        """Note a turn, the messages that show it, and the thread that was opened for it."""
        name = short_key(post.turn.id)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(key("discord", "turn", name), pack(Post, post, terse=True), ex=self.ttl)
            for message in messages:
                pipe.set(key("discord", "message", message), name, ex=self.ttl)
            if place:
                pipe.set(key("discord", "place", place.channel), pack(Place, place, terse=True), ex=self.ttl)
            await pipe.execute()

    async def add_message(self, turn: TurnId, message: str) -> None:
        """Note one more message that shows a turn."""
        await self.redis.set(key("discord", "message", message), short_key(turn), ex=self.ttl)

    async def by_key(self, name: str) -> Post | None:
        """The turn of a button."""
        found = await self.redis.getex(key("discord", "turn", name), ex=self.ttl)
        return unpack(Post, found) if found else None

    async def by_turn(self, turn: TurnId) -> Post | None:
        """A turn by its id."""
        return await self.by_key(short_key(turn))

    async def by_message(self, message: str) -> Post | None:
        """The turn that a message of ours shows; None where it is not ours, or no longer kept."""
        name = await self.redis.getex(key("discord", "message", message), ex=self.ttl)
        return await self.by_key(text(name)) if name else None

    async def place(self, channel: str) -> Place | None:
        """What is known of a channel."""
        found = await self.redis.getex(key("discord", "place", channel), ex=self.ttl)
        return unpack(Place, found) if found else None

    async def learn(self, place: Place) -> None:
        """Note a channel; what is known of who opened it stays."""
        known = await self.place(place.channel)
        if known and known.ours:
            place = replace(place, ours=True)
        if place != known:
            await self.redis.set(key("discord", "place", place.channel), pack(Place, place, terse=True), ex=self.ttl)

    async def press(self, what: str, event: str, *, seconds: int = PRESS_SECONDS) -> bool:
        """Whether this event is the first to ask for `what` within the seconds; the same event may ask again."""
        name = key("discord", "press", what)
        if await self.redis.set(name, event, nx=True, ex=seconds):
            return True
        held = await self.redis.get(name)
        return held is not None and text(held) == event
