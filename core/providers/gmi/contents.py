"""What is sent for an image: words and links, or a history whose last user turn is filled in.

A history is the service's own: nothing in it is understood, changed or lost but the turn that is being asked. Once it
goes along, the service reads neither `prompt` nor `image`.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, TypeAlias

from core.ports import Job, Upload
from core.statuses import History

JsonObject: TypeAlias = dict[str, Any]

_FILE_KEYS = {"fileData": ("fileUri", "mimeType"), "file_data": ("file_uri", "mime_type")}
"""The two ways in which a part with a file is spelt, and in it the link and the type."""


def payload_of(job: Job) -> JsonObject:
    """The payload of a job, the same whenever it is built."""
    payload: JsonObject
    if job.history:
        payload = {"contents": continued(job.history, job.prompt, job.references)}
    else:
        payload = {"prompt": job.prompt}
        if job.references:
            payload["image"] = [reference.url for reference in job.references]
    if job.aspect_ratio:
        payload["aspect_ratio"] = job.aspect_ratio
    if job.size:
        payload["image_size"] = job.size
    return payload


def continued(history: History, prompt: str, references: Sequence[Upload]) -> History:
    """A copy of the history that ends in a user's turn with these words and pictures.

    A last turn of the user's is a form to fill in: its empty text, then its empty files; what stays empty is dropped.
    """
    contents = deepcopy(history)
    if not contents or not _is_form(contents[-1]):
        contents.append({"role": "user", "parts": []})
    contents[-1]["parts"] = list(_filled(_parts(contents[-1]), prompt, references))
    return contents


def is_blank(turn: JsonObject) -> bool:
    """Whether a turn is an empty form and nothing besides."""
    return _is_form(turn) and turn.keys() <= {"role", "parts"} and all(_is_blank_part(part) for part in _parts(turn))


def _is_form(turn: JsonObject) -> bool:
    return turn.get("role") == "user" and isinstance(_parts(turn), list)


def _parts(turn: JsonObject) -> Any:
    return turn.get("parts", [])


def _filled(parts: Sequence[Any], prompt: str, references: Sequence[Upload]) -> Iterator[Any]:
    words, files = [prompt] if prompt else [], list(references)
    for part in parts:
        if words and _is_empty_text(part):
            yield {**part, "text": words.pop(0)}
        elif files and (spelling := _empty_file(part)):
            link, media_type = _FILE_KEYS[spelling]
            file = files.pop(0)
            yield {**part, spelling: {**part[spelling], link: file.url, media_type: file.media_type}}
        elif not _is_blank_part(part):
            yield part
    yield from ({"text": text} for text in words)
    yield from ({"fileData": {"fileUri": file.url, "mimeType": file.media_type}} for file in files)


def _is_empty_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("text") == "" and not _has_file(part)


def _has_file(part: JsonObject) -> bool:
    return any(part.get(key) for key in (*_FILE_KEYS, "inlineData", "inline_data"))


def _empty_file(part: Any) -> str | None:
    """How a part with an empty file spells it; None for any other part."""
    if not isinstance(part, dict) or part.get("text"):
        return None
    for key, (link, _) in _FILE_KEYS.items():
        file = part.get(key)
        if isinstance(file, dict) and not file.get(link):
            return key
    return None


def _is_blank_part(part: Any) -> bool:
    """Whether a part is an empty place, with nothing else that might mean something to the service."""
    if not isinstance(part, dict):
        return False
    spelling = _empty_file(part)
    if spelling is None:
        return bool(part == {"text": ""})
    return part.keys() <= {"text", spelling} and part[spelling].keys() <= set(_FILE_KEYS[spelling])
