"""Bolt's app: which event is whose. The same one behind Socket Mode and behind HTTP.

Bolt answers Slack when a listener returns (`process_before_response`): what is asked for is recorded before that.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog
from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow

from adapters.slack.actions import PLATFORM
from adapters.slack.answers import Answers
from adapters.slack.desk import Actor, Desk
from adapters.slack.handlers import Handlers
from adapters.slack.installations import InstalledTokens
from adapters.slack.messages import Here, Listener
from adapters.slack.tokens import Tokens
from adapters.slack.web_api import make_client

Json: TypeAlias = dict[str, Any]
log = structlog.get_logger()


class Authorize(AsyncAuthorize):
    """Tells Bolt who we are in a workspace, without asking Slack at every event."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,
        actor_team_id: str | None = None,
        actor_user_id: str | None = None,
    ) -> AuthorizeResult | None:
        """Our installation in the event's workspace; None where we have none."""
        del user_id, actor_enterprise_id, actor_team_id, actor_user_id
        org_wide = bool(context.is_enterprise_install)
        found = await self._tokens.of(team_id or "", enterprise_id or "", org_wide=org_wide)
        if found is None:
            return None
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_user_id=found.bot_user,
            bot_id=found.bot,
            bot_token=found.token,
        )


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The app and what its listeners work with."""

    bolt: AsyncApp
    desk: Desk
    answers: Answers

    async def close(self) -> None:
        """Finish what goes on after acknowledgements."""
        await self.answers.tasks.close()


def make_app(desk: Desk, *, signing_secret: str = "", oauth_flow: AsyncOAuthFlow | None = None) -> SlackApp:
    """The app over a desk. Without `signing_secret` it must not be reached by HTTP."""
    answers = Answers(desk.api, desk.chat.response_urls)
    bolt = AsyncApp(
        name="imagine",
        client=make_client(desk.api.session, desk.api.base_url),
        signing_secret=signing_secret,
        authorize=Authorize(desk.api.tokens),  # type: ignore[arg-type]  # Bolt takes it, and says so nowhere but inside
        oauth_flow=oauth_flow,
        process_before_response=True,
        # Bolt takes the deletion of a message of ours for something that we did; what we write ourselves we pass over.
        ignoring_self_events_enabled=False,
    )
    handlers = Handlers(desk, answers)
    _act(bolt, handlers)  # first, because Bolt looks through its listeners in order, and these wait for an answer
    _hear(bolt, desk, Listener(desk, answers))
    _housekeeping(bolt, desk, handlers)
    return SlackApp(bolt, desk, answers)


def _hear(bolt: AsyncApp, desk: Desk, listener: Listener) -> None:
    """What people write, and where they open us."""

    async def message(context: AsyncBoltContext, event: Json) -> None:
        await _read(listener.on_message(_here(context), event))

    async def mention(context: AsyncBoltContext, event: Json) -> None:
        await _read(listener.on_message(_here(context), event, called=True))

    async def agent(context: AsyncBoltContext, event: Json) -> None:
        thread, here = event.get("assistant_thread") or {}, _here(context)
        channel, ts = str(thread.get("channel_id") or ""), str(thread.get("thread_ts") or "")
        await desk.posts.note_agents(here.workspace, channel, ts)
        actor = await desk.actor(here.workspace, str(thread.get("user_id") or ""))
        await desk.agent.begins(here.workspace, channel, ts, actor.locale)

    async def nothing() -> None:
        """Of no interest, and acknowledged."""

    bolt.event("message")(message)
    bolt.event("app_mention")(mention)
    bolt.event("assistant_thread_started")(agent)
    bolt.event("assistant_thread_context_changed")(nothing)


def _act(bolt: AsyncApp, handlers: Handlers) -> None:
    """Commands, shortcuts, buttons and forms."""

    def answering(handle: Callable[[AsyncAck, Actor, Json], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def listener(ack: AsyncAck, context: AsyncBoltContext, body: Json) -> None:
            await handle(ack, await handlers.actor(_here(context).workspace, body), body)

        return listener

    async def command(ack: AsyncAck, context: AsyncBoltContext, body: Json) -> None:
        await handlers.command(ack, _here(context).workspace, body)

    anything = re.compile(".*")
    bolt.command(anything)(command)
    bolt.shortcut(anything)(answering(handlers.shortcut))
    bolt.action(anything)(answering(handlers.action))
    bolt.view(anything)(answering(handlers.form))


def _housekeeping(bolt: AsyncApp, desk: Desk, handlers: Handlers) -> None:
    """App Home, and the end of an installation."""

    async def home(context: AsyncBoltContext, event: Json) -> None:
        if event.get("tab") == "home":
            await handlers.home_opened(await desk.actor(_here(context).workspace, str(event.get("user") or "")))

    async def removed(context: AsyncBoltContext, event: Json) -> None:
        tokens = event.get("tokens")
        if tokens is not None and not tokens.get("bot"):
            return
        held, workspace = desk.api.tokens, context.team_id or ""
        if isinstance(held, InstalledTokens):
            org_wide = bool(context.is_enterprise_install)
            if not await held.removed(workspace, context.enterprise_id or "", org_wide=org_wide):
                return
        elif event.get("type") != "app_uninstalled":
            return
        await desk.settings.forget(workspace)
        await desk.librarian.forget("slack", workspace)
        await desk.intake.choices.forget(PLATFORM, workspace)
        log.info("the app was removed from a workspace", workspace=workspace)

    bolt.event("app_home_opened")(home)
    bolt.event("app_uninstalled")(removed)
    bolt.event("tokens_revoked")(removed)


async def _read(work: Awaitable[None]) -> None:
    try:
        await work
    except ValidationError as error:
        fields = [".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)]
        log.error("an event of Slack's has another shape than known", fields=fields)


def _here(context: AsyncBoltContext) -> Here:
    return Here(context.team_id or "", context.bot_user_id or "", context.bot_id or "")
