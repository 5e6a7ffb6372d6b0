"""Acting as a person on what the app shows: buttons, selects, modals, shortcuts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.fakes.slack import interactions, views
from tests.fakes.slack.call import SlackError
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.model import Json, Message, Upload, User, View
from tests.fakes.slack.people import Writing
from tests.fakes.slack.text import objects

Place = Message | View
_ONE_CHOICE = {"static_select", "radio_buttons", "overflow"}
_SENT_OF_BUTTONS = ("action_id", "type", "text", "value", "style")
_MANY_CHOICES = {"multi_static_select", "checkboxes"}


@dataclass(frozen=True, slots=True)
class Element:
    """Something to click as it stood when it was looked at; it can be pressed later even if it has gone since."""

    place: Place = field(repr=False)
    block_id: str
    json: Json = field(repr=False)

    @property
    def action_id(self) -> str:
        return str(self.json.get("action_id", ""))

    @property
    def kind(self) -> str:
        return str(self.json["type"])

    @property
    def label(self) -> str:
        """The words on a button, or a select's placeholder."""
        words = self.json.get("text") or self.json.get("placeholder") or {}
        return str(words.get("text", ""))

    @property
    def value(self) -> str | None:
        return self.json.get("value")

    @property
    def options(self) -> list[Json]:
        groups = [option for group in self.json.get("option_groups", []) for option in group["options"]]
        return [*self.json.get("options", []), *groups]


def elements(place: Place) -> list[Element]:
    """Everything with an `action_id` on a message or a view, in order."""
    return [
        Element(place, block["block_id"], item)
        for block in place.blocks
        for item in objects(block)
        if "action_id" in item
    ]


