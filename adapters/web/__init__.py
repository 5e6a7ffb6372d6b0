"""The local web workspace: channels, threads and pictures on a page of our own."""

from adapters.web.chat import WebChat
from adapters.web.server import create_app
from adapters.web.start import WebSetup
from adapters.web.workspace import Workspace

__all__ = ["WebChat", "WebSetup", "Workspace", "create_app"]
