"""The Events API: which events the app gets, and their payloads as Slack documents them."""

from tests.fakes.slack.core import Core
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.messages import message_json
from tests.fakes.slack.model import FAMILY, Channel, Json, Message, User, View, Workspace


def wrapped(core: Core, team: Workspace, event: Json, *, shared: bool = False) -> Json:
    """The outer payload of every event."""
    enterprise = team.enterprise.id if team.enterprise else None
    authorization = {
        "enterprise_id": enterprise,
        "team_id": team.id,
        "user_id": team.bot_user_id,
        "is_bot": True,
        "is_enterprise_install": team.org_wide,
    }
    payload: Json = {
        "token": core.app.verification_token,
        "team_id": team.id,
        "context_team_id": team.id,
        "context_enterprise_id": enterprise,
        "api_app_id": core.app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": core.new_id("Ev"),
        "event_time": int(core.clock.now()),
        "authorizations": [authorization],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{core.new_id('EC')}",
    }
    return payload | ({"enterprise_id": enterprise} if enterprise else {})


def send(core: Core, team: Workspace, event: Json, *, shared: bool = False) -> Delivery:
    core.happened()
    return core.outbox.send("events_api", wrapped(core, team, event, shared=shared))


def _hears(core: Core, channel: Channel, *, subscription: str, scope: str) -> bool:
    token = core.installation(channel.team)
    return (
        token is not None
        and scope in token.scopes
        and subscription in core.app.events
        and channel.team.bot_user_id in channel.members
    )


def _about_messages(core: Core, channel: Channel, event: Json) -> list[Delivery]:
    subscription = f"message.{FAMILY[channel.kind]}"
    if not _hears(core, channel, subscription=subscription, scope=f"{FAMILY[channel.kind]}:history"):
        return []
    placed = event | {"channel": channel.id, "channel_type": channel.kind}
    return [send(core, channel.team, placed, shared=channel.shared)]


def message_posted(core: Core, message: Message) -> list[Delivery]:
    """`message`, and `app_mention` as well when the text names the app (never in a DM)."""
    channel = message.channel
    event = message_json(core, message) | {"event_ts": message.ts}
    if message.files or message.broadcast:
        event["subtype"] = "file_share" if message.files else "thread_broadcast"
    sent = _about_messages(core, channel, event)
    mentions = f"<@{channel.team.bot_user_id}" in message.text and message.user != channel.team.bot_user_id
    subscribed = _hears(core, channel, subscription="app_mention", scope="app_mentions:read")
    if mentions and subscribed and channel.kind != "im":
        mention = {key: value for key, value in event.items() if key not in {"subtype", "channel_type"}}
        mention |= {"type": "app_mention", "channel": channel.id}
        sent.append(send(core, channel.team, mention, shared=channel.shared))
    return sent


def message_changed(core: Core, message: Message, previous: Json) -> list[Delivery]:
    event = {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "ts": (ts := core.clock.timestamp()),
        "event_ts": ts,
        "message": message_json(core, message),
        "previous_message": previous,
    }
    return _about_messages(core, message.channel, event)


def message_deleted(core: Core, channel: Channel, previous: Json) -> list[Delivery]:
    event = {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "ts": (ts := core.clock.timestamp()),
        "event_ts": ts,
        "deleted_ts": previous["ts"],
        "previous_message": previous,
    }
    return _about_messages(core, channel, event)


def home_opened(core: Core, user: User, channel: Channel, tab: str, view: View | None) -> Delivery | None:
    if "app_home_opened" not in core.app.events or core.installation(user.team) is None:
        return None
    event: Json = {
        "type": "app_home_opened",
        "user": user.id,
        "channel": channel.id,
        "event_ts": core.clock.timestamp(),
        "tab": tab,
    }
    if view is not None and tab == "home":
        event["view"] = core.view_json(view)
    return send(core, user.team, event)


def assistant_event(core: Core, name: str, user: User, root: Message, context: Channel | None) -> Delivery | None:
    """`assistant_thread_started` or `assistant_thread_context_changed`."""
    if name not in core.app.events or core.installation(user.team) is None:
        return None
    seen: Json = {}
    if context is not None:
        enterprise = user.team.enterprise.id if user.team.enterprise else None
        seen = {"channel_id": context.id, "team_id": user.team.id, "enterprise_id": enterprise}
    thread = {"user_id": user.id, "context": seen, "channel_id": root.channel.id, "thread_ts": root.ts}
    return send(core, user.team, {"type": name, "assistant_thread": thread, "event_ts": core.clock.timestamp()})


def uninstalled(core: Core, team: Workspace) -> list[Delivery]:
    """`tokens_revoked` and `app_uninstalled`, in Slack's usual (not promised) order."""
    sent = [tokens_revoked(core, team)]
    if "app_uninstalled" in core.app.events:
        sent.append(send(core, team, {"type": "app_uninstalled", "event_ts": core.clock.timestamp()}))
    return [delivery for delivery in sent if delivery is not None]


def tokens_revoked(core: Core, team: Workspace) -> Delivery | None:
    if "tokens_revoked" not in core.app.events:
        return None
    revoked = {"oauth": [], "bot": [team.bot_user_id]}
    return send(core, team, {"type": "tokens_revoked", "tokens": revoked, "event_ts": core.clock.timestamp()})
