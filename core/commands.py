"""What people type: words and options out of one line of text."""

import re
from dataclasses import replace

from core.errors import Declined
from core.ports import Capabilities
from core.turns import Options

OPTIONS = {"--ar": "16:9", "--n": "2", "--model": "gemini-2.5-flash-image", "--size": "2K", "--style": "noir"}
"""The options that take a value, each with an example; `--private` takes none."""
FLAGS = ("--private",)
SYNONYMS = {"--aspect": "--ar", "--ratio": "--ar", "--aspect-ratio": "--ar", "--count": "--n"}

_SHAPES = {"wide": "16:9", "landscape": "3:2", "square": "1:1", "portrait": "2:3", "tall": "9:16"}
_QUOTES = str.maketrans("“”„«»‘’‚", '"""""\'\'\'')
# Phones make one long dash of two hyphens; a dash before any other word is prose.
_NAMES = "|".join(name.removeprefix("--") for name in (*OPTIONS, *FLAGS, *SYNONYMS))
_DASHES = re.compile(rf"(?:^|(?<=\s))(?:—|–|―|−−|−)(?=(?:{_NAMES})\b)", re.IGNORECASE)
_OPTION = re.compile(r"(?:^|(?<=\s))(--[a-zA-Z][a-zA-Z-]*)(?:(?:=|\s+)(\"[^\"]*\"|'[^']*'|(?!--)\S+))?")


def parse(text: str) -> tuple[str, Options]:
    """The prompt and the options of `a fox --ar 16:9 --n=2`, as keyboards and phones write it.

    Raises `Declined` for an option that is unknown, or lacks its value.
    """
    text = _DASHES.sub("--", text)
    options = Options()
    prompt: list[str] = []
    end = 0
    for found in _OPTION.finditer(text):
        name = SYNONYMS.get(found[1].lower(), found[1].lower())
        prompt.append(text[end : found.start()])
        end = found.end(1) if name in FLAGS else found.end()
        options = _with(options, name, (found[2] or "").translate(_QUOTES).strip("\"'"))
    prompt.append(text[end:])
    return re.sub(r"[ \t]+", " ", "".join(prompt)).strip(), options


def _with(options: Options, name: str, value: str) -> Options:
    if name in FLAGS:
        return replace(options, private=True)
    if name not in OPTIONS:
        raise Declined("declined.unknown_option", {"option": name, "known": ", ".join((*OPTIONS, *FLAGS))})
    if not value:
        raise Declined("declined.option_without_value", {"option": name, "example": f"{name} {OPTIONS[name]}"})
    match name:
        case "--ar":
            return replace(options, aspect_ratio=value.replace("x", ":").replace("/", ":"))
        case "--n":
            return replace(options, count=int(value) if re.fullmatch(r"[0-9]{1,3}", value) else 0)
        case "--model":
            return replace(options, model=value)
        case "--style":
            return replace(options, style=value)
        case _:
            return replace(options, size=value)


def check(prompt: str, options: Options, capabilities: Capabilities, *, most_images: int, length: int = 0) -> None:
    """Raise `Declined` for what the model will not take, before anything is spent.

    `length` is how many characters the prompt has as it is sent, where that is more than was typed.
    """
    model, known = capabilities.model, capabilities.aspect_ratios
    if not prompt.strip():
        raise Declined("declined.empty_prompt")
    length = max(length, len(prompt))
    if length > capabilities.max_prompt:
        raise Declined("declined.prompt_too_long", {"length": length, "model": model, "limit": capabilities.max_prompt})
    limit = min(most_images, capabilities.max_images)
    if not 1 <= options.count <= limit:
        raise Declined("declined.bad_count", {"limit": limit})
    if options.aspect_ratio and not known:
        raise Declined("declined.no_ratios", {"model": model})
    if options.aspect_ratio and options.aspect_ratio not in known:
        details = {"ratio": options.aspect_ratio, "model": model, "known": ", ".join(known)}
        raise Declined("declined.unknown_ratio", {**details, "suggestion": nearest_ratio(options.aspect_ratio, known)})
    if options.size and not capabilities.sizes:
        raise Declined("declined.no_sizes", {"model": model})
    if options.size and options.size not in capabilities.sizes:
        details = {"size": options.size, "model": model, "known": ", ".join(capabilities.sizes)}
        raise Declined("declined.unknown_size", details)


def nearest_ratio(asked: str, known: tuple[str, ...]) -> str:
    """The ratio that a person who typed `asked` most likely meant, by its shape or its name."""
    try:
        named = _SHAPES.get(asked.lower(), asked)
        width, height = (float(part) for part in re.split(r"[:.x/,-]", named, maxsplit=1))
        shape = width / height
    except (ValueError, ZeroDivisionError):
        return known[0]
    return min(known, key=lambda ratio: abs(_shape(ratio) - shape))


def _shape(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)
