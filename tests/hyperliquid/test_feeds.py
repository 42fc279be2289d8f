from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistoury.errors import ConfigError
from bistoury.hyperliquid import feeds, wire
from bistoury.session import Promise, Subscription
from bistoury.session.model import Heals

USER = "0x" + "aB" * 20
LOWER = USER.lower()

# One legal request of every type, and what the venue is asked for.
REQUESTS = {
    "allMids": {},
    "l2Book": {"coin": "BTC"},
    "bbo": {"coin": "@107"},
    "trades": {"coin": "kPEPE"},
    "candle": {"coin": "xyz:NVDA", "interval": "1m"},
    "activeAssetCtx": {"coin": "BTC"},
    "allDexsAssetCtxs": {},
    "assetCtxs": {},
    "spotAssetCtxs": {},
    "fastAssetCtxs": {},
    "outcomeMetaUpdates": {},
    "notification": {"user": USER},
    "webData3": {"user": USER},
    "twapStates": {"user": USER},
    "clearinghouseState": {"user": USER},
    "openOrders": {"user": USER},
    "orderUpdates": {"user": USER},
    "userEvents": {"user": USER},
    "userFills": {"user": USER},
    "userFundings": {"user": USER},
    "userNonFundingLedgerUpdates": {"user": USER},
    "userTwapSliceFills": {"user": USER},
    "userTwapHistory": {"user": USER},
    "userHistoricalOrders": {"user": USER},
    "activeAssetData": {"user": USER, "coin": "BTC"},
    "spotState": {"user": USER},
    "allDexsClearinghouseState": {"user": USER},
}


def canonical(type_, **params):
    return feeds.canonical({"type": type_, **params})


def refusal(body):
    """Return what is wrong with ``body``."""
    with pytest.raises(ConfigError) as caught:
        feeds.canonical(body)
    return caught.value


# One spelling


def test_the_table_has_every_type_of_the_venue():
    assert set(feeds.FEEDS) == set(REQUESTS)


@pytest.mark.parametrize("type_", REQUESTS)
def test_every_type_is_accepted_with_what_it_needs(type_):
    subscription = canonical(type_, **REQUESTS[type_])
    params = {
        name: value.lower() if name == "user" else value
        for name, value in REQUESTS[type_].items()
    }

    assert subscription.fields == {"type": type_, **params}


@pytest.mark.parametrize(
    ("type_", "missing"),
    [(type_, name) for type_, params in REQUESTS.items() for name in params],
)
def test_what_a_type_needs_cannot_be_left_out(type_, missing):
    params = {k: v for k, v in REQUESTS[type_].items() if k != missing}

    error = refusal({"type": type_, **params})
    assert error.field == missing
    assert type_ in str(error)


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        (type_, name, value)
        for type_, params in REQUESTS.items()
        for name in params
        for value in ("", False, 7)
    ],
)
def test_what_a_type_needs_cannot_be_empty(type_, name, value):
    error = refusal({"type": type_, **REQUESTS[type_], name: value})

    assert error.field == name


@pytest.mark.parametrize(
    ("type_", "given", "kept"),
    [
        ("allMids", {"dex": None}, {}),
        ("allMids", {"dex": ""}, {}),
        ("allMids", {"dex": "xyz"}, {"dex": "xyz"}),
        ("l2Book", {"nSigFigs": None, "mantissa": None, "fast": None}, {}),
        ("l2Book", {"fast": False}, {}),
        ("l2Book", {"fast": True}, {"fast": True}),
        ("l2Book", {"nSigFigs": 4}, {"nSigFigs": 4}),
        ("l2Book", {"nSigFigs": 5, "mantissa": 2}, {"nSigFigs": 5, "mantissa": 2}),
        ("userFills", {"aggregateByTime": False}, {}),
        ("userFills", {"aggregateByTime": True}, {"aggregateByTime": True}),
        ("openOrders", {"dex": ""}, {}),
        ("openOrders", {"dex": "xyz"}, {"dex": "xyz"}),
        ("spotState", {"ignorePortfolioMargin": False}, {}),
        ("spotState", {"isPortfolioMargin": True}, {"isPortfolioMargin": True}),
    ],
)
def test_absent_null_and_default_are_the_same_thing(type_, given, kept):
    expected = canonical(type_, **REQUESTS[type_]).fields

    assert canonical(type_, **REQUESTS[type_], **given).fields == {**expected, **kept}


@pytest.mark.parametrize(
    ("type_", "given", "field"),
    [
        ("l2Book", {"fast": 1}, "fast"),
        ("l2Book", {"fast": "yes"}, "fast"),
        ("l2Book", {"nSigFigs": 999}, "n_sig_figs"),
        ("l2Book", {"nSigFigs": "5"}, "n_sig_figs"),
        ("l2Book", {"nSigFigs": False}, "n_sig_figs"),
        ("l2Book", {"nSigFigs": ""}, "n_sig_figs"),
        ("l2Book", {"mantissa": 2}, "mantissa"),
        ("l2Book", {"nSigFigs": 5, "mantissa": 3}, "mantissa"),
        ("l2Book", {"coin": "two words"}, "coin"),
        ("l2Book", {"coin": "B\u00d6RSE"}, "coin"),
        ("candle", {"interval": "1s"}, "interval"),
        ("candle", {"interval": "1M "}, "interval"),
        ("userFills", {"user": "0x123"}, "user"),
        ("userFills", {"aggregateByTime": 1}, "aggregateByTime"),
        ("allMids", {"dex": False}, "dex"),
        ("allMids", {"dex": 5}, "dex"),
    ],
)
def test_a_malformed_parameter_is_refused_and_named(type_, given, field):
    error = refusal({"type": type_, **REQUESTS[type_], **given})

    assert error.field == field
    assert error.allowed


