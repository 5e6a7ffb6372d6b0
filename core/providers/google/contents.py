"""What is sent to Google for an image, and what its answer holds.

A turn of the conversation is Google's own `content`, kept as it came: its unknown keys, its thought signatures. Only
what is too large to keep is put elsewhere, and a link to it stands in its place: `kept:…` for what the stash holds, the
address of a file for what Google holds. Links of the first kind become bytes again at the moment of sending.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.ports import Job, Upload
from core.providers.google.endings import Ending, ending_of_answer, ending_of_prompt
from core.providers.google.models import MOST_IMAGES, GoogleModel
from core.statuses import KEPT

JsonObject: TypeAlias = dict[str, Any]
Keep: TypeAlias = Callable[[bytes, str], Awaitable[str]]
"""Keeps bytes of a media type; gives the link to them."""

LONGEST_SIGNATURE = 1_000
"""Longer ones are kept beside the history: those of pictures can have hundreds of thousands of characters."""
SIGNATURE_TYPE = "text/plain"
DEEPEST = 60

_BASE64_OF_LINKS = str.maketrans("-_", "+/")
_INLINE = ("inlineData", "inline_data")
_MEDIA_TYPE = ("mimeType", "mime_type")
_SIGNATURE = ("thoughtSignature", "thought_signature")
_FINISH, _BLOCK, _FEEDBACK = (
    ("finishReason", "finish_reason"),
    ("blockReason", "block_reason"),
    ("promptFeedback", "prompt_feedback"),
)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How freely the models draw; None leaves it to Google."""

    temperature: float | None = None
    top_p: float | None = None

    def within(self, model: GoogleModel | None) -> JsonObject:
        """What is sent of it to a model: nothing goes past its ranges."""
        ranges = model or GoogleModel.unknown()
        settings = (("temperature", self.temperature, ranges.temperature), ("topP", self.top_p, ranges.top_p))
        return {name: min(most, max(least, value)) for name, value, (least, most) in settings if value is not None}


@dataclass(frozen=True, slots=True)
class Drawn:
    """An answer with pictures in it: Google's turn of the conversation as it came, and the pictures' bytes.

    One picture is asked for, so the first is the one that is delivered, and the person is told of the others: they
    stay in the conversation. What the model only thought of is none of them.
    """

    content: JsonObject
    pictures: tuple[bytes, ...]


def payload_of(job: Job, model: GoogleModel | None, sampling: Sampling) -> JsonObject:
    """The body of a request, with links in the place of bytes: small, and the same whenever it is built."""
    config: JsonObject = {"responseModalities": ["TEXT", "IMAGE"], **sampling.within(model)}
    image = {"aspectRatio": job.aspect_ratio, "imageSize": job.size}
    if wanted := {name: value for name, value in image.items() if value}:
        config["imageConfig"] = wanted
    return {"contents": [*deepcopy(job.history or []), asked(job)], "generationConfig": config}


def asked(job: Job) -> JsonObject:
    """The turn of the person."""
    return {"role": "user", "parts": [{"text": job.prompt}, *map(_reference, job.references)]}


def _reference(upload: Upload) -> JsonObject:
    if upload.url.startswith(KEPT):
        return {"inlineData": {"mimeType": upload.media_type, "data": upload.url}}
    return {"fileData": {"fileUri": upload.url, "mimeType": upload.media_type}}


def kept_links(value: Any) -> Iterator[tuple[str, str]]:
    """Every link into the stash inside a payload, with the name of the key that it stands under."""
    match value:
        case dict():
            for name, inner in value.items():
                if isinstance(inner, str) and inner.startswith(KEPT) and name != "text":
                    yield name, inner
                else:
                    yield from kept_links(inner)
        case list():
            for inner in value:
                yield from kept_links(inner)


def filled(value: Any, kept: Mapping[str, bytes]) -> Any:
    """A copy of a payload with the bytes in the place of the links to them."""
    match value:
        case dict():
            return {name: _filled(name, inner, kept) for name, inner in value.items()}
        case list():
            return [filled(inner, kept) for inner in value]
        case _:
            return value


