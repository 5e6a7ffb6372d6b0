"""From Bolt's listeners to who deals with them: every one acknowledges within three seconds."""

from typing import Any

import structlog
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck

from adapters.slack.actions import Form, HomeAction
from adapters.slack.answers import Answers, Saying
from adapters.slack.buttons import Buttons
from adapters.slack.commands import Commands
from adapters.slack.desk import Actor, Desk
from adapters.slack.history import History
from adapters.slack.home import Home
from adapters.slack.library import Library
from adapters.slack.modals import Modals
from adapters.slack.sharing import Sharing
from adapters.slack.shortcuts import Shortcuts
from adapters.slack.text import escaped
from adapters.slack.web_api import Refused, Unsure
from core.errors import PlatformError
from core.replies import say

Json = dict[str, Any]
FIELD_OF_REFUSAL = {
    Form.IMAGINE: "prompt",
    Form.EDIT: "prompt",
    Form.SHARE: "channel",
    Form.SETTINGS: "ratio",
    Form.COMPARE: "picture",
    Form.WHICH: "which",
    Form.FORK: "channel",
    Form.SAVE: "name",
}
URL_ACTION = "home_open_"

log = structlog.get_logger()


class Handlers:
    """Acknowledges, and says what came of it."""

    def __init__(self, desk: Desk, answers: Answers) -> None:
        modals = Modals(desk)
        sharing = Sharing(desk, modals, desk.poster)
        self._desk = desk
        self._answers = answers
        self._commands = Commands(desk, modals)
        history = History(desk, modals, sharing)
        self._shortcuts = Shortcuts(desk, modals, history)
        self._buttons = Buttons(desk, modals, sharing, history)
        self._history = history
        self._home = Home(desk, modals)
        self._modals = modals
        self._sharing = sharing
        self._library = Library(desk)

    async def actor(self, workspace: str, body: Json) -> Actor:
        """Who sent an interaction."""
        user = body.get("user") or {}
        return await self._desk.actor(workspace, str(user.get("id") or ""), name=str(user.get("name") or ""))

    async def command(self, ack: AsyncAck, workspace: str, body: Json) -> None:
        """A slash command."""
        user, name = str(body.get("user_id") or ""), str(body.get("user_name") or "")
        actor = await self._desk.glimpse(workspace, user, name=name)
        work = self._commands.given(actor, body)
        said = await self._answers.within(work, self._desk.language(actor), self._later(actor, body))
        if said:
            await ack(text=escaped(said), response_type="ephemeral")
        else:
            await ack()

    async def shortcut(self, ack: AsyncAck, actor: Actor, body: Json) -> None:
        """A shortcut of a message, or a global one."""
        await self._answers.aside(
            self._shortcuts.used(actor, body), self._desk.language(actor), self._later(actor, body)
        )
        await ack()

    async def action(self, ack: AsyncAck, actor: Actor, body: Json) -> None:
        """A button, or a choice from a menu."""
        name = str(body["actions"][0].get("action_id"))
        if not name.startswith(URL_ACTION):
            home = name in set(HomeAction)
            work = self._home.pressed(actor, body) if home else self._buttons.pressed(actor, body)
            await self._answers.aside(work, self._desk.language(actor), self._later(actor, body))
        await ack()

    async def form(self, ack: AsyncAck, actor: Actor, body: Json) -> None:
        """A form that was sent. A refusal is shown in it, so that nothing has to be typed twice."""
        view, event = body.get("view") or {}, str(body.get("trigger_id") or "")
        form = str(view.get("callback_id") or "")
        match form:
            case Form.IMAGINE | Form.EDIT:
                work = self._modals.submitted(actor, body)
            case Form.SHARE:
                work = self._sharing.shared(actor, view, event)
            case Form.COMPARE:
                work = self._history.compared(actor, view, event)
            case Form.WHICH:
                work = self._history.which_chosen(actor, view, event)
            case Form.FORK:
                work = self._history.forked(actor, view, event)
            case Form.SAVE:
                work = self._save(actor, view)
            case Form.SETTINGS:
                work = self._home.settings_submitted(actor, view)
            case _:
                await ack()
                return
        said = await self._answers.within(work, self._desk.language(actor), self._later(actor, body))
        if said and said != say(actor.locale, "slack.shared"):
            await ack(response_action="errors", errors={FIELD_OF_REFUSAL[Form(form)]: said})
        else:
            await ack()

    async def _save(self, actor: Actor, view: Json) -> str:
        """Save what a form names. That it is done is said where it was asked; what the form is told is refusals."""
        said, asked = await self._library.named(actor, view)
        self._answers.tasks.start(self._answers.by_post(actor.workspace, asked.channel, actor.user)(said))
        return ""

    async def home_opened(self, actor: Actor) -> None:
        """Somebody looks at App Home."""
        try:
            await self._home.show(actor)
        except (Refused, Unsure, PlatformError, RedisError, OSError) as error:
            log.warning("App Home could not be shown", problem=str(error) or type(error).__name__)

    def _later(self, actor: Actor, body: Json) -> Saying:
        thread = str(
            (body.get("container") or {}).get("thread_ts") or (body.get("message") or {}).get("thread_ts") or ""
        )
        if url := str(body.get("response_url") or ""):
            return self._answers.by_url(url, thread=thread)
        channel = str((body.get("channel") or {}).get("id") or "")
        return self._answers.by_post(actor.workspace, channel, actor.user, thread=thread)
