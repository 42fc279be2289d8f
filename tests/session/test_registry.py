from __future__ import annotations

from math import inf

import pytest

from bistoury.session import Cause, Promise, Subscription, Traits
from bistoury.session.continuity import Continuity
from bistoury.session.gap import OpenGap
from bistoury.session.model import Heals
from bistoury.session.registry import Registry

ALL = 10_000


def feed(name, **traits):
    traits.setdefault("route", name)
    return Subscription(name), Traits(**traits)


A, B = feed("a"), feed("b")
USER = feed("fills", user="0xa")
GREETS = feed("mids", greets=True)
PERIODIC = feed("books", promise=Promise.PERIODIC)


@pytest.fixture
def registry():
    return Registry()


def want(registry, *feeds):
    for subscription, traits in feeds:
        registry.want(subscription, traits)


def take(registry, now=0.0, room=ALL, spare=ALL):
    """Take what may be sent; return it as (feed, what is asked of it)."""
    taken = registry.take(now, room, spare)
    return [(it.subscription.feed, str(it.holding)) for it in taken]


def settle(registry, one, *, now=0.0, subscribed=True):
    return registry.settle(one[0].fields, now, subscribed=subscribed)


def refuse(registry, one, *, now=0.0, subscribed=True):
    return registry.refuse(one[0].fields, "no", now, subscribed=subscribed)


def hold(registry, *feeds):
    """Want feeds, ask for them, and have them granted."""
    want(registry, *feeds)
    take(registry)
    for one in feeds:
        settle(registry, one)


def entry(registry, one):
    return registry.entries[one[0]]


# Wanting and asking


def test_what_is_wanted_is_asked_for_once(registry):
    want(registry, A, B)

    assert registry.has_unsent
    assert take(registry) == [("a", "asked"), ("b", "asked")]
    assert take(registry) == []
    assert not registry.has_unsent


def test_wanting_twice_is_asking_once(registry):
    want(registry, A, A)

    assert take(registry) == [("a", "asked")]
    assert list(registry.entries) == [A[0]]


def test_only_what_has_room_is_asked_for(registry):
    want(registry, A, B)

    assert take(registry, room=1) == [("a", "asked")]
    assert registry.has_unsent
    assert take(registry, room=0) == []
    assert take(registry, room=1) == [("b", "asked")]


def test_users_feeds_are_asked_for_first(registry):
    want(registry, A, USER, B)

    assert [name for name, _ in take(registry)] == ["fills", "a", "b"]


def test_what_a_request_took_from_the_room_is_counted_over_both_queues(registry):
    want(registry, A, USER)

    assert take(registry, room=1) == [("fills", "asked")]


def test_a_request_that_was_withdrawn_before_it_was_sent_is_not_sent(registry):
    want(registry, A)
    registry.release(A[0])

    assert take(registry) == []
    assert registry.entries == {}
    assert registry.routes == {}


def test_a_request_that_was_withdrawn_takes_no_room(registry):
    want(registry, A, B)
    registry.release(A[0])

    assert take(registry, room=1) == [("b", "asked")]


def test_releasing_what_nobody_wanted_is_fine(registry):
    registry.release(A[0])

    assert registry.entries == {}


def test_a_new_entry_is_wanted_and_asked_for_nothing(registry):
    want(registry, A)
    it = entry(registry, A)

    assert (it.is_wanted, it.holding, it.asked_at) == (True, "nothing", inf)
    assert (it.was_granted, it.refusal, it.refused_at) == (False, "", inf)
    assert (it.granted_at, it.is_speaking, it.received) == (inf, False, 0)
    assert it.continuity is registry.continuities[A[0]]


def test_frames_of_a_route_go_to_whoever_wants_it(registry):
    want(registry, A)

    assert registry.routes == {"a": entry(registry, A)}


# Acknowledgements


def test_an_acknowledged_feed_is_held(registry):
    want(registry, A)
    take(registry, now=1.0)
    it = settle(registry, A, now=2.0)

    assert it is entry(registry, A)
    assert it.holding == "held"
    assert it.asked_at == inf
    assert it.granted_at == 2.0
    assert it.was_granted
    assert registry.held == 1


