"""Forms: what they ask, and what was filled in. The JSON of Slack's modals is made and read here alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.slack.actions import Form
from adapters.slack.files import references_of
from adapters.slack.render import Block, option, paragraph, plain_text
from adapters.slack.text import fitting
from core.choices import MOST_ALLOWED
from core.replies import say
from core.turns import Options, Reference

TITLE_CHARACTERS = 24
PROMPT_CHARACTERS = 3000
MOST_FILES = 10
FILE_TYPES = ["png", "jpg", "jpeg", "webp", "heic", "heif", "avif", "gif"]
METADATA_CHARACTERS = 3000
VALUE_CHARACTERS = 150
SAME = "-"
"""The choice of what is usual: Slack's menus know no empty one. Nothing can be named so."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a form knows of where it was opened. It travels through Slack, so it holds no secret.

    `key` is the turn that it goes on from, `answer` what the address is kept by where whoever opened it can be
    answered, `references` what was given already.
    """

    channel: str = ""
    thread: str = ""
    key: str = ""
    answer: str = ""
    references: tuple[Reference, ...] = ()

    def written(self) -> str:
        """The same as a form's `private_metadata`; references that do not fit are left out from the end."""
        for count in range(len(self.references), -1, -1):
            given = [[one.name[:80], one.channel, one.message, one.attachment] for one in self.references[:count]]
            text = json.dumps([self.channel, self.thread, self.key, self.answer, given], separators=(",", ":"))
            if len(text) <= METADATA_CHARACTERS:
                return text
        raise AssertionError

    @classmethod
    def read(cls, text: str) -> "Context":
        """The inverse of `written`. Raises ValueError for anything else."""
        channel, thread, key, answer, given = json.loads(text)
        references = tuple(Reference(name, "", place, message, file) for name, place, message, file in given)
        return cls(str(channel), str(thread), str(key), str(answer), references)


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody filled in."""

    prompt: str
    options: Options
    references: tuple[Reference, ...]
    channel: str
    which: int


def modal(form: Form, locale: str, title: str, context: Context, *blocks: Block) -> Block:
    """A form. Its name is cut to what Slack takes."""
    return {
        "type": "modal",
        "callback_id": form,
        "private_metadata": context.written(),
        "title": plain_text(fitting(say(locale, title), TITLE_CHARACTERS)),
        "submit": plain_text(fitting(say(locale, "slack.form_submit"), TITLE_CHARACTERS)),
        "close": plain_text(fitting(say(locale, "slack.form_close"), TITLE_CHARACTERS)),
        "blocks": list(blocks),
    }


def field(name: str, label: str, element: Block, *, optional: bool = False) -> Block:
    """One question. It is named by its block, so that a refusal can be shown at it."""
    return {
        "type": "input",
        "block_id": name,
        "label": plain_text(label, 2000),
        "element": {"action_id": name, **element},
        "optional": optional,
    }


def menu(choices: Sequence[tuple[str, str]], chosen: str = "") -> Block:
    """A menu of labels and values; the first is chosen unless another is."""
    options = [option(label, value) for label, value in choices]
    first = next((one for one in options if one["value"] == chosen), options[0])
    return {"type": "static_select", "options": options, "initial_option": first}


def prompt_field(locale: str, initial: str = "") -> Block:
    """What it should become."""
    element: Block = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": PROMPT_CHARACTERS,
        "placeholder": plain_text(say(locale, "slack.form_prompt_example"), 150),
        "focus_on_load": True,
    }
    if initial:
        element["initial_value"] = initial[:PROMPT_CHARACTERS]
    return field("prompt", say(locale, "slack.form_prompt"), element)


def ratio_field(locale: str, ratios: Sequence[str], usual: str = "") -> Block:
    """Which shape."""
    choices = [(say(locale, "slack.form_usual"), SAME), *((ratio, ratio) for ratio in ratios[:90])]
    return field("ratio", say(locale, "button.ratio"), menu(choices, usual), optional=True)


def model_field(
    locale: str, models: Mapping[str, str], usual: str = "", *, name: str = "model", label: str = "slack.form_model"
) -> Block:
    """Which model draws."""
    choices = [
        (say(locale, "slack.form_usual"), SAME),
        *((label, model) for model, label in models.items() if len(model) <= VALUE_CHARACTERS),
    ]
    return field(name, say(locale, label), menu(choices, usual), optional=True)


def allowed_field(locale: str, models: Sequence[str], allowed: Sequence[str]) -> Block:
    """Which models may be used; none chosen is all of them."""
    options = [option(model, model) for model in dict.fromkeys((*allowed, *models)) if len(model) <= VALUE_CHARACTERS]
    chosen = [one for one in options if one["value"] in allowed]
    element: Block = {"type": "multi_static_select", "options": options, "max_selected_items": MOST_ALLOWED}
    return field(
        "allowed",
        say(locale, "slack.settings_allowed"),
        element | ({"initial_options": chosen} if chosen else {}),
        optional=True,
    )


def style_field(locale: str, styles: Sequence[str]) -> list[Block]:
    """Which style, where there are any."""
    if not styles:
        return []
    choices = [(say(locale, "slack.form_usual"), SAME), *((style, style) for style in styles)]
    return [field("style", say(locale, "slack.form_style"), menu(choices), optional=True)]


def count_field(locale: str, most: int) -> Block:
    """How many pictures."""
    choices = [(str(count), str(count)) for count in range(1, most + 1)]
    return field("count", say(locale, "slack.form_count"), menu(choices), optional=True)


def files_field(locale: str) -> Block:
    """Pictures to work from."""
    element = {"type": "file_input", "filetypes": FILE_TYPES, "max_files": MOST_FILES}
    return field("files", say(locale, "slack.form_files"), element, optional=True)


def private_field(locale: str) -> Block:
    """Whether only this person is to see it."""
    element = {"type": "checkboxes", "options": [option(say(locale, "slack.form_private"), "private")]}
    return field("private", say(locale, "slack.form_who_sees"), element, optional=True)


def channel_field(locale: str, channel: str = "") -> Block:
    """Where it is to be shown; unless another is chosen in that channel, or where the person is."""
    element: Block = {"type": "conversations_select", "response_url_enabled": True}
    if channel and not channel.startswith("D"):
        element["initial_conversation"] = channel
    else:
        element["default_to_current_conversation"] = True
    return field("channel", say(locale, "slack.form_channel"), element)


def given_files(locale: str, references: Sequence[Reference]) -> list[Block]:
    """What is worked from already."""
    names = ", ".join(reference.name for reference in references)
    return [paragraph(say(locale, "note.using", names=names))] if names else []


def which_field(locale: str, count: int) -> list[Block]:
    """Which picture of several."""
    if count < 2:  # noqa: PLR2004 - several
        return []
    choices = [(str(number), str(number)) for number in range(1, count + 1)]
    return [field("which", say(locale, "slack.form_which"), menu(choices))]


def filled(view: dict[str, Any], context: Context) -> Filled:
    """What was filled in, whatever fields there were."""
    values = (view.get("state") or {}).get("values") or {}
    count = _chosen(values, "count")
    which = _chosen(values, "which")
    files = _element(values, "files").get("files")
    return Filled(
        prompt=str(_element(values, "prompt").get("value") or "").strip(),
        options=Options(
            aspect_ratio=_chosen(values, "ratio") or None,
            count=int(count) if count.isdigit() else 1,
            model=_chosen(values, "model") or None,
            private=bool(_element(values, "private").get("selected_options")),
            style=_chosen(values, "style") or None,
        ),
        references=(*context.references, *references_of(files)),
        channel=str(_element(values, "channel").get("selected_conversation") or context.channel),
        which=int(which) - 1 if which.isdigit() else 0,
    )


def chosen(view: dict[str, Any], name: str) -> str:
    """What was chosen from a menu; empty for what is usual."""
    return _chosen((view.get("state") or {}).get("values") or {}, name)


def text(view: dict[str, Any], name: str) -> str:
    """The words of a field."""
    return str(_element((view.get("state") or {}).get("values") or {}, name).get("value") or "").strip()


def people_field(name: str, label: str, chosen: Sequence[str], most: int) -> Block:
    """Which people."""
    element: Block = {"type": "multi_users_select", "max_selected_items": most}
    return field(name, label, element | ({"initial_users": list(chosen)} if chosen else {}), optional=True)


def people(view: dict[str, Any], name: str) -> tuple[str, ...]:
    """The people who were chosen."""
    element = _element((view.get("state") or {}).get("values") or {}, name)
    return tuple(dict.fromkeys(map(str, element.get("selected_users") or ())))


def ticked(view: dict[str, Any], name: str) -> tuple[str, ...]:
    """The values that were chosen from a menu of several."""
    element = _element((view.get("state") or {}).get("values") or {}, name)
    return tuple(str(one.get("value")) for one in element.get("selected_options") or () if isinstance(one, dict))


def one_channel(view: dict[str, Any], name: str) -> str:
    """The channel that was chosen; empty where none was."""
    element = _element((view.get("state") or {}).get("values") or {}, name)
    return str(element.get("selected_channel") or "")


def listed(view: dict[str, Any], name: str) -> tuple[str, ...]:
    """The channels that were chosen."""
    element = _element((view.get("state") or {}).get("values") or {}, name)
    return tuple(str(one) for one in element.get("selected_channels") or ())


def _element(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = (values.get(name) or {}).get(name)
    return found if isinstance(found, dict) else {}


def _chosen(values: dict[str, Any], name: str) -> str:
    value = str((_element(values, name).get("selected_option") or {}).get("value") or "")
    return "" if value == SAME else value
