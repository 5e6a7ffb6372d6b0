"""What is known of a turn on its way: the checkpoints that let any worker go on where another stopped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.ports import Announcement, Upload
from core.statuses import (
    OF_HISTORY,
    OUTAGES,
    STANDING,
    Failed,
    Queued,
    RefusalReason,
    Refused,
    Request,
    Running,
    Status,
    Succeeded,
)
from core.turns import Node, Reference, Route, Turn

MOST_TRIES = 4
"""How often a request that the service made, and failed for its own limits, is made again."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One image of a turn.

    `attempt` names the sending that is on its way, so that a late answer of an older one is told apart; it is empty
    while none is. `digest` is of the payload that was sent and `sent_at` when, in seconds since the epoch. `lost_at` is
    when its answer was given up and the search for the request began, 0 while it was not. `not_before` is when the next
    sending may be tried. `tries` counts sendings that made no request, `fetches` attempts at it that came
    to nothing once it was drawn.
    """

    attempt: str = ""
    digest: str = ""
    sent_at: float = 0.0
    lost_at: float = 0.0
    not_before: float = 0.0
    tries: int = 0
    fetches: int = 0
    request: Request | None = None
    status: Status | None = None

    @property
    def stamp(self) -> str:
        """What it waits for. Whoever wants to write one and finds another stamp than it read has come too late."""
        request = self.request.id if self.request else ""
        return " ".join(filter(None, (self.attempt, request, self.status.kind if self.status else "")))

    @property
    def unsent(self) -> bool:
        """Whether the service neither made nor makes anything for it: asked for elsewhere, it is paid for once."""
        if self.attempt or self.lost_at or self.request is not None:
            return False
        return self.status is None or (isinstance(self.status, Failed) and self.status.reason in OUTAGES | STANDING)

    @property
    def ended(self) -> bool:
        """Whether nothing more can come of it: a failure that may be tried again for free is no end, at first."""
        if isinstance(self.status, Failed):
            return self.status.retry_after is None or self.tries >= MOST_TRIES
        return isinstance(self.status, Succeeded | Refused)

    @property
    def going(self) -> bool:
        """Whether the service has it and has not finished."""
        return self.request is not None and (self.status is None or isinstance(self.status, Queued | Running))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The references as the service will read them, and what has to be said about the others.

    `basis` is the picture that is edited, sent along because its history is missing or cannot go back; None while the
    history itself does, with the pictures of links that have died where `moved` says. `along` are the other pictures
    that take the place of a history, behind those that the turn names; `carried` is where all of them are shown.
    `using` is the sentence that names what is used, `legend` tells the model what its pictures are and, without a
    history, what was asked for before.
    """

    uploads: tuple[Upload, ...] = ()
    used: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    basis: Upload | None = None
    using: str = ""
    legend: str = ""
    moved: Mapping[str, Upload] = field(default_factory=dict)
    along: tuple[Upload, ...] = ()
    carried: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """A turn and its checkpoints, in the order in which they are reached.

    `route` is who draws it; its provider is empty in a record from before routes were kept. `announcing` and
    `delivering` were set before the platform was asked, so that a second attempt knows to look first.
    `node` is what the thread is to remember, once the pictures have been posted. `reserved` is what the turn holds of
    its workspace's budget, in micro-dollars. `order` is its number among all that was asked for. `preparing` is when
    that began, in seconds since the epoch, 0 while it has not; from then on the turn keeps its wording. `anew` is why
    the service refused what came before the turn, which from then on goes without it.
    """

    turn: Turn
    route: Route
    reserved: int = 0
    order: int = 0
    announcing: bool = False
    announcement: Announcement | None = None
    shown: str = ""
    preparing: float = 0.0
    anew: RefusalReason | None = None
    prepared: Prepared | None = None
    drawings: tuple[Drawing, ...] = ()
    delivering: bool = False
    node: Node | None = None
    cancelled: bool = False

    @property
    def refused_history(self) -> RefusalReason | None:
        """Why the service may have refused the history that went along; None where there was none, or it drew.

        Nothing was made then, and the same can be asked for without the history, once.
        """
        if self.anew or self.turn.parent is None or self.prepared is None or self.prepared.basis:
            return None
        reasons = [drawing.status.reason for drawing in self.drawings if isinstance(drawing.status, Refused)]
        return reasons[0] if len(reasons) == len(self.drawings) and OF_HISTORY.issuperset(reasons) else None
