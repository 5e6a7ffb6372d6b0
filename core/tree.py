"""Going back and branching: what can be done in the version tree of a thread besides asking for pictures.

Nothing here asks the image service, so nothing costs anything. What is drawn here is posted by the process that was
asked, once for each event; a process that dies before has posted nothing, and asking again draws it again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from core.conversation import Conversations, Place
from core.errors import Declined, PlatformGone
from core.healing import sources
from core.pictures import Picture, PictureRefused
from core.pictures.sheet import Panel, Sheet
from core.pictures.workshop import WorkshopUnavailable
from core.ports import Image
from core.replies import say
from core.turns import ImageRef, Node, Operation, Origin, Reference, ThreadKey, TurnId

Fetch: TypeAlias = Callable[[Reference, ThreadKey], Awaitable[bytes]]
"""`ChatPlatform.fetch`."""

MOST_STEPS = 12
"""On one sheet: the first, and the last of the others."""
MOST_CHOICES = 25
AT_ONCE = 4
PATH_SIDE, COMPARE_SIDE = 400, 640
WORDS_CHARACTERS, LINE_CHARACTERS, LABEL_CHARACTERS, ALT_CHARACTERS = 300, 120, 50, 1000


class SheetMaker(Protocol):
    """What is asked of `core.pictures.workshop.PictureWorkshop`."""

    async def thumbnail(self, data: bytes, side: int) -> Picture:
        """A small picture."""
        ...

    async def sheet(self, sheet: Sheet) -> Picture:
        """Several on one."""
        ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sheet to be posted, and the same in words."""

    image: Image
    words: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A picture that can be gone back to, or compared with. `number` counts the thread's turns, oldest first."""

    image: ImageRef
    node: Node
    number: int
    current: bool

    def label(self, locale: str) -> str:
        """The choice in a menu."""
        mark = f" · {say(locale, 'tree.current')}" if self.current else ""
        return (
            f"{_numbered(self.number, self.image, self.node)}. {words_of(self.node, locale)[:LABEL_CHARACTERS]}{mark}"
        )


@dataclass(frozen=True, slots=True)
class Back:
    """A picture that was gone back to."""

    image: ImageRef
    node: Node

    def words(self, locale: str, limit: int) -> str:
        """The sentence that says so, with at most `limit` characters of what it was asked for with."""
        prompt, count = words_of(self.node, locale), len(self.node.images)
        prompt = prompt if len(prompt) <= limit else prompt[: limit - 1].rstrip() + "…"
        name = "tree.restored_of" if count > 1 else "tree.restored"
        return say(locale, name, prompt=prompt, number=self.image.index + 1, count=count)


@dataclass(frozen=True, slots=True)
class _Step:
    thread: ThreadKey
    image: ImageRef
    node: Node
    number: int
    current: bool

    @property
    def shown(self) -> Reference:
        return self.node.images[self.image.index].shown


