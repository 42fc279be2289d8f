from __future__ import annotations

import pytest

from bistoury.session import Subscription, Traits
from bistoury.session import effects as do
from bistoury.session.following import compare
from bistoury.session.model import Heals
from bistoury.session.registry import Registry


class Lines:
    """A registry with feeds in it, as the line of connection 1 has them."""

    def __init__(self):
        self.effects = []
        self.registry = Registry()

    def hold(self, heals=Heals.ITSELF, name="feed"):
        """Have a feed granted; return its entry."""
        subscription = Subscription(name)
        self.registry.want(subscription, Traits(name, heals=heals))
        list(self.registry.take(0.0, 99, 99))
        return self.registry.settle({"type": name}, 0.0, subscribed=True)

    def compare(self, now):
        compare(self.registry, self.effects, 1, now)

    def did(self):
        """Return the effects since the last look, and forget them."""
        effects = self.effects.copy()
        self.effects.clear()
        return effects


@pytest.fixture
def lines():
    return Lines


def carried(it, heals=Heals.ITSELF):
    entry = it.hold(heals)
    entry.continuity.is_shared = True
    entry.is_speaking = True
    return entry


def test_what_the_line_that_is_followed_does_not_say_is_let_through(lines):
    it = lines()
    entry = carried(it)
    entry.continuity.overrule_at = 5.0
    it.compare(4.9)
    assert it.did() == []

    it.compare(5.0)
    assert it.did() == [do.Release(entry.subscription)]
    assert entry.continuity.overrule_at == 0.0
    it.compare(6.0)
    assert it.did() == []


def test_a_line_that_is_followed_from_now_on_sends_the_whole_again(lines):
    it = lines()
    entry = carried(it, Heals.RESYNC)
    entry.continuity.follow(7)
    it.compare(5.0)
    assert not it.registry.has_unwanted

    entry.continuity.source_lost(7)
    it.compare(6.0)
    assert list(it.registry.take(6.0, 99, 99)) == [entry]
    it.compare(7.0)
    assert not it.registry.has_unwanted
    assert entry.continuity.is_followed(1)
    assert not entry.continuity.is_followed(7)


def test_a_line_that_has_not_spoken_is_not_followed(lines):
    it = lines()
    entry = carried(it, Heals.RESYNC)
    entry.is_speaking = False
    it.compare(5.0)

    assert entry.continuity.is_followed(7)


def test_a_feed_that_sends_no_changes_needs_no_line_to_follow(lines):
    it = lines()
    entry = carried(it)
    it.compare(5.0)

    assert not it.registry.has_unwanted
    assert entry.continuity.is_followed(7)


def test_a_line_alone_is_compared_with_nothing(lines):
    it = lines()
    alone, also = carried(it, Heals.RESYNC), it.hold(name="also")
    alone.continuity.is_shared = False
    also.continuity.overrule_at = 1.0
    it.compare(5.0)

    assert it.did() == []
    assert alone.continuity.is_followed(7)


def test_one_that_is_alone_does_not_keep_others_from_being_compared(lines):
    it = lines()
    it.hold(name="alone")
    entry = it.hold(name="shared")
    entry.continuity.is_shared = True
    entry.continuity.overrule_at = 1.0
    it.compare(5.0)

    assert it.did() == [do.Release(entry.subscription)]
