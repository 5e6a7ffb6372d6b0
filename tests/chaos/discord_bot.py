"""A whole bot on a fake Discord, in a process that kills itself, without a word, at a step.

python -m tests.chaos.discord_bot '<JSON of DiscordOrders>'
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from adapters.discord.addresses import use_addresses
from adapters.discord.outgoing import DiscordChat
from adapters.discord.start import make_gateway, open_chat
from bot.wiring import Core, CoreSettings, open_core
from core.fetching import Fetcher
from core.intake import Intake
from core.packing import unpack
from core.ports import ChatPlatform
from core.providers.gmi.provider import GmiImages
from core.providers.http import service_client
from core.services import Services
from core.turns import Turn

KEY = b"Y2hhb3NjaGFvc2NoYW9zY2hhb3NjaGFvc2NoYW9zY2g="
SETTINGS = CoreSettings(daily_cap=10**12, most_waiting=1000, slots=40, drain=1.0, most_running=8)


@dataclass(frozen=True, slots=True)
class DiscordOrders:
    """Where everything is, and at which step to die (empty: at none)."""

    redis: str
    service: str
    key: str
    storage: str
    token: str
    api: str
    gateway: str
    cdn: str
    step: str = ""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(chat: DiscordChat, step: str) -> None:
    """Have the process die before or after one of its calls."""
    rest: Any = chat.rest
    call, answer = rest.call, rest.answer

    async def dying_call(method: str, path: str, body: Any = None, *, files: Any = (), **more: Any) -> Any:
        what = _name(method, path, with_files=bool(files))
        if step == f"before {what}":
            die()
        result = await call(method, path, body, files=files, **more)
        if step == f"after {what}":
            die()
        return result

    async def dying_answer(*args: Any) -> None:
        if step == "before answer":
            die()
        await answer(*args)
        if step == "after answer":
            die()

    rest.call, rest.answer = dying_call, dying_answer


def _name(method: str, path: str, *, with_files: bool) -> str:
    if path.endswith("/threads"):
        return "thread"
    if method == "PATCH":
        return "edit"
    if method == "POST" and path.endswith("/messages"):
        return "picture" if with_files else "announcement"
    return "other"


class DyingIntake:
    """The core's door, in a process that dies before or after a turn was recorded."""

    def __init__(self, intake: Intake, step: str) -> None:
        self._intake = intake
        self._step = step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._intake, name)

    async def accept(self, turn: Turn) -> bool:
        if self._step == "before record":
            die()
        new = await self._intake.accept(turn)
        if self._step == "after record":
            die()
        return new


async def main(orders: DiscordOrders) -> None:
    use_addresses(orders.api, orders.gateway)
    async with AsyncExitStack() as stack:
        core, chat = await _bot(stack, orders)
        arm(chat, orders.step)
        intake: Any = DyingIntake(core.intake, orders.step)
        gateway = make_gateway(chat, intake, core.conversations, cdn=orders.cdn)
        async with core.working():
            await gateway.run()


async def _bot(stack: AsyncExitStack, orders: DiscordOrders) -> tuple[Core, DiscordChat]:
    fetcher = await stack.enter_async_context(Fetcher())
    client = await stack.enter_async_context(service_client())
    images = GmiImages(client, fetcher, key=orders.key, base_url=orders.service, storage_hosts=(orders.storage,))
    platforms: dict[str, ChatPlatform] = {}
    core = await stack.enter_async_context(open_core(orders.redis, Services([images]), platforms, fetcher, SETTINGS))
    chat = await stack.enter_async_context(
        open_chat(
            orders.token,
            core.redis,
            core.workshop,
            fetcher,
            images,
            encryption=Fernet(KEY),
            conversation_ttl=SETTINGS.conversation_ttl,
            cdn_hosts=(urlsplit(orders.cdn).netloc,),
            message_content=True,
        )
    )
    platforms["discord"] = chat
    return core, chat


if __name__ == "__main__":
    asyncio.run(main(unpack(DiscordOrders, sys.argv[1])))
