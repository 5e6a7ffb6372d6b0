"""The service's list of requests: the only witness of a request whose answer was lost."""

from collections.abc import Sequence

from core.errors import Unavailable
from core.providers.gmi.answers import require
from core.providers.gmi.client import QueueClient
from core.providers.gmi.shapes import Record, RecordPage
from core.statuses import Failed, FailureReason

PAGE = 100
DAY = 86_400.0
RETRY_SECONDS = 5.0


class Listing:
    """Reads the list page by page."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    async def read(self, model: str, *, since: float, limit: int) -> Sequence[Record]:
        """At most `limit` requests of a model made at or after `since` (our clock), newest first.

        A service whose clock is behind ours dates its requests earlier than we do; what cannot be dated is let
        through. Raises `Unavailable`.
        """
        since += max(-DAY, min(0.0, self._client.ahead))
        found: dict[str, Record] = {}
        offset, goes_on = 0, True
        while goes_on and offset < limit:
            asked = min(PAGE, limit - offset)
            page = await self._page(model, asked, offset)
            offset += len(page.requests)
            goes_on = bool(page.requests) and _goes_on(page, asked, offset) and not _reaches(page, since)
            for record in page.requests:
                if record.request_id and (record.created_at is None or record.created_at >= since):
                    found.setdefault(record.request_id, record)
        return sorted(found.values(), key=lambda record: record.created_at or 0.0, reverse=True)

    async def _page(self, model: str, limit: int, offset: int) -> RecordPage:
        query: dict[str, str | int] = {"model_id": model, "limit": limit, "offset": offset}
        body = require(await self._client.get("requests", query=query))
        if isinstance(body, list):
            body = {"requests": body}
        if "requests" not in body:
            raise Unavailable(Failed(FailureReason.INTERNAL, retry_after=RETRY_SECONDS))
        return RecordPage.of(body)


def _goes_on(page: RecordPage, asked: int, offset: int) -> bool:
    """Whether there is more behind a page; a full one is taken for a sign where the service does not tell."""
    if page.has_more is None and page.total is None:
        return len(page.requests) >= asked
    return bool(page.has_more) or offset < (page.total or 0)


def _reaches(page: RecordPage, since: float) -> bool:
    """Whether what follows is older than wanted. That the newest come first is likely and not promised."""
    dates = [record.created_at for record in page.requests if record.created_at is not None]
    if not dates:
        return False
    return max(dates) < since or (dates[-1] < since and dates == sorted(dates, reverse=True))
