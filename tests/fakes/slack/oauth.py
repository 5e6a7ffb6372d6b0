"""Installing: the consent page, the exchange of a code, token rotation."""

import hmac
import secrets
from urllib.parse import urlencode

from tests.fakes.slack.call import Call, SlackError, method
from tests.fakes.slack.core import Core, Grant
from tests.fakes.slack.model import Json, Token, User, Workspace

CODE_SECONDS = 600.0
TOKEN_SECONDS = 43_200
MOST_ACTIVE_TOKENS = 2


def approve(core: Core, query: Json, installer: User, *, refused: frozenset[str], org_wide: bool) -> str:
    """A person allows the app on the consent page; the address Slack sends the browser to.

    `refused` are scopes the person or the workspace did not grant.
    """
    scopes = frozenset(part for part in str(query.get("scope", "")).replace(" ", ",").split(",") if part)
    uri = str(query.get("redirect_uri", ""))
    code = f"{secrets.token_hex(6)}.{secrets.token_hex(16)}"
    ends = core.clock.now() + CODE_SECONDS
    core.grants[code] = Grant(installer.team, installer, scopes - refused, uri, org_wide, ends)
    return f"{uri}?{urlencode({'code': code, 'state': str(query.get('state', ''))})}"


@method("oauth.v2.access", tier=0)
async def access(call: Call) -> Json:
    client_id, secret = call.basic or (str(call.args.get("client_id")), str(call.args.get("client_secret")))
    if client_id != call.core.app.client_id:
        raise SlackError("invalid_client_id")
    if not hmac.compare_digest(secret, call.core.app.client_secret):
        raise SlackError("bad_client_secret")
    if call.args.get("grant_type") == "refresh_token":
        return _refreshed(call)
    grant = call.core.grants.pop(str(call.args.get("code")), None)
    if grant is None or grant.expires_at <= call.core.clock.now():
        raise SlackError("invalid_code")
    if grant.redirect_uri and grant.redirect_uri != call.args.get("redirect_uri"):
        raise SlackError("bad_redirect_uri")
    team = grant.team
    already = call.core.installation(team)
    scopes = grant.scopes | (already.scopes if already else frozenset())
    covered = _covered(call.core, team, org_wide=grant.org_wide)
    token = call.core.new_token(covered, scopes, org_wide=grant.org_wide)
    return _granted(call.core, token) | {"authed_user": {"id": grant.installer.id}}


def _covered(core: Core, team: Workspace, *, org_wide: bool) -> list[Workspace]:
    if not org_wide or team.enterprise is None:
        return [team]
    return [team, *(t for t in core.teams.values() if t.enterprise is team.enterprise and t is not team)]


def _refreshed(call: Call) -> Json:
    """A refresh token works once; the two youngest access tokens stay alive."""
    old = call.core.refresh_tokens.pop(str(call.args.get("refresh_token")), None)
    if old is None or old.dead == "account_inactive":
        raise SlackError("invalid_refresh_token")
    token = call.core.new_token(old.teams, old.scopes, org_wide=old.enterprise is not None)
    family = [t for t in call.core.tokens.values() if t.teams == old.teams and not t.dead]
    for stale in family[:-MOST_ACTIVE_TOKENS]:
        stale.dead = "token_revoked"
    return _granted(call.core, token)


def _granted(core: Core, token: Token) -> Json:
    team, home = token.team, token.enterprise
    answer: Json = {
        "access_token": token.value,
        "token_type": "bot",
        "scope": ",".join(sorted(token.scopes)),
        "bot_user_id": team.bot_user_id,
        "app_id": core.app.app_id,
        "team": None if home else {"name": team.name, "id": team.id},
        "enterprise": {"name": team.enterprise.name, "id": team.enterprise.id} if team.enterprise else None,
        "is_enterprise_install": home is not None,
    }
    if token.expires_at is not None:
        refresh = f"xoxe-1-{secrets.token_hex(12)}"
        core.refresh_tokens[refresh] = token
        answer |= {"expires_in": TOKEN_SECONDS, "refresh_token": refresh}
    return answer