def _filled(name: str, value: Any, kept: Mapping[str, bytes]) -> Any:
    if not (isinstance(value, str) and value.startswith(KEPT) and name != "text"):
        return filled(value, kept)
    data = kept[value]
    return data.decode("utf-8", "surrogatepass") if name in _SIGNATURE else base64.b64encode(data).decode()


def read(body: Any) -> Drawn | Ending | None:
    """What an answer holds: pictures, the reason why it has none, or (None) nothing that Google would say."""
    if not isinstance(body, dict):
        return None
    candidates = [candidate for candidate in _list(body.get("candidates")) if isinstance(candidate, dict)]
    for candidate in candidates:
        content = candidate.get("content")
        if isinstance(content, dict) and (pictures := tuple(_pictures(content))) and not _is_deep(content):
            return Drawn(content, pictures[:MOST_IMAGES])
    feedback = _get(body, _FEEDBACK)
    if isinstance(feedback, dict) and (reason := _get(feedback, _BLOCK)):
        return ending_of_prompt(str(reason))
    if candidates:
        words = " ".join(word for candidate in candidates for word in _words(candidate.get("content")))
        return ending_of_answer(str(_get(candidates[0], _FINISH) or ""), words)
    # Said in Google's form, with nothing in it: there is no picture, and it was counted.
    return ending_of_answer("", "") if "candidates" in body or "usageMetadata" in body else None


async def remembered(content: JsonObject, keep: Keep) -> JsonObject:
    """Google's turn as it is kept and sent back: untouched, but for links in the place of what is large.

    What the model only thought is left out, unless it is signed: Google wants nothing else of it back.
    """
    parts = [
        await _remembered(part, keep)
        for part in _parts(content)
        if not part.get("thought") or _get(part, _SIGNATURE) is not None
    ]
    return {"role": "model", **content, "parts": parts}


async def _remembered(part: JsonObject, keep: Keep) -> JsonObject:
    small = dict(part)
    for name in _SIGNATURE:
        signature = part.get(name)
        if isinstance(signature, str) and len(signature) > LONGEST_SIGNATURE:
            small[name] = await keep(signature.encode("utf-8", "surrogatepass"), SIGNATURE_TYPE)
    for name in _INLINE:
        # A picture can have tens of megabytes.
        if data := await asyncio.to_thread(_picture, part.get(name)):
            media_type = str(_get(part[name], _MEDIA_TYPE) or "image/png")
            link = await keep(data, media_type)
            if link.startswith(KEPT):
                small[name] = {**part[name], "data": link}
            else:
                del small[name]
                small["fileData"] = {"fileUri": link, "mimeType": media_type}
    return small


def _pictures(content: JsonObject) -> Iterator[bytes]:
    """The pictures of an answer, without those that the model only thought of."""
    for part in _parts(content):
        if not part.get("thought") and (data := _picture(_get(part, _INLINE))):
            yield data


def _picture(inline: Any) -> bytes:
    data = inline.get("data") if isinstance(inline, dict) else None
    if not isinstance(data, str) or data.startswith(KEPT):
        return b""
    text = data.translate(_BASE64_OF_LINKS).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _words(content: Any) -> Iterator[str]:
    for part in _parts(content):
        text = part.get("text")
        if isinstance(text, str) and text.strip() and not part.get("thought"):
            yield text.strip()


def _parts(content: Any) -> Sequence[JsonObject]:
    parts = content.get("parts") if isinstance(content, dict) else None
    return [part for part in _list(parts) if isinstance(part, dict)]


def _get(value: Any, names: Sequence[str]) -> Any:
    """What stands under a key that is spelt in one of these ways."""
    found = value if isinstance(value, dict) else {}
    return next((found[name] for name in names if found.get(name) is not None), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_deep(value: Any, levels: int = DEEPEST) -> bool:
    """Whether JSON is nested so deep that copying it would not end well."""
    layer = [value]
    for _ in range(levels):
        layer = [inner for item in layer for inner in (item.values() if isinstance(item, dict) else item)]
        layer = [inner for inner in layer if isinstance(inner, dict | list)]
        if not layer:
            return False
    return True
