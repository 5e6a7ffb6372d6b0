"""Colours, and the moods that choose them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)


def colour(code: str) -> Colour:
    """The colour of six hexadecimal digits."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Between two colours: `share` 0 is the one, 1 the other."""
    (red, green, blue), (other_red, other_green, other_blue) = one, other
    return (
        round(red + (other_red - red) * share),
        round(green + (other_green - green) * share),
        round(blue + (other_blue - blue) * share),
    )


def along(stops: Sequence[Colour], position: float) -> Colour:
    """The colour at a position from 0 to 1 along evenly spaced stops."""
    place = min(max(position, 0.0), 1.0) * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    return mix(stops[left], stops[left + 1], place - left)


def brightness(of: Colour) -> float:
    """From 0, black, to 1, white, as the eye sees it."""
    return (0.299 * of[0] + 0.587 * of[1] + 0.114 * of[2]) / 255


@dataclass(frozen=True, slots=True)
class Mood:
    """The light of a picture: the sky from the top down, sun or moon, the land from far to near, and what is lit."""

    sky: tuple[Colour, ...]
    light: Colour
    far: Colour
    near: Colour
    cloud: Colour
    accent: Colour
    dark: bool = False
    """Whether stars are out and windows lit."""

    @property
    def haze(self) -> Colour:
        """What distance fades into."""
        return self.sky[-1]


def _mood(sky: str, light: str, land: str, cloud: str, accent: str, *, dark: bool = False) -> Mood:
    far, near = land.split()
    stops = tuple(colour(code) for code in sky.split())
    return Mood(stops, colour(light), colour(far), colour(near), colour(cloud), colour(accent), dark)


MOODS: dict[str, Mood] = {
    "day": _mood("2f7fc1 6fb4e0 b5dcec f3efdc", "fff6d8", "9cc3c4 2c5f4a", "ffffff", "e4572e"),
    "noon": _mood("1c93b8 56bfcf a8e0d8 fbf3d4", "fffbe6", "8ecfc0 1f6f5c", "ffffff", "f2545b"),
    "dawn": _mood("4a5a9a 9a7fb5 f0a8a0 ffdfb8", "fff0cf", "c99bb0 3d4468", "ffd9d0", "f26a5b"),
    "dusk": _mood("2b1f56 6d2f7c d9536f ff9b5c ffd58a", "ffe6a8", "b9567e 2a1740", "ff8f7a", "ffb84d", dark=True),
    "sunset": _mood("3a2a6b a8427f f0705c ffb25b ffe19a", "fff1c4", "c8607a 3a1c44", "ffa07a", "ffd166"),
    "night": _mood("070b24 111c47 24386f 44609a", "f3f0dd", "35508a 0a1230", "3a4f86", "ffd27a", dark=True),
    "aurora": _mood("050a1f 0c2340 11485a 2a7f78", "e9fbe8", "1f5a66 06121f", "2f6f78", "8dffc2", dark=True),
    "winter": _mood("7f9fc4 adc5de d8e3ec f7f1ea", "ffffff", "c3d3e2 5c7894", "ffffff", "d1495b"),
    "autumn": _mood("8fa7b8 cdbfae f0d2a2 fbe6b8", "fff2cc", "d9a066 6b2f1a", "fff0dc", "c8401f"),
    "mist": _mood("8fa9a6 b3c6bf d5dfd4 eeeee2", "fffdf0", "bccdc4 3b5a55", "f4f4ec", "d97b4a"),
    "storm": _mood("232b38 3c4858 66737e 9aa3a3", "dfe7ea", "6c7a82 1b242c", "55606c", "ffd27a", dark=True),
    "desert": _mood("3f8fb0 8fc4c2 f3d9a4 ffcf87", "fff6dc", "f0b678 a8482f", "fff0d8", "2a7f86"),
    "neon": _mood("10063a 3b0d6b a01a8c ff4f8b ffb06b", "ffe45e", "7a1f8f 12062f", "ff5fa2", "29e7ff", dark=True),
    "space": _mood("03030f 0c0a2e 261153 5a2a7a", "ffe9c7", "4a2a70 0b0722", "6a3f9a", "4fe3d0", dark=True),
    "meadow": _mood("5aa0d8 9ccbe8 d3e9e2 fdf4cf", "fffbe0", "b3d5a0 2f6b3a", "ffffff", "e8505b"),
}
