"""The slash commands: /imagine and what stands around it."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from adapters.discord.answers import MOST_CHOICES, Answer, Said, sentence
from adapters.discord.avatars import mentioned, say_about_mine
from adapters.discord.components import Action, Style, button, row
from adapters.discord.desk import Desk, Wish, person_of, place_of, references_of
from adapters.discord.events import Attachment, Interaction
from adapters.discord.gathering import pointed_at
from adapters.discord.history import history
from adapters.discord.library import keep_pictures, keep_styles, suggestions
from adapters.discord.posts import key_of, short_key
from adapters.discord.server_rules import change_settings
from adapters.discord.words import one_line, plain
from core.commands import parse
from core.errors import Declined
from core.estimates import with_estimates
from core.ports import Capabilities
from core.replies import cost_estimate, say
from core.turns import Options, Reference, Turn

MOST_LISTED = 5
LISTED_CHARACTERS = 80
LETTERS = "ABCDE"
REFERENCE_OPTIONS = ("reference1", "reference2", "reference3")

Handler = Callable[[Desk, Interaction, Mapping[str, Any]], Coroutine[Any, Any, Said]]


async def on_slash(desk: Desk, interaction: Interaction) -> None:
    """Answer a slash command."""
    options = given(interaction)
    answer = Answer(desk.rest, interaction)
    handler = HANDLERS.get(str(interaction.data.get("name")))
    if handler is None:
        await answer.say(sentence(interaction.locale, "discord.unknown_command"))
        return
    private = handler is imagine and _is_private(options)
    if handler is imagine and (private or interaction.visiting):
        # The worker edits this answer, so it has to be there before the turn is.
        await answer.defer(private=private)
    await answer.prompt(handler(desk, interaction, options))


async def on_autocomplete(desk: Desk, interaction: Interaction) -> None:
    """Suggest models, and the shapes that the chosen model draws."""
    options = given(interaction)
    focused: dict[str, Any] = next((item for item in _flat(interaction) if item.get("focused")), {})
    typed = str(focused.get("value", "")).casefold()

    async def fitting() -> Mapping[str, str]:
        known: Sequence[str] | None = await suggestions(desk, interaction, str(focused.get("name")))
        if known is None and str(focused.get("name")).endswith(("model", "models")):
            return await _models(desk, interaction, options, typed)
        if known is None:
            able = await desk.provider.capabilities(options.get("model") or await desk.usual_model(interaction))
            if focused.get("name") == "size":
                return _sizes(able, typed, _count(options))
            known = able.aspect_ratios
        return {value: value for value in known if typed in value.casefold()}

    await Answer(desk.rest, interaction).offer(fitting())


def _sizes(able: Capabilities, typed: str, count: int) -> Mapping[str, str]:
    """The sizes that a model draws, each with what so many pictures of it cost."""
    fitting = (size for size in able.sizes if typed in size.casefold())
    return {size: f"{size} {cost_estimate(able.price_of(size) * count)}" for size in fitting}


def _count(options: Mapping[str, Any]) -> int:
    """How many pictures are asked for while a command is being typed: Discord checks no number before it is sent."""
    return int(count) if (count := str(options.get("count", ""))).isdecimal() else 1


async def _models(desk: Desk, interaction: Interaction, options: Mapping[str, Any], typed: str) -> Mapping[str, str]:
    """The models that may be named here; of a list that is being typed, with what stands in it already."""
    before, _, last = typed.rpartition(",")
    known = await desk.provider.models()
    if interaction.data.get("name") != "imagine-settings" and interaction.guild_id:
        choices = await desk.intake.choices.of_workspace("discord", interaction.guild_id)
        known = (await desk.intake.renewed(choices)).allowed or known
    fitting = [model for model in known if last.strip() in model.casefold()][:MOST_CHOICES]
    if before:
        return {f"{before}, {model}": f"{before}, {model}" for model in fitting}
    return await with_estimates(desk.provider, fitting, size=options.get("size"), count=_count(options))


async def imagine(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine. What is typed into the prompt counts too; the command's own options come first."""
    prompt, typed = parse(str(options.get("prompt", "")))
    asked = Options(
        aspect_ratio=options.get("aspect_ratio", typed.aspect_ratio),
        count=int(options.get("count", typed.count)),
        model=options.get("model", typed.model),
        size=options.get("size", typed.size),
        private=_is_private(options),
        style=options.get("style", typed.style),
    )
    wish = Wish(prompt, asked, _references(interaction, options))
    if not wish.references:
        wish = replace(wish, references=await pointed_at(desk, interaction, wish.prompt))
    prompt, avatars = await mentioned(desk, wish.prompt, interaction.guild_id)
    return await desk.ask(interaction, replace(wish, prompt=prompt, references=(*wish.references, *avatars)))


