"""The two borders of the core: the chat platform a person sits at, and the service that draws.

Both are spoken to by data alone (ids, never a kept SDK object), so that any worker can go on with any turn after any
restart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from core.pictures import Picture
from core.statuses import History, Output, Request, Status
from core.turns import Reference, ThreadKey, Turn


class Stage(StrEnum):
    """Where a turn is, as a person sees it."""

    WAITING = "waiting"
    PREPARING = "preparing"
    QUEUED = "queued"
    """Sent; the service has not begun."""
    DRAWING = "drawing"
    CHECKING = "checking"
    """The service's answer was lost; we are looking for it."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self in (Stage.DONE, Stage.FAILED, Stage.CANCELLED)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the announcement of a turn has to say now.

    `position` is 1 for the next in line. `seconds` is the estimate until the picture, from now; `usual` is how long
    the model usually draws and `since` when it began (seconds since the epoch), for a progress bar.
    `using` names the pictures that are worked from, once they are known; `notes` are on what has to be known besides:
    finished sentences in the person's language, in the order to be read. `cause` is why it failed, `links` lead to what
    was drawn all the same. `price` is what is reserved for it, in micro-dollars, 0 where that is not to be said.
    """

    stage: Stage
    position: int = 0
    seconds: float | None = None
    usual: float | None = None
    since: float | None = None
    model: str = ""
    using: str = ""
    notes: tuple[str, ...] = ()
    cause: str = ""
    links: tuple[str, ...] = ()
    may_retry: bool = False
    price: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What there is to say besides the stage."""
        return (self.using, *self.notes) if self.using else self.notes


@dataclass(frozen=True, slots=True)
class Announcement:
    """The message that stands for a turn. `thread` is the conversation it opened or stands in.

    `locale` is the person's language where the platform has learnt it only now; empty where the turn's is right.
    """

    thread: ThreadKey
    message: str
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A finished picture on its way to people. `link` is the original's address where people may be offered one."""

    picture: Picture
    alt_text: str
    file_name: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a turn came to: at least one image, and finished sentences.

    `notes` are on what did not work out, `using` names the pictures that it was made from: small print.
    """

    images: tuple[Image, ...]
    model: str
    notes: tuple[str, ...] = ()
    using: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where the pictures are now: the message, and each image as a reference that `fetch` understands."""

    message: str
    images: tuple[Reference, ...]


class ChatPlatform(Protocol):
    """A place where people talk. Raises `PlatformBusy` and `PlatformGone` and nothing else.

    `repeated` says that an earlier attempt at the same call may have reached the platform (a crash, a lost answer):
    what is there then has to be found and returned, not posted again. What a turn posts is recognised by its id.
    """

    @property
    def name(self) -> str:
        """The `platform` of its thread keys."""
        ...

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        """Post the one message that stands for the turn, and open its thread where that is possible."""
        ...

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        """Show the notice on the announcement. May be left out when too frequent, unless the stage is final."""
        ...

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        """Post the pictures, once, as one message.

        Raises also what the workshop raises, where one has to be made smaller for this place and that fails.
        """
        ...

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        """The bytes of a picture that people or we posted, found by message when its link has died.

        Raises `PlatformGone` when it is no more, `PlatformBusy` when it should be tried again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model takes. Byte limits are per reference; `seconds` is how long a picture usually takes."""

    model: str
    aspect_ratios: tuple[str, ...]
    max_references: int
    sizes: tuple[str, ...] = ()
    max_prompt: int = 32_768 * 4
    max_input_tokens: int = 32_768
    """What a request may have in words and pictures, everything that came before included."""
    image_tokens: int = 1_290
    """What one picture takes of that."""
    max_reference_bytes: int = 7_000_000
    max_images: int = 10
    seconds: float = 12.0
    price: int = 39_000
    """Estimate per image in micro-dollars, where its size has none of its own."""
    prices: Mapping[str, int] = field(default_factory=dict)
    """Estimates per image by its size."""
    ends: str = ""
    """The day the model is announced to end, ISO format, empty where none is known."""
    successor: str = ""

    def price_of(self, size: str | None) -> int:
        """The estimate for an image of a size, in micro-dollars."""
        return self.prices.get(size or "", self.price)


@dataclass(frozen=True, slots=True)
class Upload:
    """A reference picture where the service can read it."""

    url: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Job:
    """What one image is asked for with: either words and reference links, or a history whose last turn they fill in."""

    model: str
    prompt: str
    references: tuple[Upload, ...] = ()
    aspect_ratio: str | None = None
    size: str | None = None
    history: History | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """The service's answer to a job: the request it made, and how far that is already.

    `sent` is False where the job asked for what the model does not take: the service was not even told.
    """

    request: Request
    status: Status
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """A request as the service lists it. `payload` may be empty although the request had one."""

    request: Request
    status: Status
    payload: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    """Whether an ended status here has all that `look` would give."""


class Models(Protocol):
    """The models that can be chosen. Every call may raise `ProviderError`."""

    async def models(self) -> Sequence[str]:
        """The ids of the models on offer."""
        ...

    async def capabilities(self, model: str) -> Capabilities:
        """What a model takes; raises `Declined` for a model that there is not."""
        ...


class ImageProvider(Models, Protocol):
    """A service that draws. Every call may raise `ProviderError`; `submit` raises only its two kinds."""

    @property
    def name(self) -> str:
        """The `provider` of its requests."""
        ...

    @property
    def has_list(self) -> bool:
        """Whether `recent` tells of every request, so that one whose answer was lost can be found there."""
        ...

    def known(self, model: str) -> Capabilities | None:
        """What is known of a model without asking the service, also of one that it offers no more.

        None where that is nothing.
        """
        ...

    def payload(self, job: Job) -> dict[str, Any]:
        """Exactly what `submit` would send, as `list` may echo it."""
        ...

    async def submit(self, job: Job) -> Submission:
        """Ask for one image. Costs money. Returns an ended status at once where the service held its answer."""
        ...

    async def look(self, request: Request) -> Status:
        """How far a request is. Free."""
        ...

    async def recent(self, model: str, *, since: float, limit: int = 1000) -> Sequence[Listed]:
        """The requests of a model made at or after `since`, newest first, ours and other people's. Free."""
        ...

    async def upload(self, picture: Picture) -> Upload:
        """Put a reference picture where the service can read it. Anybody with the link can read it too."""
        ...

    async def readable(self, url: str) -> bool:
        """Whether a link of the service's storage still answers."""
        ...

    async def download(self, output: Output) -> bytes:
        """The bytes of a result, unverified. Raises `ProviderError` when it is not to be had."""
        ...

    async def let_go(self, output: Output) -> None:
        """A result is asked for no more: its turn has ended. Free; a service that keeps nothing for us does nothing."""
        ...
