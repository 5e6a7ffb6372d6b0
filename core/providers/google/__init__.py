"""Google's own API: the Gemini Developer API and Vertex AI."""

from core.providers.google.client import gemini_api, vertex_ai
from core.providers.google.contents import Sampling
from core.providers.google.credentials import ApiKey, CredentialsError, find_credentials
from core.providers.google.provider import GoogleImages

__all__ = ["ApiKey", "CredentialsError", "GoogleImages", "Sampling", "find_credentials", "gemini_api", "vertex_ai"]