def test_what_is_due_is_what_is_wanted_and_not_yet_held(registry):
    want(registry, A, B)
    assert registry.due == {A[0], B[0]}

    take(registry)
    settle(registry, A)
    assert registry.due == {B[0]}

    registry.release(B[0])
    assert registry.due == set()


def test_an_answer_nobody_waits_for_changes_nothing(registry):
    want(registry, A)

    assert settle(registry, A) is None
    assert settle(registry, B) is None
    take(registry)
    assert settle(registry, A, subscribed=False) is None
    assert entry(registry, A).holding == "asked"
    settle(registry, A)
    assert settle(registry, A) is None


def test_an_acknowledgement_with_defaults_added_belongs_to_the_request_it_contains(
    registry,
):
    book = Subscription("l2Book", (("coin", "BTC"),)), Traits("book")
    want(registry, book)
    take(registry)
    fields = {"coin": "BTC", "type": "l2Book", "nLevels": 20}

    assert registry.settle(fields, 0.0, subscribed=True).subscription == book[0]


@pytest.mark.parametrize("subscribed", [True, False])
def test_what_the_venue_does_not_know_it_may_leave_out_of_its_answer(
    registry, subscribed
):
    params = (("coin", "BTC"), ("verbose", True))
    one = Subscription("ctx", params), Traits("ctx", extras=("verbose",))
    want(registry, one)
    take(registry)
    if not subscribed:
        settle(registry, one)
        registry.release(one[0])
        take(registry)

    def answered(**fields):
        fields = {"type": "ctx", **fields}
        return registry.settle(fields, 0.0, subscribed=subscribed)

    assert answered(coin="ETH") is None
    assert answered(verbose=True) is None
    assert answered(coin="BTC", verbose=False) is None
    assert answered(coin="BTC") is not None


def test_of_several_requests_the_most_specific_is_meant(registry):
    plain = Subscription("l2Book", (("coin", "BTC"),)), Traits("plain")
    fine = Subscription("l2Book", (("coin", "BTC"), ("nSigFigs", 5))), Traits("fine")
    want(registry, plain, fine)
    take(registry)
    fields = {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "nLevels": 20}

    assert registry.settle(fields, 0.0, subscribed=True).subscription == fine[0]
    assert registry.settle(fields, 0.0, subscribed=True).subscription == plain[0]


def test_an_exact_match_goes_before_anything_else(registry):
    plain = Subscription("l2Book", (("coin", "BTC"),)), Traits("plain")
    fine = Subscription("l2Book", (("coin", "BTC"), ("nSigFigs", 5))), Traits("fine")
    want(registry, plain, fine)
    take(registry)

    for one in (plain, fine):
        assert settle(registry, one).subscription == one[0]


def test_an_exact_match_that_waits_for_another_kind_of_answer_is_not_meant(registry):
    plain = Subscription("l2Book", (("coin", "BTC"),)), Traits("plain")
    fine = Subscription("l2Book", (("coin", "BTC"), ("nSigFigs", 5))), Traits("fine")
    hold(registry, fine)
    registry.release(fine[0])
    want(registry, plain)
    take(registry)
    fields = {"type": "l2Book", "coin": "BTC", "nSigFigs": 5}

    assert registry.settle(fields, 0.0, subscribed=True).subscription == plain[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "bbo", "coin": "BTC"},
        {"type": "trades", "coin": "ETH"},
        {"type": "trades"},
        {"coin": "BTC"},
        {},
    ],
)
def test_an_acknowledgement_of_something_else_matches_nothing(registry, fields):
    want(registry, (Subscription("trades", (("coin", "BTC"),)), Traits("t")))
    take(registry)

    assert registry.settle(fields, 0.0, subscribed=True) is None


# Giving up


def test_a_held_feed_is_given_up_when_it_is_not_wanted(registry):
    hold(registry, A)
    registry.release(A[0])

    assert registry.has_unwanted
    assert registry.routes == {}
    assert take(registry) == [("a", "leaving")]
    assert not registry.has_unwanted
    assert take(registry) == []


