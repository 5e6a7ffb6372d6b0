"""A turn from the command line: the terminal as a chat platform."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import PlatformGone
from core.intake import Intake
from core.ports import Announcement, Delivered, Notice, Result, Stage
from core.replies import notice_text
from core.turns import Options, Person, Reference, ThreadKey, Turn, turn_id

PLATFORM = "shell"


@dataclass(slots=True)
class ShellChat:
    """Says on the terminal how far it is, and writes the pictures to files."""

    out: Path
    say: Callable[[str], None]
    name: str = PLATFORM
    files: list[Path] = field(default_factory=list)
    last: Notice | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def announce(self, turn: Turn, notice: Notice, *, repeated: bool) -> Announcement:
        """Say that it is taken on."""
        del repeated
        announcement = Announcement(turn.thread, turn.id)
        await self.update(turn, announcement, notice)
        return announcement

    async def update(self, turn: Turn, announcement: Announcement, notice: Notice) -> None:
        """Say how far it is."""
        del announcement
        if notice.stage is not Stage.DONE:
            self.say(notice_text(notice, turn.locale))
        self.last = notice
        if notice.stage.final:
            self.ended.set()

    async def deliver(self, turn: Turn, announcement: Announcement, result: Result, *, repeated: bool) -> Delivered:
        """Write the pictures, the second and later ones with a number; the same turn writes the same files."""
        del turn, repeated
        files = [self._path(index, result) for index in range(len(result.images))]
        for path, image in zip(files, result.images, strict=True):
            await asyncio.to_thread(path.write_bytes, image.picture.data)
            self.say(f"{path}  {image.picture.width} × {image.picture.height}  {image.picture.media_type}")
        for note in result.notes:
            self.say(note)
        self.files = files
        return Delivered(announcement.message, tuple(Reference(path.name, message=str(path)) for path in files))

    async def fetch(self, reference: Reference, thread: ThreadKey) -> bytes:
        """Read a file of this machine."""
        del thread
        try:
            return await asyncio.to_thread(Path(reference.message).read_bytes)
        except OSError as error:
            raise PlatformGone(f"cannot read {reference.name}") from error

    def _path(self, index: int, result: Result) -> Path:
        ending = Path(result.images[index].file_name).suffix
        path = self.out if self.out.suffix else self.out.with_suffix(ending)
        return path if index == 0 else path.with_stem(f"{path.stem}-{index + 1}")


async def one_turn(intake: Intake, chat: ShellChat, prompt: str, options: Options, files: Sequence[Path]) -> bool:
    """Ask for one turn and wait for its end; whether there is a picture. Raises `Declined`."""
    now = time.time()
    person = Person(PLATFORM, "local", "operator", "operator")
    turn = Turn(
        id=turn_id(PLATFORM, "local", f"{now}"),
        thread=ThreadKey(PLATFORM, "local", "terminal", f"{now}"),
        author=person,
        prompt=prompt,
        asked_at=now,
        options=options,
        references=tuple(Reference(path.name, message=str(path)) for path in files),
    )
    await intake.accept(turn)
    try:
        await chat.ended.wait()
    except asyncio.CancelledError:
        print("\nCancelled here; the image service may still charge for what it had begun.", file=sys.stderr)  # noqa: T201
        raise
    return bool(chat.files)
