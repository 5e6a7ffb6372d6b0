"""Commands, buttons, selects, modals and shortcuts: their payloads as Slack documents them."""

from tests.fakes.slack.core import Core
from tests.fakes.slack.messages import message_json
from tests.fakes.slack.model import Channel, Json, Message, User, View


def command(core: Core, user: User, channel: Channel, name: str, text: str) -> Json:
    """A slash command: flat form fields, no files, never a thread."""
    team = user.team
    fields: Json = {
        "token": core.app.verification_token,
        "team_id": team.id,
        "team_domain": team.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": core.app.app_id,
        "is_enterprise_install": "true" if team.org_wide else "false",
        "response_url": core.new_response_url(channel, user),
        "trigger_id": core.new_trigger(user),
    }
    if team.enterprise:
        fields |= {"enterprise_id": team.enterprise.id, "enterprise_name": team.enterprise.name}
    return fields


def block_action(core: Core, user: User, place: Message | View, block_id: str, action: Json) -> Json:
    """`block_actions` from a message, a modal or the Home tab."""
    payload = _interaction(core, user, "block_actions") | {"trigger_id": core.new_trigger(user)}
    payload["actions"] = [{**action, "block_id": block_id, "action_ts": core.clock.timestamp()}]
    if isinstance(place, View):
        payload["container"] = {"type": "view", "view_id": place.id}
        payload["view"] = core.view_json(place)
        return payload
    channel = place.channel
    payload["container"] = {
        "type": "message",
        "message_ts": place.ts,
        "channel_id": channel.id,
        "is_ephemeral": place.only_for is not None,
    }
    if place.thread_ts:
        payload["container"]["thread_ts"] = place.thread_ts
    payload["channel"] = {"id": channel.id, "name": _channel_name(channel)}
    payload["state"] = {"values": {}}
    if place.only_for is None:
        payload["message"] = message_json(core, place)
    payload["response_url"] = core.new_response_url(channel, user, place.ts).replace("/commands/", "/actions/")
    return payload


def view_submission(core: Core, user: User, view: View) -> Json:
    payload = _interaction(core, user, "view_submission") | {"trigger_id": core.new_trigger(user)}
    return payload | {"view": core.view_json(view), "response_urls": _response_urls(core, user, view)}


def _response_urls(core: Core, user: User, view: View) -> list[Json]:
    """One for each channel that was chosen in an input block whose menu asks for it."""
    found = []
    for block in view.blocks:
        element = block.get("element") or {}
        chosen = view.state.get(block["block_id"], {}).get(element.get("action_id"), {})
        place = chosen.get("selected_conversation") or chosen.get("selected_channel")
        if block["type"] == "input" and element.get("response_url_enabled") and place:
            url = core.new_response_url(user.team.channels[place], user).replace("/commands/", "/app/")
            named = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": place}
            found.append(named | {"response_url": url})
    return found


def view_closed(core: Core, user: User, view: View, *, is_cleared: bool) -> Json:
    return _interaction(core, user, "view_closed") | {"view": core.view_json(view), "is_cleared": is_cleared}


def global_shortcut(core: Core, user: User, callback_id: str) -> Json:
    """A global shortcut: no channel and no response_url."""
    asked = {"callback_id": callback_id, "action_ts": core.clock.timestamp(), "trigger_id": core.new_trigger(user)}
    return _interaction(core, user, "shortcut") | asked


def message_shortcut(core: Core, user: User, message: Message, callback_id: str) -> Json:
    """A message shortcut: the whole message, wherever it stands, and a response_url."""
    channel = message.channel
    return _interaction(core, user, "message_action") | {
        "callback_id": callback_id,
        "action_ts": core.clock.timestamp(),
        "trigger_id": core.new_trigger(user),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "message": message_json(core, message),
        "response_url": core.new_response_url(channel, user, message.ts).replace("/commands/", "/app/"),
    }


def _interaction(core: Core, user: User, kind: str) -> Json:
    team = user.team
    enterprise = {"id": team.enterprise.id, "name": team.enterprise.name} if team.enterprise else None
    home: Json | None = {"id": team.id, "domain": team.domain}
    if enterprise and home:
        home |= {"enterprise_id": enterprise["id"], "enterprise_name": enterprise["name"]}
    return {
        "type": kind,
        "token": core.app.verification_token,
        "team": None if team.org_wide else home,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": team.id},
        "api_app_id": core.app.app_id,
        "enterprise": enterprise,
        "is_enterprise_install": team.org_wide,
    }


def _channel_name(channel: Channel) -> str:
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)
