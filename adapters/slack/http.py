"""Slack over HTTP: signed events, commands and interactions, and the pages of an installation."""

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.request.async_request import AsyncBoltRequest

from adapters.slack.app import SlackApp

EVENTS_PATH = "/slack/events"
INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
MOST_BYTES = 1_000_000


def make_http(app: SlackApp, oauth_flow: AsyncOAuthFlow | None = None) -> web.Application:
    """The web application behind the request URL; with `oauth_flow`, also the pages to install the app from.

    The signature is checked by Bolt, over the body as it came, against a clock five minutes wide.
    """

    async def events(request: web.Request) -> web.Response:
        try:
            asked = await to_bolt_request(request)
        except (UnicodeDecodeError, LookupError, ValueError, TypeError, AttributeError):
            # Bolt reads a body before it has looked at the signature.
            raise web.HTTPBadRequest from None
        return await to_aiohttp_response(await app.bolt.async_dispatch(asked))

    application = web.Application(client_max_size=MOST_BYTES)
    application.router.add_post(EVENTS_PATH, events)
    if oauth_flow is not None:
        _add_pages(application, oauth_flow)
    return application


def _add_pages(application: web.Application, flow: AsyncOAuthFlow) -> None:
    async def page(request: web.Request) -> web.Response:
        asked = AsyncBoltRequest(
            body="",
            query=request.query_string,
            headers=dict(request.headers),
        )
        installing = request.path == INSTALL_PATH
        answer = await (flow.handle_installation(asked) if installing else flow.handle_callback(asked))
        response = await to_aiohttp_response(answer)
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Cache-Control"] = "no-store"
        return response

    application.router.add_get(INSTALL_PATH, page)
    application.router.add_get(REDIRECT_PATH, page)
