"""Where Discord is: the one place that tells discord.py."""

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

CDN = "https://cdn.discordapp.com"


def use_addresses(api_base: str, gateway_url: str) -> None:
    """Point discord.py at a REST API and a gateway, through the two class attributes that it documents for that.

    For the whole process, once, before anything connects.
    """
    Route.BASE = api_base.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
