"""Google's own API as an `ImageProvider`: on the Gemini Developer API with a key, on Vertex AI with an account.

A request is answered when its picture is there, so there is nothing to look at and no list of requests: what came back
is kept in the stash before anybody hears of it, and an answer that broke off is lost.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import AnswerLost, Declined, NotSent, ProviderError, Unavailable
from core.histories import pictures, tokens
from core.pictures import Picture
from core.ports import Capabilities, Job, Listed, Submission, Upload
from core.providers.google.answers import refusal_of
from core.providers.google.catalogue import Catalogue
from core.providers.google.client import Authority, GoogleClient, Place
from core.providers.google.contents import (
    SIGNATURE_TYPE,
    Drawn,
    JsonObject,
    Sampling,
    asked,
    filled,
    kept_links,
    payload_of,
    read,
    remembered,
)
from core.providers.google.files import Files
from core.providers.google.models import KNOWN, known
from core.providers.google.stash import Stash
from core.providers.http import UNREACHABLE_SECONDS
from core.providers.json_text import to_json
from core.statuses import (
    KEPT,
    Failed,
    FailureReason,
    Output,
    RefusalReason,
    Refused,
    Request,
    Status,
    Succeeded,
)

MOST_INLINE_BYTES = 7_000_000
"""Of one picture that goes along as bytes (limits of the image models on Vertex AI)."""
FULL = 0.7
"""Of what a request may have: the rest is for the pictures that an edit brings along."""
FULL_SECONDS = 5.0
"""How long a request waits for pictures before it to be delivered."""
FILE_SECONDS = 5.0
"""How long a finished picture waits to become a file that later edits can point at."""

log = structlog.get_logger()


class GoogleImages:
    """Google's image models.

    `client` must carry no credentials of its own; `redis` keeps what Google does not.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        redis: Redis,
        *,
        place: Place,
        authority: Authority,
        sampling: Sampling | None = None,
        name: str = "google",
    ) -> None:
        self._name = name
        self._client = GoogleClient(client, place, authority)
        self._stash = Stash(redis)
        self._files = Files(self._client) if place.files else None
        self._catalogue = Catalogue(self._client)
        self._sampling = sampling or Sampling()

    @property
    def name(self) -> str:
        """The `provider` of its requests."""
        return self._name

    @property
    def has_list(self) -> bool:
        """Google keeps none."""
        return False

    async def models(self) -> Sequence[str]:
        """The ids of the models that draw. Raises `Unavailable`."""
        return await self._catalogue.offered()

    async def capabilities(self, model: str) -> Capabilities:
        """What a model takes. Raises `Declined`, and `Unavailable` for a model that only Google knows."""
        return await self._catalogue.capabilities(model)

    def known(self, model: str) -> Capabilities | None:
        """The table's word."""
        return known(model)

    def payload(self, job: Job) -> dict[str, Any]:
        """What `submit` sends, with links in the place of bytes."""
        return payload_of(job, KNOWN.get(job.model), self._sampling)

    async def submit(self, job: Job) -> Submission:
        """Ask for one image, once, and keep what came.

        Raises:
            NotSent: nothing was drawn; sending the same again is safe.
            AnswerLost: something may have been drawn.
        """
        payload = self.payload(job)
        if (unfit := await self._unfit(job, payload)) is not None:
            log.warning("a job asks for what the model does not take", model=job.model, reason=unfit)
            return self._unsent(job, unfit)
        await self._check_room()
        kept = await self._kept(payload)
        body = None if kept is None else await asyncio.to_thread(lambda: to_json(filled(payload, kept)))
        if body is None:
            return self._unsent(job, RefusalReason.REFERENCE_UNREADABLE)
        if len(body) > self._client.place.most_bytes:
            return self._unsent(job, RefusalReason.TOO_LONG)
        answer = await self._client.generate(job.model, body)
        request = self._request(job.model, uuid4().hex)
        if not answer.ok:
            if answer.status == HTTPStatus.NOT_FOUND and self._files is None:
                log.warning("Vertex AI has no such model, or not in this VERTEX_LOCATION", model=job.model)
            return Submission(request, refusal_of(answer, job.model))
        came = await asyncio.to_thread(read, answer.body)
        if came is None:
            log.warning("an answer says nothing of a picture", status=answer.status)
            raise AnswerLost
        return Submission(request, await self._succeeded(job, came, len(body)) if isinstance(came, Drawn) else came)

    async def look(self, request: Request) -> Status:  # noqa: ARG002 - the port's
        """Nothing is to be learnt of a request once it was answered. Raises `Unavailable`."""
        raise Unavailable(Failed(FailureReason.LOST))

    async def recent(self, model: str, *, since: float, limit: int = 1000) -> Sequence[Listed]:  # noqa: ARG002 - as above
        """Google keeps no list: nothing."""
        return ()

    async def upload(self, picture: Picture) -> Upload:
        """Put a picture where it can go along with a request. Raises `Unavailable`."""
        if self._files is not None:
            try:
                return await self._files.upload(picture.data, picture.media_type)
            except Unavailable as trouble:
                _unless_it_passes(trouble)
        return Upload(await self._stash.put(picture.data), picture.media_type)

    async def readable(self, url: str) -> bool:
        """Whether a file is still at Google, or still in the stash; False for all else.

        False too while Google does not tell: the picture goes along anew, as bytes where it must. Raises `Unavailable`.
        """
        if url.startswith(KEPT):
            return await self._stash.holds(url)
        if self._files is None:
            return False
        try:
            return await self._files.readable(url)
        except Unavailable as trouble:
            _unless_it_passes(trouble)
            return False

    async def download(self, output: Output) -> bytes:
        """The bytes of a result, unverified. Raises `Unavailable` once they are kept no longer."""
        data = output.data or (await self._stash.get(output.url) if output.url.startswith(KEPT) else None)
        if not data:
            raise Unavailable(Failed(FailureReason.DAMAGED))
        return data

    async def let_go(self, output: Output) -> None:
        """Let a result make room for others, as all does that Google sent and nobody waits for."""
        if output.url.startswith(KEPT):
            with suppress(RedisError, OSError):  # nobody waits for it longer than it is kept anyway
                await self._stash.release(output.url)

    async def _check_room(self) -> None:
        """Raise `NotSent` while as much waits to be delivered as can be kept: nothing is drawn to be dropped."""
        try:
            if await self._stash.has_room():
                return
        except (RedisError, OSError) as error:
            raise NotSent(Failed(FailureReason.UNREACHABLE, retry_after=UNREACHABLE_SECONDS)) from error
        log.error("too many pictures wait to be delivered; asking for no more")
        raise NotSent(Failed(FailureReason.RATE_LIMITED, retry_after=FULL_SECONDS))

    async def _unfit(self, job: Job, payload: JsonObject) -> RefusalReason | None:
        """What of a job the model does not take: Google would ignore it, or refuse it without saying which."""
        try:
            able = await self._catalogue.capabilities(job.model)
        except (Declined, ProviderError):
            return None
        fits = (job.aspect_ratio or None) in (None, *able.aspect_ratios) and (job.size or None) in (None, *able.sizes)
        if not fits or len(job.references) > able.max_references:
            return RefusalReason.INVALID
        return RefusalReason.TOO_LONG if tokens(payload["contents"], able) > able.max_input_tokens else None

    async def _kept(self, payload: JsonObject) -> Mapping[str, bytes] | None:
        """The bytes of all that a payload points at in the stash; None where something of it has gone.

        Raises `NotSent` while the store does not tell.
        """
        links = dict.fromkeys(link for _, link in kept_links(payload))
        try:
            found = {link: await self._stash.get(link) for link in links}
        except (RedisError, OSError) as error:
            raise NotSent(Failed(FailureReason.UNREACHABLE, retry_after=UNREACHABLE_SECONDS)) from error
        return None if None in found.values() else {link: data for link, data in found.items() if data is not None}

    async def _succeeded(self, job: Job, drawn: Drawn, sent: int) -> Succeeded:
        try:
            outputs = [Output(await self._stash.put_for_sure(data)) for data in drawn.pictures]
        except (RedisError, OSError) as error:
            log.error("a picture was drawn and could not be kept", cause=type(error).__name__)
            raise AnswerLost from error
        return await self._with_history(Succeeded(tuple(outputs)), job, drawn, sent)

    async def _with_history(self, succeeded: Succeeded, job: Job, drawn: Drawn, sent: int) -> Succeeded:
        """With the conversation up to this turn, where the next does not go on from the picture alone.

        So it does where the turn cannot be kept, where its picture would go back as more bytes than a picture may
        have, and where with all of its bytes, after the `sent` ones of this turn, it would be more than Google takes.
        """
        try:
            turn = await remembered(drawn.content, self._keep)
        except (RedisError, OSError) as error:
            log.warning("a turn of a conversation could not be kept", cause=type(error).__name__)
            return succeeded
        inline = any(link.startswith(KEPT) for link in pictures(turn))
        if inline and max(map(len, drawn.pictures)) > MOST_INLINE_BYTES:
            return succeeded
        own = sum(map(len, drawn.pictures)) * 4 // 3 if any(kept_links(turn)) else 0
        if sent + own > self._client.place.most_bytes * FULL:
            log.info("a conversation has as many bytes as can be sent", bytes=sent + own)
            return replace(succeeded, outgrown=True)
        return replace(succeeded, history=[*(job.history or []), asked(job), turn])

    async def _keep(self, data: bytes, media_type: str) -> str:
        """Keep a part of Google's turn: a picture as a file at Google where that works, all else in the stash."""
        if self._files is not None and media_type != SIGNATURE_TYPE:
            with suppress(ProviderError, TimeoutError):
                async with asyncio.timeout(FILE_SECONDS):
                    return (await self._files.upload(data, media_type)).url
        return await self._stash.put(data)

    def _unsent(self, job: Job, reason: RefusalReason) -> Submission:
        return Submission(self._request(job.model), Refused(reason), sent=False)

    def _request(self, model: str, request_id: str = "") -> Request:
        return Request(self._name, model, request_id, time.time())


def _unless_it_passes(trouble: Unavailable) -> None:
    """Raise what waiting does not mend; what passes by itself does not hold up a picture that can go as bytes."""
    if trouble.failure.retry_after is None:
        raise trouble
    log.warning("Google's files do not answer; pictures go along as bytes", reason=trouble.failure.reason)