@pytest.mark.parametrize(
    ("type_", "slip", "meant"),
    [
        ("trades", {"coins": "BTC"}, "coin"),
        ("candle", {"intervall": "1m"}, "interval"),
        ("l2Book", {"nSigFig": 5}, "nSigFigs"),
        ("userFills", {"aggregatebyTime": True}, "aggregateByTime"),
    ],
)
def test_a_slip_of_the_keyboard_is_refused_with_what_may_be_meant(type_, slip, meant):
    error = refusal({"type": type_, **REQUESTS[type_], **slip})

    assert meant in str(error)


def test_a_parameter_of_tomorrow_is_passed_on():
    subscription = canonical("trades", coin="BTC", granularity=3)

    assert subscription.fields == {"type": "trades", "coin": "BTC", "granularity": 3}


def test_a_type_of_tomorrow_is_passed_on():
    subscription = canonical("blockTrades", coin="", size=5, deep=False, gone=None)

    assert subscription.fields == {
        "type": "blockTrades",
        "coin": "",
        "size": 5,
        "deep": False,
    }


def test_addresses_are_lower_cased_and_coins_are_not():
    assert canonical("userFills", user=USER).get("user") == LOWER
    assert canonical("trades", coin="kPEPE").get("coin") == "kPEPE"
    # The venue writes it so in its acknowledgement, whatever was sent.
    assert canonical("tomorrow", user=USER).get("user") == LOWER


def test_the_order_of_parameters_does_not_matter():
    one = feeds.canonical({"interval": "1m", "type": "candle", "coin": "BTC"})
    other = feeds.canonical({"coin": "BTC", "interval": "1m", "type": "candle"})

    assert one == other
    assert str(one) == "candle(coin=BTC, interval=1m)"


@pytest.mark.parametrize(
    "body",
    ["trades", None, 5, [("type", "trades")], Subscription("trades")],
    ids=repr,
)
def test_what_is_no_mapping_is_refused(body):
    assert refusal(body).field == "subscription"


@pytest.mark.parametrize("type_", [None, "", 5, ["trades"], "tra\ndes", "\ud800"])
def test_a_type_that_is_no_name_is_refused(type_):
    assert refusal({"type": type_}).field == "type"


@pytest.mark.parametrize(
    "value", [1.5, [1], {"a": 1}, 2**64, -(2**64), "a\tb", "\udc00"]
)
def test_a_value_that_cannot_be_sent_is_refused(value):
    for type_ in ("tomorrow", "trades"):
        assert refusal({"type": type_, "coin": "BTC", "other": value}).field == "other"


@pytest.mark.parametrize("name", [3, None, "a\nb", "\ud800"])
def test_a_name_that_cannot_be_sent_is_refused(name):
    assert refusal({"type": "tomorrow", name: 1}).field == "subscription"


@given(
    st.dictionaries(
        st.one_of(st.text(max_size=8), st.integers(), st.none()),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-(2**70), 2**70),
            st.text(max_size=8),
            st.floats(),
            st.lists(st.integers(), max_size=2),
        ),
        max_size=4,
    ),
    st.one_of(st.sampled_from(sorted(REQUESTS)), st.text(max_size=8)),
)
def test_anything_else_is_refused_with_a_sentence_or_can_be_sent(body, type_):
    try:
        subscription = feeds.canonical({**body, "type": type_})
    except ConfigError:
        return

    assert wire.subscribe(subscription)
    assert wire.unsubscribe(subscription)
    assert feeds.canonical(subscription.fields) == subscription
    assert feeds.traits(subscription).route == feeds.route(subscription)


# Traits


def traits(type_, **params):
    return feeds.traits(canonical(type_, **{**REQUESTS[type_], **params}))


def test_user_feeds_count_against_the_limit_of_users():
    with_user = {type_ for type_ in REQUESTS if traits(type_).user}

    assert with_user == {
        type_ for type_, params in REQUESTS.items() if "user" in params
    }
    assert all(traits(type_).user == LOWER for type_ in with_user)


def test_only_feeds_that_speak_at_intervals_promise_to():
    periodic = {t for t in REQUESTS if traits(t).promise is Promise.PERIODIC}

    assert periodic == {
        *("allMids", "l2Book", "activeAssetCtx", "allDexsAssetCtxs", "assetCtxs"),
        *("spotAssetCtxs", "fastAssetCtxs", "webData3"),
    }


