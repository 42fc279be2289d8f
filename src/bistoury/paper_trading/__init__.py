"""
Trading with made-up money on real data, without flattering anybody.

Read from the bottom up; each module answers one question and knows none above it:

* ``numbers``, ``universe``, ``fees``, ``latency``, ``settings``: how the venue writes
  numbers, what may be traded, what it costs, how long it takes, what is assumed.
* ``book``: ``Book`` fuses ``bbo``, both ``l2Book`` views and trades; every level has
  its age. ``health``: ``CoinHealth`` says whether a coin may be traded on.
* ``queueing``, ``resting``: where our orders stand, and what reaches them.
* ``events``: the facts. ``accounts``: ``Accounts.folded(events, ...)`` is all there is
  to an account; ``margin`` adds it up.
* ``desk``: the time, the timers, and ``emit``, the only thing that changes anything.
* ``rules``, ``placing``, ``triggers``, ``twaps``, ``solvency``: refusals, matching,
  TP/SL and groups, TWAPs, funding and liquidation.
* ``wire``, ``commands``, ``actions``, ``standing``: actions of the venue's
  ``/exchange``, delayed, run on evidence, answered in its shapes.
* ``venue``: ``PaperVenue``, all of that behind ``take(at, message)``, ``advance(at)``,
  ``deadline`` and ``drain()``. Pure: no clock, no I/O.
* ``engine``: ``PaperTradingEngine`` feeds a venue by a client and tells what happened.
"""

from .account import PaperAccount, PaperFill, PaperPosition
from .engine import PaperTradingEngine

__all__ = ["PaperAccount", "PaperFill", "PaperPosition", "PaperTradingEngine"]
