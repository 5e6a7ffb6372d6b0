"""What can be chosen from in a form: models, shapes and counts, remembered for a while and never waited for long."""

import asyncio
import time
from collections.abc import Sequence

from core.errors import Declined, ProviderError
from core.ports import Models

KEPT_SECONDS = 300.0
PATIENCE_SECONDS = 0.7
MOST_MODELS = 50


class Offers:
    """Asks the image service what it offers. Empty where it does not answer soon: a form works without."""

    def __init__(self, provider: Models, *, default_model: str, most_images: int) -> None:
        self._provider = provider
        self.default_model = default_model
        self.most_images = most_images
        self._models: tuple[float, Sequence[str]] = (0.0, ())

    async def models(self) -> Sequence[str]:
        """The models that may be named, the usual one first."""
        until, models = self._models
        if time.monotonic() < until:
            return models
        try:
            offered = await asyncio.wait_for(self._provider.models(), PATIENCE_SECONDS)
        except (ProviderError, TimeoutError):
            return models or (self.default_model,)
        models = tuple(dict.fromkeys((self.default_model, *sorted(offered))))[:MOST_MODELS]
        self._models = (time.monotonic() + KEPT_SECONDS, models)
        return models

    async def ratios(self, model: str = "") -> Sequence[str]:
        """The shapes that a model draws."""
        try:
            able = await asyncio.wait_for(self._provider.capabilities(model or self.default_model), PATIENCE_SECONDS)
        except (ProviderError, Declined, TimeoutError):
            return ()
        return able.aspect_ratios
