"""Buttons, menus and forms as Discord's JSON. Every control of ours is named `<action>:<key of a turn>`."""

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Any, TypeAlias

Component: TypeAlias = dict[str, Any]

MOST_OPTIONS = 25
LABEL_CHARACTERS = 45
LINK_CHARACTERS = 512
_ROW, _BUTTON, _SELECT, _TEXT_INPUT, _LABEL, _FILES = 1, 2, 3, 4, 18, 19
_ROLE_SELECT, _CHANNEL_SELECT = 6, 8
_LINK_STYLE = 5
_SHORT, _PARAGRAPH = 1, 2
PROMPT_LIMIT = 4000


class Style(IntEnum):
    """How much a button asks to be pressed."""

    PRIMARY = 1
    SECONDARY = 2
    DANGER = 4


class Action(StrEnum):
    """What a control of ours does."""

    EDIT = "edit"
    AGAIN = "again"
    VARIATIONS = "variations"
    UNDO = "undo"
    DELETE = "delete"
    PUBLISH = "publish"
    CANCEL = "cancel"
    SHOW = "show"
    RATIO = "ratio"
    MORE = "more"
    WHICH = "which"
    PATH = "path"
    COMPARE = "compare"
    BACK = "back"
    FORK = "fork"


class More(StrEnum):
    """What is chosen in the menu of a result; the labels are the sentences `button.<value>`."""

    PATH = "path"
    COMPARE = "compare"
    COMPARE_WITH = "compare_with"
    RESTORE = "restore"
    FORK = "fork"
    FORK_TO = "fork_to"


def control_id(action: Action, key: str, index: int = 0) -> str:
    """The name of a control. `index` is which picture of the turn it is about."""
    return f"{action}:{key}:{index}" if index else f"{action}:{key}"


def row(*controls: Component) -> Component:
    """Controls side by side, five at most."""
    return {"type": _ROW, "components": list(controls)}


def button(action: Action, key: str, label: str, style: Style = Style.SECONDARY) -> Component:
    """A button of ours."""
    return {"type": _BUTTON, "style": int(style), "label": label, "custom_id": control_id(action, key)}


def link_button(url: str, label: str) -> Component:
    """A button that opens a page."""
    return {"type": _BUTTON, "style": _LINK_STYLE, "label": label, "url": url}


def select(custom_id: str, placeholder: str, values: Sequence[str], labels: Sequence[str] = ()) -> Component:
    """A menu of which one is chosen."""
    named = list(zip(values, labels or values, strict=True))[:MOST_OPTIONS]
    return {
        "type": _SELECT,
        "custom_id": custom_id,
        "placeholder": placeholder,
        "options": [{"label": label, "value": value} for value, label in named],
    }


def channel_select(custom_id: str, placeholder: str) -> Component:
    """A menu of the server's text channels."""
    return {"type": _CHANNEL_SELECT, "custom_id": custom_id, "placeholder": placeholder, "channel_types": [0, 5]}


def role_select(custom_id: str, placeholder: str, most: int, chosen: Sequence[str] = ()) -> Component:
    """A menu of the server's roles. Whoever opens it finds `chosen` chosen, and may add to them."""
    menu: Component = {
        "type": _ROLE_SELECT,
        "custom_id": custom_id,
        "placeholder": placeholder,
        "min_values": 1,
        "max_values": most,
    }
    # None at all would be fewer than are to be chosen at least.
    return menu | ({"default_values": [{"id": role, "type": "role"} for role in chosen]} if chosen else {})


def text_input(custom_id: str, *, placeholder: str, value: str = "", required: bool = True) -> Component:
    """A field for the prompt."""
    field: Component = {
        "type": _TEXT_INPUT,
        "custom_id": custom_id,
        "style": _PARAGRAPH,
        "placeholder": placeholder[:100],
        "required": required,
        "max_length": PROMPT_LIMIT,
    }
    return field | ({"value": value[:PROMPT_LIMIT]} if value else {})


def short_input(custom_id: str, *, placeholder: str, limit: int) -> Component:
    """A field for a few words on one line."""
    return {
        "type": _TEXT_INPUT,
        "custom_id": custom_id,
        "style": _SHORT,
        "placeholder": placeholder[:100],
        "required": True,
        "max_length": limit,
    }


def file_upload(custom_id: str, most: int) -> Component:
    """A place to drop up to `most` files."""
    return {"type": _FILES, "custom_id": custom_id, "min_values": 0, "max_values": most, "required": False}


def labelled(label: str, component: Component) -> Component:
    """A field of a form under its label."""
    return {"type": _LABEL, "label": label[:LABEL_CHARACTERS], "component": component}


def form(custom_id: str, title: str, *fields: Component) -> Component:
    """A form, five fields at most."""
    return {"custom_id": custom_id, "title": title[:LABEL_CHARACTERS], "components": list(fields)}
