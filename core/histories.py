"""What may be known of a provider's history: the pictures that it points at, and how long it is.

The rest is opaque. Nothing here changes a history but for where its pictures are, and that in a copy.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from core.ports import Capabilities, Upload
from core.statuses import KEPT, History

Moved: TypeAlias = Mapping[str, Upload]
"""Where the picture of a link is now."""

BYTES_PER_TOKEN = 3
"""Of UTF-8. English has about four to a token, Chinese three: no script is taken for shorter than it is."""

_LINK = {"fileData": "fileUri", "file_data": "file_uri", "inlineData": "data", "inline_data": "data"}
"""The parts that are a picture, and where in each its link is. What is inline may stand for bytes that are kept."""
_TYPE = {"fileData": "mimeType", "file_data": "mime_type", "inlineData": "mimeType", "inline_data": "mime_type"}


def pictures(value: object) -> list[str]:
    """The links to pictures inside a history, or a part of one, in their order."""
    return [link for link, is_picture in _links(value) if is_picture]


def extras(value: object) -> list[str]:
    """The links to all else that the provider keeps outside of its history: thought signatures that are too long."""
    return [link for link, is_picture in _links(value) if not is_picture]


def _links(value: object) -> Iterator[tuple[str, bool]]:
    match value:
        case dict():
            for name, inner in value.items():
                link = inner.get(_LINK[name]) if name in _LINK and isinstance(inner, dict) else None
                if isinstance(link, str) and link.startswith((KEPT, "http")):
                    yield link, True
                elif isinstance(inner, str) and inner.startswith(KEPT) and name != "text":
                    yield inner, False
                else:
                    yield from _links(inner)
        case list():
            for inner in value:
                yield from _links(inner)


def relinked(history: History, moved: Moved) -> History:
    """The history with the pictures that have moved where they are now."""
    return [_relinked(turn, moved) for turn in history] if moved else history


def _relinked(value: Any, moved: Moved) -> Any:
    match value:
        case dict():
            copy: dict[str, Any] = {}
            for name, inner in value.items():
                link = inner.get(_LINK[name]) if name in _LINK and isinstance(inner, dict) else None
                if isinstance(link, str) and (place := moved.get(link)) is not None:
                    copy |= _placed(name, inner, place)
                else:
                    copy[name] = _relinked(inner, moved)
            return copy
        case list():
            return [_relinked(inner, moved) for inner in value]
        case _:
            return value


def _placed(name: str, picture: dict[str, Any], place: Upload) -> dict[str, Any]:
    """A part's picture in another place: as inline where the provider keeps the bytes, else as a file."""
    if place.url.startswith(KEPT) is not name.startswith("inline"):
        name, picture = ("inlineData" if place.url.startswith(KEPT) else "fileData"), {}
    return {name: {**picture, _LINK[name]: place.url, _TYPE[name]: place.media_type}}


def tokens(value: object, able: Capabilities) -> int:
    """About how much of what a model takes in a history needs, or a part of one: its pictures and its words."""
    match value:
        case dict():
            own = able.image_tokens * sum(
                isinstance(inner, dict) and bool(inner.get(_LINK[name]))
                for name, inner in value.items()
                if name in _LINK
            )
            own += words(value["text"]) if isinstance(value.get("text"), str) else 0
            return own + sum(tokens(inner, able) for name, inner in value.items() if name not in _LINK)
        case list():
            return sum(tokens(inner, able) for inner in value)
        case _:
            return 0


def words(text: str) -> int:
    """About how many tokens a text is."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def fits(history: History, prompt: str, images: int, able: Capabilities) -> bool:
    """Whether a model takes in a history with one more turn of these words and so many pictures."""
    return tokens(history, able) + words(prompt) + images * able.image_tokens <= able.max_input_tokens
