"""
What came of paper trading, to be looked at: text, CSV, JSON and a page with charts.

``documents`` puts together what all forms show; ``tables`` writes text and CSV,
``page`` HTML.
"""

from __future__ import annotations

from .documents import document
from .page import page, static
from .tables import as_csv, as_lines

__all__ = ["as_csv", "as_lines", "document", "page", "static"]
