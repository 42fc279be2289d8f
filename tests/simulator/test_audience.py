from __future__ import annotations

from bistoury.simulator.audience import Audience
from bistoury.simulator.subscriptions import parse

BTC = parse({"type": "trades", "coin": "BTC"})
ETH = parse({"type": "trades", "coin": "ETH"})


def test_subscriptions_are_found_by_type_and_subject():
    audience = Audience()
    audience.join(BTC, 1)
    audience.join(ETH, 1)

    assert list(audience.about("trades", "BTC")) == [BTC]
    assert list(audience.about("trades")) == [BTC, ETH]
    assert list(audience.about("bbo", "BTC")) == []


def test_a_subscription_lives_as_long_as_somebody_holds_it():
    audience = Audience()
    audience.join(BTC, 1)
    audience.join(BTC, 2)

    audience.leave(BTC, 1)
    held = audience.holders(BTC)
    audience.leave(BTC, 2)
    audience.leave(BTC, 2)

    assert held == [2]
    assert not audience.wants("trades")
    assert list(audience.about("trades", "BTC")) == []


def test_the_version_tells_when_something_changed():
    audience = Audience()
    versions = [audience.version]
    for change in (audience.join, audience.join, audience.leave):
        change(BTC, 1)
        versions.append(audience.version)

    assert versions[0] < versions[1] == versions[2] < versions[3]
