"""What the store knows of our messages, so that any process can go on with any of them.

slack:turn:<key>              JSON `Post`: a turn and where it is shown, by its short key (in every button)
slack:message:<place>         string  the short key of the turn that a message of ours shows
slack:thread:<place>          string  a thread that we opened: the short key of the turn it was opened for
slack:agent:<place>           string  a thread of the agent surface
slack:attempt:<key>:<part>    JSON `Attempt`: a post that was begun, for a day
slack:once:<what>             string  an action that was taken, for a while
slack:recent:<person>         list    the short keys of a person's finished turns, newest first
slack:unshown:<person>        list    sentences on turns that nowhere took, newest first, for a day

All expire after the conversations' time from their last use, but for the attempts and the actions.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote

from redis.asyncio import Redis

from core.packing import key, pack, text, unpack
from core.turns import Person, Reference, ThreadKey, Turn, TurnId

KEY_CHARACTERS = 20
ATTEMPT_SECONDS = 86_400
MOST_RECENT = 10
UNSHOWN_SECONDS = 86_400


def short_key(turn: TurnId) -> str:
    """What stands for a turn in a button and in the metadata of our messages."""
    return sha256(turn.encode()).hexdigest()[:KEY_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on Slack: the file behind it. `url` may be empty, and is found again by the id."""

    file: str
    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A turn on Slack.

    `thread` is its conversation once it is announced. `channel`, `root` and `message` are where it really is: another
    place where the first would not take it. `shown` are its pictures once they are there.
    """

    turn: Turn
    thread: ThreadKey | None = None
    channel: str = ""
    root: str = ""
    message: str = ""
    shown: tuple[Shown, ...] = ()

    @property
    def conversation(self) -> ThreadKey:
        """Where what comes after it belongs."""
        return self.thread or self.turn.thread

    def references(self) -> tuple[Reference, ...]:
        """Its pictures, as the core knows them."""
        return tuple(Reference(one.name, one.url, self.channel, self.message, one.file) for one in self.shown)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A post that was begun at `at` (seconds since the epoch); `ts` once it is known to be there."""

    at: float
    ts: str = ""


def _place(workspace: str, channel: str, ts: str) -> str:
    return ":".join(quote(part, safe="") for part in (workspace, channel, ts))


