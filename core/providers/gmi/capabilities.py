"""What the image models take: a table of those we know, put right by what the service says of them."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.ports import Capabilities
from core.providers.gmi.shapes import ModelInfo, Parameter, PriceInfo

MICRO = 1_000_000
GUESSED_REFERENCES = 1
MOST_REFERENCES = 100
DEAREST = 100.0

_TEN = ("1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_FOURTEEN = (*_TEN, "1:4", "4:1", "1:8", "8:1")
_WITHOUT_THREE_BY_TWO = tuple(ratio for ratio in _TEN if ratio not in ("3:2", "2:3"))

_RATIO = re.compile(r"[1-9]\d?:[1-9]\d?")
_SIZE = re.compile(r"\d{1,4}[A-Za-z]{0,2}|[1-9]\d{2,4}x[1-9]\d{2,4}")
_NO_PICTURES = re.compile(r"video|audio|speech|voice|music", re.IGNORECASE)
_OTHER_UNITS = re.compile(r"token|second|minute|hour|character", re.IGNORECASE)

# Ends and prices are Google's as of November 2026; both change, and PRICES overrides the latter.
_FLASH = Capabilities(
    "gemini-2.5-flash-image",
    _TEN,
    3,
    seconds=10.0,
    price=39_000,
    ends="2026-10-02",
    successor="gemini-3.1-flash-image",
)
_FLASH_3 = Capabilities(
    "gemini-3.1-flash-image",
    _FOURTEEN,
    14,
    sizes=("512", "1K", "2K", "4K"),
    seconds=15.0,
    price=67_000,
    prices={"512": 45_000, "1K": 67_000, "2K": 101_000, "4K": 151_000},
)
_PRO_3 = Capabilities(
    "gemini-3-pro-image",
    _TEN,
    14,
    sizes=("1K", "2K", "4K"),
    seconds=30.0,
    price=134_000,
    prices={"1K": 134_000, "2K": 134_000, "4K": 240_000},
)

KNOWN: Mapping[str, Capabilities] = {
    able.model: able
    for able in (
        _FLASH,
        replace(_FLASH, model="gemini-2.5-flash-image-preview", ends="2026-01-15"),
        _FLASH_3,
        replace(
            _FLASH_3,
            model="gemini-3.1-flash-image-preview",
            aspect_ratios=_TEN,
            ends="2026-06-25",
            successor="gemini-3.1-flash-image",
        ),
        Capabilities("gemini-3.1-flash-lite-image", _TEN, 14, seconds=4.0, price=34_000),
        replace(_PRO_3, aspect_ratios=_WITHOUT_THREE_BY_TWO, max_prompt=2_000),
        replace(
            _PRO_3,
            model="gemini-3-pro-image-preview",
            aspect_ratios=_WITHOUT_THREE_BY_TWO,
            max_prompt=2_000,
            ends="2026-06-25",
            successor="gemini-3-pro-image",
        ),
    )
}


def draws(info: ModelInfo) -> bool:
    """Whether the service describes a model that makes pictures out of words."""
    speaks = not info.parameters or _find(info, "prompt") is not None
    return speaks and not _NO_PICTURES.search(info.model_type)


def described(model: str, info: ModelInfo) -> Capabilities:
    """What a model takes: the table's word, replaced by the service's where that makes sense."""
    able = KNOWN.get(model) or _unknown(model, info)
    ratios = _options(info, "aspect_ratio", _RATIO)
    sizes = _options(info, "image_size", _SIZE)
    price = _price(info.price_info) or able.price
    return replace(
        able,
        aspect_ratios=ratios or able.aspect_ratios,
        sizes=sizes or able.sizes,
        price=price,
        # A service names one price: that of its other sizes is taken to differ as it does at Google.
        prices={size: round(known * price / able.price) for size, known in able.prices.items()},
    )


def _unknown(model: str, info: ModelInfo) -> Capabilities:
    """A model newer than the table: nothing is assumed that the service does not list."""
    image = _find(info, "image")
    if image is None:
        return Capabilities(model, (), 0)
    most = image.max_value
    fits = most is not None and 1 <= most <= MOST_REFERENCES
    return Capabilities(model, (), int(most) if most is not None and fits else GUESSED_REFERENCES)


def _find(info: ModelInfo, name: str) -> Parameter | None:
    return next((parameter for parameter in info.parameters if parameter.name == name), None)


def _options(info: ModelInfo, name: str, form: re.Pattern[str]) -> tuple[str, ...]:
    """The values of a parameter that look like such; none where the service lists none."""
    parameter = _find(info, name)
    return tuple(dict.fromkeys(filter(form.fullmatch, _texts(parameter.options)))) if parameter else ()


def _texts(options: Iterable[object]) -> Iterable[str]:
    """Options are strings, or objects with a value."""
    for option in options:
        value = option.get("value") if isinstance(option, dict) else option
        if isinstance(value, str):
            yield value


def _price(info: PriceInfo) -> int | None:
    """Micro-dollars per image; None where the price is of something else, or no price."""
    if info.price is None or not math.isfinite(info.price) or not 0 < info.price <= DEAREST:
        return None
    return None if _OTHER_UNITS.search(f"{info.pricing_type} {info.unit}") else round(info.price * MICRO)
