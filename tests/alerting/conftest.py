"""An engine on a clock of its own."""

from __future__ import annotations

from datetime import time

import pytest

from bistoury.alerting.engine import Engine
from bistoury.alerting.plan import AlertPlan
from bistoury.session import Cause, Subscription
from bistoury.session import notices as say

TRADES = Subscription("trades", (("coin", "BTC"),))


class Desk:
    """Feeds an engine second by second and keeps what it says."""

    def __init__(self, **settings):
        self.now = 0.0
        self.clock = time(12, 0)
        self.facts = {}
        self.sent = []
        self.engine = Engine(AlertPlan(**settings), 0.0, lambda: "3 gaps recovered")

    def run(self, seconds):
        for _ in range(round(seconds)):
            self.now += 1.0
            for message in self.engine.tick(self.facts, self.now, self.clock):
                self.sent.append((self.now, message))
        return self

    def amiss(self, **facts):
        """By rule: words about the connection, or names of feeds."""
        self.facts = {
            name: {"": it} if isinstance(it, str) else {feed: feed for feed in it}
            for name, it in facts.items()
        }
        return self

    def well(self):
        self.facts = {}
        return self

    def said(self, *notices):
        for notice in notices:
            self.engine.observe(notice, self.now)
        return self

    def flap(self, away=2.0, back=5.0, lost=True):
        self.said(say.Disconnected(Cause.NETWORK, None, "reset", 1, 5.0), gap("open"))
        self.amiss(down="not live (backoff)").run(away)
        self.said(say.Ready(2, 1, away)).well()
        self.said(gap("unrecoverable" if lost else "recovered")).run(back)
        return self

    @property
    def messages(self):
        return [message for _, message in self.sent]

    @property
    def told(self):
        return [(it.kind, it.rule) for it in self.messages]


def gap(status, subscription=TRADES, cause=Cause.NETWORK):
    return say.Gap(subscription, 1000, 2000, status, 0, cause)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def make_desk():
    return Desk


@pytest.fixture
def make_gap():
    return gap
