"""The request queue as an `ImageProvider`."""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import httpx
import structlog

from core.errors import Declined, NotSent, ProviderError, Unavailable
from core.fetching import Fetcher
from core.pictures import Picture
from core.ports import Capabilities, Job, Listed, Submission, Upload
from core.providers.gmi.answers import Rejection, read_submit, require
from core.providers.gmi.capabilities import KNOWN
from core.providers.gmi.client import QueueClient
from core.providers.gmi.contents import payload_of
from core.providers.gmi.listing import PAGE, Listing
from core.providers.gmi.models import Models
from core.providers.gmi.shapes import Record
from core.providers.gmi.statuses import has_ended, is_complete, status_of
from core.providers.gmi.storage import Storage
from core.statuses import Failed, FailureReason, Output, RefusalReason, Refused, Request, Running, Status

BASE_URL = "https://console.gmicloud.ai/api/v1/ie/requestqueue/apikey"
STORAGE_HOSTS = ("storage.googleapis.com",)
PAUSES = (0.3, 0.7, 2.0)
CLOCK_MARGIN = 60.0
MOST_LISTED = 1000
LOOK_AGAIN_SECONDS = 5.0

log = structlog.get_logger()


class GmiImages:
    """GMI Cloud's image models, or a service that speaks the same language.

    `client` must carry no credentials of its own (`service_client` makes one); `fetcher` downloads. `storage_hosts` are
    the hosts of the service's storage: exact names, with the port where it is not 443. `pauses` are the seconds between
    looks at what may not be there yet: a request, its outcome, a fresh link. Raises ValueError for a key that cannot be
    one.
    """

    def __init__(  # noqa: PLR0913 - plain settings, by name
        self,
        client: httpx.AsyncClient,
        fetcher: Fetcher,
        *,
        key: str,
        base_url: str = BASE_URL,
        organization: str = "",
        storage_hosts: Collection[str] = STORAGE_HOSTS,
        pauses: Sequence[float] = PAUSES,
        name: str = "gmi",
    ) -> None:
        self._name = name
        self._pauses = pauses
        self._queue = QueueClient(client, base_url=base_url, key=key, organization=organization)
        self._listing = Listing(self._queue)
        self._models = Models(self._queue)
        self._storage = Storage(self._queue, client, fetcher, hosts=storage_hosts, pauses=pauses)

    @property
    def name(self) -> str:
        """The `provider` of its requests."""
        return self._name

    @property
    def has_list(self) -> bool:
        """Every request is listed."""
        return True

    async def models(self) -> Sequence[str]:
        """The ids of all models on offer, whatever they make, each once. Raises `Unavailable`."""
        return await self._models.offered()

    async def capabilities(self, model: str) -> Capabilities:
        """What a model takes. Raises `Declined`, and `Unavailable` for a model that only the service knows."""
        return await self._models.capabilities(model)

    async def check(self, model: str) -> None:
        """See whether the key is taken, by a call that costs nothing. Raises `Unavailable` with the reason."""
        require(await self._queue.get("requests", query={"model_id": model, "limit": 1}))

    def known(self, model: str) -> Capabilities | None:
        """The table's word."""
        return KNOWN.get(model)

    def payload(self, job: Job) -> dict[str, Any]:
        """Exactly what `submit` sends."""
        return payload_of(job)

    async def submit(self, job: Job) -> Submission:
        """Ask for one image, once. A refusal that left no record has an empty request id.

        Raises:
            NotSent: nothing was made; sending the same again is safe.
            AnswerLost: something may have been made.
        """
        if not await self._takes(job):
            log.warning("a job asks for what the model does not take", model=job.model)
            return Submission(self._request(job.model), Refused(RefusalReason.INVALID), sent=False)
        sent_at = time.time()
        try:
            made = read_submit(await self._queue.submit({"model": job.model, "payload": payload_of(job)}))
        except NotSent as refusal:
            raise _with_successor(refusal, job.model) from refusal
        if isinstance(made, Rejection):
            return await self._explained(made, job, sent_at)
        request, status = self._request(job.model, made.request_id, made.created_at), status_of(made)
        if has_ended(status) and made.outcome is None:
            status = await self._followed_up(request)
        return Submission(request, status)

    async def look(self, request: Request) -> Status:
        """How far a request is. Raises `Unavailable` where that is not to be learnt now."""
        record = await self._record(request.id) or await self._listed(request)
        if record is not None and record.outcome is None and status_of(record) == Failed(FailureReason.NO_IMAGE):
            await asyncio.sleep(self._pauses[0] if self._pauses else 0)
            record = await self._record(request.id) or record
        if record is None:
            raise Unavailable(Failed(FailureReason.INTERNAL, retry_after=LOOK_AGAIN_SECONDS))
        return status_of(record)

    async def recent(self, model: str, *, since: float, limit: int = MOST_LISTED) -> Sequence[Listed]:
        """The requests of a model made at or after `since`, newest first. Raises `Unavailable`."""
        records = await self._listing.read(model, since=since, limit=limit)
        return [self._entry(model, record) for record in records]

    async def upload(self, picture: Picture) -> Upload:
        """Put a PNG or JPEG where the service, and anybody with the link, can read it. Raises `Unavailable`."""
        return await self._storage.upload(picture)

    async def readable(self, url: str) -> bool:
        """Whether a link of the service's storage still answers; False for a link of any other host."""
        return await self._storage.readable(url)

    async def download(self, output: Output) -> bytes:
        """The bytes of a result, unverified. Raises `Unavailable`."""
        return output.data or await self._storage.download(output.url)

    async def let_go(self, output: Output) -> None:
        """The service keeps its results by its own rules: nothing."""

    async def _takes(self, job: Job) -> bool:
        """Whether the model takes all that the job asks for: a service ignores or refuses what it does not know."""
        try:
            able = await self._models.capabilities(job.model)
        except (Declined, Unavailable):
            return True
        ratio_fits = job.aspect_ratio is None or job.aspect_ratio in able.aspect_ratios
        size_fits = job.size is None or job.size in able.sizes
        return ratio_fits and size_fits and len(job.references) <= able.max_references

    async def _explained(self, rejection: Rejection, job: Job, sent_at: float) -> Submission:
        """A refusal, with the reason in its record where there is one and it says more."""
        refused = rejection.refused
        vague = refused.reason in (RefusalReason.REJECTED, RefusalReason.INVALID)
        try:
            if rejection.unnamed:
                record = await self._unnamed(job, sent_at)
            else:
                record = await self._record(rejection.request_id) if vague else None
        except ProviderError:
            record = None
        if record is None:
            return Submission(self._request(job.model, rejection.request_id), refused)
        status = status_of(record)
        says_more = vague and has_ended(status) and status != Failed(FailureReason.INTERNAL)
        request = self._request(job.model, rejection.request_id or record.request_id, record.created_at)
        return Submission(request, status if says_more else refused)

    async def _unnamed(self, job: Job, sent_at: float) -> Record | None:
        """The record of a refusal that did not name it: the latest that failed with this payload since it was sent."""
        payload = payload_of(job)
        for record in await self._listing.read(job.model, since=sent_at - CLOCK_MARGIN, limit=PAGE):
            if record.payload == payload and isinstance(status_of(record), Refused | Failed):
                return record
        return None

    async def _followed_up(self, request: Request) -> Status:
        """What a request came to that has ended and did not say in what; whoever waits for it looks again."""
        try:
            return await self.look(request)
        except ProviderError:
            return Running()

    async def _record(self, request_id: str) -> Record | None:
        """The record with this id, None where there is none. A fresh one may not be found at once."""
        if not request_id:
            return None
        for pause in (0.0, *self._pauses):
            await asyncio.sleep(pause)
            answer = await self._queue.get("requests", request_id)
            if answer.status != HTTPStatus.NOT_FOUND:
                return _same(request_id, Record.of(require(answer)))
        return None

    async def _listed(self, request: Request) -> Record | None:
        """A request that is not found by its id although it is there, as those made in the web console."""
        since = request.submitted_at - CLOCK_MARGIN
        records = await self._listing.read(request.model, since=since, limit=MOST_LISTED)
        return next((record for record in records if record.request_id == request.id), None)

    def _entry(self, model: str, record: Record) -> Listed:
        status = status_of(record)
        request = self._request(model, record.request_id, record.created_at)
        return Listed(request, status, record.payload, complete=is_complete(record, status))

    def _request(self, model: str, request_id: str = "", created_at: float | None = None) -> Request:
        """A request, dated by the service's clock."""
        submitted_at = time.time() + self._queue.ahead if created_at is None else created_at
        return Request(self._name, model, request_id, submitted_at)


def _same(request_id: str, record: Record) -> Record:
    """The record, if it is one and of the request that was asked for: nobody gets another's picture."""
    if not record.status or record.request_id not in ("", request_id):
        raise Unavailable(Failed(FailureReason.INTERNAL, retry_after=LOOK_AGAIN_SECONDS))
    return record


def _with_successor(refusal: NotSent, model: str) -> NotSent:
    """The same; of a model that has gone, with what has taken its place where the table knows it."""
    known = KNOWN.get(model)
    if known is None or refusal.failure.reason is not FailureReason.MODEL_GONE:
        return refusal
    return NotSent(replace(refusal.failure, instead=known.successor), limit=refusal.limit)
