"""The models that the service offers, and what each takes."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import Declined, Unavailable
from core.ports import Capabilities
from core.providers.gmi.answers import require
from core.providers.gmi.capabilities import KNOWN, described, draws
from core.providers.gmi.client import QueueClient
from core.providers.gmi.shapes import ModelInfo, ModelList
from core.providers.http import SECONDS
from core.statuses import FailureReason

HOUR = 3_600.0
SOON = 60.0
INFO_SECONDS = 5.0
"""A person waits for it, and for most models the table answers as well."""
MOST_NAMED = 12
LONGEST_ID = 128

_MODEL_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._:/-]{{0,{LONGEST_ID - 1}}}")


@dataclass(frozen=True, slots=True)
class _Remembered:
    able: Capabilities
    until: float


class Models:
    """What is known of the models. What the service said is believed for an hour.

    `clock` gives seconds of any beginning.
    """

    def __init__(self, client: QueueClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._remembered: dict[str, _Remembered] = {}
        self._asking = asyncio.Lock()

    async def offered(self, seconds: float = SECONDS) -> Sequence[str]:
        """The ids of all models. Raises `Unavailable`."""
        body = require(await self._client.get("models", seconds=seconds))
        return ModelList.of({"model_ids": body} if isinstance(body, list) else body).ids

    async def capabilities(self, model: str) -> Capabilities:
        """What a model takes. While the service is silent, the table's word is taken.

        Raises:
            Declined: there is no such model, or it makes no pictures.
            Unavailable: the service is silent about a model that the table does not have.
        """
        if not _MODEL_ID.fullmatch(model):
            raise await self._unknown(model)
        if (able := self._fresh(model)) is not None:
            return able
        async with self._asking:
            return self._fresh(model) or await self._ask(model)

    def _fresh(self, model: str) -> Capabilities | None:
        known = self._remembered.get(model)
        return known.able if known and self._clock() < known.until else None

    async def _ask(self, model: str) -> Capabilities:
        """Ask the service, and remember its answer. What it does not know is not remembered: anybody can invent ids."""
        try:
            info = ModelInfo.of(require(await self._client.get("models", model, seconds=INFO_SECONDS)))
        except Unavailable as trouble:
            if trouble.failure.reason is FailureReason.MODEL_GONE:
                raise await self._unknown(model) from trouble
            before = self._remembered.get(model)
            able = before.able if before else KNOWN.get(model)
            if able is None:
                raise
            return self._remember(able, SOON)
        if model not in KNOWN and not draws(info):
            raise await self._unknown(model)
        return self._remember(described(model, info), HOUR)

    def _remember(self, able: Capabilities, seconds: float) -> Capabilities:
        self._remembered[able.model] = _Remembered(able, self._clock() + seconds)
        return able

    async def _unknown(self, model: str) -> Declined:
        """Names the models that draw for certain, else the first of those on offer."""
        try:
            offered = await self.offered(INFO_SECONDS)
        except Unavailable:
            offered = tuple(KNOWN)
        names = [name for name in offered if name in KNOWN] or offered[:MOST_NAMED]
        return Declined("declined.unknown_model", {"model": model[:LONGEST_ID], "known": ", ".join(names)})
