"""GMI Cloud's request queue: image models behind submit, look and list."""

from core.providers.gmi.client import service_client
from core.providers.gmi.provider import GmiImages

__all__ = ["GmiImages", "service_client"]
