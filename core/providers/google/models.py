"""Google's image models: what each takes, what it costs and until when it is offered.

Facts are Google's as of 22 November 2026 (model pages, prices and the table of deprecations of the Gemini API, and the
lifecycle page of Vertex AI). Prices change; PRICES overrides them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.ports import Capabilities

MOST_IMAGES = 10

_TEN = ("1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_FOURTEEN = (*_TEN, "1:4", "4:1", "1:8", "8:1")


@dataclass(frozen=True, slots=True)
class GoogleModel:
    """One model. `temperature` and `top_p` are the ranges that may be sent."""

    able: Capabilities
    temperature: tuple[float, float] = (0.0, 2.0)
    top_p: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def unknown(cls, model: str = "") -> "GoogleModel":
        """A model newer than the table: nothing is assumed of it but what they all have in common."""
        return cls(Capabilities(model, (), 1))


KNOWN: Mapping[str, GoogleModel] = {
    known.able.model: known
    for known in (
        GoogleModel(
            Capabilities(
                "gemini-2.5-flash-image",
                _TEN,
                3,
                seconds=10.0,
                price=39_000,
                ends="2026-10-02",
                successor="gemini-3.1-flash-image",
            )
        ),
        GoogleModel(
            Capabilities(
                "gemini-3.1-flash-image",
                _FOURTEEN,
                14,
                sizes=("512", "1K", "2K", "4K"),
                image_tokens=1_120,
                seconds=15.0,
                price=67_000,
                prices={"512": 45_000, "1K": 67_000, "2K": 101_000, "4K": 151_000},
            )
        ),
        GoogleModel(
            Capabilities("gemini-3.1-flash-lite-image", _TEN, 14, image_tokens=1_120, seconds=4.0, price=34_000)
        ),
        GoogleModel(
            Capabilities(
                "gemini-3-pro-image",
                _TEN,
                14,
                sizes=("1K", "2K", "4K"),
                image_tokens=1_120,
                seconds=30.0,
                price=134_000,
                prices={"1K": 134_000, "2K": 134_000, "4K": 240_000},
            )
        ),
    )
}

GONE: Mapping[str, Capabilities] = {
    model: Capabilities(model, (), 0, ends=ends, successor=successor)
    for model, ends, successor in (
        ("gemini-2.5-flash-image-preview", "2026-01-15", "gemini-3.1-flash-image"),
        ("gemini-3.1-flash-image-preview", "2026-06-25", "gemini-3.1-flash-image"),
        ("gemini-3-pro-image-preview", "2026-06-25", "gemini-3-pro-image"),
    )
}
"""Models that were shut down: when, and what has taken their place."""


def known(model: str) -> Capabilities | None:
    """The table's word on a model, also on one that was shut down."""
    return KNOWN[model].able if model in KNOWN else GONE.get(model)


def successor(model: str) -> str:
    """What to take in place of a model that is not offered any more; empty where nothing is known."""
    able = known(model)
    return able.successor if able else ""
