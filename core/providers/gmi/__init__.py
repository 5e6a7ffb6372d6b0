"""GMI Cloud's request queue: image models behind submit, look and list."""

from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client

__all__ = ["GmiImages", "service_client"]
