"""Google's image API on loopback: the Gemini Developer API and Vertex AI, strict about what they are sent."""

from tests.fakes.google.faults import Block, Finish, Happening, Reply, Wire
from tests.fakes.google.server import GoogleDouble

__all__ = ["Block", "Finish", "GoogleDouble", "Happening", "Reply", "Wire"]
