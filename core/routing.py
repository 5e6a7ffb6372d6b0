"""Who draws a turn: as asked, or, while that is down, whoever else may."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from core.breaker import Breaker, Condition
from core.choices import Choices, ModelChoices, WhenDown
from core.commands import check
from core.errors import Declined, ProviderError
from core.ports import Capabilities
from core.services import Services
from core.statuses import ACCOUNT, FailureReason
from core.turns import Route, Turn
from core.wording import for_model


@dataclass(frozen=True, slots=True)
class Routing:
    """Finds who can stand in. `substitutes` are models that stand in where a workspace has named none, in order."""

    services: Services
    breaker: Breaker
    choices: ModelChoices
    substitutes: Sequence[str]
    most_images: int

    async def instead(self, turn: Turn, route: Route, condition: Condition) -> tuple[Route, int] | None:
        """Who else draws the turn, and for how much (micro-dollars), where the workspace would rather not wait.

        Nobody waits for a model that has gone: what has taken its place draws.
        """
        choices = await self.choices.of(turn.thread)
        if choices.when_down is WhenDown.WAIT and condition.reason is not FailureReason.MODEL_GONE:
            return None
        async for candidate in self._candidates(route, condition, choices):
            if (await self.breaker.condition(candidate.lane)).stopped:
                continue
            able = await self._able(candidate)
            if able and self._fits(turn, able):
                return candidate, able.price_of(turn.options.size) * turn.options.count
        return None

    async def _candidates(self, route: Route, condition: Condition, choices: Choices) -> AsyncIterator[Route]:
        """The same model elsewhere, other models elsewhere, other models of the same service: in this order."""
        origin = route.instead_of or route.lane
        gone = route.gone if route.instead_of else condition.reason is FailureReason.MODEL_GONE
        same, others = await self._models(route, condition, choices)
        for model in dict.fromkeys((*same, *others)):
            for name in self.services.names:
                if name != route.provider:
                    yield Route(name, model, instead_of=origin, gone=gone)
        if condition.reason not in ACCOUNT:
            for model in others:
                if model != route.model:
                    yield Route(route.provider, model, instead_of=origin, gone=gone)

    async def _models(
        self, route: Route, condition: Condition, choices: Choices
    ) -> tuple[Sequence[str], Sequence[str]]:
        """The models that were asked for, and the others that may draw; none that has given way to its successor."""
        asked = Route.of_lane(route.instead_of or route.lane).model
        own = [model for model in (asked, route.model) if model == route.model or choices.allows(model)]
        heirs, known = await self._as_now(own), self.services.known(route.model)
        if condition.reason is FailureReason.MODEL_GONE and known and known.successor:
            heirs = [*heirs, known.successor]
        named = () if choices.when_down is WhenDown.WAIT else choices.allowed or self.substitutes
        others = [*(model for model in heirs if model not in own), *await self._as_now(named)]
        return [model for model in heirs if model in own], list(dict.fromkeys(others))

    async def _as_now(self, models: Sequence[str]) -> list[str]:
        return [await self.services.current(model) for model in models]

    async def _able(self, route: Route) -> Capabilities | None:
        try:
            return await self.services.able(route)
        except (Declined, ProviderError):
            return None

    def _fits(self, turn: Turn, able: Capabilities) -> bool:
        """Whether a model can do all that the turn asks for."""
        try:
            check(turn.prompt, turn.options, able, most_images=self.most_images, length=len(for_model(turn)))
        except Declined:
            return False
        return len(turn.references) + (turn.parent is not None) <= able.max_references
