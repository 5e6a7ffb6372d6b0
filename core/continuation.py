"""How an edit goes on from its picture: with the service's history of it, or begun anew from the picture itself.

The history goes back while the same model draws, all that it points at can be read or put right, and the model takes
it in.
"""

from dataclasses import dataclass, field, replace

from core.conversation import Conversations
from core.errors import Declined
from core.healing import Healing, sources
from core.histories import Moved, fits, relinked
from core.ports import Upload
from core.restart import Story, story_of
from core.turns import History, ImageRef, Node, Operation, Reference, Turn
from core.uploads import CannotBeUsed, Uploads, Way
from core.wording import for_model


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

    async def of(self, turn: Turn, way: Way) -> Continuation:
        """How a turn goes on from its parent, whose tree is where the turn was asked for, wherever that is answered.

        Raises `Declined` when the picture is not to be had, `PlatformBusy` and `ProviderError` to be tried again.
        """
        if turn.parent is None:
            return Continuation()
        ancestors = [node async for node in self.conversations.ancestors(turn.thread, turn.parent.node)]
        if not ancestors or turn.parent.index >= len(ancestors[0].images):
            raise Declined("declined.parent_gone")
        if turn.operation is Operation.VARIATIONS:
            return await self._anew(turn, turn.parent, ancestors[0], way)
        story = story_of(turn.parent, ancestors)
        history = await self.conversations.history(turn.thread, turn.parent)
        drawn_by = (ancestors[0].provider, ancestors[0].model)
        if not history or drawn_by != (way.provider.name, way.able.model):
            return replace(await self._anew(turn, turn.parent, ancestors[0], way), story=story)
        if not fits(history, for_model(turn), len(turn.references), way.able):
            anew = await self._anew(turn, turn.parent, ancestors[0], way)
            return replace(anew, story=story, note="note.shortened")
        moved = await self._moved(turn, history, ancestors, way)
        if moved is None:
            anew = await self._anew(turn, turn.parent, ancestors[0], way)
            return replace(anew, story=story, note="note.rebuilt")
        return Continuation(moved=moved)

    async def history(self, turn: Turn, moved: Moved) -> History | None:
        """What the service is told of what came before; None where there is nothing to tell."""
        history = await self.conversations.history(turn.thread, turn.parent) if turn.parent else None
        return relinked(history, moved) if history else None

    async def _anew(self, turn: Turn, parent: ImageRef, node: Node, way: Way) -> Continuation:
        shown = node.images[parent.index].shown
        try:
            basis = await self.uploads.bring(shown, turn.thread, way)
        except CannotBeUsed as problem:
            raise Declined("declined.parent_gone") from problem
        return Continuation(basis=basis, shown=replace(shown, copy=basis.url))

    async def _moved(self, turn: Turn, history: History, ancestors: list[Node], way: Way) -> Moved | None:
        async def bring(reference: Reference) -> Upload:
            return await self.uploads.bring(reference, turn.thread, way)

        return await self.healing.moved(turn.thread, history, sources(ancestors), way.provider.readable, bring)
