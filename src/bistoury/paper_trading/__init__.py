"""
Trading with made-up money on real data, without flattering anybody.

Read from the bottom up; each module answers one question and knows none above it:

* ``numbers``, ``universe``, ``fees``, ``latency``, ``settings``: how the venue writes
  numbers, what may be traded, what it costs, how long it takes, what is assumed.
* ``book``: ``Book`` fuses ``bbo``, both ``l2Book`` views and trades; every level has
  its age. ``health``: ``CoinHealth`` says whether a coin may be traded on.
* ``queueing``, ``order_level``, ``resting``: where our orders stand, reckoned or
  known, and what reaches them.
* ``events``: the facts. ``accounts``: ``Accounts.folded(events, ...)`` is all there is
  to an account; ``margin`` adds it up.
* ``desk``: the time, the timers, and ``emit``, the only thing that changes anything.
* ``rules``, ``placing``, ``triggers``, ``twaps``, ``solvency``: refusals, matching,
  TP/SL and groups, TWAPs, funding and liquidation.
* ``wire``, ``commands``, ``actions``, ``standing``: actions of the venue's
  ``/exchange``, delayed, run on evidence, answered in its shapes.
* ``restarting``: what a journal left behind.
* ``venue``: ``PaperVenue``, all of that behind ``take(at, message)``, ``advance(at)``,
  ``deadline`` and ``drain()``. Pure: no clock, no I/O.
* ``clock``, ``feeding``, ``journal``, ``writer``, ``telling``: the world around it.
  ``recording``: what a venue took, and ``replay`` of it. ``views``: the venue's shapes.
  ``report``: what came of it, and ``explain``, why a fill was made.
* ``engine``: ``PaperTradingEngine`` feeds a venue by a client and tells what happened;
  ``trading`` has its verbs, ``reading`` what it tells. A server needs
  ``engine.act(action, account=, nonce=)``, ``engine.accounts``, ``engine.on(...)`` and
  ``views``.
"""

from .engine import PaperTradingEngine
from .fees import FeeSettings
from .journal import JournalError
from .recording import RecordingError, replay
from .rejected import OrderRejectedError
from .report import explain, report
from .settings import PaperConfig
from .trading import PaperFill, PaperPosition

__all__ = [
    "FeeSettings",
    "JournalError",
    "OrderRejectedError",
    "PaperConfig",
    "PaperFill",
    "PaperPosition",
    "PaperTradingEngine",
    "RecordingError",
    "explain",
    "replay",
    "report",
]
