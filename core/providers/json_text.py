"""JSON as the standard has it, and nothing that could not be sent back."""

import json
import math
from typing import Any, NoReturn


def to_json(value: Any) -> bytes:
    """JSON that says everything in ASCII: half a surrogate pair in a person's text must not break the encoding.

    Raises ValueError for what JSON cannot say.
    """
    return json.dumps(value, allow_nan=False).encode("ascii")


def from_json(data: bytes | str) -> Any:
    """The value of a JSON text, without the numbers that JSON does not have. Raises ValueError."""
    try:
        return json.loads(data, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(_: str) -> NoReturn:
    raise ValueError("not a number that JSON has")
