"""Request paths as the API document's templates: `/channels/5/messages` is `/channels/{channel_id}/messages`."""

_NAMES = {
    "applications": "application_id",
    "channels": "channel_id",
    "commands": "command_id",
    "guilds": "guild_id",
    "interactions": "interaction_id",
    "members": "user_id",
    "messages": "message_id",
    "permissions": "overwrite_id",
    "pins": "message_id",
    "roles": "role_id",
    "thread-members": "user_id",
    "users": "user_id",
    "webhooks": "webhook_id",
}
_TOKENS = {"interactions": "interaction_token", "webhooks": "webhook_token"}


def template_of(path: str) -> tuple[str, dict[str, str]]:
    """The template of a path below the API's base, and what stands in its places."""
    segments = path.strip("/").split("/")
    ids: dict[str, str] = {}
    named: list[str] = []
    for index, segment in enumerate(segments):
        before = segments[index - 1] if index else ""
        name = _NAMES.get(before) if segment.isdigit() else None
        if name is None and index > 1 and before.isdigit():
            name = _TOKENS.get(segments[index - 2])
        if name is None:
            named.append(segment)
        else:
            ids[name] = segment
            named.append(f"{{{name}}}")
    return "/" + "/".join(named), ids
