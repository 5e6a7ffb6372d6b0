"""App Home: a person's turns, what is spent, what they usually want, their pictures; and the rules, for admins."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from adapters.slack import forms, render
from adapters.slack.actions import PLATFORM, Form, HomeAction
from adapters.slack.desk import Actor, Desk
from adapters.slack.forms import SAME, Context
from adapters.slack.library import Library
from adapters.slack.modals import Modals, Opening
from adapters.slack.offers import soon
from adapters.slack.posts import Post, short_key
from adapters.slack.render import Block
from adapters.slack.settings import Defaults, Editors, TeamSettings
from adapters.slack.text import one_line
from adapters.slack.web_api import Refused
from core.choices import MOST_ALLOWED, Choices, WhenDown
from core.commands import check
from core.errors import Declined
from core.estimates import with_estimates
from core.intake import OpenTurn
from core.librarian import MOST_MARKS, Savers
from core.replies import money, say
from core.state import spend_key
from core.turns import Options, TurnId

MOST_TURNS = 10
MOST_PICTURES = 5
MOST_CHANNELS = 100
MOST_SHOWN = 20
PROMPT_CHARACTERS = 150

log = structlog.get_logger()


class Home:
    """Shows App Home, and deals with what is chosen there."""

    def __init__(self, desk: Desk, modals: Modals) -> None:
        self._desk = desk
        self._modals = modals
        self._library = Library(desk)

    async def show(self, actor: Actor) -> None:
        """Publish the tab as it is now."""
        view = {"type": "home", "blocks": await self._blocks(actor)}
        await self._desk.api.call(actor.workspace, "views.publish", user_id=actor.user, view=view)

    async def pressed(self, actor: Actor, body: dict[str, Any]) -> str:
        """Do what a button or a menu of the tab says."""
        action, trigger = body["actions"][0], str(body.get("trigger_id") or "")
        chosen = str((action.get("selected_option") or {}).get("value") or "")
        chosen = "" if chosen == SAME else chosen
        defaults = await self._desk.settings.defaults(actor.person)
        match action.get("action_id"):
            case HomeAction.BEGIN:
                await self._modals.imagine(actor, Opening.by(body))
                return ""
            case HomeAction.SETTINGS:
                await self._ask_settings(actor, trigger)
                return ""
            case HomeAction.CANCEL:
                post = await self._desk.posts.by_key(actor.workspace, str(action.get("value") or ""))
                turn = post.turn.id if post else TurnId("")
                await self._desk.intake.cancel(turn, actor.person, moderator=actor.profile.admin)
            case HomeAction.UNSAVE:
                await self._library.remove(actor, str(action.get("value") or ""))
            case HomeAction.MODEL:
                await self._change_defaults(actor, replace(defaults, model=chosen))
            case HomeAction.RATIO:
                await self._change_defaults(actor, replace(defaults, aspect_ratio=chosen))
            case _:
                return ""
        await self.show(actor)
        return ""

    async def settings_submitted(self, actor: Actor, view: dict[str, Any]) -> str:
        """Put new rules in the place of the old. Raises `Declined`."""
        if not actor.profile.admin:
            raise Declined("slack.admins_only")
        settings = TeamSettings(
            editors=Editors(forms.chosen(view, "editors") or Editors.ANYONE),
            savers=Savers(forms.chosen(view, "savers") or Savers.ANYONE),
            saver_marks=forms.people(view, "saver_people")[:MOST_MARKS],
            every_message=forms.chosen(view, "every_message") != "no",
            avatars=forms.chosen(view, "avatars") == "yes",
            off=forms.listed(view, "off")[:MOST_CHANNELS],
            only=forms.listed(view, "only")[:MOST_CHANNELS],
            aspect_ratio=forms.chosen(view, "ratio"),
        )
        before = await self._desk.choices(actor.workspace)
        choices = replace(
            before,
            allowed=forms.ticked(view, "allowed")[:MOST_ALLOWED],
            model=forms.chosen(view, "model"),
            when_down=WhenDown(forms.chosen(view, "when_down") or WhenDown.OTHER),
        )
        if channel := forms.one_channel(view, "model_channel"):
            choices = choices.with_channel(channel, forms.chosen(view, "channel_model"))
        await choices.check(self._desk.chat.provider, before)
        if settings.aspect_ratio:
            await self._check(await self._desk.intake.usual_by(choices), settings.aspect_ratio)
        await self._desk.settings.change(actor.workspace, settings)
        await self._desk.intake.choices.change(PLATFORM, actor.workspace, choices)
        await self.show(actor)
        return ""

    async def _ask_settings(self, actor: Actor, trigger: str) -> None:
        if not actor.profile.admin:
            raise Declined("slack.admins_only")
        known, locale = await self._desk.settings.of(actor.workspace), actor.locale
        choices = await self._desk.choices(actor.workspace)
        offers, ratios = self._desk.offers, await self._desk.ratios(self._desk.intake.usual_by(choices))
        editors = [(say(locale, f"slack.editors_{one}_short"), str(one)) for one in Editors]
        savers = [(say(locale, f"slack.editors_{one}_short"), str(one)) for one in Savers]
        yes_no = [(say(locale, "slack.yes"), "yes"), (say(locale, "slack.no"), "no")]
        view = forms.modal(
            Form.SETTINGS,
            locale,
            "slack.settings",
            Context(),
            forms.field("editors", say(locale, "slack.settings_editors"), forms.menu(editors, known.editors)),
            forms.field("savers", say(locale, "slack.settings_savers"), forms.menu(savers, known.savers)),
            forms.people_field(
                "saver_people", say(locale, "slack.settings_saver_people"), known.saver_marks, MOST_MARKS
            ),
            forms.field(
                "every_message",
                say(locale, "slack.settings_every_message"),
                forms.menu(yes_no, "yes" if known.every_message else "no"),
            ),
            forms.field(
                "avatars",
                say(locale, "slack.settings_avatars"),
                forms.menu(yes_no, "yes" if known.avatars else "no"),
            ),
            _channels("off", say(locale, "slack.settings_off"), known.off),
            _channels("only", say(locale, "slack.settings_only"), known.only),
            forms.ratio_field(locale, ratios, known.aspect_ratio),
            *_models(locale, await with_estimates(self._desk.chat.provider, await offers.models()), choices),
        )
        await self._modals.open(actor, trigger, view)

    async def _change_defaults(self, actor: Actor, defaults: Defaults) -> None:
        if defaults.model or defaults.aspect_ratio:
            await self._check(await self._desk.usual_model(actor, defaults), defaults.aspect_ratio)
        await self._desk.settings.change_defaults(actor.person, defaults)

    async def _check(self, model: str, ratio: str) -> None:
        able = await self._desk.chat.provider.capabilities(model)
        check("-", Options(aspect_ratio=ratio or None), able, most_images=self._desk.offers.most_images)

    # -- what it shows

    async def _blocks(self, actor: Actor) -> list[Block]:
        locale, desk = actor.locale, self._desk
        defaults = await desk.settings.defaults(actor.person)
        begin = [render.button(HomeAction.BEGIN, "begin", say(locale, "slack.home_begin"), primary=True)]
        if actor.profile.admin:
            begin.append(render.button(HomeAction.SETTINGS, "settings", say(locale, "slack.settings")))
        open_turns = await desk.intake.open_turns(actor.person)
        return [
            render.paragraph(say(locale, "slack.home_welcome")),
            {"type": "actions", "elements": begin},
            *[render.paragraph(words) for words in await desk.posts.unshown(actor.person)],
            *_section(locale, "slack.home_turns", [_open_turn(one, locale) for one in open_turns[:MOST_TURNS]]),
            *_section(locale, "slack.home_pictures", await self._pictures(actor)),
            _header(say(locale, "slack.home_library")),
            *await self._library.shown(actor),
            _header(say(locale, "slack.home_defaults")),
            await self._defaults(actor, defaults),
            render.small(await self._spent(actor)),
        ]

    async def _defaults(self, actor: Actor, known: Defaults) -> Block:
        locale = actor.locale
        usual = (say(locale, "slack.form_usual"), SAME)
        offered = await self._desk.models(actor.workspace)
        models = [usual, *((label, model) for model, label in offered.items())]
        ratios = [usual, *((one, one) for one in await self._desk.ratios(self._desk.usual_model(actor, known)))]
        own = await soon(self._desk.own_model(actor, known), known.model)
        return {
            "type": "actions",
            "elements": [
                {"action_id": HomeAction.MODEL, **forms.menu(models, own)},
                {"action_id": HomeAction.RATIO, **forms.menu(ratios, known.aspect_ratio)},
            ],
        }

    async def _spent(self, actor: Actor) -> str:
        found = await self._desk.redis.get(spend_key(actor.person, time.time()))
        cap = self._desk.intake.limits.daily_cap
        return say(actor.locale, "slack.home_spent", spent=money(int(found or 0)), limit=money(cap))

    async def _pictures(self, actor: Actor) -> list[Block]:
        posts = (await self._desk.posts.recent(actor.person))[:MOST_PICTURES]
        return list(await asyncio.gather(*(self._picture(actor, post) for post in posts)))

    async def _picture(self, actor: Actor, post: Post) -> Block:
        row = render.paragraph(one_line(post.turn.prompt, PROMPT_CHARACTERS))
        try:
            answer = await self._desk.api.call(
                actor.workspace, "chat.getPermalink", channel=post.channel, message_ts=post.message
            )
        except Refused:
            return row
        name = f"home_open_{short_key(post.turn.id)}"
        link = render.button(name, "open", say(actor.locale, "slack.home_open"))
        return row | {"accessory": link | {"url": answer["permalink"]}}


def _section(locale: str, name: str, rows: list[Block]) -> list[Block]:
    return [_header(say(locale, name)), *(rows or [render.small(say(locale, f"{name}_none"))])]


def _header(text: str) -> Block:
    return {"type": "header", "text": render.plain_text(text, PROMPT_CHARACTERS)}


def _open_turn(one: OpenTurn, locale: str) -> Block:
    words = f"{one_line(one.turn.prompt, PROMPT_CHARACTERS)} – {one.where(locale)}"
    stop = render.button(HomeAction.CANCEL, short_key(one.turn.id), say(locale, "button.cancel"))
    return render.paragraph(words) | {"accessory": stop}


def _models(locale: str, offered: Mapping[str, str], choices: Choices) -> list[Block]:
    """Which models there are to be, usual ones and all."""
    when = [(say(locale, f"choices.when_down_{what}"), what.value) for what in WhenDown]
    own = [f"<#{channel}> {model}" for channel, model in list(choices.channels.items())[:MOST_SHOWN]]
    offered = {model: model for model in (choices.model,) if model} | dict(offered)
    return [
        forms.allowed_field(locale, tuple(offered), choices.allowed),
        forms.model_field(locale, offered, choices.model),
        forms.field("when_down", say(locale, "slack.settings_when_down"), forms.menu(when, choices.when_down)),
        forms.field(
            "model_channel", say(locale, "slack.settings_model_channel"), {"type": "channels_select"}, optional=True
        ),
        forms.model_field(locale, offered, name="channel_model", label="slack.settings_channel_model"),
        *([render.small(", ".join(own))] if own else []),
    ]


def _channels(name: str, label: str, known: tuple[str, ...]) -> Block:
    element: Block = {"type": "multi_channels_select"}
    if known:
        element["initial_channels"] = list(known)
    return forms.field(name, label, element, optional=True)