@dataclass(frozen=True, slots=True)
class Tree:
    """The operations on trees. Each raises `Declined` with the sentence to say; `PlatformBusy` may work later."""

    conversations: Conversations
    workshop: SheetMaker

    async def path(self, thread: ThreadKey, image: ImageRef, fetch: Fetch, locale: str) -> Drawn:
        """How a picture came to be: every picture from the first to this one, on one sheet."""
        current = await self._current(thread)
        steps = [
            _Step(where, found, node, 0, current == node.id)
            async for where, found, node in self._lineage(Origin(thread, image))
        ]
        if not steps:
            raise Declined("declined.parent_gone")
        steps = [replace(step, number=number) for number, step in enumerate(reversed(steps), 1)]
        shown, left_out = _most(steps)
        footer = say(locale, "tree.left_out", first=left_out[0], last=left_out[-1]) if left_out else ""
        panels = await self._panels(shown, PATH_SIDE, fetch, locale)
        columns = 2 if len(shown) == 4 else min(3, len(shown))  # noqa: PLR2004 - two by two
        title = say(locale, "tree.path_title")
        sheet = Sheet(title, panels, columns, PATH_SIDE, arrows=True, footer=footer, absent=say(locale, "tree.absent"))
        return await self._drawn(sheet, "path", locale, shown)

    async def compare(
        self, thread: ThreadKey, image: ImageRef, other: ImageRef | None, fetch: Fetch, locale: str
    ) -> Drawn:
        """Two pictures side by side; without another one, the picture and the one that it was made from."""
        node = await self._node(thread, image)
        other = other or node.parent
        if other is None:
            raise _nothing_before(node)
        if other == image:
            raise Declined("tree.same")
        current, places = await self._current(thread), await self.conversations.places(thread)
        numbers = {place.id: number for number, place in enumerate(sorted(places.values(), key=_age), 1)}
        pair = [(other, await self._node(thread, other)), (image, node)]
        steps = [_Step(thread, which, found, numbers.get(found.id, 0), current == found.id) for which, found in pair]
        steps.sort(key=lambda step: (step.number, step.image.index))
        panels = await self._panels(steps, COMPARE_SIDE, fetch, locale)
        if any(not panel.picture for panel in panels):
            raise Declined("tree.picture_gone")
        return await self._drawn(
            Sheet(say(locale, "tree.compare_title"), panels, 2, COMPARE_SIDE), "compare", locale, steps
        )

    async def undo(self, thread: ThreadKey, node: TurnId, *, event: str) -> Back:
        """Make the picture current that a node was made from, or the nearest before it that stands."""
        found = await self._node(thread, ImageRef(node))
        here = found.parent
        if here is None:
            raise _nothing_before(found)
        async for ancestor in self.conversations.ancestors(thread, here.node):
            if not ancestor.removed or ancestor.parent is None:
                break
            here = ancestor.parent
        return await self.restore(thread, here, event=event)

    async def restore(self, thread: ThreadKey, image: ImageRef, *, event: str) -> Back:
        """Make an older (or newer) picture current. The same event does it once."""
        node = await self._node(thread, image)
        if node.removed:
            raise Declined("tree.picture_gone")
        await self.conversations.make_current(thread, image, event=event)
        return Back(image, node)

    async def fork(self, thread: ThreadKey, image: ImageRef, *, as_turn: TurnId, shared: bool) -> Node:
        """A copy of one picture's node to begin another thread with, under a turn id of its own.

        It has the provider's whole history, so that edits go on as they would have, but none of the nodes before it.
        `shared` is whether whoever sees the other thread may see this one: only then does the copy know its origin.
        It stands nowhere yet: see `placed`.
        """
        found = await self._node(thread, image)
        if found.removed:
            raise Declined("tree.picture_gone")
        history = await self.conversations.history(thread, image)
        ancestors = [ancestor async for ancestor in self.conversations.ancestors(thread, image.node)]
        return replace(
            found,
            id=as_turn,
            parent=None,
            options=replace(found.options, count=1),
            images=(replace(found.images[image.index], history=history, rooted=True),),
            message="",
            cost=0,
            carried=tuple(replace(reference, copy=link) for link, reference in sources(ancestors).items()),
            origin=Origin(thread, image) if shared else None,
        )

    async def choices(self, thread: ThreadKey) -> list[Choice]:
        """The newest pictures of the thread that still stand, newest first."""
        places = sorted((await self.conversations.places(thread)).values(), key=_age)
        numbered = list(enumerate((place.id for place in places), 1))[-MOST_CHOICES:]
        nodes = await self.conversations.nodes(thread, [node for _, node in numbered])
        current = await self.conversations.head(thread)
        found = [
            Choice(image, node, number, image == current)
            for (number, _), node in zip(numbered, nodes, strict=True)
            if node is not None and not node.removed
            for image in (ImageRef(node.id, index) for index in range(len(node.images)))
        ]
        return found[: -MOST_CHOICES - 1 : -1]

    async def _current(self, thread: ThreadKey) -> TurnId | None:
        head = await self.conversations.head(thread)
        return head.node if head else None

    async def _node(self, thread: ThreadKey, image: ImageRef) -> Node:
        node = await self.conversations.node(thread, image.node)
        if node is None or not 0 <= image.index < len(node.images):
            raise Declined("declined.parent_gone")
        return node

    async def _lineage(self, origin: Origin | None) -> AsyncIterator[tuple[ThreadKey, ImageRef, Node]]:
        """A picture, the one that it was made from, and so on to the first. A copy stands for its original."""
        copied = False
        while origin:
            thread, here, origin = origin.thread, origin.image, None
            async for node in self.conversations.ancestors(thread, here.node):
                if here.index >= len(node.images):
                    return
                if not copied:
                    yield thread, here, node
                here, origin, copied = node.parent or here, node.origin, False
            copied = True

    async def _panels(self, steps: Sequence[_Step], side: int, fetch: Fetch, locale: str) -> tuple[Panel, ...]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def thumbnail(step: _Step) -> bytes:
            if step.node.removed:
                return b""
            async with gate:
                try:
                    return (await self.workshop.thumbnail(await fetch(step.shown, step.thread), side)).data
                except (PlatformGone, PictureRefused):
                    return b""
                except WorkshopUnavailable as error:
                    raise Declined("tree.not_now") from error

        pictures = await asyncio.gather(*map(thumbnail, steps))
        if not any(pictures):
            raise Declined("tree.picture_gone")
        mark = say(locale, "tree.current")
        return tuple(
            Panel(
                number=_numbered(step.number, step.image, step.node),
                words=words_of(step.node, locale)[:WORDS_CHARACTERS],
                note=" · ".join(filter(None, (step.node.author.name, step.node.model))),
                mark=mark if step.current else "",
                picture=picture,
            )
            for step, picture in zip(steps, pictures, strict=True)
        )

    async def _drawn(self, sheet: Sheet, name: str, locale: str, steps: Sequence[_Step]) -> Drawn:
        try:
            picture = await self.workshop.sheet(sheet)
        except (PictureRefused, WorkshopUnavailable) as error:
            raise Declined("tree.not_now") from error
        lines = [
            f"{_numbered(step.number, step.image, step.node)}. {words_of(step.node, locale)[:LINE_CHARACTERS]}"
            for step in steps
        ]
        words = "\n".join((sheet.title, *lines))
        return Drawn(Image(picture, words[:ALT_CHARACTERS], f"{name}.jpg"), words)


