"""Requests carried out: Discord's rules first, then simcord's route, or a route of ours where simcord has none."""

import time
from collections.abc import Callable
from typing import Any

from simcord.backend import errors, serializers
from simcord.backend.errors import BackendError
from simcord.backend.models import Channel, Interaction
from simcord.http import dispatch
from simcord.http.router import RouteNotImplemented, UnsupportedField

from tests.fakes.discord import history, rules
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.nonces import Nonces
from tests.fakes.discord.wire import Call
from tests.fakes.discord.world import World

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_FOLLOW_UP = "/webhooks/{webhook_id}/{webhook_token}"
_CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
_USERS_ONLY = {"parse": ["users"]}

Handler = Callable[[Call], Any]


class Routes:
    """`carry_out` is the whole REST API once a request was read, allowed and found valid."""

    def __init__(self, world: World, gateway: Gateway, nonces: Nonces) -> None:
        self._world = world
        self._gateway = gateway
        self._nonces = nonces
        self._ours: dict[tuple[str, str], Handler] = {
            ("GET", "/gateway"): lambda _: {"url": gateway.url},
            ("GET", "/oauth2/applications/@me"): self._application,
            ("GET", "/applications/@me"): self._application,
            ("GET", "/gateway/bot"): lambda _: gateway.bot_info(),
            ("GET", "/users/@me/guilds"): self._own_guilds,
            ("GET", "/guilds/{guild_id}"): self._guild,
            ("GET", _MESSAGES): self._history,
            ("POST", _MESSAGES): self._send,
            ("PATCH", _MESSAGE): self._edit,
            ("POST", _MESSAGE + "/threads"): self._start_thread,
            ("POST", "/channels/{channel_id}/threads"): self._start_thread,
            ("PATCH", "/channels/{channel_id}"): self._edit_channel,
            ("DELETE", "/channels/{channel_id}"): self._delete_channel,
            ("PUT", "/channels/{channel_id}/thread-members/{user_id}"): self._add_to_thread,
            ("POST", _CALLBACK): self._answer,
            ("PUT", "/applications/{application_id}/commands"): self._register,
            ("PUT", "/applications/{application_id}/guilds/{guild_id}/commands"): self._register,
        }
        #: The portal's switch for message content, for what REST shows.
        self.message_content = True
        #: Where the portal sends interactions instead of over the gateway.
        self.endpoint_url: str | None = None

    def carry_out(self, call: Call) -> Any:
        """The answer's JSON (None: 204). Raises BackendError as Discord would refuse."""
        if call.template.startswith(_FOLLOW_UP):
            return self._webhook(call)
        return self._ours.get((call.method, call.template), self._model)(call)

    def _own_guilds(self, call: Call) -> Any:
        """With what the bot may do in each, which simcord leaves out."""
        permitted = self._world.compute_permissions
        return [
            guild | {"permissions": str(permitted(int(guild["id"]), self._world.bot_user.id))}
            for guild in map(dict, self._model(call))
        ]

    def _guild(self, call: Call) -> Any:
        """With its boosts, which simcord leaves out."""
        guild = dict(self._model(call))
        return guild | {"premium_tier": self._world.boost_tiers.get(int(guild["id"]), 0)}

    def _model(self, call: Call, body: Any = None) -> Any:
        try:
            return dispatch(
                self._world,
                call.method,
                call.path,
                json=call.body if body is None else body,
                params=dict(call.query),
                files=list(call.files),
                reason=call.headers.get("X-Audit-Log-Reason"),
                message_content_access=self.message_content,
            )
        except UnsupportedField as unknown:
            raise errors.invalid_form_body(f"unknown fields {unknown.fields}") from None
        except RouteNotImplemented:
            raise BackendError(404, 0, "404: Not Found") from None

    def _application(self, call: Call) -> Any:
        about = dispatch(self._world, "GET", "/oauth2/applications/@me")
        return about | {"flags": self._gateway.application_flags(), "interactions_endpoint_url": self.endpoint_url}

    # -- messages

    def _history(self, call: Call) -> Any:
        return history.page(self._world, call.id("channel_id"), call.query, content=self.message_content)

    def _send(self, call: Call) -> Any:
        world, channel = self._world, self._world.get_channel(call.id("channel_id"))
        rules.may_send(world, call, channel)
        rules.has_substance(call.body, len(call.files))
        rules.files_fit(call, world.file_limit(channel.guild_id))
        rules.attachments_match(call, call.body, set())
        rules.reply_target(world, call, channel)
        earlier = self._nonces.earlier(call.body, world.bot_user.id)
        if earlier is not None:
            payload = dict(serializers.message_payload(world, earlier))
            return payload | {"nonce": call.body["nonce"]}
        world.wake_thread(channel, world.bot_user.id)
        nonce = call.body.get("nonce")
        if nonce is None:
            return self._model(call)
        with world.sending(nonce):
            sent = self._model(call)
        self._nonces.remember(nonce, world.get_message(channel.id, int(sent["id"])))
        return sent | {"nonce": nonce}

    def _edit(self, call: Call) -> Any:
        channel = self._world.get_channel(call.id("channel_id"))
        rules.open_thread(channel)
        message = self._world.get_message(channel.id, call.id("message_id"))
        rules.files_fit(call, self._world.file_limit(channel.guild_id))
        rules.attachments_match(call, call.body, {str(item["id"]) for item in message.attachments})
        return self._model(call)

    # -- channels and threads

    def _start_thread(self, call: Call) -> Any:
        channel = self._world.get_channel(call.id("channel_id"))
        message_id = call.id("message_id") if "message_id" in call.ids else None
        rules.may_start_thread(self._world, channel, call.body, message_id)
        return self._model(call)

    def _edit_channel(self, call: Call) -> Any:
        """The owner of a thread may rename, archive and open it; locking takes a moderator."""
        world, channel = self._world, self._world.get_channel(call.id("channel_id"))
        if not channel.is_thread or channel.thread_metadata is None:
            return self._model(call)
        bot, changes = world.bot_user.id, dict(call.body)
        moderation = set(changes) & {"locked", "invitable", "rate_limit_per_user"}
        waking = changes.get("archived") is False and not rules.is_locked(channel)
        if waking and set(changes) <= {"archived", "auto_archive_duration"}:
            world.require_permissions(channel.guild_id, bot, channel.id, "send_messages_in_threads")
        elif moderation or rules.is_locked(channel) or channel.owner_id != bot:
            world.require_permissions(channel.guild_id, bot, channel.id, "manage_threads")
        else:
            world.require_permissions(channel.guild_id, bot, channel.id)
        if "archived" not in changes:
            rules.open_thread(channel)
        return self._apply_to_thread(channel, changes)

    def _apply_to_thread(self, thread: Channel, changes: dict[str, Any]) -> Any:
        names = ("archived", "locked", "auto_archive_duration", "invitable")
        about: dict[str, Any] = {name: changes.pop(name) for name in names if name in changes}
        self._world.edit_channel(thread.id, changes, thread_metadata=about)
        return dict(serializers.thread_payload(self._world, thread))

    def _delete_channel(self, call: Call) -> Any:
        channel = self._world.get_channel(call.id("channel_id"))
        if channel.guild_id is None:
            return dict(serializers.channel_payload(self._world, channel))
        needed = "manage_threads" if channel.is_thread else "manage_channels"
        self._world.require_permissions(channel.guild_id, self._world.bot_user.id, channel.id, needed)
        payload = dict(serializers.channel_payload(self._world, channel))
        self._world.delete_channel(channel.id)
        return payload

    def _add_to_thread(self, call: Call) -> Any:
        rules.open_thread(self._world.get_channel(call.id("channel_id")))
        return self._model(call)

    # -- commands and interactions

    def _register(self, call: Call) -> Any:
        guild_id = int(call.ids["guild_id"]) if "guild_id" in call.ids else None
        if guild_id is not None and self._world.bot_user.id not in self._world.get_guild(guild_id).members:
            raise errors.missing_access()
        return self._world.register_commands(guild_id, list(call.body or []))

    def _answer(self, call: Call) -> Any:
        record = self._world.interactions.get(call.id("interaction_id"))
        if record is not None and record.token == call.ids["interaction_token"]:
            rules.may_answer(self._world, call, record)
        data = dict(call.body.get("data") or {})
        if call.body["type"] in (4, 7):
            rules.attachments_match(call, data, self._known_attachments(record))
        if call.body["type"] == 4:
            rules.has_substance(data, len(call.files))
            self._as_interaction(record, data)
        if call.body["type"] == 5 and record is not None and rules.must_be_private(self._world, record):
            data["flags"] = int(data.get("flags") or 0) | rules.EPHEMERAL
        answer = self._model(call, call.body | ({"data": data} if data else {}))
        self._world.answered_at[call.id("interaction_id")] = time.monotonic()
        return answer if str(call.query.get("with_response", "")).lower() in ("1", "true") else None

    def _known_attachments(self, record: Interaction | None) -> set[str]:
        if record is None or record.source_message_id is None:
            return set()
        source = self._world.messages[record.channel_id].get(record.source_message_id)
        return {str(item["id"]) for item in source.attachments} if source else set()

    def _as_interaction(self, record: Interaction | None, data: dict[str, Any]) -> None:
        """Answers and follow-ups ping users at most, unless they say otherwise; some must stay private."""
        data.setdefault("allowed_mentions", _USERS_ONLY)
        if record is not None and rules.must_be_private(self._world, record):
            data["flags"] = int(data.get("flags") or 0) | rules.EPHEMERAL

    def _webhook(self, call: Call) -> Any:
        record = self._world.interactions.get(self._world.interaction_tokens.get(call.ids["webhook_token"], 0))
        if record is None:
            return self._model(call)
        if call.method == "POST":
            rules.may_follow_up(self._world, record)
        elif record.expires_at is not None and self._world.now_iso() >= record.expires_at:
            raise BackendError(401, 50027, "Invalid Webhook Token")
        if call.method not in ("POST", "PATCH"):
            return self._model(call)
        rules.files_fit(call, self._world.file_limit(record.guild_id))
        body = dict(call.body or {})
        if call.method == "POST" and not record.loading:
            rules.has_substance(body, len(call.files))
            self._as_interaction(record, body)
        return self._model(call, body)
