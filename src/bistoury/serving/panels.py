"""
Tables that others put on the page: what a paper account holds, what a bot is about.

A panel is a function that returns a document: ``title``, ``columns`` and ``rows`` of
texts, and a ``note``. It is called for every frame, so it must be quick.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..observability.addresses import shorten
from ..observability.failures import log_failure

logger = logging.getLogger(__name__)

Panel = Callable[[], Mapping[str, Any]]

_MOST_ROWS = 200


def drawn(panels: Iterable[Panel]) -> list[dict[str, Any]]:
    """Return every panel as it is now; one that fails says so, and harms nothing."""
    return [_one(panel) for panel in panels]


def _one(panel: Panel) -> dict[str, Any]:
    try:
        made = panel()
        return {
            "title": shorten(str(made["title"])),
            "note": shorten(str(made.get("note", ""))),
            "columns": [str(it) for it in made["columns"]],
            "rows": [
                [shorten(str(cell)) for cell in row]
                for row in list(made["rows"])[:_MOST_ROWS]
            ],
        }
    except Exception as error:  # noqa: BLE001 -- logged
        log_failure(logger, logging.DEBUG, "a panel failed", error)
        note = f"this panel could not be made: {type(error).__name__}"
        name = getattr(panel, "__qualname__", "panel")
        return {"title": name, "note": note, "columns": [], "rows": []}
