"""Bytes from other hosts, through two doors: one for hosts we know, one for links that people gave."""

from core.fetching.failures import FetchFailed, FetchProblem
from core.fetching.fetcher import Fetcher, is_trusted

__all__ = ["FetchFailed", "FetchProblem", "Fetcher", "is_trusted"]
