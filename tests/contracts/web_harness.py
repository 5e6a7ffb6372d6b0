"""The local web workspace, and a browser without a screen."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from core.turns import Reference, ThreadKey
from tests.contracts.seen import Harness, Picture, Seen
from tests.fakes.web_site import Browser, WebSite, web_site


class WebHarness:
    """The local web workspace and a browser without a screen."""

    def __init__(self, site: WebSite, browser: Browser) -> None:
        self._site = site
        self._browser = browser
        self.chat = site.chat
        self.intake = site.intake

    async def imagine(self, text: str, event: str) -> None:
        await self._browser.said(f"/imagine {text}", event=f"the-event-{event}")

    async def attach(self, data: bytes, name: str) -> Reference:
        picture = await self._browser.uploaded(data, name)
        await self._browser.said("/imagine this, at night", pictures=[picture])
        return next(iter(self.intake.turns.values())).references[0]

    async def seen(self, thread: ThreadKey) -> Sequence[Seen]:
        found = await self._browser.get(f"/api/threads/{thread.thread}")
        return [await self._seen(message) for message in (found["root"], *found["messages"])]

    async def echo(self, thread: ThreadKey) -> None:
        """Only what people send comes in here."""

    async def _seen(self, message: Mapping[str, object]) -> Seen:
        state, notes, pictures = message["state"], message["notes"], message["pictures"]
        assert isinstance(notes, list)
        assert isinstance(pictures, list)
        lines = [str(message["text"]), *notes]
        if isinstance(state, dict):
            lines.append(state["text"])
        return Seen(
            id=str(message["id"]),
            text="\n".join(filter(None, lines)),
            pictures=tuple([await self._picture(shown) for shown in pictures]),
        )

    async def _picture(self, shown: Mapping[str, str]) -> Picture:
        response = await self._browser.ask("GET", f"/pictures/{shown['digest']}")
        return Picture(await response.read(), shown["alt"])


@asynccontextmanager
async def open_web(redis: Redis, directory: Path) -> AsyncIterator[Harness]:
    """The web workspace."""
    async with web_site(redis, directory) as site:
        yield WebHarness(site, await site.somebody())
