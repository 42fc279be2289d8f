"""The page: one file that needs nothing else, or the same, served in parts."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec

from ...serving.routes import asset

KINDS = {
    "report.js": "text/javascript",
    "report.css": "text/css",
    "uplot.js": "text/javascript",
    "uplot.css": "text/css",
}
"""What the page is made of, and what each part is."""


def static(name: str) -> bytes:
    """Return a part of the page."""
    if name.startswith("uplot"):
        return asset(name)
    return (files(__package__) / "assets" / name).read_bytes()


def page(document: dict[str, Any] | None = None) -> str:
    """
    Return the page with all it needs inside, or one that asks its server.

    A document holds what strangers wrote (names, order ids): it goes in as data that
    cannot end its element, and the page shows it as text only.
    """
    template = static("report.html").decode()
    if document is None:
        parts = "\n".join(_link(name) for name in KINDS)
        return template.replace("<!-- parts -->", parts).replace("<!-- data -->", "")
    parts = "\n".join(_inline(name) for name in KINDS if not name.endswith("report.js"))
    data = msgspec.json.encode(document, enc_hook=str).decode()
    safe = data.replace("<", "\\u003c").replace("\u2028", "\\u2028")
    held = f'<script id="data" type="application/json">{safe}</script>\n'
    held += _inline("report.js")
    return template.replace("<!-- parts -->", parts).replace("<!-- data -->", held)


def _link(name: str) -> str:
    where = f"/paper/static/{name}"
    if name.endswith(".css"):
        return f'<link rel="stylesheet" href="{where}">'
    return f'<script src="{where}" defer></script>'


def _inline(name: str) -> str:
    text = static(name).decode()
    tag = "style" if name.endswith(".css") else "script"
    return f"<{tag}>\n{text}\n</{tag}>"
