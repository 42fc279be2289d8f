from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bistoury.errors import ConfigError
from bistoury.observability.listeners import EVENTS, Listeners
from bistoury.session import Cause, Subscription
from bistoury.session import notices as say
from bistoury.testing.virtual_time import run

BTC = Subscription("trades", (("coin", "BTC"),))

NOTICES = {
    "connected": say.Connected(1),
    "ready": say.Ready(1, 2, 0.5),
    "stable": say.Stable(1),
    "disconnected": say.Disconnected(Cause.NETWORK, None, "", 1, 2.0),
    "reconnecting": say.Reconnecting(1, 1.0, Cause.NETWORK),
    "stale": say.Stale(BTC, 12.0, "warn"),
    "gap": say.Gap(BTC, 1, None, "open", 0, Cause.NETWORK),
    "degraded": say.Degraded(("a",)),
    "down": say.Down(datetime.now(UTC), 3, "dns"),
    "breaker": say.BreakerChanged("open", 5),
}


class Troubles:
    """Hears of what handlers raise."""

    def __init__(self, failed):
        self.handler_failed = failed

    def handler_slow(self, handler, seconds, waiting):
        pass


def listeners(failed=lambda handler, error: None):
    return Listeners(Troubles(failed))


def test_the_events_are_those_of_the_contract_and_what_the_client_adds():
    assert set(EVENTS) == {*NOTICES, "audit", "slow_handler", "rotated"}


@pytest.mark.parametrize("name", NOTICES)
def test_a_handler_hears_of_the_event_it_asked_for_and_of_no_other(name):
    it, heard = listeners(), []
    it.add(name, heard.append)
    for notice in NOTICES.values():
        it.hear(notice)

    assert heard == [NOTICES[name]]


def test_what_nobody_asked_for_is_heard_by_nobody():
    it = listeners()
    it.hear(say.Granted(BTC))
    it.hear(NOTICES["ready"])

    assert it.mailboxes() == []


def test_all_who_asked_hear_in_the_order_they_asked():
    it, heard = listeners(), []
    for name in ("first", "second"):
        it.add("ready", lambda notice, name=name: heard.append(name))
    it.hear(NOTICES["ready"])

    assert heard == ["first", "second"]


def test_who_was_removed_hears_no_more():
    it, heard, stays = listeners(), [], []
    remove = it.add("ready", heard.append)
    it.add("ready", stays.append)
    remove()
    remove()
    it.hear(NOTICES["ready"])

    assert heard == []
    assert len(stays) == 1
    assert len(it.mailboxes()) == 1


def test_who_was_removed_in_the_middle_of_the_news_does_not_hear_it():
    it, heard = listeners(), []
    it.add("ready", lambda notice: remove())
    remove = it.add("ready", heard.append)
    it.hear(NOTICES["ready"])

    assert heard == []


def test_a_coroutine_function_hears_in_order():
    async def main():
        it, heard = listeners(), []

        async def handler(notice):
            await asyncio.sleep(1)
            heard.append(notice.connection_id)

        it.add("connected", handler)
        for number in range(3):
            it.hear(say.Connected(number))
        await asyncio.sleep(10)
        assert heard == [0, 1, 2]

    run(main())


def test_who_raises_disturbs_nobody_else():
    failures, heard = [], []
    it = listeners(lambda handler, error: failures.append((handler, str(error))))

    def bad(notice):
        raise ValueError("bad")

    it.add("ready", bad)
    it.add("ready", heard.append)
    it.hear(NOTICES["ready"])

    assert failures == [(bad, "bad")]
    assert len(heard) == 1


@pytest.mark.parametrize("name", ["redy", "", None, 3, ["ready"]])
def test_an_unknown_event_is_refused_with_the_names_that_exist(name):
    with pytest.raises(ConfigError) as caught:
        listeners().add(name, print)

    assert caught.value.field == "event"
    assert all(event in str(caught.value) for event in EVENTS)


@pytest.mark.parametrize("handler", [None, "print", 3])
def test_what_cannot_be_called_is_refused(handler):
    with pytest.raises(ConfigError, match="handler"):
        listeners().add("ready", handler)
