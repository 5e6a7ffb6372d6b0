"""What models cost, where people choose one."""

import asyncio
from collections.abc import Iterable

from core.errors import Declined, ProviderError
from core.ports import Models
from core.replies import cost_estimate

PATIENCE_SECONDS = 0.7
MOST_ASKED = 25


async def with_estimates(
    models: Models, names: Iterable[str], *, size: str | None = None, count: int = 1
) -> dict[str, str]:
    """Each model's name, with the estimate of `count` images of a size behind it where that is known in time."""

    async def labelled(name: str) -> str:
        try:
            able = await asyncio.wait_for(models.capabilities(name), PATIENCE_SECONDS)
        except (Declined, ProviderError, TimeoutError):
            return name
        return f"{name} {cost_estimate(able.price_of(size) * count)}"

    asked = tuple(names)
    labels = await asyncio.gather(*(labelled(name) for name in asked[:MOST_ASKED]))
    return dict(zip(asked, (*labels, *asked[MOST_ASKED:]), strict=True))
