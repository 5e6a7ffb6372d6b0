"""How an edit goes on from its picture: with the service's history of it, or begun anew from the picture itself.

The history goes back while the same model draws, all that it points at can be read or put right, and the model takes
it in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from core.conversation import Conversations
from core.errors import Declined
from core.healing import Healing, sources
from core.histories import Moved, fits, relinked
from core.numbering import Edited, legend
from core.ports import Upload
from core.restart import Story, story_of
from core.statuses import History, RefusalReason
from core.turns import Node, NodeImage, Operation, Reference, Turn
from core.uploads import CannotBeUsed, Uploads, Way
from core.wording import PARAGRAPH, for_model

_TOLD = {RefusalReason.TOO_LONG: "note.shortened"}


@dataclass(frozen=True, slots=True)
class Continuation:
    """What comes before a turn.

    `moved` is where the pictures of the history's dead links are now. Without a history, `basis` is the edited picture
    and `shown` where it is shown; the `story` is what else is worth telling. `note` names what a person is told.
    """

    moved: Moved = field(default_factory=dict)
    basis: Upload | None = None
    shown: Reference | None = None
    story: Story = field(default_factory=Story)
    note: str = ""


class Continuations:
    """Finds how turns go on."""

    def __init__(self, conversations: Conversations, healing: Healing, uploads: Uploads) -> None:
        self.conversations = conversations
        self.healing = healing
        self.uploads = uploads

    async def of(self, turn: Turn, way: Way, refused: RefusalReason | None = None) -> Continuation:
        """How a turn goes on from its parent, whose tree is where the turn was asked for, wherever that is answered.

        `refused` is why the service did not go on from the history, where that was tried: nobody is told of that but
        where the thread has grown too long.
        Raises `Declined` when the picture is not to be had, `PlatformBusy` and `ProviderError` to be tried again.
        """
        if turn.parent is None:
            return Continuation()
        ancestors = [node async for node in self.conversations.ancestors(turn.thread, turn.parent.node)]
        if not ancestors or turn.parent.index >= len(ancestors[0].images):
            raise Declined("declined.parent_gone")
        picture = ancestors[0].images[turn.parent.index]
        anew = partial(self._anew, turn, picture.shown, way)
        if turn.operation is Operation.VARIATIONS:
            return await anew()
        moved, note = (
            (None, _TOLD.get(refused, "")) if refused else await self._goes_back(turn, picture, ancestors, way)
        )
        if moved is not None:
            return Continuation(moved=moved)
        return replace(await anew(), story=story_of(turn.parent, ancestors), note=note)

    async def history(self, turn: Turn, moved: Moved) -> History | None:
        """What the service is told of what came before; None where there is nothing to tell."""
        history = await self.conversations.history(turn.thread, turn.parent) if turn.parent else None
        return relinked(history, moved) if history else None

    async def _goes_back(
        self, turn: Turn, picture: NodeImage, ancestors: Sequence[Node], way: Way
    ) -> tuple[Moved | None, str]:
        """Where the pictures of the history are now; None where it cannot go back, and what a person is told then."""
        history, readable = await self.history(turn, {}), way.provider.readable
        drawn_by = (ancestors[0].provider, ancestors[0].model)
        if drawn_by != (way.provider.name, way.able.model):
            return None, ""
        if not history:
            return None, "note.shortened" if picture.outgrown else ""
        if not fits(history, _words(turn), len(turn.references), way.able):
            return None, "note.shortened"
        if not await self.healing.is_whole(history, readable):
            return None, ""
        bring = partial(self.uploads.bring, thread=turn.thread, way=way)
        moved = await self.healing.moved(turn.thread, history, sources(ancestors), readable, bring)
        return moved, "note.rebuilt" if moved is None else ""

    async def _anew(self, turn: Turn, shown: Reference, way: Way) -> Continuation:
        try:
            basis = await self.uploads.bring(shown, turn.thread, way)
        except CannotBeUsed as problem:
            raise Declined("declined.parent_gone") from problem
        return Continuation(basis=basis, shown=replace(shown, copy=basis.url))


def _words(turn: Turn) -> str:
    """The most that the model is told with a history: every picture that the turn names may be used, and named."""
    pictures = legend(list(enumerate(turn.references, 1)), Edited.EARLIER, math.inf)
    return PARAGRAPH.join((for_model(turn), pictures))
