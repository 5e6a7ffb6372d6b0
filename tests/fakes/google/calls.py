"""The provider over the double, as tests want it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from core.providers.google import ApiKey, GoogleImages, gemini_api, vertex_ai
from core.providers.google.client import Authority
from core.providers.http import service_client
from tests.fakes.google.server import LOCATION, PROJECT, GoogleDouble

MODEL = "gemini-3.1-flash-image"


@asynccontextmanager
async def google(
    double: GoogleDouble, redis_url: str, *, authority: Authority | None = None, vertex: bool = False, **more: Any
) -> AsyncIterator[GoogleImages]:
    """Google's API over the double; the one of Vertex AI is for any token that the double gives."""
    place = vertex_ai(PROJECT, LOCATION, double.url) if vertex else gemini_api(double.url)
    async with service_client() as client, Redis.from_url(redis_url) as redis:
        yield GoogleImages(client, redis, place=place, authority=authority or ApiKey(double.accounts.key), **more)
