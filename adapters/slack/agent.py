"""The agent surface, where it is switched on: a status while we draw, and prompts to begin with."""

import structlog
from redis.exceptions import RedisError

from adapters.slack.web_api import Refused, Unsure, WebApi
from core.errors import PlatformBusy
from core.ports import Notice
from core.replies import say
from core.turns import Turn

MARK = "agent"
"""Stands in the address of a turn that was asked in an agent's thread."""
PROMPTS = ("fox", "poster", "logo", "room")

log = structlog.get_logger()


class Agent:
    """Says what we are doing. Nothing hangs on it: what goes wrong here is passed over."""

    def __init__(self, api: WebApi) -> None:
        self._api = api

    async def shows(self, turn: Turn, channel: str, root: str, notice: Notice) -> None:
        """Show the stage of a turn under our name, if it was asked in an agent's thread."""
        if MARK not in turn.address:
            return
        status = "" if notice.stage.final else say(turn.locale, "slack.agent_status")
        await self._try(
            turn.thread.workspace, "assistant.threads.setStatus", channel_id=channel, thread_ts=root, status=status
        )

    async def begins(self, workspace: str, channel: str, root: str, locale: str) -> None:
        """Suggest what to ask for in a thread that somebody has opened."""
        prompts = [
            {"title": say(locale, f"slack.prompt_{name}_title"), "message": say(locale, f"slack.prompt_{name}")}
            for name in PROMPTS
        ]
        await self._try(
            workspace,
            "assistant.threads.setSuggestedPrompts",
            channel_id=channel,
            thread_ts=root,
            title=say(locale, "slack.prompts_title"),
            prompts=prompts,
        )

    async def _try(self, workspace: str, method: str, **arguments: object) -> None:
        try:
            await self._api.call(workspace, method, **arguments)
        except (Refused, Unsure, PlatformBusy, RedisError, OSError) as error:
            log.info("the agent surface did not take it", problem=str(error) or type(error).__name__)
