"""The words of the trade: what people ask for, where, and what became of it.

Everything here is frozen data without behaviour of its own, so that a turn reads the same in an adapter, in Redis and
in a test. `core.packing` turns these into JSON and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NewType, Self
from urllib.parse import quote, unquote

from core.statuses import History

TurnId = NewType("TurnId", str)
"""`platform:workspace:event`, the event being the platform's own id for what the person did: the same click is the
same turn however often the platform tells of it."""


def turn_id(platform: str, workspace: str, event: str) -> TurnId:
    """The id of the turn that one event of a platform asks for."""
    return TurnId(":".join(quote(part, safe="") for part in (platform, workspace, event)))


@dataclass(frozen=True, slots=True)
class ThreadKey:
    """Where a conversation is.

    `thread` is empty while the conversation is the channel itself (a direct message, or a place without threads).
    """

    platform: str
    workspace: str
    channel: str
    thread: str = ""

    def __str__(self) -> str:
        return ":".join(quote(part, safe="") for part in (self.platform, self.workspace, self.channel, self.thread))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of `str()`. Raises ValueError for anything else."""
        platform, workspace, channel, thread = (unquote(part) for part in text.split(":"))
        return cls(platform, workspace, channel, thread)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asked. Budgets, fairness and permissions hang on the three ids; `name` is for the eye and may change."""

    platform: str
    workspace: str
    user: str
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        return ":".join(quote(part, safe="") for part in (self.platform, self.workspace, self.user))


class Operation(StrEnum):
    """What a turn does to the version tree."""

    IMAGINE = "imagine"
    """A picture from words and references; a root."""
    EDIT = "edit"
    """A child of the parent's picture."""
    AGAIN = "again"
    """The same turn anew: a sibling."""
    VARIATIONS = "variations"
    """Several siblings, asked for as variations of the parent's picture."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the picture should be; None means as the model, the channel or the edited picture has it.

    `style` names words that are added to the prompt; empty is for none, whatever is usual.
    """

    aspect_ratio: str | None = None
    count: int = 1
    model: str | None = None
    size: str | None = None
    private: bool = False
    style: str | None = None


class Source(StrEnum):
    """How a picture came to a turn. Pictures are numbered in this order: see `core.numbering`."""

    GIVEN = "given"
    """Attached to what was asked, or pointed at with a menu."""
    REPLIED = "replied"
    """On the message that was replied to."""
    NEWEST = "newest"
    """The newest picture of the channel, when the prompt points at it."""
    AVATAR = "avatar"
    """Of somebody whom the prompt mentions."""
    LINK = "link"
    """Behind an address in the prompt."""
    SAVED = "saved"
    """Saved under a name that the prompt, or its style, speaks of."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture that somebody points at, by place and never by bytes.

    Either an attachment of a message (`message` and `attachment`, in `channel`), which the platform can find again
    after its link has died, or a link that a person gave (`url` alone). `url` beside a message is a shortcut that may
    have expired. Or a saved picture (`source`, and `attachment` by its id in `core.library`). `owner` is the name of
    whose picture it is, where that is not the person who asks. `copy` is the link under which the image service was
    given it, once it was: that one dies too. `refused` names the sentence, among those of `picture`, that says why it
    cannot go along, where that is known beforehand. `face` is the id of the person whose avatar it is: they may take
    it back at any time. `changed` says that its name stood for another picture when the turn was first asked for.
    """

    name: str
    url: str = ""
    channel: str = ""
    message: str = ""
    attachment: str = ""
    source: Source = Source.GIVEN
    owner: str = ""
    refused: str = ""
    face: str = ""
    changed: bool = False
    copy: str = field(default="", compare=False)

    @property
    def place(self) -> tuple[str, ...]:
        """Where it is, however it is called and whoever keeps a copy."""
        return self.channel, self.message, self.attachment, "" if self.message else self.url


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One picture of a finished turn."""

    node: TurnId
    index: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Which picture of which thread another is a copy of."""

    thread: ThreadKey
    image: ImageRef


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of one person.

    `thread` is where it was asked; the announcement may open a thread below it. `reply_to` is the message that asked,
    where there is one. `address` is what the platform needs to answer and nobody else reads.
    `asked_at` is in seconds since the epoch. `addition` is what the style adds to the prompt. `among` is how many
    pictures the message shows that the parent's stands on, once that has been looked up.
    """

    id: TurnId
    thread: ThreadKey
    author: Person
    prompt: str
    asked_at: float
    operation: Operation = Operation.IMAGINE
    options: Options = Options()
    references: tuple[Reference, ...] = ()
    parent: ImageRef | None = None
    reply_to: str = ""
    locale: str = "en"
    address: Mapping[str, str] = field(default_factory=dict)
    addition: str = ""
    among: int = 0

    @property
    def uprooted(self) -> bool:
        """Whether it is a copy, in another thread, of what was made from a picture that stayed behind.

        There is nothing there to make it from once more.
        """
        return self.parent is None and self.operation in (Operation.EDIT, Operation.VARIATIONS)

    def without_parent(self) -> Self:
        """The same turn where its copy begins another thread."""
        made_from = self.parent is not None and self.operation is Operation.AGAIN
        return replace(self, parent=None, operation=Operation.EDIT if made_from else self.operation)


@dataclass(frozen=True, slots=True)
class Route:
    """Which model of which service draws a turn; each has a lane of its own.

    `instead_of` is the lane that it stands in for, empty where the turn is drawn as it was asked for; `gone` says that
    this is so because that service offers that model no more.
    """

    provider: str
    model: str
    instead_of: str = ""
    gone: bool = False

    @property
    def lane(self) -> str:
        """The name of its lane."""
        return f"{self.provider}:{self.model}"

    @classmethod
    def of_lane(cls, lane: str) -> Self:
        """The inverse of `lane`."""
        provider, model = lane.split(":", 1)
        return cls(provider, model)


@dataclass(frozen=True, slots=True)
class NodeImage:
    """One picture of a node.

    `shown` is where the chat platform keeps it; `url` is the service's own link, which may have died. `history` is the
    part of the provider's history that this turn added; `rooted` says that nothing of the parent's comes before it, and
    `outgrown` that with the parent's it became too large to go back.
    """

    shown: Reference
    url: str = ""
    width: int = 0
    height: int = 0
    history: History | None = None
    rooted: bool = True
    outgrown: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A finished turn in the version tree of its thread.

    `message` shows its images; `removed` says that somebody deleted it. `cost` is the estimate in micro-dollars.
    `carried` are pictures of earlier turns that went along, each with its copy, because their history could not.
    `origin` is what it is a copy of, where everybody who sees the copy may see that.
    """

    id: TurnId
    author: Person
    prompt: str
    made_at: float
    operation: Operation
    options: Options
    provider: str
    model: str
    images: tuple[NodeImage, ...]
    references: tuple[Reference, ...] = ()
    parent: ImageRef | None = None
    message: str = ""
    cost: int = 0
    removed: bool = False
    carried: tuple[Reference, ...] = ()
    origin: Origin | None = None
