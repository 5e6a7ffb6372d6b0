"""The history of a conversation as the service tells it: opaque to the client, checked when it comes back.

A turn is `{"role": …, "parts": […]}`. Besides what a client has to understand, turns and parts carry values that mean
nothing to it. The signature of each of the model's turns covers everything before it but where its pictures are, so the
service has to remember nothing to know whether a history is its own, and a picture that has moved may be pointed at
where it is now.
"""

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from core.providers.simulated.rejection import Rejection

Turn: TypeAlias = dict[str, Any]

SIGNATURE = "thoughtSignature"
PICTURE_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/heic", "image/heif")
BYTES_PER_TOKEN = 4
PLACEHOLDER: Turn = {"role": "user", "parts": [{"text": ""}, {"fileData": {"fileUri": "", "mimeType": ""}}]}


@dataclass(frozen=True, slots=True)
class Conversation:
    """A history and the turn that goes on from it.

    `base` is the link of the picture that the turn edits, empty for a first turn; `links` are all of the pictures in
    it, those of `references` included.
    """

    history: list[Turn]
    turn: Turn
    prompt: str
    references: tuple[str, ...]
    base: str
    links: tuple[str, ...]

    def tokens(self, per_picture: int) -> int:
        """How much of the model's attention it takes: words, and every picture."""
        turns = [*self.history, self.turn]
        words = "".join(part.get("text", "") for turn in turns for part in turn["parts"])
        return len(words.encode("utf-8", "replace")) // BYTES_PER_TOKEN + per_picture * len(self.links)


def user_turn(prompt: str, links: Sequence[str]) -> Turn:
    """What a person said, as a turn."""
    kinds = ("image/jpeg" if link.endswith((".jpg", ".jpeg")) else "image/png" for link in links)
    files = [{"fileData": {"fileUri": link, "mimeType": kind}} for link, kind in zip(links, kinds, strict=True)]
    return {"role": "user", "parts": [*([{"text": prompt}] if prompt else []), *files]}


def read(contents: Any, secret: bytes) -> Conversation:
    """What a client sent as `contents`. Raises `Rejection` when it is not the service's own with one turn added."""
    if not isinstance(contents, list) or not contents or not all(_is_turn(turn) for turn in contents):
        raise Rejection("Invalid contents: a list of turns with role and parts is needed")
    *history, last = contents
    if last["role"] != "user":
        raise Rejection("Invalid contents: the last turn must be the user's")
    if history:
        _check_untouched(history, secret)
    turn = {**last, "parts": [part for part in last["parts"] if _says_something(part)]}
    if not turn["parts"]:
        raise Rejection("Invalid contents: the last turn is empty")
    earlier = [link for told in history for link in _links(told)]
    references = _links(turn)
    prompt = "\n".join(part["text"] for part in turn["parts"] if part.get("text"))
    base = _links(history[-1])[-1:] if history else []
    return Conversation(history, turn, prompt, tuple(references), base[0] if base else "", (*earlier, *references))


def following(
    conversation: Conversation, answer: Turn, secret: bytes, *, seed: int, rewrite: bool, placeholder: bool
) -> list[Turn]:
    """The `next_turn_contents` after the model's answer."""
    random = Random(seed)  # noqa: S311 - opaque, not secret
    turns: list[Turn] = []
    for turn in conversation.history:
        told = copy.deepcopy(turn)
        turns.append(_sign(turns, _mark(told, random), secret) if rewrite else told)
    turns.append(_mark(copy.deepcopy(conversation.turn), random))
    turns.append(_sign(turns, _mark(answer, random), secret))
    if placeholder:
        turns.append(copy.deepcopy(PLACEHOLDER))
    return turns


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in ("user", "model")
        and isinstance(turn.get("parts"), list)
        and all(_is_part(part) for part in turn["parts"])
    )


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("text", ""), str):
        return False
    file = part.get("fileData", {})
    return isinstance(file, dict) and all(isinstance(file.get(key, ""), str) for key in ("fileUri", "mimeType"))


def _says_something(part: Turn) -> bool:
    return bool(part.get("text") or part.get("fileData", {}).get("fileUri"))


def _links(turn: Turn) -> list[str]:
    files = [part["fileData"] for part in turn["parts"] if part.get("fileData", {}).get("fileUri")]
    for file in files:
        if file.get("mimeType") not in PICTURE_TYPES:
            raise Rejection("Invalid contents: unsupported mimeType")
    return [file["fileUri"] for file in files]


def _mark(turn: Turn, random: Random) -> Turn:
    """Add what a client must neither understand nor lose: nested, empty, null, exact and non-Latin values."""
    for part in turn["parts"]:
        part[SIGNATURE] = base64.b64encode(random.randbytes(48)).decode()
    turn["turnToken"] = random.randbytes(9).hex()
    turn["x-context"] = {
        "serial": 2**53 + 1 + 2 * random.getrandbits(32),
        "weights": [round(random.random(), 12), 1e-7, -0.5],
        "note": "żółć ✓ \u2028",
        "spans": [],
        "extra": {},
        "grounding": None,
    }
    return turn


def _sign(before: Sequence[Turn], turn: Turn, secret: bytes) -> Turn:
    if turn["role"] == "model":
        turn["parts"][-1][SIGNATURE] = _signature([*before, turn], secret)
    return turn


def _check_untouched(history: list[Turn], secret: bytes) -> None:
    last = history[-1]
    if last["role"] != "model" or not last["parts"]:
        raise Rejection("Invalid contents: turns must alternate between user and model")
    told = last["parts"][-1].get(SIGNATURE)
    if not isinstance(told, str) or not hmac.compare_digest(told.encode(), _signature(history, secret).encode()):
        raise Rejection("Invalid contents: thought signature is missing or does not match")


def _signature(turns: Sequence[Turn], secret: bytes) -> str:
    *earlier, last = turns
    *parts, signed = last["parts"]
    bare = {key: value for key, value in signed.items() if key != SIGNATURE}
    turns = [_without_files(turn) for turn in (*earlier, {**last, "parts": [*parts, bare]})]
    told = json.dumps(turns, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(hmac.digest(secret, told.encode(), hashlib.sha256)).decode()


def _without_files(turn: Turn) -> Turn:
    parts = ({**part, "fileData": None} if "fileData" in part else part for part in turn["parts"])
    return {**turn, "parts": list(parts)}
