"""`auth`, `users`, `team`, `bots`, `assistant.threads` and `apps.connections`: who is who, and the agent surface."""

from tests.fakes.slack import events
from tests.fakes.slack.call import Call, SlackError, method
from tests.fakes.slack.model import AssistantThread, Json, User

MOST_PROMPTS = 4
MOST_LOADING_MESSAGES = 10


@method("api.test", tier=0)
async def api_test(call: Call) -> Json:
    return {"args": call.args}


@method("auth.test", tier=0)
async def auth_test(call: Call) -> Json:
    team, token = call.token.team, call.token
    home = token.enterprise
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": home.name if home else team.name,
        "user": team.bot.name,
        "team_id": home.id if home else team.id,
        "user_id": team.bot_user_id,
        "bot_id": team.bot_id,
        "enterprise_id": team.enterprise.id if team.enterprise else None,
        "is_enterprise_install": home is not None,
    }


@method("auth.revoke", tier=0)
async def auth_revoke(call: Call) -> Json:
    if call.flag("test"):
        return {"revoked": False}
    call.token.dead = "token_revoked"
    for team in call.token.teams:
        team.installed = call.core.installation(team) is not None
        events.tokens_revoked(call.core, team)
    return {"revoked": True}


@method("apps.connections.open", tier=0)
async def connections_open(call: Call) -> Json:
    address = call.core.base_url.replace("http://", "ws://")
    return {"url": f"{address}/link/?ticket={call.core.sockets.ticket()}&app_id={call.core.app.app_id}"}


def user_json(user: User, base_url: str, *, locale: bool) -> Json:
    described: Json = {
        "id": user.id,
        "team_id": user.team.id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": "Europe/Berlin",
        "profile": {"real_name": user.real_name, "display_name": user.name, "team": user.team.id}
        | _avatar(user, base_url),
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1,
    }
    return described | ({"locale": user.locale} if locale else {})


def _avatar(user: User, base_url: str) -> Json:
    """Where the picture of a person is, which anybody may read: their own, or one that Slack has drawn."""
    links = {f"image_{side}": f"{base_url}/avatars/{user.id}_{side}.png" for side in (192, 512, 1024)}
    return links | {"is_custom_image": True} if user.avatar else {"image_192": f"{base_url}/avatars/drawn.png"}


@method("users.info", "users:read", tier=4)
async def users_info(call: Call) -> Json:
    return {"user": user_json(call.user(), call.core.base_url, locale=call.flag("include_locale"))}


@method("users.list", "users:read", tier=2)
async def users_list(call: Call) -> Json:
    locale = call.flag("include_locale")
    team_id = call.args.get("team_id")
    teams = [team for team in call.token.teams if team_id in (None, team.id)]
    if call.token.enterprise and team_id is None:
        raise SlackError("missing_argument")
    people = [user_json(user, call.core.base_url, locale=locale) for team in teams for user in team.users.values()]
    return {"members": people, "cache_ts": 1, "response_metadata": {"next_cursor": ""}}


@method("bots.info", "users:read")
async def bots_info(call: Call) -> Json:
    team = call.token.team
    if call.args.get("bot") not in (None, team.bot_id):
        raise SlackError("bot_not_found")
    app = call.core.app
    bot = {"id": team.bot_id, "deleted": False, "name": app.name, "app_id": app.app_id, "user_id": team.bot_user_id}
    return {"bot": bot}


@method("team.info", "team:read")
async def team_info(call: Call) -> Json:
    team = next((t for t in call.token.teams if t.id == call.args.get("team")), call.token.team)
    described: Json = {"id": team.id, "name": team.name, "domain": team.domain, "icon": {}}
    if team.enterprise:
        described |= {"enterprise_id": team.enterprise.id, "enterprise_name": team.enterprise.name}
    return {"team": described}


def _assistant_thread(call: Call) -> AssistantThread:
    channel = call.core.channel_of(call.token, call.needs("channel_id"))
    if channel is None or channel.team.bot_user_id not in channel.members:
        raise SlackError("channel_not_found", detail="Invalid channel_id")
    ts = call.needs("thread_ts")
    if ts not in channel.messages:
        raise SlackError("invalid_thread_ts")
    return call.core.assistant_threads.setdefault((channel.id, ts), AssistantThread(channel, ts))


@method("assistant.threads.setStatus", "chat:write", "assistant:write", tier=0)
async def set_status(call: Call) -> Json:
    thread = _assistant_thread(call)
    messages = call.args.get("loading_messages") or []
    if "status" not in call.args or len(messages) > MOST_LOADING_MESSAGES:
        raise SlackError("invalid_arguments")
    thread.status, thread.status_set_at = str(call.args["status"]), call.core.clock.now()
    thread.statuses.append(thread.status)
    thread.loading_messages = list(messages)
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write", "chat:write", tier=0)
async def set_suggested_prompts(call: Call) -> Json:
    thread = _assistant_thread(call)
    prompts = call.args.get("prompts")
    well = isinstance(prompts, list) and all(isinstance(p, dict) and {"title", "message"} <= set(p) for p in prompts)
    if not well or not isinstance(prompts, list) or not 1 <= len(prompts) <= MOST_PROMPTS:
        call.core.violation(call.method, "1 to 4 prompts with title and message", prompts)
        raise SlackError("invalid_arguments")
    thread.prompts, thread.prompts_title = prompts, str(call.args.get("title") or "")
    return {}


@method("assistant.threads.setTitle", "assistant:write", "chat:write", tier=0)
async def set_title(call: Call) -> Json:
    _assistant_thread(call).title = call.needs("title")
    return {}
