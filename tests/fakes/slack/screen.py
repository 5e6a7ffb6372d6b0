"""What a person sees: conversations and threads with their words, pictures, buttons; nothing of the wire."""

from dataclasses import dataclass, field

from tests.fakes.slack import text
from tests.fakes.slack.files import can_read, referenced
from tests.fakes.slack.interacting import Element, Interacting, elements
from tests.fakes.slack.model import Channel, File, Json, Message, User, View

STATUS_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file under a message. `data` is None when this person cannot open it."""

    id: str
    name: str
    title: str
    alt: str
    mimetype: str
    data: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShownImage:
    """A picture inside blocks. A `broken` one shows its frame and alt text only."""

    alt: str
    title: str
    url: str | None
    data: bytes | None = field(repr=False)

    @property
    def broken(self) -> bool:
        return self.data is None and self.url is None


@dataclass(frozen=True, slots=True)
class Shown:
    """One message on somebody's screen.

    Attributes:
        text: the words it shows: of the blocks when it has any, else of the message.
        fallback: the top-level text (notifications, screen readers).
        private: only this person sees it (ephemeral).
        pictures: every visible picture's bytes, files first.
    """

    message: Message = field(repr=False)
    author: str
    text: str
    fallback: str
    files: list[ShownFile]
    images: list[ShownImage]
    elements: list[Element] = field(repr=False)
    private: bool
    replies: int

    @property
    def ts(self) -> str:
        return self.message.ts

    @property
    def buttons(self) -> list[Element]:
        return [element for element in self.elements if element.kind == "button"]

    @property
    def pictures(self) -> list[bytes]:
        shown = [f.data for f in self.files if f.data is not None and f.mimetype.startswith("image/")]
        return shown + [image.data for image in self.images if image.data is not None]

    def button(self, action_or_label: str) -> Element:
        """The button with this action or label.

        Raises:
            LookupError: there is none.
        """
        for button in self.buttons:
            if action_or_label in (button.action_id, button.label):
                return button
        raise LookupError(f"no button {action_or_label!r} among {[(b.action_id, b.label) for b in self.buttons]}")


class Looking(Interacting):
    """What people see."""

    def channel(self, user: User, channel: Channel) -> list[Shown]:
        """The channel as this person sees it, oldest first: roots, and what only they see; empty if they may not."""
        if not can_read(channel, user.id):
            return []
        top = [m for m in channel.messages.values() if not m.is_reply or m.broadcast]
        return self._shown(user, top + [m for m in self._private(user, channel) if m.thread_ts is None])

    def thread(self, user: User, root: Message | Shown | str, channel: Channel | None = None) -> list[Shown]:
        """A thread as this person sees it, the root first; `channel` is needed with a bare ts."""
        message = root.message if isinstance(root, Shown) else root
        place = message.channel if isinstance(message, Message) else channel
        if place is None:
            raise TypeError("a bare ts needs its channel")
        ts = message if isinstance(message, str) else (message.thread_ts or message.ts)
        if not can_read(place, user.id):
            return []
        return self._shown(user, place.thread(ts) + [m for m in self._private(user, place) if m.thread_ts == ts])

    def everything(self, user: User, channel: Channel) -> list[Shown]:
        """Every message of a channel, replies included, oldest first."""
        if not can_read(channel, user.id):
            return []
        return self._shown(user, [*channel.messages.values(), *self._private(user, channel)])

    def dm(self, user: User) -> Channel:
        """The conversation between this person and the app."""
        return self.open_dm(user)

    def home(self, user: User) -> View | None:
        """The Home tab that was published for this person; `press` and `choose` work on it."""
        return self.homes.get(user)

    def assistant_status(self, root: Message) -> str:
        """What the agent panel says under the app's name; Slack forgets it after two minutes."""
        thread = self.assistant_threads.get((root.channel.id, root.ts))
        recent = thread is not None and self.clock.now() - thread.status_set_at < STATUS_SECONDS
        return thread.status if thread is not None and recent else ""

    def pictures(self, user: User, channel: Channel) -> list[bytes]:
        """The bytes of every picture this person sees in a channel and its threads, oldest first."""
        return [data for shown in self.everything(user, channel) for data in shown.pictures]

    def _private(self, user: User, channel: Channel) -> list[Message]:
        return [m for m in channel.ephemerals if m.only_for == user.id]

    def _shown(self, user: User, messages: list[Message]) -> list[Shown]:
        return [self.look(user, message) for message in sorted(messages, key=lambda m: float(m.ts))]

    def look(self, user: User, message: Message) -> Shown:
        """One message as this person sees it."""
        return Shown(
            message,
            message.user,
            text.readable(message.blocks) if message.blocks else text.unescape(message.text),
            text.unescape(message.text),
            [self._file(user, self.files.by_id[file_id]) for file_id in message.files],
            [self._image(user, item) for item in text.objects(message.blocks) if _is_image(item)],
            elements(message),
            message.only_for is not None,
            max(0, len(message.channel.thread(message.ts)) - 1),
        )

    def _file(self, user: User, file: File) -> ShownFile:
        closed = file.tombstone or file.remote or not self.files.seen_by(file, user.id)
        data = None if closed else file.data
        return ShownFile(file.id, file.name, file.title, file.alt, file.mimetype, data)

    def _image(self, user: User, item: Json) -> ShownImage:
        title = str(item.get("title", {}).get("text", ""))
        alt, reference = str(item.get("alt_text", "")), item.get("slack_file")
        if reference is None:
            return ShownImage(alt, title, item.get("image_url"), None)
        file = self.files.by_id.get(referenced(reference))
        return ShownImage(alt, title, None, self._file(user, file).data if file else None)


def _is_image(item: Json) -> bool:
    return item.get("type") == "image" and ("slack_file" in item or "image_url" in item)
