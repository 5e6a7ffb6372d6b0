"""What the service will not do, as its answer says it."""

from dataclasses import dataclass


@dataclass(eq=False)
class Rejection(Exception):
    """An answer with an error in it, and no request made."""

    message: str
    status: int = 400


@dataclass(eq=False)
class StorageRefusal(Exception):
    """The storage's own kind of error, in XML."""

    status: int
    code: str
    message: str
