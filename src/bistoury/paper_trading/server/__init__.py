"""
The venue's doors on this machine, with paper money behind them.

* ``typed_actions``, ``signatures``: who signed.
* ``trader``: what is needed of an engine. ``wallets``: whose account is meant.
* ``exchange``, ``info`` with ``account_answers`` and ``rows``: what is answered.
* ``account_feeds``, ``telling_accounts``, ``greeting``, ``socket``: what is streamed.
* ``routes``, ``overview``, ``wishes``, ``control``, ``server``: where.
"""

from __future__ import annotations

from .server import DEFAULT_HOST, DEFAULT_PORT, PaperServer

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "PaperServer"]
