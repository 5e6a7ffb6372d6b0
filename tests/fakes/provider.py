"""An image service in memory, whose requests go on only when a test says so."""

import asyncio
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from PIL import Image as Pillow

from core.errors import AnswerLost, Declined, NotSent, ProviderError
from core.pictures import Picture
from core.ports import Capabilities, Job, Listed, Submission, Upload
from core.statuses import Output, Queued, RefusalReason, Refused, Request, Status, Succeeded

RATIOS = ("1:1", "3:2", "2:3", "16:9", "9:16")


@cache
def png(colour: str = "teal", size: tuple[int, int] = (48, 48)) -> bytes:
    """A small picture of one colour."""
    file = io.BytesIO()
    Pillow.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@dataclass(slots=True)
class FakeImages:
    """`made` is what the service has charged for; nothing is made twice without standing there twice.

    `held` keeps the answer to a submit until `release` is set. `submits` are raised by the next submits in place of
    their answer; an `AnswerLost` among them is raised after the request was made. `refusals` are what the next submits
    that bring a history come to. `ends` are the days that models end
    on, and their successors.
    """

    name: str = "fake"
    offered: tuple[str, ...] = ("m1", "m2")
    held: bool = False
    release: asyncio.Event = field(default_factory=asyncio.Event)
    made: list[tuple[Request, Job]] = field(default_factory=list)
    statuses: dict[str, Status] = field(default_factory=dict)
    submits: list[Exception] = field(default_factory=list)
    refusals: list[RefusalReason] = field(default_factory=list)
    troubles: dict[str, list[ProviderError]] = field(default_factory=dict)
    sent: list[Job] = field(default_factory=list)
    uploads: list[Picture] = field(default_factory=list)
    looks: int = 0
    lists: int = 0
    echoes_payload: bool = True
    let_gone: list[str] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    finish_at_once: bool = True
    max_prompt: int = 400
    history: bool = True
    listing: bool = True
    ends: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def has_list(self) -> bool:
        return self.listing

    async def models(self) -> Sequence[str]:
        self._trouble("models")
        return self.offered

    async def capabilities(self, model: str) -> Capabilities:
        self._trouble("capabilities")
        if model not in self.offered:
            raise Declined("declined.unknown_model", {"model": model, "known": ", ".join(self.offered)})
        return self._able(model)

    def known(self, model: str) -> Capabilities | None:
        return self._able(model) if model in self.ends else None

    def _able(self, model: str) -> Capabilities:
        able = Capabilities(model, RATIOS, max_references=3, max_prompt=self.max_prompt, seconds=2.0, price=1000)
        ends, successor = self.ends.get(model, ("", ""))
        return replace(able, ends=ends, successor=successor)

    def payload(self, job: Job) -> dict[str, Any]:
        return {
            "prompt": job.prompt,
            "image": [upload.url for upload in job.references],
            "aspect_ratio": job.aspect_ratio,
            "contents": job.history,
        }

    async def submit(self, job: Job) -> Submission:
        self.sent.append(job)
        trouble = self.submits.pop(0) if self.submits else None
        if isinstance(trouble, NotSent):
            raise trouble
        if job.history and self.refusals:
            return Submission(Request(self.name, job.model, "", time.time()), Refused(self.refusals.pop(0)))
        request = Request(self.name, job.model, f"r{len(self.made) + 1}", time.time())
        self.made.append((request, job))
        self.statuses[request.id] = self._success(job) if self.finish_at_once else Queued()
        if isinstance(trouble, AnswerLost):
            raise trouble
        if self.held:
            await self.release.wait()
        return Submission(request, self.statuses[request.id])

    async def look(self, request: Request) -> Status:
        self._trouble("look")
        self.looks += 1
        return self.statuses[request.id]

    async def recent(self, model: str, *, since: float, limit: int = 1000) -> Sequence[Listed]:
        self._trouble("recent")
        self.lists += 1
        return [
            Listed(request, self.statuses[request.id], self.payload(job) if self.echoes_payload else {})
            for request, job in reversed(self.made)
            if request.model == model and request.submitted_at >= since
        ]

    async def upload(self, picture: Picture) -> Upload:
        self._trouble("upload")
        self.uploads.append(picture)
        upload = Upload(f"https://store/{picture.digest[:8]}", picture.media_type)
        self.unreadable.discard(upload.url)
        return upload

    async def readable(self, url: str) -> bool:
        return url not in self.unreadable

    async def download(self, output: Output) -> bytes:
        self._trouble("download")
        return png()

    async def let_go(self, output: Output) -> None:
        self.let_gone.append(output.url)

    def expire_links(self) -> None:
        """Let every link die that was given out by now."""
        self.unreadable |= {f"https://store/result-{number}" for number in range(1, len(self.made) + 1)}
        self.unreadable |= {f"https://store/{picture.digest[:8]}" for picture in self.uploads}

    def finish(self, status: Status | None = None, request: str = "") -> None:
        """Bring a request (the last one unless named) to an end."""
        for made, job in self.made:
            if made.id == (request or self.made[-1][0].id):
                self.statuses[made.id] = status or self._success(job)

    def _success(self, job: Job) -> Succeeded:
        url = f"https://store/result-{len(self.made)}"
        turns = [
            *(job.history or []),
            {"role": "user", "parts": [{"text": job.prompt}]},
            {"role": "model", "parts": [{"fileData": {"fileUri": url}, "signature": f"s{len(self.made)}"}]},
        ]
        return Succeeded((Output(url),), history=turns if self.history else None)

    def _trouble(self, verb: str) -> None:
        if waiting := self.troubles.get(verb):
            raise waiting.pop(0)