def test_an_entry_is_forgotten_when_the_venue_has_let_it_go(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    settle(registry, A, subscribed=False)

    assert registry.entries == {}
    assert registry.held == 0


def test_giving_up_goes_before_asking_and_has_room_of_its_own(registry):
    hold(registry, A, B)
    want(registry, feed("c"))
    registry.release(A[0])
    registry.release(B[0])

    assert take(registry, room=0, spare=1) == [("a", "leaving")]
    assert registry.has_unwanted
    assert take(registry, room=0, spare=0) == []
    assert take(registry, room=2, spare=1) == [("b", "leaving"), ("c", "asked")]


def test_what_giving_up_takes_is_not_there_for_asking(registry):
    hold(registry, A)
    registry.release(A[0])
    want(registry, B)

    assert take(registry, room=1, spare=1) == [("a", "leaving")]
    assert take(registry, room=1, spare=1) == [("b", "asked")]


def test_changing_ones_mind_before_the_goodbye_is_sent_sends_nothing(registry):
    hold(registry, A)
    registry.release(A[0])
    want(registry, A)

    assert take(registry) == []
    assert entry(registry, A).holding == "held"


def test_what_was_not_given_up_after_all_takes_no_spare(registry):
    hold(registry, A, B)
    registry.release(A[0])
    registry.release(B[0])
    want(registry, A)

    assert take(registry, spare=1) == [("b", "leaving")]


def test_wanting_again_while_leaving_asks_once_it_has_left(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    want(registry, A)
    assert take(registry) == []

    settle(registry, A, subscribed=False)
    assert take(registry) == [("a", "asked")]


def test_releasing_while_asked_gives_up_once_it_is_granted(registry):
    want(registry, A)
    take(registry)
    registry.release(A[0])
    assert take(registry) == []
    assert A[0] in registry.entries

    settle(registry, A)
    assert registry.held == 0
    assert take(registry) == [("a", "leaving")]


def test_an_entry_that_leaves_twice_is_asked_to_once(registry):
    hold(registry, A)
    registry.release(A[0])
    registry.release(A[0])

    assert take(registry) == [("a", "leaving")]


def test_releasing_what_already_leaves_changes_nothing(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    registry.release(A[0])

    assert entry(registry, A).holding == "leaving"
    assert not registry.has_unwanted


# Routes that two subscriptions share


FINE = (Subscription("book", (("figures", 5),)), Traits("book"))
COARSE = (Subscription("book", (("figures", 2),)), Traits("book"))


def test_a_route_is_given_on_only_when_it_has_been_left(registry):
    hold(registry, FINE)
    registry.release(FINE[0])
    want(registry, COARSE)
    assert take(registry) == [("book", "leaving")]
    assert registry.routes["book"].subscription == COARSE[0]

    settle(registry, FINE, subscribed=False)
    assert take(registry) == [("book", "asked")]
    assert entry(registry, COARSE).holding == "asked"


def test_releasing_the_former_owner_of_a_route_leaves_it_to_the_new_one(registry):
    hold(registry, FINE)
    want(registry, COARSE)
    registry.release(FINE[0])

    assert registry.routes["book"].subscription == COARSE[0]


def test_a_request_that_was_withdrawn_lets_the_next_one_have_the_route(registry):
    want(registry, FINE)
    take(registry)
    registry.release(FINE[0])
    want(registry, COARSE)
    refuse(registry, FINE)

    assert list(registry.entries) == [COARSE[0]]
    assert take(registry) == [("book", "asked")]


def test_a_route_that_is_left_and_wanted_by_nobody_is_free(registry):
    hold(registry, FINE)
    registry.release(FINE[0])
    take(registry)
    settle(registry, FINE, subscribed=False)
    want(registry, COARSE)

    assert take(registry) == [("book", "asked")]


# Refusals


def test_a_first_refusal_is_final(registry):
    want(registry, A)
    take(registry)
    it = refuse(registry, A, now=5.0)

    assert it.refusal == "no"
    assert it.refused_at == 5.0
    assert it.holding == "nothing"
    assert registry.refused == {A[0]: it}
    assert registry.due == set()
    assert not it.may_be_asked
    registry.connection_lost(1)
    assert take(registry) == []


def test_a_feed_that_was_refused_for_good_leaves_its_route_to_others(registry):
    want(registry, FINE)
    take(registry)
    refuse(registry, FINE)
    assert registry.routes == {}

    want(registry, COARSE)
    assert take(registry) == [("book", "asked")]
    registry.release(FINE[0])
    assert registry.routes["book"].subscription == COARSE[0]


def test_a_feed_that_was_granted_once_keeps_its_route_when_refused(registry):
    hold(registry, A)
    registry.connection_lost(1)
    take(registry)
    refuse(registry, A)

    assert registry.routes["a"].subscription == A[0]


def test_a_refusal_does_not_take_the_route_of_another(registry):
    want(registry, FINE)
    take(registry)
    want(registry, COARSE)
    refuse(registry, FINE)

    assert registry.routes["book"].subscription == COARSE[0]


def test_a_feed_that_is_given_up_and_refused_then_was_never_granted(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    want(registry, A)
    settle(registry, A, subscribed=False)
    take(registry)
    it = refuse(registry, A)

    assert not it.may_be_asked


def test_a_feed_that_is_wanted_again_before_it_was_given_up_was_granted(registry):
    hold(registry, A)
    registry.release(A[0])
    want(registry, A)
    registry.connection_lost(1)
    take(registry)

    assert refuse(registry, A).may_be_asked


def test_what_another_line_had_granted_is_asked_for_again(registry):
    other = Registry(registry.continuities)
    want(registry, A)
    want(other, A)
    take(registry)
    it = refuse(registry, A, now=5.0)
    assert registry.routes == {}
    take(other)
    settle(other, A)
    registry.retry_refused(65.0, 60.0)

    assert it.may_be_asked
    assert registry.routes["a"] is it
    assert take(registry) == [("a", "asked")]


def test_what_another_line_was_refused_is_recalled_and_not_asked_for(registry):
    other = Registry()
    want(other, A)
    take(other)
    known = refuse(other, A, now=5.0)
    want(registry, A, COARSE)
    registry.recall(known)

    assert take(registry) == [("book", "asked")]
    assert registry.refused[A[0]].refusal == "no"
    assert registry.refused[A[0]].refused_at == 5.0
    assert registry.due == {COARSE[0]}
    assert "a" not in registry.routes


def test_a_recalled_refusal_does_not_take_the_route_of_another(registry):
    other = Registry()
    want(other, FINE)
    take(other)
    known = refuse(other, FINE)
    want(registry, FINE, COARSE)
    registry.recall(known)

    assert registry.routes["book"].subscription == COARSE[0]


def test_a_refused_feed_is_asked_for_again_when_it_is_wanted_anew(registry):
    want(registry, A)
    take(registry)
    refuse(registry, A)
    want(registry, A)

    assert registry.refused == {}
    assert registry.due == {A[0]}
    assert entry(registry, A).refused_at == inf
    assert take(registry) == [("a", "asked")]


def test_releasing_a_refused_feed_forgets_it(registry):
    want(registry, A)
    take(registry)
    refuse(registry, A)
    registry.release(A[0])

    assert registry.refused == {}
    assert registry.entries == {}


def test_what_was_granted_before_is_asked_for_again_after_a_reconnect(registry):
    hold(registry, A)
    registry.connection_lost(1)
    take(registry)
    refuse(registry, A)
    assert entry(registry, A).may_be_asked
    assert registry.due == set()

    registry.connection_lost(1)
    assert take(registry) == [("a", "asked")]
    assert settle(registry, A).refusal == ""
    assert registry.refused == {}
    assert entry(registry, A).refused_at == inf


def test_what_was_granted_before_is_asked_for_again_after_a_while(registry):
    hold(registry, A)
    registry.connection_lost(1)
    take(registry)
    refuse(registry, A, now=100.0)
    assert registry.refused_since() == 100.0

    registry.retry_refused(159.9, 60.0)
    assert take(registry) == []
    registry.retry_refused(160.0, 60.0)
    assert registry.refused_since() == 160.0
    assert take(registry) == [("a", "asked")]


def test_what_was_refused_for_good_is_not_waited_for(registry):
    want(registry, A)
    take(registry)
    refuse(registry, A, now=100.0)

    assert registry.refused_since() == inf
    registry.retry_refused(1e6, 60.0)
    assert not registry.has_unsent
    assert take(registry) == []


def test_the_earliest_refusal_is_the_next_to_be_tried(registry):
    hold(registry, A, B)
    registry.connection_lost(1)
    take(registry)
    refuse(registry, A, now=7.0)
    refuse(registry, B, now=5.0)

    assert registry.refused_since() == 5.0


def test_a_goodbye_that_is_refused_means_it_was_not_there(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    it = refuse(registry, A, subscribed=False)

    assert it.refusal == ""
    assert registry.entries == {}


def test_a_goodbye_that_is_refused_leads_to_asking_if_it_is_wanted_again(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    want(registry, A)
    refuse(registry, A, subscribed=False)

    assert entry(registry, A).refusal == ""
    assert take(registry) == [("a", "asked")]


def test_a_refusal_of_what_is_not_wanted_any_more_is_no_news(registry):
    want(registry, A)
    take(registry)
    registry.release(A[0])
    refuse(registry, A)

    assert registry.entries == {}
    assert registry.refused == {}


def test_a_refusal_nobody_waits_for_changes_nothing(registry):
    hold(registry, A)

    assert refuse(registry, A) is None
    assert refuse(registry, B) is None
    assert entry(registry, A).holding == "held"


# Refusals that name no request


def test_a_nameless_refusal_is_of_the_oldest_request(registry):
    want(registry, A, B)
    take(registry)

    assert registry.refuse_oldest("no", 1.0, users=False).subscription == A[0]
    assert registry.refuse_oldest("no", 1.0, users=False).subscription == B[0]
    assert registry.refuse_oldest("no", 1.0, users=False) is None


def test_a_nameless_refusal_of_a_user_is_of_the_oldest_request_for_one(registry):
    want(registry, A)
    take(registry)
    want(registry, USER)
    take(registry)

    it = registry.refuse_oldest("no", 3.0, users=True)

    assert it.subscription == USER[0]
    assert (it.refusal, it.refused_at) == ("no", 3.0)
    assert entry(registry, A).holding == "asked"


def test_a_nameless_refusal_of_a_user_may_be_of_nobody(registry):
    want(registry, A)
    take(registry)

    assert registry.refuse_oldest("no", 1.0, users=True) is None


def test_a_nameless_refusal_is_never_of_a_goodbye(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)

    assert registry.refuse_oldest("no", 1.0, users=False) is None
    assert entry(registry, A).holding == "leaving"


# Requests that stay unanswered


def test_the_oldest_unanswered_request_is_known(registry):
    assert registry.asked_since() == inf

    want(registry, A)
    take(registry, now=1.0)
    want(registry, B)
    take(registry, now=2.0)
    assert registry.asked_since() == 1.0

    settle(registry, A)
    assert registry.asked_since() == 2.0


def test_a_request_is_overdue_after_the_timeout(registry):
    want(registry, A)
    take(registry, now=1.0)
    want(registry, B)
    take(registry, now=2.0)

    assert registry.overdue(5.9, 5.0) == []
    assert registry.overdue(6.0, 5.0) == [entry(registry, A)]
    assert registry.overdue(7.0, 5.0) == [entry(registry, A), entry(registry, B)]


def test_asking_again_starts_the_wait_anew_at_the_end_of_the_queue(registry):
    want(registry, A, B)
    take(registry, now=1.0)
    registry.ask_again(entry(registry, A), 6.0)

    assert entry(registry, A).asked_at == 6.0
    assert entry(registry, A).holding == "asked"
    assert registry.asked_since() == 1.0
    settle(registry, B)
    assert registry.asked_since() == 6.0


def test_what_waited_twice_for_an_answer_is_unanswered(registry):
    want(registry, A, B)
    take(registry)
    entry(registry, A).unanswered = 2
    entry(registry, B).unanswered = 1

    assert registry.unanswered() == [entry(registry, A)]
    settle(registry, A)
    assert registry.unanswered() == []


def test_an_answer_ends_the_waits_and_a_goodbye_what_was_shown(registry):
    want(registry, A)
    take(registry)
    it = entry(registry, A)
    it.unanswered, it.shown = 3, b"a"
    settle(registry, A)
    assert (it.unanswered, it.shown) == (0, b"a")

    registry.release(A[0])
    take(registry)
    settle(registry, A, subscribed=False)
    assert it.shown == b""


def test_an_answer_that_leaves_a_parameter_out_is_not_of_a_request_with_it(registry):
    registry.want(Subscription("a", (("level", 0),)), Traits("a"))
    take(registry)

    assert registry.settle({"type": "a"}, 0.0, subscribed=True) is None


def test_a_goodbye_is_not_waited_for(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry)
    entry(registry, A).unanswered = 2

    assert registry.unanswered() == []


def test_a_goodbye_that_is_repeated_stays_a_goodbye(registry):
    hold(registry, A)
    registry.release(A[0])
    take(registry, now=1.0)
    registry.ask_again(entry(registry, A), 6.0)

    assert entry(registry, A).holding == "leaving"


# First data


def test_a_feed_that_greets_is_mute_until_it_speaks(registry):
    hold(registry, GREETS, A)
    assert registry.mute == {GREETS[0]}
    assert not entry(registry, GREETS).is_live
    assert entry(registry, A).is_live

    registry.started(GREETS[0])
    assert registry.mute == set()
    assert entry(registry, GREETS).is_speaking
    assert entry(registry, GREETS).is_live


def test_a_mute_feed_that_speaks_at_intervals_has_more_to_be_judged_by(registry):
    both = feed("books", greets=True, promise=Promise.PERIODIC)
    hold(registry, GREETS, both)

    assert registry.mute == {GREETS[0], both[0]}
    assert registry.ungreeted() == [entry(registry, GREETS)]


def test_what_is_not_held_is_neither_mute_nor_live(registry):
    want(registry, GREETS, A)
    take(registry)

    assert registry.mute == set()
    assert not entry(registry, A).is_live


def test_a_feed_that_speaks_before_its_acknowledgement_is_not_mute(registry):
    want(registry, GREETS)
    take(registry)
    registry.started(GREETS[0])
    settle(registry, GREETS)

    assert registry.mute == set()


def test_a_mute_feed_that_nobody_wants_is_not_waited_for(registry):
    hold(registry, GREETS)
    registry.release(GREETS[0])

    assert registry.mute == set()


def test_a_feed_that_left_has_to_speak_again(registry):
    hold(registry, GREETS)
    registry.started(GREETS[0])
    registry.release(GREETS[0])
    take(registry)
    want(registry, GREETS)
    settle(registry, GREETS, subscribed=False)
    assert not entry(registry, GREETS).is_speaking
    assert entry(registry, GREETS).granted_at == inf

    take(registry)
    settle(registry, GREETS)
    assert registry.mute == {GREETS[0]}


def test_first_data_of_what_is_gone_is_no_news(registry):
    registry.started(A[0])

    assert registry.entries == {}


# What silence means


def test_only_held_and_wanted_feeds_that_speak_at_intervals_promise_anything(registry):
    hold(registry, GREETS, A, USER)
    want(registry, PERIODIC)
    take(registry)
    assert registry.promising() == []

    settle(registry, PERIODIC)
    assert registry.promising() == [entry(registry, PERIODIC)]

    registry.release(PERIODIC[0])
    assert registry.promising() == []


@pytest.mark.parametrize("one", [GREETS, PERIODIC], ids=["greets", "periodic"])
def test_data_is_to_be_expected_of_what_greets_or_speaks_at_intervals(registry, one):
    assert not registry.expects_data
    want(registry, A, USER)
    assert not registry.expects_data

    want(registry, one)
    assert registry.expects_data
    take(registry)
    assert registry.expects_data
    refuse(registry, one)
    assert not registry.expects_data


def test_data_is_not_to_be_expected_of_what_nobody_wants(registry):
    hold(registry, GREETS)
    registry.release(GREETS[0])

    assert not registry.expects_data


# Losing a connection


def test_losing_a_connection_forgets_what_the_venue_held_and_not_what_is_wanted(
    registry,
):
    hold(registry, A, GREETS)
    registry.started(GREETS[0])
    entry(registry, A).last_at = entry(registry, A).news_at = 5.0
    entry(registry, A).granted_at = 4.0
    registry.connection_lost(1)

    assert registry.held == 0
    assert registry.due == {A[0], GREETS[0]}
    assert registry.mute == set()
    assert registry.asked_since() == inf
    assert (entry(registry, A).last_at, entry(registry, A).granted_at) == (0.0, inf)
    assert entry(registry, A).news_at == 0.0
    assert not entry(registry, GREETS).is_speaking
    assert take(registry) == [("a", "asked"), ("mids", "asked")]


def test_requests_under_way_are_asked_again_once_on_the_next_connection(registry):
    want(registry, A, B)
    take(registry, room=1)
    registry.connection_lost(1)

    assert entry(registry, A).asked_at == inf
    assert take(registry) == [("a", "asked"), ("b", "asked")]


def test_a_request_that_ended_with_its_connection_does_not_hide_the_next_ones(registry):
    want(registry, A)
    take(registry, now=1.0)
    registry.connection_lost(1)
    registry.release(A[0])
    want(registry, B)
    take(registry, now=20.0)

    assert registry.asked_since() == 20.0
    assert registry.overdue(25.0, 5.0) == [entry(registry, B)]


def test_what_was_granted_stays_so_when_it_is_wanted_once_more_after_a_loss(registry):
    hold(registry, A)
    registry.connection_lost(1)
    want(registry, A)

    assert entry(registry, A).was_granted


def test_what_a_connection_showed_of_a_feed_is_lost_with_it(registry):
    hold(registry, A)
    it = entry(registry, A)
    it.unanswered, it.look_at, it.shown = 3, 9.0, b"a"
    registry.connection_lost(1)

    assert (it.unanswered, it.look_at, it.shown) == (0, 0.0, b"")


def test_late_answers_of_a_lost_connection_match_nothing(registry):
    want(registry, A)
    take(registry)
    registry.connection_lost(1)

    assert settle(registry, A) is None


def test_what_was_leaving_is_gone_with_the_connection(registry):
    hold(registry, A, B)
    registry.release(A[0])
    registry.release(B[0])
    take(registry, spare=1)
    registry.connection_lost(1)

    assert registry.entries == {}
    assert not registry.has_unwanted
    assert take(registry) == []


def test_a_mute_feed_is_waited_for_anew_after_a_loss(registry):
    hold(registry, GREETS)
    registry.connection_lost(1)
    assert registry.mute == set()

    take(registry)
    settle(registry, GREETS)
    assert registry.mute == {GREETS[0]}


def test_a_route_is_free_again_after_a_loss(registry):
    hold(registry, FINE)
    registry.release(FINE[0])
    take(registry)
    registry.connection_lost(1)
    want(registry, COARSE)

    assert take(registry) == [("book", "asked")]


# What was delivered


def test_a_feed_remembers_as_much_as_its_traits_ask_for(registry):
    rows = Subscription("trades"), Traits("t", memory=7, is_lossless=True)
    want(registry, rows, A)

    assert entry(registry, rows).continuity.limit == 7
    assert not entry(registry, rows).continuity.is_state
    assert entry(registry, A).continuity.limit == 0
    assert entry(registry, A).continuity.is_state


def test_lines_with_the_same_feeds_share_what_was_delivered():
    continuities: dict[Subscription, Continuity] = {}
    one, other = Registry(continuities), Registry(continuities)
    want(one, A)
    want(other, A)

    assert entry(one, A).continuity is entry(other, A).continuity


def test_a_second_line_shares_what_the_first_one_alone_delivered():
    shared = {}
    one, other = Registry(shared), Registry(shared)
    want(one, A)
    assert not entry(one, A).continuity.is_shared
    want(other, A)

    assert entry(one, A).continuity.is_shared


@pytest.mark.parametrize("heals", list(Heals))
def test_frames_are_changes_where_only_the_whole_can_be_sent_again(registry, heals):
    one = feed("book", heals=heals)
    want(registry, one)

    assert entry(registry, one).continuity.is_delta is (heals is Heals.RESYNC)


def test_two_registries_share_nothing_unless_asked_to():
    one, other = Registry(), Registry()
    want(one, A)

    assert other.entries == other.routes == other.continuities == {}
    assert take(other) == []


def test_the_end_of_a_connection_is_told_to_what_it_delivered(registry):
    hold(registry, A)
    continuity = entry(registry, A).continuity
    continuity._source, continuity._last_frame = 7, b"x"
    registry.connection_lost(8)
    assert continuity._last_frame == b"x"

    registry.connection_lost(7)
    assert continuity._last_frame == b""


def test_what_nobody_wants_waits_for_nothing(registry):
    hold(registry, A)
    it = entry(registry, A)
    it.gap = OpenGap(1, 5, Cause.NETWORK)
    it.continuity.hold()
    registry.gapped[A[0]] = it
    registry.release(A[0])

    assert it.gap is None
    assert registry.gapped == {}
    assert not it.continuity.is_holding


# Asking again on the same connection


def test_a_feed_is_renewed_by_giving_it_up_and_asking_again(registry):
    hold(registry, A)
    registry.renew(entry(registry, A))
    assert registry.has_unwanted
    assert take(registry) == [("a", "leaving")]
    assert registry.routes["a"] is entry(registry, A)
    assert not entry(registry, A).is_renewing

    settle(registry, A, subscribed=False)
    assert take(registry) == [("a", "asked")]
    settle(registry, A)
    assert registry.held == 1
    assert take(registry) == []


def test_a_feed_that_is_renewed_is_due_until_it_is_granted_again(registry):
    hold(registry, A)
    registry.renew(entry(registry, A))
    take(registry)
    assert registry.due == {A[0]}

    settle(registry, A, subscribed=False)
    take(registry)
    settle(registry, A)
    assert registry.due == set()


@pytest.mark.parametrize("stage", ["nothing", "asked", "leaving"])
def test_only_what_is_held_can_be_renewed(registry, stage):
    want(registry, A)
    if stage != "nothing":
        take(registry)
    if stage == "leaving":
        settle(registry, A)
        registry.release(A[0])
        take(registry)
    registry.renew(entry(registry, A))

    assert not registry.has_unwanted
    assert not entry(registry, A).is_renewing


def test_renewing_what_is_given_up_meanwhile_gives_it_up_once(registry):
    hold(registry, A)
    registry.renew(entry(registry, A))
    registry.release(A[0])

    assert take(registry) == [("a", "leaving")]
    settle(registry, A, subscribed=False)
    assert registry.entries == {}


def test_a_loss_in_the_middle_of_a_renewal_ends_it(registry):
    hold(registry, A)
    registry.renew(entry(registry, A))
    registry.connection_lost(1)

    assert not entry(registry, A).is_renewing
    assert take(registry) == [("a", "asked")]
    settle(registry, A)
    assert take(registry) == []


def test_a_feed_that_left_has_no_rhythm_on_this_connection(registry):
    hold(registry, A)
    it = entry(registry, A)
    it.last_at, it.news_at = 5.0, 4.0
    registry.renew(it)
    take(registry)
    assert (it.last_at, it.news_at) == (5.0, 4.0)
    settle(registry, A, subscribed=False)

    assert (it.last_at, it.news_at) == (0.0, 0.0)
