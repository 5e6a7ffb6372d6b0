"""A chat platform that keeps what a person would have seen."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from core.errors import ImagineError, PlatformGone
from core.ports import Announcement, Delivered, Notice, Result
from core.turns import Reference, ThreadKey, Turn


@dataclass(slots=True)
class FakeChat:
    """`posts` counts every message that was really posted, so that a second one cannot hide.

    `troubles` are raised by the next calls of a verb, before (`announce`) or after (`announce!`) they had their effect.
    """

    name: str = "fake"
    posts: Counter[str] = field(default_factory=Counter)
    announcements: dict[str, Announcement] = field(default_factory=dict)
    announced: dict[str, Turn] = field(default_factory=dict)
    notices: dict[str, list[Notice]] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    troubles: dict[str, list[ImagineError]] = field(default_factory=dict)
    blind: bool = False
    """Cannot find what it has posted."""
    learns: str = ""
    """The language that everybody turns out to speak."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        self._trouble("announce")
        known = self.announcements.get(turn.id)
        if not (known and repeated):
            self.posts[f"announce {turn.id}"] += 1
            thread = turn.thread.thread or f"m-{turn.id}"
            place = ThreadKey(turn.thread.platform, turn.thread.workspace, turn.thread.channel, thread)
            known = Announcement(place, f"m-{turn.id}", self.learns)
            self.announcements[turn.id] = known
            self.announced[turn.id] = turn
        self._note(turn, notice)
        self._trouble("announce!")
        return known

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        self._trouble("update")
        self._note(turn, notice)

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        self._trouble("deliver")
        if not (repeated and turn.id in self.results):
            self.posts[f"deliver {turn.id}"] += 1
            self.results[turn.id] = result
        message = f"p-{turn.id}"
        references = []
        for index, image in enumerate(result.images):
            self.files[f"{message}/{index}"] = image.picture.data
            references.append(
                Reference(image.file_name, channel=turn.thread.channel, message=message, attachment=str(index))
            )
        self.changed.set()
        self._trouble("deliver!")
        return Delivered(message, tuple(references))

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        self._trouble("fetch")
        try:
            return self.files[f"{reference.message}/{reference.attachment}"]
        except KeyError:
            raise PlatformGone("no such file") from None

    def attach(self, name: str, data: bytes) -> Reference:
        """A picture that a person has posted."""
        self.files[f"person/{name}"] = data
        return Reference(name, channel="c", message="person", attachment=name)

    def last(self, turn_id: str) -> Notice:
        return self.notices[turn_id][-1]

    def _note(self, turn: Turn, notice: Notice) -> None:
        self.notices.setdefault(turn.id, []).append(notice)
        self.changed.set()

    def _trouble(self, verb: str) -> None:
        if waiting := self.troubles.get(verb):
            raise waiting.pop(0)
