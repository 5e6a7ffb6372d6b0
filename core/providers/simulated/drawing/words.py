"""What the words of a prompt call for."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

_FILE = Path(__file__).with_name("words.toml")

_EMBLEMS = ("crystal", "arch", "cairn", "orb")
"""What stands in a picture whose words name nothing that can be drawn."""

_TERRAINS = ("mountains", "hills", "sea", "hills", "mountains")
_MOODS_OF = {"space": ("space",), "desert": ("desert", "sunset"), "city": ("dusk", "dawn", "sunset", "night")}
_MOODS = ("day", "dawn", "sunset", "meadow", "mist", "dusk")

_INSTRUCTION = re.compile(
    r"\W*(please\s+)?(now\s+)?"
    r"(make|turn|change|add|remove|replace|put|edit|crop|zoom|colou?r|give|set|move|mirror|flip|blur|darken|brighten"
    r"|same|this|it|with|without|more|less|bigger|smaller|closer|in\s+the\s+style)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be seen: a mood's name, a terrain, and motifs in the order they were named."""

    mood: str
    terrain: str
    motifs: tuple[str, ...]
    snow: bool
    rain: bool


def words(prompt: str) -> list[str]:
    """The words of a prompt, in small letters."""
    return re.findall(r"[^\W\d_]+", prompt.lower())


def motifs_named(prompt: str) -> tuple[str, ...]:
    """The motifs that a prompt names, first named first."""
    named = vocabulary()["motifs"]
    return tuple(dict.fromkeys(named[word] for word in words(prompt) if word in named))


def subject(prompt: str, random: Random) -> Subject:
    """What a prompt calls for; chance fills in what it leaves open."""
    told, known = words(prompt), vocabulary()
    named = (known["terrains"][word] for word in told if word in known["terrains"])
    terrain = next(named, "") or random.choice(_TERRAINS)
    said = {known["moods"][word] for word in told if word in known["moods"]}
    listed = dict.fromkeys(known["moods"].values())
    mood = next((name for name in listed if name in said), "") or random.choice(_MOODS_OF.get(terrain, _MOODS))
    found = motifs_named(prompt)
    if not found and not any(word in known["scenery"] for word in told):
        found = (random.choice(_EMBLEMS),)
    snow = not {"snow", "snowy", "snowing", "blizzard"}.isdisjoint(told)
    rain = not {"rain", "rainy", "storm", "stormy"}.isdisjoint(told)
    return Subject(mood, terrain, found, snow=snow, rain=rain)


def is_instruction(prompt: str) -> bool:
    """Whether a prompt sounds like a change of a picture rather than a picture."""
    return bool(_INSTRUCTION.match(prompt))


@cache
def vocabulary() -> Mapping[str, Mapping[str, str]]:
    """For each section of the file, what each word stands for."""
    sections = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        section: {word: name for name, known in entries.items() for word in known.split()}
        for section, entries in sections.items()
    }
