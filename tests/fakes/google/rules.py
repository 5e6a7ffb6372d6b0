"""What Google takes in a request for a picture, and how it refuses the rest."""

import base64
import binascii
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.fakes.google.faults import Refusal

TEN = {"1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"}
TYPES = {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}
INLINE_BYTES = 7_000_000
MOST_TOKENS = 32_768
CONFIG = {"responseModalities", "imageConfig", "temperature", "topP", "topK", "candidateCount"}
PART = {"text", "inlineData", "fileData", "thought", "thoughtSignature", "partMetadata"}
_SNAKE = {
    "generation_config": "generationConfig",
    "response_modalities": "responseModalities",
    "image_config": "imageConfig",
    "aspect_ratio": "aspectRatio",
    "image_size": "imageSize",
    "top_p": "topP",
    "inline_data": "inlineData",
    "mime_type": "mimeType",
    "file_data": "fileData",
    "file_uri": "fileUri",
    "thought_signature": "thoughtSignature",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What one model takes."""

    ratios: frozenset[str]
    sizes: frozenset[str]
    references: int
    signs: bool
    """Wants its thought signatures back."""
    picture_tokens: int = 1_120


MODELS: Mapping[str, Rules] = {
    "gemini-2.5-flash-image": Rules(frozenset(TEN), frozenset(), 3, signs=False, picture_tokens=1_290),
    "gemini-3.1-flash-image": Rules(
        frozenset(TEN | {"1:4", "4:1", "1:8", "8:1"}), frozenset({"512", "1K", "2K", "4K"}), 14, signs=True
    ),
    "gemini-3.1-flash-lite-image": Rules(frozenset(TEN), frozenset({"1K"}), 14, signs=True),
    "gemini-3-pro-image": Rules(frozenset(TEN), frozenset({"1K", "2K", "4K"}), 14, signs=True),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that was taken. `pictures` are those of its last turn, `sent` the contents as they came."""

    model: str
    prompt: str
    ratio: str
    size: str
    pictures: tuple[bytes, ...]
    sent: list[dict[str, Any]]
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads requests. `file` finds the bytes behind an address, `signed` knows the signatures that were given out."""

    file: Callable[[str], bytes]
    signed: Callable[[str], bool]
    most_bytes: int

    def read(self, model: str, body: Any, size: int) -> Wanted:
        """The request in a body of so many bytes. Raises `Refusal`."""
        if size > self.most_bytes:
            raise Refusal(400, f"Request payload size exceeds the limit: {self.most_bytes} bytes.")
        if not isinstance(body, dict):
            raise Refusal(400, "Invalid JSON payload received.")
        rules, body = MODELS[model], camel(body)
        known(body, {"contents", "generationConfig"}, "")
        config = body.get("generationConfig", {})
        ratio, image_size = self._config(config, rules)
        turns = body.get("contents") or []
        if not turns or turns[-1].get("role") != "user":
            raise Refusal(400, "Please ensure that multiturn requests end with a user role.")
        pictures = [self._turn(turn, place, rules) for place, turn in enumerate(turns)]
        if len(pictures[-1]) > rules.references:
            raise Refusal(400, f"Please use at most {rules.references} images.")
        words = [part["text"] for turn in turns for part in turn["parts"] if "text" in part]
        if sum(map(len, words)) // 4 + sum(map(len, pictures)) * rules.picture_tokens > MOST_TOKENS:
            raise Refusal(400, f"The input token count exceeds the maximum number of tokens allowed ({MOST_TOKENS}).")
        prompt = " ".join(part["text"] for part in turns[-1]["parts"] if "text" in part)
        return Wanted(model, prompt, ratio, image_size, tuple(pictures[-1]), turns, config)

    def _config(self, config: dict[str, Any], rules: Rules) -> tuple[str, str]:
        known(config, CONFIG, "generation_config")
        image = config.get("imageConfig", {})
        known(image, {"aspectRatio", "imageSize"}, "generation_config.image_config")
        for name, most in (("temperature", 2), ("topP", 1)):
            if not 0 <= config.get(name, 0) <= most:
                raise Refusal(400, f"{name} must be in the range [0, {most}].")
        if config.get("topK", 64) != 64 or config.get("candidateCount", 1) != 1:
            raise Refusal(400, "Request contains an invalid argument.")
        ratio, size = image.get("aspectRatio", ""), image.get("imageSize", "")
        if (ratio and ratio not in rules.ratios) or (size and size not in rules.sizes):
            raise Refusal(400, "Request contains an invalid argument.")
        return ratio or "1:1", size or "1K"

    def _turn(self, turn: dict[str, Any], place: int, rules: Rules) -> list[bytes]:
        known(turn, {"role", "parts"}, f"contents[{place}]")
        if turn.get("role") not in ("user", "model") or not turn.get("parts"):
            raise Refusal(400, "Please use a valid role: user, model.")
        pictures = []
        for position, part in enumerate(turn["parts"]):
            known(part, PART, f"contents[{place}].parts[{position}]")
            if len(part.keys() & {"text", "inlineData", "fileData"}) != 1:
                raise Refusal(400, "One of text, inlineData and fileData has to be set.")
            if "text" not in part:
                pictures.append(self._picture(part))
            if turn["role"] == "model" and rules.signs and "text" not in part:
                self._check_signature(part, place, position)
        return pictures

    def _check_signature(self, part: dict[str, Any], place: int, position: int) -> None:
        signature = part.get("thoughtSignature")
        if not signature:
            where = f"content position {place}, part position {position}"
            raise Refusal(400, f"Image part is missing a thought_signature in {where}.")
        if not self.signed(signature):
            raise Refusal(400, "Thought signature is not valid.")

    def _picture(self, part: dict[str, Any]) -> bytes:
        inline, file = part.get("inlineData"), part.get("fileData")
        found = inline or file or {}
        known(found, {"mimeType", "data"} if inline else {"mimeType", "fileUri"}, "parts.data")
        if found.get("mimeType") not in TYPES:
            raise Refusal(400, f"Unsupported MIME type: {found.get('mimeType')}")
        data = unwritten(found.get("data", "")) if inline else self.file(found.get("fileUri", ""))
        if inline and len(data) > INLINE_BYTES:
            raise Refusal(400, "Request contains an invalid argument.")
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except (UnidentifiedImageError, OSError):
            raise Refusal(400, "Unable to process input image. Please retry or report in the forum.") from None
        return data


def unwritten(text: str) -> bytes:
    """The bytes of base64 of either alphabet."""
    plain = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise Refusal(400, "Base64 decoding failed.") from None


def known(value: Any, names: set[str], where: str) -> None:
    """Refuse a field that there is not."""
    if not isinstance(value, dict):
        raise Refusal(400, f"Invalid value at '{where}'.")
    for name in value.keys() - names:
        raise Refusal(400, f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")


def camel(value: Any) -> Any:
    """A body whose fields are spelt in one way."""
    match value:
        case dict():
            return {_SNAKE.get(name, name): camel(inner) for name, inner in value.items()}
        case list():
            return [camel(inner) for inner in value]
        case _:
            return value
