from __future__ import annotations

import msgspec
import pytest

from bistoury.session.model import (
    Acknowledged,
    Complaint,
    Inbound,
    Pong,
    Promise,
    Subscription,
    Traits,
    Update,
    VenueError,
)

CANDLE = Subscription("candle", (("coin", "BTC"), ("interval", "1m")))


def test_a_subscription_names_its_type_and_every_parameter():
    assert str(CANDLE) == "candle(coin=BTC, interval=1m)"
    assert str(Subscription("allMids")) == "allMids"


def test_a_subscription_is_the_venues_object():
    assert CANDLE.fields == {"type": "candle", "coin": "BTC", "interval": "1m"}
    assert Subscription("allMids").fields == {"type": "allMids"}


def test_a_subscription_knows_its_parameters():
    assert CANDLE.get("interval") == "1m"
    assert CANDLE.get("user") == ""
    assert CANDLE.get("nSigFigs", 5) == 5


def test_subscriptions_are_compared_by_value_and_can_be_sorted():
    again = Subscription("candle", (("coin", "BTC"), ("interval", "1m")))

    assert again == CANDLE
    assert len({again, CANDLE}) == 1
    assert min(CANDLE, Subscription("allMids")).feed == "allMids"


def test_a_feed_is_ordinary_unless_said():
    traits = Traits("x")

    assert traits.promise is Promise.EVENT
    assert not traits.greets
    assert not traits.replays
    assert not traits.is_lossless
    assert traits.user == ""
    assert traits.memory == 0


@pytest.mark.parametrize(
    "message",
    [
        Pong(),
        Acknowledged(True, {"type": "l2Book", "nSigFigs": 5, "fast": True}),
        VenueError(Complaint.USERS, "no", limit=10),
        VenueError(Complaint.REFUSED, "no", {"type": "x"}, False, None, 3),
    ],
)
def test_what_the_venue_says_can_be_journaled(message):
    assert (
        msgspec.json.decode(msgspec.json.encode(message), type=Inbound) == message
    )


def test_an_error_is_about_a_subscribe_and_nothing_else_unless_said():
    error = VenueError(Complaint.OTHER, "no")

    assert error.subscribed is True
    assert (error.fields, error.limit, error.post_id) == (None, None, None)


def test_an_update_is_plain_unless_said():
    update = Update("x", b"")

    assert (update.message, update.rows, update.keys) == (None, None, None)
    assert (update.slot, update.is_snapshot, update.is_void) == (None, False, False)
    assert (update.time, update.unreadable) == (0, 0)


def test_keeping_rows_replaces_them_in_the_message_too():
    listed = Update("x", b"", {"data": [1, 2]}, [1, 2])
    inside = Update("x", b"", {"data": {"fills": [1, 2]}}, [1, 2], slot="fills")
    unread = Update("x", b"", None, [1, 2])

    for update in (listed, inside, unread):
        update.keep([2])

    assert listed.rows == inside.rows == unread.rows == [2]
    assert listed.message == {"data": [2]}
    assert inside.message == {"data": {"fills": [2]}}
    assert unread.message is None


def test_the_words_for_a_no_and_for_a_promise_are_fixed():
    assert {str(kind) for kind in Complaint} == {
        *("refused", "subscriptions", "users", "messages", "posts", "other")
    }
    assert {str(promise) for promise in Promise} == {"periodic", "event", "sparse"}
