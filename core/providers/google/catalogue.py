"""Which models are on offer, and what each takes: the table's word, and for newer models next to nothing."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import Declined
from core.ports import Capabilities
from core.providers.google.answers import require
from core.providers.google.client import GoogleClient
from core.providers.google.models import KNOWN, GoogleModel

HOUR = 3_600.0
LONGEST_ID = 128
PAGE = 200
MOST_PAGES = 20

_IMAGE_MODEL = re.compile(r"gemini-[a-z0-9.-]{1,60}-image(-[a-z0-9-]{1,30})?")


class Catalogue:
    """The models. The list that Google gave is believed for an hour.

    `clock` gives seconds of any beginning.
    """

    def __init__(self, client: GoogleClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._offered: tuple[str, ...] = ()
        self._until = 0.0

    async def offered(self) -> Sequence[str]:
        """The ids of the models that draw, as Google lists them now. Raises `Unavailable`."""
        names: dict[str, None] = {}
        token = ""
        for _ in range(MOST_PAGES):
            query: dict[str, str | int] = {"pageSize": PAGE} | ({"pageToken": token} if token else {})
            body = require(await self._client.ask("GET", self._client.place.catalogue, query=query))
            names.update(dict.fromkeys(filter(_IMAGE_MODEL.fullmatch, _ids(body))))
            token = body.get("nextPageToken") or "" if isinstance(body, dict) else ""
            if not isinstance(token, str) or not token:
                break
        self._offered, self._until = tuple(names), self._clock() + HOUR
        return self._offered

    async def capabilities(self, model: str) -> Capabilities:
        """What a model takes. The table needs no answer of Google's; what is newer has to be on offer.

        Raises `Declined` for a model that there is not, `Unavailable` where that cannot be learnt.
        """
        known = KNOWN.get(model)
        if known is None and not _IMAGE_MODEL.fullmatch(model):
            raise self._unknown(model)
        if known is None and model not in await self._lately_offered():
            raise self._unknown(model)
        return (known or GoogleModel.unknown(model)).able

    async def _lately_offered(self) -> Sequence[str]:
        return self._offered if self._clock() < self._until else await self.offered()

    def _unknown(self, model: str) -> Declined:
        names = [name for name in self._offered if name in KNOWN] or list(KNOWN)
        return Declined("declined.unknown_model", {"model": model[:LONGEST_ID], "known": ", ".join(names)})


def _ids(body: Any) -> Sequence[str]:
    """The ids of a list of models, of either API: `models/<id>`, or `publishers/google/models/<id>`."""
    listed = body.get("models") or body.get("publisherModels") if isinstance(body, dict) else None
    entries = listed if isinstance(listed, list) else []
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
    return [name.rsplit("/", 1)[-1] for name in names if isinstance(name, str)]
