"""The names of everything that people press, choose and submit. The manifest and Slack's payloads know them too."""

from enum import StrEnum

PLATFORM = "slack"


class Action(StrEnum):
    """Buttons and menus on messages. Their value is the short key of a turn, and nothing else."""

    EDIT = "edit"
    AGAIN = "again"
    VARIATIONS = "variations"
    UNDO = "undo"
    CANCEL = "cancel"
    RATIO = "ratio"
    SHARE = "share"
    MORE = "more"


class More(StrEnum):
    """What is chosen in the overflow menu of a result; the labels are the sentences `button.<value>`."""

    PATH = "path"
    COMPARE = "compare"
    COMPARE_WITH = "compare_with"
    RESTORE = "restore"
    FORK_TO = "fork_to"


class HomeAction(StrEnum):
    """What is pressed and chosen in App Home."""

    BEGIN = "home_begin"
    CANCEL = "home_cancel"
    MODEL = "home_model"
    RATIO = "home_ratio"
    SETTINGS = "home_settings"
    UNSAVE = "home_unsave"


class Form(StrEnum):
    """Modals, by their `callback_id`."""

    IMAGINE = "form_imagine"
    EDIT = "form_edit"
    SHARE = "form_share"
    SETTINGS = "form_settings"
    COMPARE = "form_compare"
    WHICH = "form_which"
    FORK = "form_fork"
    SAVE = "form_save"


class Shortcut(StrEnum):
    """Shortcuts, by their `callback_id` in the manifest."""

    IMAGINE = "imagine"
    EDIT_IMAGE = "edit_image"
    USE_AS_REFERENCE = "use_as_reference"
    HISTORY = "history"
    SAVE_AS_REFERENCE = "save_as_reference"
