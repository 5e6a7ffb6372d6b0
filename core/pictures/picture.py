"""The words: a picture, the limits it is held to, and why bytes are refused as one."""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Self

from core.errors import ImagineError


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture whose bytes have been decoded once: they are what `media_type` says, whole, and of this size.

    `width` and `height` are in pixels, as a person sees it. `digest` is the SHA-256 of `data` in hexadecimal.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    digest: str

    @classmethod
    def of(cls, data: bytes, media_type: str, size: tuple[int, int]) -> Self:
        """A picture of bytes that the caller has verified, with its digest."""
        return cls(data, media_type, *size, digest=sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What is taken in, and what is made of it.

    `max_bytes_in`, `max_pixels` and `max_side` (pixels) are checked before a single pixel is decoded. `max_bytes_out`
    is what the result has to fit in (the image service takes 7 MB a reference), `max_side_out` its longest side.
    """

    max_bytes_in: int = 32_000_000
    max_pixels: int = 50_000_000
    max_side: int = 20_000
    max_bytes_out: int = 7_000_000
    max_side_out: int = 20_000


class PictureProblem(StrEnum):
    """Why bytes are refused as a picture."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED = "unsupported"
    """A picture or document of a known kind that is not taken; `PictureRefused.found` names the kind."""
    TOO_LARGE_BYTES = "too_large_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    """More pixels, or a longer side, than the limits allow."""
    DAMAGED = "damaged"
    """Cut short or broken inside."""
    TOO_SLOW = "too_slow"
    """It took longer than the time allowed for one picture."""
    CRASHED = "crashed"
    """It brought the process that decoded it down, mostly by asking for more memory than allowed."""


@dataclass(eq=False)
class PictureRefused(ImagineError):
    """Bytes that are not taken as a picture. `found` names what they are instead, where that is known: "SVG"."""

    problem: PictureProblem
    found: str = ""
