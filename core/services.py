"""The services that draw, in the order in which they are asked: who offers a model, and whose a lane is."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime

import structlog

from core.errors import Declined, ProviderError, Unavailable
from core.ports import Capabilities, ImageProvider
from core.prices import PriceTable, priced
from core.statuses import Failed, FailureReason, Status, Succeeded
from core.turns import Route

MOST_SUCCESSORS = 4
MISSING_SECONDS = 300.0
"""How long a model that nobody offers is not asked about again: every turn would ask, before it is acknowledged."""

log = structlog.get_logger()


def utc_today() -> date:
    """The day by UTC."""
    return datetime.now(UTC).date()


class Services:
    """One or more image services that work side by side."""

    def __init__(
        self,
        providers: Sequence[ImageProvider],
        *,
        prices: PriceTable | None = None,
        today: Callable[[], date] = utc_today,
    ) -> None:
        """`providers` are in order of preference; `prices` overrule theirs.

        Raises ValueError for no provider, and for two of one name.
        """
        self._prices = prices or {}
        self._today = today
        self._looking = asyncio.Lock()
        self._missing: dict[str, float] = {}
        self._moves: set[tuple[str, str]] = set()
        self._by_name = {provider.name: provider for provider in providers}
        if not providers or len(self._by_name) < len(providers):
            raise ValueError("at least one service is needed, each with a name of its own")

    @property
    def names(self) -> Sequence[str]:
        """The services' names, the preferred one first."""
        return tuple(self._by_name)

    def of(self, name: str) -> ImageProvider:
        """A service by its name. Raises `Unavailable` for one whose key has been taken away."""
        found = self._by_name.get(name)
        if found is None:
            raise Unavailable(Failed(FailureReason.BAD_KEY))
        return found

    def of_lane(self, lane: str) -> ImageProvider:
        """The service of a lane. Raises `Unavailable` as `of` does."""
        return self.of(Route.of_lane(lane).provider)

    async def let_go(self, name: str, status: Status | None) -> None:
        """Tell a service that nobody will ask for what a request came to."""
        with suppress(ProviderError):
            for output in status.outputs if isinstance(status, Succeeded) else ():
                await self.of(name).let_go(output)

    async def models(self) -> Sequence[str]:
        """The ids of the models to choose from, each once, without those whose successor has taken their place.

        Raises `ProviderError` when no service tells.
        """
        offered: dict[str, None] = {}
        trouble: ProviderError | None = None
        for provider in self._by_name.values():
            try:
                offered.update(dict.fromkeys(await provider.models()))
            except ProviderError as error:
                trouble = error
        if trouble and not offered:
            raise trouble
        return self._without_ended(offered)

    async def capabilities(self, model: str) -> Capabilities:
        """What a model takes, by the first service that offers it. Raises as `offer` does."""
        return (await self.offer(model))[1]

    async def offer(self, model: str) -> tuple[Route, Capabilities]:
        """The preferred way to a model, and what it takes there.

        Raises `Declined` for a model that nobody offers, `ProviderError` when a service that might have it is silent.
        """
        known: dict[str, None] = {}
        refusal: Declined | None = None
        trouble: ProviderError | None = None
        for name, provider in self._by_name.items():
            try:
                return Route(name, model), self._priced(await provider.capabilities(model))
            except Declined as error:
                refusal = error
                known.update(dict.fromkeys(filter(None, str(error.details.get("known", "")).split(", "))))
            except ProviderError as error:
                trouble = error
        if trouble or refusal is None:
            raise trouble or Unavailable(Failed(FailureReason.UNREACHABLE))
        raise Declined(refusal.reply, {**refusal.details, "known": ", ".join(self._without_ended(known))})

    def known(self, model: str) -> Capabilities | None:
        """What is known of a model without asking anybody, also of one that is offered no more."""
        return next(filter(None, (provider.known(model) for provider in self._by_name.values())), None)

    async def current(self, model: str) -> str:
        """The model, or what has taken its place: its announced end has passed, or nobody offers it any more.

        Nothing takes its place that is not offered. Each move is logged once.
        """
        latest = model
        for _ in range(MOST_SUCCESSORS):
            able = self.known(latest)
            if able is None or not await self._gives_way(able) or not await self.is_offered(able.successor):
                break
            latest = able.successor
        if latest != model and (model, latest) not in self._moves:
            self._moves.add((model, latest))
            log.warning("a model has ended, and its successor draws in its place", model=model, successor=latest)
        return latest

    async def _gives_way(self, able: Capabilities) -> bool:
        return self._has_ended(able) or (bool(able.successor) and not await self.is_offered(able.model))

    async def first(self, wishes: Sequence[str]) -> str:
        """The first of the wishes that is offered, or what has taken its place; the last where none is."""
        model = ""
        for wish in wishes:
            model = await self.current(wish)
            if await self.is_offered(model):
                break
        return model

    async def is_offered(self, model: str) -> bool:
        """Whether a model can be asked for: False only where nobody offers it, and none is silent about it.

        That nobody does is remembered here, as no service remembers it. Not for names that anybody can invent.
        """
        if time.monotonic() < self._missing.get(model, 0.0):
            return False
        async with self._looking:
            if time.monotonic() < self._missing.get(model, 0.0):
                return False
            try:
                await self.capabilities(model)
            except Declined:
                self._missing[model] = time.monotonic() + MISSING_SECONDS
                return False
            except ProviderError:
                pass
            return True

    def _without_ended(self, offered: Collection[str]) -> tuple[str, ...]:
        """Those that are drawn with themselves. There may be hundreds, so nobody is asked about them."""
        return tuple(model for model in offered if self._current_among(offered, model) == model)

    def _current_among(self, offered: Collection[str], model: str) -> str:
        """What `current` comes to where these are on offer, by what is known without asking."""
        for _ in range(MOST_SUCCESSORS):
            able = self.known(model)
            if able is None or not self._has_ended(able) or able.successor not in offered:
                return model
            model = able.successor
        return model

    def _has_ended(self, able: Capabilities) -> bool:
        """Whether the announced end of a model that has a successor has passed."""
        return bool(able.successor and able.ends) and date.fromisoformat(able.ends) <= self._today()

    async def able(self, route: Route) -> Capabilities:
        """What a model takes at the service of the route. Raises `Declined` and `ProviderError`."""
        return self._priced(await self.of(route.provider).capabilities(route.model))

    def _priced(self, able: Capabilities) -> Capabilities:
        return priced(able, self._prices, self._today())
