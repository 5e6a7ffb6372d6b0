"""Why bytes could not be fetched."""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import ImagineError


class FetchProblem(StrEnum):
    """What went wrong, as far as it makes a difference to what is done next."""

    NOT_ALLOWED = "not_allowed"
    """The link, or where it leads, is not one that we follow."""
    GONE = "gone"
    """Not there any longer, or its signature has run out (403, 404, 410). A fresh link may not be there yet."""
    DENIED = "denied"
    """Our credentials were not taken (401)."""
    LOGIN_PAGE = "login_page"
    """A page for people where a picture was expected: a login, mostly."""
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    NETWORK = "network"
    """No connection, or one that broke."""
    BUSY = "busy"
    """The other side asks to come back later (429), or is broken (5xx)."""
    BAD_ANSWER = "bad_answer"
    """Something that makes no sense here: another status, a redirect without end, packed content."""


_MAY_PASS = frozenset({FetchProblem.TIMEOUT, FetchProblem.NETWORK, FetchProblem.BUSY})


@dataclass(eq=False)
class FetchFailed(ImagineError):
    """Nothing was fetched. Never carries the link: many are signed, and whoever has one can read the file."""

    problem: FetchProblem
    status: int = 0
    """The HTTP status, 0 where there was none."""

    @property
    def retryable(self) -> bool:
        """Whether the same link may work later."""
        return self.problem in _MAY_PASS