def _is_private(options: Mapping[str, Any]) -> bool:
    """Whether the person alone is to see it. A prompt that cannot be read is answered as it was asked."""
    with suppress(Declined):
        return bool(options.get("private")) or parse(str(options.get("prompt", "")))[1].private
    return bool(options.get("private"))


async def status(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-status: the person's turns under way, each with its place and a way out, and what is kept for them."""
    del options
    person, locale = person_of(interaction), interaction.locale
    turns = await desk.intake.open_turns(person)
    kept = [await desk.posts.by_key(name) for name in await desk.vault.shelf(person.user, MOST_LISTED)]
    lines, cancels, shows = [], [], []
    for number, found in enumerate(turns[:MOST_LISTED], 1):
        lines.append(_listed(number, found.turn, found.where(locale)))
        label = f"{say(locale, 'button.cancel')} {number}"
        cancels.append(button(Action.CANCEL, short_key(found.turn.id), label, Style.SECONDARY))
    if len(turns) > MOST_LISTED:
        lines.append(plain(say(locale, "list.more", count=len(turns) - MOST_LISTED)))
    for letter, post in zip(LETTERS, filter(None, kept), strict=False):
        lines.append(_listed(letter, post.turn, say(locale, "discord.status_kept")))
        label = f"{say(locale, 'discord.show')} {letter}"
        shows.append(button(Action.SHOW, short_key(post.turn.id), label, Style.PRIMARY))
    if not lines:
        return sentence(locale, "discord.status_none")
    return Said("\n".join(lines), tuple(row(*controls) for controls in (cancels, shows) if controls))


def _listed(mark: object, turn: Turn, where: str) -> str:
    return f"{mark}. {plain(one_line(turn.prompt, LISTED_CHARACTERS))} — {plain(where)}"


async def explain(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-help."""
    del options
    names = [
        "help_ask",
        "help_edit",
        "help_messages" if desk.chat.plain_messages else "help_mention",
        "help_menus",
        "help_library",
    ]
    return Said("\n".join(f"• {plain(say(interaction.locale, f'discord.{name}'))}" for name in names))


async def listen(desk: Desk, interaction: Interaction, options: Mapping[str, Any]) -> Said:
    """/imagine-listen: whether every message of this thread is an edit."""
    place, person = place_of(interaction), person_of(interaction)
    known = await desk.posts.place(place.channel)
    if known is None or not known.ours:
        raise Declined("discord.not_our_thread")
    on = bool(options.get("on", True))
    await desk.conversations.set_switch(key_of(place, person.workspace), "listening", on=on)
    if on and not desk.chat.plain_messages:
        return sentence(interaction.locale, "discord.listening_without_intent")
    return sentence(interaction.locale, "discord.listening_on" if on else "discord.listening_off")


def given(interaction: Interaction) -> dict[str, Any]:
    """The options of a command by name."""
    return {str(item["name"]): item.get("value") for item in interaction.data.get("options") or ()}


def _flat(interaction: Interaction) -> list[dict[str, Any]]:
    """The options of a command, those of its own commands among them."""
    options: list[dict[str, Any]] = interaction.data.get("options") or []
    return [item for option in options for item in (option, *(option.get("options") or ()))]


def _references(interaction: Interaction, options: Mapping[str, Any]) -> tuple[Reference, ...]:
    files = interaction.data.get("resolved", {}).get("attachments", {})
    named = [files[str(options[name])] for name in REFERENCE_OPTIONS if str(options.get(name)) in files]
    return references_of([Attachment.model_validate(file) for file in named])


HANDLERS: Mapping[str, Handler] = {
    "imagine": imagine,
    "imagine-status": status,
    "imagine-help": explain,
    "imagine-listen": listen,
    "imagine-avatar": say_about_mine,
    "imagine-history": history,
    "imagine-settings": change_settings,
    "imagine-library": keep_pictures,
    "imagine-styles": keep_styles,
}
