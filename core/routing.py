"""Who draws a turn: as asked, or, while that is down, whoever else may."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from core.breaker import Breaker, Condition
from core.choices import ModelChoices, WhenDown
from core.commands import check
from core.errors import Declined, ProviderError
from core.ports import Capabilities
from core.services import Services
from core.statuses import ACCOUNT
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
        """Who else draws the turn, and for how much (micro-dollars), where the workspace would rather not wait."""
        choices = await self.choices.of(turn.thread)
        if choices.when_down is WhenDown.WAIT:
            return None
        async for candidate in self._candidates(route, condition, choices.allowed or self.substitutes):
            if candidate.model != route.model and not choices.allows(candidate.model):
                continue
            if (await self.breaker.condition(candidate.lane)).stopped:
                continue
            able = await self._able(candidate)
            if able and self._fits(turn, able):
                return candidate, able.price_of(turn.options.size) * turn.options.count
        return None

    async def _candidates(self, route: Route, condition: Condition, models: Sequence[str]) -> AsyncIterator[Route]:
        """The same model elsewhere, other models elsewhere, other models of the same service: in this order."""
        origin = route.instead_of or route.lane
        others = [name for name in self.services.names if name != route.provider]
        for model in dict.fromkeys((Route.of_lane(origin).model, route.model, *models)):
            for name in others:
                yield Route(name, model, instead_of=origin)
        if condition.reason not in ACCOUNT:
            for model in models:
                if model != route.model:
                    yield Route(route.provider, model, instead_of=origin)

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
