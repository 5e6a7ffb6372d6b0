"""How everything of ours is named and written in Redis: `imagine:1:…`, where 1 is the schema version, and JSON."""

import json
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

PREFIX = "imagine:1:"

T = TypeVar("T")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def pack(kind: type[T], value: T, *, terse: bool = False) -> bytes:
    """JSON of one of our dataclasses; `terse` leaves out what is as usual (not for a `Status`, told by its kind)."""
    adapter = _adapter(cast("Hashable", kind))
    try:
        return adapter.dump_json(value, exclude_defaults=terse)
    except PydanticSerializationError:
        # Half a surrogate pair: people's keyboards and services send them, and UTF-8 has no way to write one.
        plain = adapter.dump_python(value, mode="json", exclude_defaults=terse)
        return json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace")


def unpack(kind: type[T], data: bytes | str) -> T:
    """The inverse of `pack`. Raises ValueError for anything else."""
    value: T = _adapter(cast("Hashable", kind)).validate_json(data)
    return value


def text(value: Any) -> str:
    """What Redis gave, as text."""
    return value if isinstance(value, str) else bytes(value).decode()


def key(*parts: object) -> str:
    """The name of a key of ours."""
    return PREFIX + ":".join(str(part) for part in parts)
