from __future__ import annotations

import msgspec
import pytest

from bistoury.session.model import (
    Acknowledged,
    Complaint,
    Heals,
    Inbound,
    Pong,
    PostReply,
    Promise,
    Subscription,
    Traits,
    Update,
    VenueError,
    Version,
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
    assert traits.heals is Heals.NEVER
    assert traits.note == ""


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
    assert msgspec.json.decode(msgspec.json.encode(message), type=Inbound) == message


@pytest.mark.parametrize(
    "kind",
    [Subscription, Traits, Pong, Acknowledged, VenueError, PostReply],
    ids=lambda it: it.__name__,
)
def test_a_value_does_not_change(kind):
    assert kind.__struct_config__.frozen


def test_an_error_is_about_a_subscribe_and_nothing_else_unless_said():
    error = VenueError(Complaint.OTHER, "no")

    assert error.subscribed is True
    assert (error.fields, error.limit, error.post_id) == (None, None, None)


def test_a_reply_may_say_nothing():
    assert PostReply(1, "info").payload is None


def item(at):
    return (at, f"key {at}", f"row {at}")


def test_an_update_is_plain_unless_said():
    update = Update("x", b"")

    assert (update.message, update.items, update.slot) == (None, None, None)
    assert (update.is_single, update.is_snapshot, update.is_void) == (False,) * 3
    assert (update.time, update.oldest, update.seen, update.unreadable) == (0,) * 4


def test_keeping_rows_replaces_them_in_the_message_too():
    listed = Update("x", b"", {"data": ["row 1", "row 2"]})
    inside = Update("x", b"", {"data": {"user": "a", "fills": []}}, slot="fills")
    unread = Update("x", b"")
    single = Update("x", b"", {"data": "row 1"}, is_single=True)

    for update in (listed, inside, unread, single):
        update.keep([item(2)])

    assert listed.items == inside.items == unread.items == single.items == [item(2)]
    assert listed.message == {"data": ["row 2"]}
    assert inside.message == {"data": {"user": "a", "fills": ["row 2"]}}
    assert unread.message is None
    assert single.message == {"data": "row 2"}


def test_keeping_no_row_leaves_no_row():
    listed = Update("x", b"", {"data": ["row 1"]})
    single = Update("x", b"", {"data": "row 1"}, is_single=True)

    for update in (listed, single):
        update.keep([])

    assert listed.message == {"data": []}
    # There is no list to empty: nothing is delivered of it anyway.
    assert single.message == {"data": "row 1"}
    assert single.items == []


def test_keeping_rows_does_not_touch_the_data_of_others():
    data = {"user": "a", "fills": ["row 1"]}
    update = Update("x", b"", {"data": data}, slot="fills")
    update.keep([])

    assert data == {"user": "a", "fills": ["row 1"]}


def test_a_mark_is_made_in_the_message_if_there_is_one():
    update, unread = Update("x", b"", {"data": []}), Update("x", b"")
    update.mark("recovered")
    unread.mark("recovered")

    assert update.message == {"data": [], "recovered": True}
    assert unread.message is None


def test_a_part_is_a_message_of_its_own():
    whole = Update(
        "x", b"frame", {"data": ["row 1", "row 2"]}, [item(1), item(2)], time=2
    )
    whole.is_snapshot = True
    part = whole.part([item(1)])

    assert part.message == {"data": ["row 1"]}
    assert part.items == [item(1)]
    assert (part.time, part.is_snapshot, part.route) == (1, False, "x")
    assert whole.part([item(1), item(2)]).time == 2
    assert whole.message == {"data": ["row 1", "row 2"]}
    assert whole.items == [item(1), item(2)]


def test_a_part_of_something_unread_or_with_nothing_in_it_is_a_part():
    part = Update("x", b"frame", time=7).part([])

    assert part.message == {"data": []}
    assert (part.items, part.time) == ([], 0)


class Typed(msgspec.Struct):
    """A message as a Struct."""

    data: object
    recovered: bool = False


@pytest.mark.parametrize(("is_single", "kept"), [(False, ("row 1",)), (True, "row 1")])
def test_what_is_typed_is_kept_marked_and_parted_like_plain_values(is_single, kept):
    whole = Update("x", b"frame", None, [item(1), item(2)], Typed("all"))
    whole.is_single = is_single
    part = whole.part([item(1)])
    whole.keep([item(1)])
    whole.mark("recovered")

    assert (whole.message, part.message) == (None, None)
    assert whole.typed == Typed(kept, recovered=True)
    assert part.typed == Typed(kept)


def test_a_version_is_known_by_all_of_it():
    assert Version("bar", 1) == Version("bar", 1, None)
    assert len({Version("bar", 1, "a"), Version("bar", 1, "b"), Version("bar", 2)}) == 3


def test_what_one_frame_heals_is_healed_at_once():
    assert {heals for heals in Heals if heals.at_once} == {Heals.ITSELF, Heals.RESYNC}


def test_the_words_for_a_no_and_for_a_promise_are_fixed():
    assert {str(kind) for kind in Complaint} == {
        *("refused", "subscriptions", "users", "messages", "posts", "other")
    }
    assert {str(promise) for promise in Promise} == {"periodic", "event", "sparse"}
    assert {str(heals) for heals in Heals} == {
        *("itself", "replay", "request", "resync", "never")
    }
