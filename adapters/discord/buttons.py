"""What the buttons and the menu under our messages do. Each is named by its turn; what it needs is in the store."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from adapters.discord import history, render
from adapters.discord.answers import Answer, Said, sentence
from adapters.discord.components import Action
from adapters.discord.desk import Desk, Wish, declined_gone, person_of
from adapters.discord.events import Interaction
from adapters.discord.forms import edit_form
from adapters.discord.permissions import check_owner
from adapters.discord.posting import MESSAGE
from adapters.discord.presses import Press
from adapters.discord.rest import Refused
from adapters.discord.server_rules import SAVER_ROLES, choose_savers
from adapters.discord.showing import publish
from core.errors import Declined
from core.picking import current_among
from core.replies import say
from core.turns import ImageRef, Operation, Options

MOST_VARIATIONS = 4
UNKNOWN_MESSAGE = 10008


async def on_component(desk: Desk, interaction: Interaction) -> None:
    """Answer a press of a button, or a choice from the menu."""
    answer = Answer(desk.rest, interaction)
    action, _, key = str(interaction.data.get("custom_id", "")).partition(":")
    if action == Action.EDIT:
        await answer.open_form(edit_form(desk, key, interaction))
        return
    if action == SAVER_ROLES:
        await answer.prompt(choose_savers(desk, interaction))
        return
    handler = HANDLERS.get(action)
    if handler is None:
        await answer.say(sentence(interaction.locale, "discord.button_gone"))
        return
    if handler in _ASKING and (_on_private(interaction) or interaction.visiting):
        await answer.defer(private=_on_private(interaction))
    await answer.prompt(_pressed(desk, interaction, handler, action, key))


async def _pressed(desk: Desk, interaction: Interaction, handler: "Handler", action: str, key: str) -> Said:
    name, _, index = key.partition(":")
    if not (index or "0").isdecimal():
        raise declined_gone()
    post = await desk.post_of(interaction, name)
    return await handler(Press(desk, interaction, post, f"{action}:{key}", int(index or "0")))


async def _cancel(press: Press) -> Said:
    person = person_of(press.interaction)
    await press.desk.intake.cancel(press.post.turn.id, person, moderator=press.moderator)
    return sentence(press.locale, "discord.cancelling")


async def _again(press: Press) -> Said:
    return await _ask_again(press, press.post.turn.options)


async def _ratio(press: Press) -> Said:
    chosen = next(iter(press.interaction.data.get("values") or ()), None)
    return await _ask_again(press, replace(press.post.turn.options, aspect_ratio=chosen))


async def _ask_again(press: Press, options: Options) -> Said:
    turn = press.post.turn
    if turn.uprooted:
        raise Declined("declined.uprooted")
    await press.once()
    operation = turn.operation if turn.operation is Operation.VARIATIONS else Operation.AGAIN
    wish = Wish(turn.prompt, options, turn.references, operation, turn.parent, of=press.post)
    return await press.desk.ask(press.interaction, wish)


async def _variations(press: Press) -> Said:
    await press.once()
    turn = press.post.turn
    count = min(MOST_VARIATIONS, press.desk.intake.limits.most_images)
    wish = Wish(
        say(press.locale, "prompt.variations"),
        Options(count=count, model=turn.options.model, private=turn.options.private),
        operation=Operation.VARIATIONS,
        parent=await current_among(press.desk.conversations, press.thread, ImageRef(turn.id)),
        of=press.post,
    )
    return await press.desk.ask(press.interaction, wish)


async def _undo(press: Press) -> Said:
    await press.check_editor()
    await press.once()
    back = await press.desk.tree.undo(press.thread, press.post.turn.id, event=press.interaction.id)
    return await history.went_back(press, back)


async def _delete(press: Press) -> Said:
    message, post = press.interaction.message, press.post
    check_owner(post.turn, person_of(press.interaction), moderator=press.moderator)
    if message is None:
        raise declined_gone()
    try:
        await press.desk.rest.call("DELETE", MESSAGE, channel_id=message.channel_id, message_id=message.id)
    except Refused as refused:
        if refused.code != UNKNOWN_MESSAGE:
            raise
    await press.desk.conversations.mark_removed(post.thread or post.turn.thread, post.turn.id)
    return sentence(press.locale, "discord.deleted")


async def _publish(press: Press) -> Said:
    check_owner(press.post.turn, person_of(press.interaction), moderator=False)
    await press.once()
    await publish(press.desk, press.post, press.interaction)
    return sentence(press.locale, "discord.published")


async def _show(press: Press) -> Said:
    check_owner(press.post.turn, person_of(press.interaction), moderator=False)
    _, _, key = press.what.partition(":")
    kept = await press.desk.vault.files(key)
    if kept is None:
        raise declined_gone()
    text, files = kept
    controls = render.result_controls(press.post.turn, key, press.locale)
    return Said(text, tuple(controls), tuple(files))


def _on_private(interaction: Interaction) -> bool:
    return interaction.message is not None and interaction.message.private


Handler: TypeAlias = Callable[[Press], Awaitable[Said]]
HANDLERS: Mapping[str, Handler] = {
    Action.CANCEL: _cancel,
    Action.AGAIN: _again,
    Action.VARIATIONS: _variations,
    Action.UNDO: _undo,
    Action.RATIO: _ratio,
    Action.DELETE: _delete,
    Action.PUBLISH: _publish,
    Action.SHOW: _show,
    **history.HANDLERS,
}
_ASKING = (_again, _variations, _ratio)
