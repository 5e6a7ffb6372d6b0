"""A modal filled in by a person, as the client submits it."""

from collections.abc import Mapping
from typing import Any

from simcord.backend.models import Channel
from simcord.components import validate_modal

from tests.fakes.discord.cdn import SignedCdn
from tests.fakes.discord.commands import Resolved, resolve_upload
from tests.fakes.discord.interactions import NotAllowed, Upload
from tests.fakes.discord.world import World

_ROW, _TEXT, _LABEL = 1, 10, 18
_TEXT_INPUT, _SELECT, _FILES, _RADIO, _BOXES, _BOX = 4, 3, 19, 21, 22, 23


class ModalForm:
    """Collects the values; unknown names, missing required values and values out of bounds are refused."""

    def __init__(self, world: World, cdn: SignedCdn, channel: Channel) -> None:
        self._world, self._cdn, self._channel = world, cdn, channel
        self._resolved: Resolved = {}
        self._left: dict[str, Any] = {}

    def fill_in(self, modal: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """The data of the MODAL_SUBMIT interaction. `values` are keyed by custom_id or label."""
        spec = validate_modal(modal)
        self._left = dict(values)
        components = [self._node(node, None) for node in spec["components"]]
        if self._left:
            raise NotAllowed(f"the modal has no {sorted(self._left)}")
        data: dict[str, Any] = {"custom_id": spec["custom_id"], "components": components}
        return data | ({"resolved": self._resolved} if self._resolved else {})

    def _node(self, node: dict[str, Any], label: str | None) -> dict[str, Any]:
        shell = {"type": node["type"], "id": node["id"]}
        if node["type"] == _TEXT:
            return shell
        if node["type"] == _ROW:
            return shell | {"components": [self._node(child, None) for child in node["components"]]}
        if node["type"] == _LABEL:
            return shell | {"component": self._node(node["component"], node["label"])}
        return shell | {"custom_id": node["custom_id"]} | self._control(node, label or node.get("label"))

    def _control(self, node: dict[str, Any], label: str | None) -> dict[str, Any]:
        given = self._left.pop(node["custom_id"], None)
        if given is None and label is not None:
            given = self._left.pop(label, None)
        kind = node["type"]
        if kind == _TEXT_INPUT:
            return {"value": _text(node, given)}
        if kind == _FILES:
            return {"values": self._files(node, given)}
        if kind == _BOX:
            return {"value": bool(node.get("default")) if given is None else bool(given)}
        if kind == _RADIO:
            return {"value": next(iter(_chosen(node, given)), None)}
        if kind in (_SELECT, _BOXES):
            return {"values": _chosen(node, given)}
        raise NotAllowed(f"the fake does not fill in components of type {kind}")

    def _files(self, node: dict[str, Any], given: Any) -> list[str]:
        uploads = [given] if isinstance(given, Upload) else list(given or ())
        _within(node, len(uploads))
        return [resolve_upload(self._world, self._cdn, upload, self._channel, self._resolved) for upload in uploads]


def _text(node: dict[str, Any], given: Any) -> str:
    text = node.get("value") or "" if given is None else str(given)
    if not text and node.get("required", True):
        raise NotAllowed(f"{node['custom_id']!r} is required")
    if text and not (node.get("min_length") or 0) <= len(text) <= (node.get("max_length") or 4000):
        raise NotAllowed(f"{node['custom_id']!r} cannot have {len(text)} characters")
    return text


def _chosen(node: dict[str, Any], given: Any) -> list[str]:
    options = node.get("options") or []
    if given is None:
        values = [option["value"] for option in options if option.get("default")]
    else:
        values = [given] if isinstance(given, str) else list(given)
    if strange := set(values) - {option["value"] for option in options}:
        raise NotAllowed(f"{node['custom_id']!r} does not offer {sorted(strange)}")
    _within(node, len(values))
    return values


def _within(node: dict[str, Any], count: int) -> None:
    least, most = node.get("min_values"), node.get("max_values")
    least = 1 if least is None else least
    if count == 0 and not node.get("required", True):
        return
    if not least <= count <= (1 if most is None else most):
        raise NotAllowed(f"{node['custom_id']!r} takes {least} to {most} values, not {count}")
