"""What comes in from a page, checked before it is believed."""

import math
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)


async def body(request: web.Request, kind: type[T]) -> T:
    """The JSON of a request. Raises `HTTPBadRequest` for anything else."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        raise web.HTTPBadRequest from error


def number(text: str | None) -> float | None:
    """A number of a query, None where there is none. Raises `HTTPBadRequest` for anything else."""
    if not text:
        return None
    try:
        found = float(text)
    except ValueError as error:
        raise web.HTTPBadRequest from error
    if not math.isfinite(found):
        raise web.HTTPBadRequest
    return found
