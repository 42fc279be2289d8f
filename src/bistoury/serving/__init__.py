"""A local page and local endpoints that show how one client does."""

from __future__ import annotations

from .server import DEFAULT_HOST, DEFAULT_PORT, StatusServer

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "StatusServer"]