class Posts:
    """Finds turns by what Slack tells of them."""

    def __init__(self, redis: Redis, *, ttl: int) -> None:
        """`ttl` is in seconds after the last use."""
        self.redis = redis
        self.ttl = ttl

    async def keep(self, post: Post, *, opened: bool = False) -> None:
        """Note a turn, the message that shows it, and the thread that was opened for it."""
        name, workspace = short_key(post.turn.id), post.turn.thread.workspace
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(key("slack", "turn", name), pack(Post, post, terse=True), ex=self.ttl)
            if post.message:
                pipe.set(key("slack", "message", _place(workspace, post.channel, post.message)), name, ex=self.ttl)
            if opened:
                pipe.set(key("slack", "thread", _place(workspace, post.channel, post.root)), name, ex=self.ttl)
            await pipe.execute()

    async def keep_message(self, workspace: str, channel: str, ts: str, name: str) -> None:
        """Note one more message that shows a turn."""
        await self.redis.set(key("slack", "message", _place(workspace, channel, ts)), name, ex=self.ttl)

    async def by_key(self, workspace: str, name: str) -> Post | None:
        """The turn of a button, a menu or a form; None where it is of another workspace than what names it."""
        post = await self._read(name)
        return post if post and post.turn.thread.workspace == workspace else None

    async def by_turn(self, turn: TurnId) -> Post | None:
        """A turn by its id."""
        return await self._read(short_key(turn))

    async def by_message(self, workspace: str, channel: str, ts: str) -> Post | None:
        """The turn that a message of ours shows; None where it is not ours, or no longer kept."""
        name = await self.redis.getex(key("slack", "message", _place(workspace, channel, ts)), ex=self.ttl)
        return await self._read(text(name)) if name else None

    async def opened_for(self, workspace: str, channel: str, thread: str) -> TurnId | None:
        """The turn that we opened a thread for; None where it is not ours."""
        name = await self.redis.getex(key("slack", "thread", _place(workspace, channel, thread)), ex=self.ttl)
        post = await self._read(text(name)) if name else None
        return post.turn.id if post else None

    async def note_agents(self, workspace: str, channel: str, thread: str) -> None:
        """Note a thread of the agent surface."""
        await self.redis.set(key("slack", "agent", _place(workspace, channel, thread)), "1", ex=self.ttl)

    async def is_agents(self, workspace: str, channel: str, thread: str) -> bool:
        """Whether a thread is one of the agent surface."""
        return bool(
            thread and await self.redis.getex(key("slack", "agent", _place(workspace, channel, thread)), ex=self.ttl)
        )

    async def attempt(self, name: str, part: str) -> Attempt | None:
        """What is known of a post that was begun."""
        found = await self.redis.get(key("slack", "attempt", name, part))
        return unpack(Attempt, found) if found else None

    async def note_attempt(self, name: str, part: str, attempt: Attempt) -> None:
        """Write down that a post is begun, or that it is there."""
        await self.redis.set(key("slack", "attempt", name, part), pack(Attempt, attempt), ex=ATTEMPT_SECONDS)

    async def forget_attempt(self, name: str, part: str) -> None:
        """A post was refused: there is nothing to look for."""
        await self.redis.delete(key("slack", "attempt", name, part))

    async def once(self, what: str, *, seconds: int) -> bool:
        """Whether this is the first time within the seconds that something is done."""
        return bool(await self.redis.set(key("slack", "once", what), "1", nx=True, ex=seconds))

    async def forget(self, what: str) -> bool:
        """Take back that something was done; whether it was."""
        return bool(await self.redis.delete(key("slack", "once", what)))

    async def press(self, what: str, event: str, *, seconds: int) -> bool:
        """Whether this event is the first to ask for `what` within the seconds; the same event may ask again."""
        name = key("slack", "once", what)
        if await self.redis.set(name, event, nx=True, ex=seconds):
            return True
        held = await self.redis.get(name)
        return held is not None and text(held) == event

    async def add_recent(self, post: Post) -> None:
        """Put a finished turn on top of its person's list."""
        name = key("slack", "recent", post.turn.author)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.lrem(name, 0, short_key(post.turn.id))
            pipe.lpush(name, short_key(post.turn.id))
            pipe.ltrim(name, 0, MOST_RECENT - 1)
            pipe.expire(name, self.ttl)
            await pipe.execute()

    async def add_unshown(self, person: Person, words: str) -> None:
        """Keep a sentence that App Home is to say, as nothing else takes it."""
        name = key("slack", "unshown", person)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.lpush(name, words)
            pipe.ltrim(name, 0, MOST_RECENT - 1)
            pipe.expire(name, UNSHOWN_SECONDS)
            await pipe.execute()

    async def unshown(self, person: Person) -> list[str]:
        """What App Home has to say of turns that nowhere took, newest first."""
        return [text(words) for words in await self.redis.lrange(key("slack", "unshown", person), 0, -1)]

    async def recent(self, person: Person) -> list[Post]:
        """A person's finished turns, newest first."""
        names = await self.redis.lrange(key("slack", "recent", person), 0, -1)
        found = [await self._read(text(name)) for name in names]
        return [post for post in found if post]

    async def _read(self, name: str) -> Post | None:
        found = await self.redis.getex(key("slack", "turn", name), ex=self.ttl)
        return unpack(Post, found) if found else None


def shown_as(post: Post, shown: tuple[Shown, ...], *, channel: str, message: str) -> Post:
    """The same turn with its pictures, at the message that shows them."""
    return replace(post, shown=shown, channel=channel, message=message)
