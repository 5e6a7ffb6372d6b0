"""What can be chosen from in a form: models, shapes and counts, remembered for a while and never waited for long."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from core.errors import Declined, ProviderError
from core.ports import Models

KEPT_SECONDS = 300.0
PATIENCE_SECONDS = 0.7
MOST_MODELS = 50
T = TypeVar("T")


class Offers:
    """Asks the image service what it offers. Empty where it does not answer soon: a form works without."""

    def __init__(self, provider: Models, *, default_model: str, most_images: int) -> None:
        self._provider = provider
        self._default_model = default_model
        self.most_images = most_images
        self._models: tuple[float, Sequence[str]] = (0.0, ())

    async def models(self) -> Sequence[str]:
        """The models that may be named, the operator's usual one first."""
        until, models = self._models
        if time.monotonic() < until:
            return models
        try:
            offered = await asyncio.wait_for(self._provider.models(), PATIENCE_SECONDS)
        except (ProviderError, TimeoutError):
            return models or (self._default_model,)
        models = tuple(sorted(offered, key=lambda name: (name != self._default_model, name)))[:MOST_MODELS]
        self._models = (time.monotonic() + KEPT_SECONDS, models)
        return models

    async def ratios(self, model: str) -> Sequence[str]:
        """The shapes that a model draws."""
        try:
            able = await asyncio.wait_for(self._provider.capabilities(model), PATIENCE_SECONDS)
        except (ProviderError, Declined, TimeoutError):
            return ()
        return able.aspect_ratios


async def soon(work: Awaitable[T], otherwise: T) -> T:
    """What comes of it; something else where that takes too long for a form."""
    try:
        return await asyncio.wait_for(work, PATIENCE_SECONDS)
    except TimeoutError:
        return otherwise
