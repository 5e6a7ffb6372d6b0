"""The words of the web workspace: its people, its channels, and the messages in them.

A message never changes, but for what hangs on it: the notice of its turn, and what its thread has come to.
"""

from dataclasses import dataclass
from hashlib import sha256

from core.ports import Stage
from core.turns import ThreadKey, Turn, TurnId

PLATFORM = "web"
WORKSPACE = "local"


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to talk; its name is its id."""

    name: str
    made_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message. `user` is empty for the workspace itself."""

    user: str
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture on a message. `digest` names its bytes; sizes are in pixels, 0 where they are not known."""

    digest: str
    name: str
    alt: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote, or the announcement of a turn, or the pictures that it came to.

    `thread` is the id of the message that the thread hangs on, empty for a message in the channel itself. `at` is in
    seconds since the epoch. `turn` belongs to an announcement, `answers` (the id of the announced message) to its
    pictures. `only_for` is the one user who may see it, empty for everybody.
    """

    id: str
    channel: str
    author: Author
    at: float
    thread: str = ""
    text: str = ""
    pictures: tuple[Shown, ...] = ()
    turn: Turn | None = None
    answers: str = ""
    model: str = ""
    notes: tuple[str, ...] = ()
    only_for: str = ""

    @property
    def root(self) -> str:
        """The message that its thread hangs on, or would hang on."""
        return self.thread or self.id

    def visible_to(self, user: str) -> bool:
        """Whether this person may see it."""
        return self.only_for in ("", user)


@dataclass(frozen=True, slots=True)
class Target:
    """A picture that is replied to: a message of the workspace, and which of its pictures."""

    message: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """What somebody sent from the composer. `event` is the browser's own name for it."""

    event: str
    channel: str
    thread: str = ""
    text: str = ""
    pictures: tuple[Shown, ...] = ()
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How far the turn of an announcement is: a finished sentence for people, and what a progress bar needs.

    Times as in `core.ports.Notice`.
    """

    stage: Stage
    text: str
    position: int = 0
    seconds: float | None = None
    usual: float | None = None
    since: float | None = None
    may_retry: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """The newest pictures of a thread, and the message that shows them with who drew them and what is to be known."""

    message: str
    pictures: tuple[Shown, ...]
    model: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """A message and what hangs on it: the state of its turn, how many replies it has, the newest pictures in them."""

    message: Message
    state: State | None = None
    replies: int = 0
    preview: Preview | None = None


def announcement_id(turn: TurnId) -> str:
    """The id of the message that announces a turn: made from the turn's, so that it can only be posted once."""
    return "t" + _name(turn)


def pictures_id(turn: TurnId) -> str:
    """The id of the message with a turn's pictures."""
    return "p" + _name(turn)


def words_id(event: str) -> str:
    """The id of the message that a person's browser sent as `event`."""
    return "w" + _name(event)


def thread_key(channel: str, thread: str = "") -> ThreadKey:
    """The conversation in a channel, or in the thread that hangs on a message of it."""
    return ThreadKey(PLATFORM, WORKSPACE, channel, thread)


def _name(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:24]
