"""The image services that the contract is held to, each as its double, seen from outside.

A provider joins by one row in `SERVICES`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeAlias

from core.providers.simulated.settings import Delivery
from tests.contracts.google_services import gemini, vertex
from tests.contracts.image_promises import ImageService
from tests.contracts.request_queue import request_queue

OpenService: TypeAlias = Callable[[str], AbstractAsyncContextManager[ImageService]]
"""Opens a service, over a store."""

SERVICES: Mapping[str, OpenService] = {
    "request queue, held answers": partial(request_queue, Delivery.HELD),
    "request queue, queued answers": partial(request_queue, Delivery.QUEUED),
    "Gemini API": gemini,
    "Vertex AI": vertex,
}