def words_of(node: Node, locale: str) -> str:
    """What a node was asked for with, on one line."""
    words = say(locale, "button.variations") if node.operation is Operation.VARIATIONS else node.prompt
    return " ".join(words.split())


def placed(node: Node, shown: Sequence[Reference], message: str) -> Node:
    """The same node where it stands now. `shown` are its pictures there, in their order."""
    images = tuple(replace(image, shown=where) for image, where in zip(node.images, shown, strict=True))
    return replace(node, images=images, message=message, removed=False)


def _nothing_before(node: Node) -> Declined:
    """What to say where a tree begins: with a first picture, or with a copy."""
    copied = node.origin is not None or node.operation in (Operation.EDIT, Operation.VARIATIONS)
    return Declined("tree.nothing_before_copy" if copied else "tree.nothing_before")


def _numbered(number: int, image: ImageRef, node: Node) -> str:
    """The number of a node, and of several pictures which one."""
    return f"{number} #{image.index + 1}" if len(node.images) > 1 else str(number)


def _age(place: Place) -> tuple[float, str]:
    return place.made_at, place.id


def _most(steps: Sequence[_Step]) -> tuple[Sequence[_Step], Sequence[int]]:
    """As many steps as a sheet has room for, and the numbers of those between that are left out."""
    if len(steps) <= MOST_STEPS:
        return steps, ()
    kept = [steps[0], *steps[1 - MOST_STEPS :]]
    return kept, [step.number for step in steps[1 : 1 - MOST_STEPS]]
