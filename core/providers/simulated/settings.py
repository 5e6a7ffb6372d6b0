"""How the simulated service behaves: its models, their pace, its limits and its habits."""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Self

ASPECT_RATIOS: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024),
    "3:2": (1248, 832),
    "2:3": (832, 1248),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
"""Width and height in pixels of a 1K picture, as Gemini makes them."""

SIZES: dict[str, float] = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
"""What an `image_size` multiplies the sides of a 1K picture with."""


class Delivery(StrEnum):
    """How a model answers a submit, as its `delivery_mode` says."""

    HELD = "sync"
    """The POST stays open until the request has ended."""
    QUEUED = "async"
    """The POST answers at once; the request has to be looked at."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds, log-normal around a median."""

    median: float
    sigma: float = 0.25

    def sample(self, random: Random) -> float:
        """One duration."""
        return self.median * math.exp(random.gauss(0, self.sigma))


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most so many submits in any window of so many seconds."""

    requests: int
    seconds: float
    tells_header: bool = False
    """Whether a 429 has a `Retry-After` header besides the number in its body."""


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """A model: what it takes, how it answers, how long it needs and what it charges (in micro-dollars)."""

    id: str
    delivery: Delivery = Delivery.QUEUED
    waiting: Duration = Duration(1.5)
    drawing: Duration = Duration(5.0)
    aspect_ratios: tuple[str, ...] = tuple(ASPECT_RATIOS)
    sizes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    max_references: int = 3
    max_prompt: int = 131_072
    max_input_tokens: int = 32_768
    tokens_per_picture: int = 1_290
    price: int = 39_000
    price_per_reference: int = 0
    rate_limit: RateLimit | None = None
    tells_outcome: bool = True
    """Whether a held answer has the outcome in it, or has to be followed by a look."""


GEMINI_MODELS = (
    SimulatedModel("gemini-2.5-flash-image"),
    SimulatedModel(
        "gemini-3.1-flash-image-preview",
        delivery=Delivery.HELD,
        waiting=Duration(0.5),
        sizes=("512", "1K", "2K", "4K"),
        formats=("png", "jpeg"),
        max_references=14,
        price=67_000,
    ),
    SimulatedModel(
        "gemini-3-pro-image",
        waiting=Duration(2.0),
        drawing=Duration(12.0),
        aspect_ratios=("1:1", "4:5", "5:4", "3:4", "4:3", "9:16", "16:9", "21:9"),
        sizes=("1K", "2K", "4K"),
        formats=("png", "jpeg"),
        max_references=14,
        max_prompt=2000,
        price=134_000,
        price_per_reference=1_100,
    ),
)


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """Everything about one simulated service. Durations are in seconds, sizes in bytes.

    `port` 0 takes a free one. With a `directory`, requests, files and the port outlive the process.
    `scale` multiplies the sides of every picture: small pictures are cheap. `capacity` is how many requests are drawn
    at once, None for all. `fetches_loopback` lets references be read from other loopback addresses than its own.
    """

    models: tuple[SimulatedModel, ...] = GEMINI_MODELS
    repeats_models: bool = True
    """Whether the list of models names some twice, as the real one does."""
    key: str = field(default="simulated-key", repr=False)
    organization: str = ""
    """When set, another organisation in the header is refused."""
    host: str = "127.0.0.1"
    port: int = 0
    prefix: str = "/api/v1/ie/requestqueue/apikey"
    directory: Path | None = None
    seed: int = 0
    scale: float = 1.0
    draws_ahead: bool = True
    """Whether a picture is drawn while its request is processed, or when its link is first followed."""
    capacity: int | None = None
    clock_skew: float = 0.0
    submit_status: int = 200
    echoes_payload: bool = True
    list_needs_model: bool = False
    list_limit: int = 100
    list_tells_total: bool = False
    """Whether the list has `total` in place of `has_more`."""
    placeholder_turn: bool = True
    """Whether `next_turn_contents` ends in an empty user turn to be filled in."""
    rewrites_history: bool = False
    """Whether earlier turns come back with new opaque values, rather than as they were sent."""
    forbidden_words: tuple[str, ...] = ("forbidden",)
    grant_lifetime: float = 899.0
    upload_lifetime: float = math.inf
    result_lifetime: float = math.inf
    fetches_loopback: bool = False
    max_reference_bytes: int = 7_000_000
    max_upload_bytes: int = 30_000_000
    max_body_bytes: int = 4_000_000
    max_records: int = 20_000
    max_stored_bytes: int = 256_000_000
    """Of uploads, and again of drawn pictures; the oldest go first."""

    @classmethod
    def quick(cls, delivery: Delivery = Delivery.QUEUED, *, waiting: float = 0.01, drawing: float = 0.03) -> Self:
        """For tests: every model answers the same way, in milliseconds, with tiny pictures."""
        return cls(scale=1 / 16, draws_ahead=False).paced(delivery, waiting=waiting, drawing=drawing)

    def paced(self, delivery: Delivery, *, waiting: float, drawing: float, sigma: float = 0.0) -> Self:
        """The same with one way to answer and one pace for all models."""
        waits, draws = Duration(waiting, sigma), Duration(drawing, sigma)
        models = (replace(model, delivery=delivery, waiting=waits, drawing=draws) for model in self.models)
        return replace(self, models=tuple(models))