class Interacting(Writing):
    """What people do with buttons, selects, modals and shortcuts."""

    def element(self, place: Place, action_id: str, *, value: str | None = None) -> Element:
        """The button or select with this action (and value) on a message or view.

        Raises:
            LookupError: it is not there; names what is.
        """
        there = elements(place)
        for item in there:
            if item.action_id == action_id and value in (None, item.value):
                return item
        raise LookupError(f"no {action_id!r} ({value!r}) among {[(e.action_id, e.value) for e in there]}")

    async def press(
        self, user: User, what: Place | Element, action_id: str = "", *, value: str | None = None
    ) -> Delivery:
        """Press a button: an `Element` kept from before, or the one with this action (and value) on a place."""
        element = what if isinstance(what, Element) else self.element(what, action_id, value=value)
        kept: Json = {key: element.json[key] for key in _SENT_OF_BUTTONS if key in element.json}
        return await self._act(user, element, kept)

    async def choose(self, user: User, what: Place | Element, value: str, action_id: str = "") -> Delivery:
        """Choose the option with this value in a select, overflow menu or group of radio buttons."""
        element = what if isinstance(what, Element) else self.element(what, action_id)
        option = _option(element, value)
        chosen: Json = {"type": element.kind, "action_id": element.action_id}
        chosen |= {"selected_options": [option]} if element.kind in _MANY_CHOICES else {"selected_option": option}
        if isinstance(element.place, View):
            element.place.state.setdefault(element.block_id, {})[element.action_id] = chosen
        return await self._act(user, element, chosen)

    async def _act(self, user: User, element: Element, action: Json) -> Delivery:
        if user.deleted:
            raise ValueError(f"{user.name} is deactivated")
        payload = interactions.block_action(self, user, element.place, element.block_id, action)
        return await self._sent(payload)

    async def _sent(self, payload: Json) -> Delivery:
        delivery = self.outbox.send("interactive", payload)
        await delivery.settled.wait()
        return delivery

    async def shortcut(self, user: User, callback_id: str) -> Delivery:
        """Use a global shortcut."""
        return await self._sent(interactions.global_shortcut(self, user, callback_id))

    async def message_shortcut(self, user: User, message: Message, callback_id: str) -> Delivery:
        """Use a shortcut from a message's menu, in any channel, the app a member or not."""
        return await self._sent(interactions.message_shortcut(self, user, message, callback_id))

    def modal(self, user: User) -> View | None:
        """The modal this person looks at (the top one), or None."""
        stack = self.modals.get(user) or []
        return stack[-1] if stack else None

    async def submit(
        self, user: User, values: Mapping[str, object] | None = None, *, files: Mapping[str, list[Upload]] | None = None
    ) -> Delivery:
        """Fill in the open modal and submit it; what is not named keeps its initial value.

        Args:
            user: whose modal.
            values: by `action_id`: text, an option's value, or a list of values (ids, of channels and people).
            files: by the `action_id` of a `file_input`.

        The modal then does what the acknowledgement says: closes, shows `View.errors`, is updated or pushed.
        """
        view = self.modal(user)
        if view is None:
            raise LookupError(f"{user.name} has no modal open")
        for block in view.blocks:
            element = block.get("element") if block.get("type") == "input" else None
            if element is None:
                continue
            place = view.state.setdefault(block["block_id"], {})
            named = element["action_id"]
            if element["type"] == "file_input":
                place[named] = await self._files(user, element, (files or {}).get(named, []))
            else:
                place[named] = _filled(Element(view, block["block_id"], element), (values or {}).get(named))
        unknown = {*(values or {}), *(files or {})} - {action for block in view.state.values() for action in block}
        if unknown:
            raise LookupError(f"no input {sorted(unknown)} in the modal")
        delivery = await self._sent(interactions.view_submission(self, user, view))
        if not delivery.failed:
            self._after_submission(view, delivery.answer or {})
        return delivery

    async def _files(self, user: User, element: Json, uploads: list[Upload]) -> Json:
        if len(uploads) > element.get("max_files", 10):
            raise ValueError(f"at most {element.get('max_files', 10)} files")
        described = []
        for upload in uploads:
            file = await self.upload(user, upload)
            file.given_to_app = True
            described.append(self.files.describe(file, self.base_url))
        return {"type": "file_input", "files": described}

    def _after_submission(self, view: View, answer: Json) -> None:
        stack = self.modals.get(view.user, [])
        action = answer.get("response_action")
        view.errors = {}
        if action == "errors":
            view.errors = dict(answer["errors"])
            unknown = set(view.errors) - {block["block_id"] for block in view.blocks if block["type"] == "input"}
            if unknown:
                self.violation("view_submission", f"errors for unknown blocks {sorted(unknown)}", answer)
        elif action in {"update", "push"}:
            self._answered_with_view(view, stack, answer)
        elif action == "clear":
            stack.clear()
        elif view in stack:
            stack.remove(view)
        self.happened()

    def _answered_with_view(self, view: View, stack: list[View], answer: Json) -> None:
        token = self.installation(view.user.team)
        if token is None:
            return
        try:
            if answer["response_action"] == "update":
                views.replace_content(self, "view_submission", token, view, {"view": answer["view"]})
                view.state = {}
            else:
                content = views.checked_view(self, "view_submission", token, answer["view"], kind="modal")
                stack.append(views.new_view(self, view.user, content, view))
        except SlackError as refused:
            self.violation("view_submission", str(refused), answer)

    async def close_modal(self, user: User, *, everything: bool = False) -> Delivery | None:
        """Dismiss the top modal (or the whole stack); `view_closed` is sent when the view asked for it."""
        view = self.modal(user)
        if view is None:
            raise LookupError(f"{user.name} has no modal open")
        stack = self.modals[user]
        stack.clear() if everything else stack.remove(view)
        self.happened()
        if not view.content.get("notify_on_close"):
            return None
        return await self._sent(interactions.view_closed(self, user, view, is_cleared=everything))


def _option(element: Element, value: str) -> Json:
    for option in element.options:
        if option["value"] == value:
            return option
    raise LookupError(f"no option {value!r} among {[o['value'] for o in element.options]}")


def _filled(element: Element, given: object) -> Json:
    """The state of one input: what the person gave, or what it began with."""
    kind, json = element.kind, element.json
    if kind in _ONE_CHOICE:
        option = _option(element, str(given)) if given is not None else json.get("initial_option")
        return {"type": kind, "selected_option": option}
    if kind in _MANY_CHOICES:
        wanted = given if isinstance(given, list) else None
        options = (
            [_option(element, value) for value in wanted] if wanted is not None else json.get("initial_options", [])
        )
        return {"type": kind, "selected_options": options}
    if kind.startswith("multi_"):
        plural = kind.removeprefix("multi_").removesuffix("_select")
        return {
            "type": kind,
            f"selected_{plural}": given if isinstance(given, list) else json.get(f"initial_{plural}", []),
        }
    if kind.endswith("conversations_select"):
        return {"type": kind, "selected_conversation": given or json.get("initial_conversation")}
    if kind.endswith("channels_select"):
        return {"type": kind, "selected_channel": given or json.get("initial_channel")}
    if kind.endswith("users_select"):
        return {"type": kind, "selected_user": given or json.get("initial_user")}
    text = json.get("initial_value") if given is None else str(given)
    most = json.get("max_length", 3000)
    if text is not None and len(text) > most:
        raise ValueError(f"Slack's input takes {most} characters, not {len(text)}")
    return {"type": kind, "value": text or None}