def test_feeds_that_may_be_quiet_by_nature_promise_nothing():
    for type_ in ("trades", "bbo", "candle"):
        assert traits(type_).promise is Promise.EVENT
    for type_ in ("userFills", "orderUpdates", "userEvents", "notification"):
        assert traits(type_).promise is Promise.SPARSE


def test_only_trades_repeat_the_past_without_saying_so():
    assert [t for t in REQUESTS if traits(t).replays] == ["trades"]
    assert traits("trades").heals is Heals.REPLAY


def test_only_changes_have_to_be_sent_as_a_whole_again():
    assert [t for t in REQUESTS if traits(t).heals is Heals.RESYNC] == ["fastAssetCtxs"]


def test_only_the_mids_of_all_coins_never_stand_still():
    assert [t for t in REQUESTS if traits(t).is_restless] == ["allMids"]
    of_a_dex = feeds.canonical({"type": "allMids", "dex": "a"})
    assert not feeds.traits(of_a_dex).is_restless


def test_what_the_venue_may_not_know_is_no_part_of_what_it_must_answer():
    def extras(**body):
        return feeds.traits(feeds.canonical(body)).extras

    assert extras(type="activeAssetCtx", coin="BTC") == ()
    assert extras(type="activeAssetCtx", coin="BTC", verbose=True) == ("verbose",)
    book = extras(type="l2Book", coin="BTC", nSigFigs=5, mantissa=2, fast=True)
    assert book == ()
    user = "0x" + "1" * 40
    spot = extras(type="spotState", user=user, isPortfolioMargin=True)
    assert spot == ("isPortfolioMargin",)
    assert extras(type="ofTomorrow", coin="BTC", of="x") == ("coin", "of")


def test_what_is_lost_of_a_feed_comes_back_as_the_protocol_says():
    never = {t for t in REQUESTS if traits(t).heals is Heals.NEVER}
    asked = {t for t in REQUESTS if traits(t).heals is Heals.REQUEST}

    assert never == {"notification", "outcomeMetaUpdates"}
    assert asked == {
        *("candle", "orderUpdates", "userEvents", "userFills", "userFundings"),
        *("userNonFundingLedgerUpdates", "userTwapSliceFills", "userTwapHistory"),
        "userHistoricalOrders",
    }


def test_nothing_is_conflated_whose_frames_all_count():
    lossless = {t for t in REQUESTS if traits(t).is_lossless}

    assert lossless >= {
        *("trades", "candle", "orderUpdates", "userEvents", "userFills"),
        *("userFundings", "notification", "outcomeMetaUpdates", "fastAssetCtxs"),
    }
    assert not lossless & {"allMids", "l2Book", "bbo", "activeAssetCtx", "webData3"}


def test_remembers_more_of_users_than_of_coins():
    assert traits("userFills").memory == feeds.USER_MEMORY == 20_000
    assert traits("trades").memory == feeds.COIN_MEMORY == 5_000
    assert traits("l2Book").memory == 0


def test_of_a_type_of_tomorrow_nothing_is_promised_and_nothing_dropped():
    found = feeds.traits(canonical("tomorrow", user=USER))

    assert found.route == "tomorrow"
    assert found.user == LOWER
    assert found.is_lossless
    assert not found.greets
    assert feeds.traits(canonical("tomorrow")).user == ""


# Routes


@pytest.mark.parametrize("type_", REQUESTS)
def test_every_route_begins_with_the_type(type_):
    assert feeds.route(canonical(type_, **REQUESTS[type_])).split(":")[0] == type_


def test_books_of_one_coin_are_told_apart_by_class_alone():
    def book(**params):
        return feeds.route(canonical("l2Book", coin="BTC", **params))

    assert book() == "l2Book:BTC:plain"
    assert book(nSigFigs=2) == book(nSigFigs=5, mantissa=2) == "l2Book:BTC:aggregated"
    assert book(fast=True) == book(fast=True, nSigFigs=3) == "l2Book:BTC:fast"


@pytest.mark.parametrize(
    ("type_", "variant"),
    [
        ("userFills", {"aggregateByTime": True}),
        ("spotState", {"ignorePortfolioMargin": True}),
    ],
)
def test_variants_whose_frames_look_alike_share_a_route(type_, variant):
    plain = canonical(type_, **REQUESTS[type_])
    other = canonical(type_, **REQUESTS[type_], **variant)

    assert plain != other
    assert feeds.route(plain) == feeds.route(other)


@pytest.mark.parametrize("type_", ["notification", "orderUpdates", "userEvents"])
def test_users_whose_frames_carry_no_address_share_a_route(type_):
    one, other = canonical(type_, user=USER), canonical(type_, user="0x" + "1" * 40)

    assert feeds.route(one) == feeds.route(other) == type_


def test_every_channel_belongs_to_one_feed():
    assert feeds.BY_CHANNEL["user"].type == "userEvents"
    assert feeds.BY_CHANNEL["activeSpotAssetCtx"].type == "activeAssetCtx"
    assert "userEvents" not in feeds.BY_CHANNEL
    assert {feed.type for feed in feeds.BY_CHANNEL.values()} == set(REQUESTS)
