"""Messages as a person sees them: frozen, with the bytes and the alt text of what is attached."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simcord.backend.models import Message
from simcord.components import COMPONENTS_V2_FLAG, walk_components

from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.world import World

LOADING = 1 << 7
_TEXT_DISPLAY, _THUMBNAIL, _GALLERY, _FILE = 10, 11, 12, 13


@dataclass(frozen=True, slots=True)
class SeenFile:
    """An attached file; `url` was signed when it was looked at."""

    id: int
    name: str
    alt: str | None
    content_type: str
    size: int
    url: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Control:
    """A button (type 2) or a select menu (3, 5 to 8); `values` are a select's choices."""

    type: int
    custom_id: str | None
    label: str | None
    disabled: bool
    values: tuple[str, ...]
    url: str | None
    wire: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """One message. `pictures` are what its reader sees: with Components V2 only what a component shows."""

    id: int
    channel_id: int
    author_id: int
    content: str
    text: str
    files: tuple[SeenFile, ...]
    pictures: tuple[SeenFile, ...]
    controls: tuple[Control, ...]
    embeds: tuple[dict[str, Any], ...]
    flags: int
    type: int
    reply_to: int | None
    interaction_id: int | None
    private: bool
    loading: bool
    edited: bool
    pings: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What the buttons say."""
        return tuple(control.label for control in self.controls if control.label)

    def control(self, name: str) -> Control:
        """The button or select with this label or custom_id; LookupError if there is none."""
        for control in self.controls:
            if name in (control.custom_id, control.label):
                return control
        raise LookupError(f"no {name!r} among {[c.label or c.custom_id for c in self.controls]}")


def look_at(world: World, cdn: SignedCdn, message: Message) -> Seen:
    """The message as it is now."""
    files = tuple(_file(cdn, attachment) for attachment in message.attachments)
    parts = list(walk_components(message.components))
    texts = [message.content, *(str(part["content"]) for part in parts if part["type"] == _TEXT_DISPLAY)]
    with_components = bool(message.flags & COMPONENTS_V2_FLAG)
    reference = message.reference or {}
    metadata = message.interaction_metadata or {}
    return Seen(
        id=message.id,
        channel_id=message.channel_id,
        author_id=message.author_id,
        content=message.content,
        text="\n".join(text for text in texts if text),
        files=files,
        pictures=tuple(_shown(parts, files)) if with_components else files,
        controls=tuple(_control(part) for part in parts if part["type"] in (2, 3, 5, 6, 7, 8)),
        embeds=tuple(message.embeds),
        flags=message.flags,
        type=int(message.type),
        reply_to=int(reference["message_id"]) if "message_id" in reference else None,
        interaction_id=int(metadata["id"]) if "id" in metadata else None,
        private=message.is_ephemeral,
        loading=bool(message.flags & LOADING),
        edited=message.edited_timestamp is not None,
        pings=(*message.ping_user_ids, *message.ping_role_ids),
    )


def _file(cdn: SignedCdn, attachment: dict[str, Any]) -> SeenFile:
    return SeenFile(
        id=int(attachment["id"]),
        name=attachment["filename"],
        alt=attachment.get("description"),
        content_type=attachment["content_type"],
        size=attachment["size"],
        url=cdn.sign(attachment["url"]),
        data=cdn.data_of(attachment),
    )


def _shown(parts: list[dict[str, Any]], files: tuple[SeenFile, ...]) -> Iterator[SeenFile]:
    by_id = {str(file.id): file for file in files}
    for part in parts:
        if part["type"] == _GALLERY:
            media = [(item["media"], item.get("description")) for item in part["items"]]
        elif part["type"] in (_THUMBNAIL, _FILE):
            media = [(part.get("media") or part["file"], part.get("description"))]
        else:
            continue
        for item, alt in media:
            file = by_id.get(str(item.get("attachment_id")))
            if file is not None:
                yield SeenFile(file.id, file.name, alt or file.alt, file.content_type, file.size, file.url, file.data)


def _control(part: dict[str, Any]) -> Control:
    return Control(
        type=part["type"],
        custom_id=part.get("custom_id"),
        label=part.get("label") or part.get("placeholder"),
        disabled=bool(part.get("disabled")),
        values=tuple(option["value"] for option in part.get("options") or ()),
        url=part.get("url"),
        wire=part,
    )
