from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bistoury.config import Limits
from bistoury.hyperliquid.limits import Account
from bistoury.observability import health
from bistoury.observability.monitor import Monitor
from bistoury.observability.verdict import reasons_for
from bistoury.session import (
    Acknowledged,
    Cause,
    Complaint,
    Pong,
    Promise,
    Session,
    State,
    Subscription,
    Traits,
    Update,
    VenueError,
)
from bistoury.session import effects as do
from bistoury.session import events as on

MIDS = Subscription("allMids"), Traits("allMids:", Promise.PERIODIC, greets=True)
TRADES = (
    Subscription("trades", (("coin", "BTC"),)),
    Traits("trades:BTC", is_lossless=True, memory=9),
)


class Patient:
    """A session whose notices a monitor hears, and a view of both."""

    def __init__(self):
        self.account = Account(Limits())
        self.session = Session(
            rng=Random(0),
            connections=self.account.connections_per_minute,
            messages=self.account.messages,
        )
        self.monitor = Monitor()
        self.now = 100.0
        self.options = {}

    def feed(self, event):
        for effect in self.session.handle(event, self.now):
            if isinstance(effect, do.Announce):
                self.monitor.observe(effect.notice)
        return self

    def want(self, *feeds):
        for subscription, traits in feeds:
            self.feed(on.SubscribeRequested(subscription, traits))
        return self

    def hear(self, message):
        return self.feed(on.MessageReceived(self.session.connection_id, message))

    def ack(self, *feeds):
        for subscription, _ in feeds:
            self.hear(Acknowledged(True, subscription.fields))
        return self

    def refuse(self, feed):
        fields = feed[0].fields
        return self.hear(VenueError(Complaint.REFUSED, "no such coin", fields))

    def lost(self, cause=Cause.NETWORK, **facts):
        number = self.session.connection_id
        return self.feed(on.ConnectionLost(number, cause, **facts))

    def data(self, feed, *, time=0):
        update = Update(feed[1].route, str(self.now).encode(), time=time)
        entry = self.session.admit(self.session.connection_id, update, self.now)
        if not entry.is_speaking:
            number = self.session.connection_id
            self.feed(on.DataStarted(number, entry.subscription))
        return self

    def opened(self):
        self.feed(on.ConnectRequested(self.now))
        return self.feed(on.ConnectionOpened(self.session.connection_id))

    def live(self, *feeds):
        self.want(*feeds).opened().hear(Pong()).ack(*feeds)
        for feed in feeds:
            if feed[1].greets:
                self.data(feed)
        assert self.session.is_ready
        return self

    @property
    def view(self):
        entries = self.session.registry.entries
        wanted = {s: entry for s, entry in entries.items() if entry.is_wanted}
        return health.View(
            self.session,
            [self.session],
            wanted,
            self.monitor,
            self.account,
            self.now,
            self.session.state,
            due=self.session.registry.due,
            **self.options,
        )

    def stats(self):
        return health.reconnection_stats(self.view)

    def health(self):
        return health.connection_health(self.view)


@pytest.fixture
def patient():
    return Patient()


# Statistics


def test_statistics_have_the_keys_of_the_contract_and_no_others(patient):
    assert set(patient.stats()) == {
        "currently_connected",
        "auto_reconnect_enabled",
        "reconnection_task_active",
        "connection_lost_time",
        "connection_monitor_active",
        "last_message_time",
        "message_timeout_seconds",
        "state",
        "reconnect_attempts",
        "consecutive_failures",
        "total_reconnects",
        "rotations",
        "connection_lost_at",
        "last_disconnect",
        "next_attempt_in_seconds",
        "subscriptions",
        "gaps",
        "circuit_breaker",
    }


def test_statistics_of_a_client_that_never_connected(patient):
    patient.options = {"is_attached": False}

    assert patient.stats() == {
        "currently_connected": False,
        "auto_reconnect_enabled": True,
        "reconnection_task_active": False,
        "connection_lost_time": None,
        "connection_monitor_active": False,
        "last_message_time": None,
        "message_timeout_seconds": 30.0,
        "state": "idle",
        "reconnect_attempts": 0,
        "consecutive_failures": 0,
        "total_reconnects": 0,
        "rotations": 0,
        "connection_lost_at": None,
        "last_disconnect": None,
        "next_attempt_in_seconds": None,
        "subscriptions": {
            "wanted": 0,
            "acknowledged": 0,
            "live": 0,
            "stale": 0,
            "refused": 0,
        },
        "gaps": {"open": 0, "recovered": 0, "unrecoverable": 0},
        "circuit_breaker": "closed",
    }


def test_statistics_of_a_live_client(patient):
    stats = patient.live(MIDS, TRADES).stats()

    assert stats["currently_connected"] is True
    assert stats["reconnection_task_active"] is False
    assert stats["connection_monitor_active"] is True
    assert stats["connection_lost_time"] is None
    assert stats["state"] == "live"
    assert stats["next_attempt_in_seconds"] is None
    assert stats["subscriptions"]["live"] == 2


def test_the_specification_can_subtract_the_times_from_now(patient):
    patient.live(MIDS).lost()
    stats = patient.stats()

    for key in ("connection_lost_time", "last_message_time"):
        moment = datetime.fromisoformat(stats[key])
        assert moment.tzinfo is None
        assert abs(datetime.now() - moment) < timedelta(seconds=5)  # noqa: DTZ005
    lost_at = datetime.fromisoformat(stats["connection_lost_at"])
    assert lost_at.utcoffset() == timedelta(0)


def test_the_last_message_was_as_long_ago_as_it_was(patient):
    patient.live(MIDS)
    patient.now += 60.0
    stats = patient.stats()

    moment = datetime.fromisoformat(stats["last_message_time"])
    age = (datetime.now() - moment).total_seconds()  # noqa: DTZ005
    assert age == pytest.approx(60.0, abs=5.0)


def test_statistics_of_an_outage(patient):
    patient.live(MIDS)
    patient.now += 7.0
    patient.lost(Cause.SERVER_ROTATION, code=1000, reason="Expired")
    patient.now += 0.25
    stats = patient.stats()

    assert stats["currently_connected"] is False
    assert stats["reconnection_task_active"] is True
    assert stats["state"] == "backoff"
    assert stats["reconnect_attempts"] == 1
    assert stats["consecutive_failures"] == 1
    assert 0.4 < stats["next_attempt_in_seconds"] < 1.1
    last = stats["last_disconnect"]
    assert datetime.fromisoformat(last.pop("at")).utcoffset() == timedelta(0)
    assert last == {
        "cause": "server_rotation",
        "code": 1000,
        "reason": "Expired",
        "uptime_seconds": 7.0,
    }
    patient.now += 99.0
    assert patient.stats()["next_attempt_in_seconds"] == 0.0


def test_a_first_connection_is_no_reconnection(patient):
    patient.want(MIDS).opened()

    assert patient.stats()["reconnection_task_active"] is False


def test_reconnections_are_counted(patient):
    patient.live(MIDS).lost()
    patient.now = patient.session.deadline
    patient.feed(on.TimePassed(patient.now))
    patient.feed(on.ConnectionOpened(2)).ack(MIDS).data(MIDS)
    stats = patient.stats()

    assert stats["total_reconnects"] == 1
    assert stats["reconnect_attempts"] == 0


def test_subscriptions_are_counted_by_how_they_stand(patient):
    feeds = [
        (Subscription("trades", (("coin", str(n)),)), Traits(str(n))) for n in range(4)
    ]
    patient.live(MIDS, *feeds[:2]).want(*feeds[2:])
    patient.refuse(feeds[2])

    assert patient.stats()["subscriptions"] == {
        "wanted": 4,
        "acknowledged": 3,
        "live": 3,
        "stale": 0,
        "refused": 1,
    }


def test_a_mute_or_a_stale_feed_is_not_live(patient):
    patient.want(MIDS).opened().ack(MIDS)
    assert patient.stats()["subscriptions"]["live"] == 0

    patient.data(MIDS)
    assert patient.stats()["subscriptions"]["live"] == 1
    patient.session.registry.entries[MIDS[0]].ladder.warned_at = 1.0
    counts = patient.stats()["subscriptions"]
    assert (counts["live"], counts["stale"]) == (0, 1)


def test_a_breaker_is_shown_as_it_stands(patient):
    for _ in range(5):
        patient.session.breaker.failed(patient.now)
    assert patient.stats()["circuit_breaker"] == "open"

    patient.now += 300.0
    assert patient.stats()["circuit_breaker"] == "half_open"


def test_gaps_are_shown_as_they_were_told(patient):
    patient.live(MIDS, TRADES).lost()
    assert patient.stats()["gaps"] == {"open": 2, "recovered": 0, "unrecoverable": 0}

    patient.monitor.gaps.update(["recovered", "recovered", "unrecoverable"])
    patient.monitor.open_gaps.clear()
    assert patient.stats()["gaps"] == {"open": 0, "recovered": 2, "unrecoverable": 1}


def test_settings_are_shown_as_they_are(patient):
    policy = patient.session.policy.__class__(
        message_timeout=12.5, auto_reconnect=False
    )
    patient.feed(on.PolicyChanged(policy))
    stats = patient.stats()

    assert stats["message_timeout_seconds"] == 12.5
    assert stats["auto_reconnect_enabled"] is False


# Health


def test_health_has_the_keys_of_the_contract_and_no_others(patient):
    assert set(patient.health()) == {
        "is_healthy",
        "success_rate",
        "avg_response_time",
        "state",
        "reasons",
        "last_message_age_seconds",
        "uptime_seconds",
        "messages_received",
        "messages_per_second",
        "ping_rtt_seconds",
        "feed_lag_seconds",
        "loop_lag_seconds",
        "subscriptions",
        "limits",
        "handlers",
        "audit",
        "verdict",
    }


def test_health_before_any_sample(patient):
    found = patient.health()

    assert found["is_healthy"] is False
    assert found["success_rate"] == 1.0
    assert found["avg_response_time"] == 0.0
    assert found["reasons"] == ["not live (idle)"]
    assert found["last_message_age_seconds"] is None
    assert (found["uptime_seconds"], found["messages_received"]) == (0.0, 0)
    assert found["messages_per_second"] == 0.0
    assert found["ping_rtt_seconds"] == {"p50": None, "p99": None}
    assert found["feed_lag_seconds"] == {"p50": None, "p99": None}
    assert found["subscriptions"] == {}


def test_a_live_client_that_carries_data_is_healthy(patient):
    patient.live(MIDS, TRADES)
    patient.now += 3.0
    patient.options = {"loop_lag": 0.125}
    found = patient.health()

    assert found["is_healthy"] is True
    assert found["reasons"] == []
    assert found["state"] == "live"
    assert found["uptime_seconds"] == 3.0
    assert found["last_message_age_seconds"] == 3.0
    assert found["messages_received"] == 1
    assert found["loop_lag_seconds"] == 0.125


def test_success_is_a_share_of_requests_pings_and_attempts(patient):
    patient.live(MIDS)  # one attempt and one ping
    patient.monitor.request_done(True, 0.5)
    patient.monitor.request_done(False, 1.0)
    found = patient.health()

    assert found["success_rate"] == pytest.approx(0.75)
    assert found["avg_response_time"] == pytest.approx(0.5)


def test_pings_are_summed_up(patient):
    patient.live(MIDS)
    patient.session.conversation.liveness.round_trips.extend([0.1, 0.2, 0.3, 9.0])

    assert patient.health()["ping_rtt_seconds"] == {"p50": 0.2, "p99": 9.0}


@pytest.mark.parametrize(
    ("values", "p50", "p99"),
    [
        ([], None, None),
        ([5.0], 5.0, 5.0),
        ([2.0, 1.0, 3.0], 2.0, 3.0),
        (list(range(101)), 50, 99),
    ],
)
def test_quantiles_are_values_that_occurred(values, p50, p99):
    assert health.quantiles(values) == {"p50": p50, "p99": p99}


def test_each_subscription_is_shown_as_it_stands(patient):
    patient.live(MIDS, TRADES)
    patient.now += 2.0
    patient.data(MIDS)
    patient.now += 1.0
    shown = patient.health()["subscriptions"]

    assert shown == {
        "allMids": {
            "state": "live",
            "age": 1.0,
            "rate": 0.5,
            "lag": None,
            "gaps": {"open": 0, "recovered": 0, "unrecoverable": 0},
            "messages": 2,
            "duplicates": 0,
            "recovered": 0,
            "error": None,
        },
        "trades(coin=BTC)": {
            "state": "live",
            "age": None,
            "rate": 0.0,
            "lag": None,
            "gaps": {"open": 0, "recovered": 0, "unrecoverable": 0},
            "messages": 0,
            "duplicates": 0,
            "recovered": 0,
            "error": None,
        },
    }


def test_the_lag_of_each_feed_is_summed_up(patient):
    patient.live(MIDS)
    for lag in (0.0, 0.5):
        patient.now += 1.0
        time = round((1_790_000_000 + patient.now - lag) * 1000)
        patient.data(MIDS, time=time)
    found = patient.health()

    assert found["subscriptions"]["allMids"]["lag"] == pytest.approx(0.5)
    assert found["feed_lag_seconds"]["p50"] == pytest.approx(0.5)


def test_the_open_gap_of_a_feed_is_shown(patient):
    patient.live(TRADES).lost()
    shown = patient.health()["subscriptions"]["trades(coin=BTC)"]

    assert shown["gaps"] == {"open": 1, "recovered": 0, "unrecoverable": 0}


# Reasons


def test_an_outage_is_a_reason_with_its_last_error(patient):
    patient.live(MIDS).lost(Cause.DNS, reason="dns: no such host")
    found = patient.health()

    assert found["reasons"] == ["not live (backoff, last error: dns: no such host)"]
    assert found["uptime_seconds"] == 0.0


def test_a_connection_without_proof_is_a_reason(patient):
    patient.want(MIDS).opened().ack(MIDS)

    assert patient.health()["reasons"] == [
        "connected, but not yet proven to carry data"
    ]


def test_what_is_not_acknowledged_yet_is_a_reason(patient):
    patient.live(MIDS).want(TRADES)
    found = patient.health()

    assert found["reasons"] == ["not acknowledged yet: trades(coin=BTC)"]
    assert found["subscriptions"]["trades(coin=BTC)"]["state"] == "pending"


def test_only_some_of_many_are_named(patient):
    feeds = [
        (Subscription("bbo", (("coin", f"C{n}"),)), Traits(str(n))) for n in range(7)
    ]
    patient.live(MIDS).want(*feeds)

    some = ", ".join(f"bbo(coin=C{n})" for n in range(5))
    assert patient.health()["reasons"] == [f"not acknowledged yet: {some} and 2 more"]


def test_a_refused_subscription_is_a_reason_that_names_it(patient):
    patient.live(MIDS).want(TRADES).refuse(TRADES)
    found = patient.health()

    assert found["is_healthy"] is False
    assert found["reasons"] == ["trades(coin=BTC) refused: no such coin"]
    shown = found["subscriptions"]["trades(coin=BTC)"]
    assert (shown["state"], shown["error"]) == ("refused", "no such coin")


def test_what_several_sessions_complain_of_is_said_once(patient):
    patient.live(MIDS).want(TRADES).refuse(TRADES)
    view = health.View(
        patient.session,
        [patient.session, patient.session],
        {},
        patient.monitor,
        patient.account,
        patient.now,
        State.LIVE,
    )

    assert len(reasons_for(view)) == 1
    assert view.received == 2
    assert view.data_at == patient.now


# Limits


def test_every_limit_of_the_venue_is_shown(patient):
    patient.live(MIDS, TRADES)
    patient.account.connections = 2
    patient.account.subscriptions = 7
    patient.account.users["0xa"] += 1

    assert patient.health()["limits"] == {
        "connections_per_minute": {"used": 1, "allowed": 30},
        "connections": {"used": 2, "allowed": 10},
        "subscriptions": {"used": 7, "allowed": 1000},
        "users": {"used": 1, "allowed": 10},
        "messages_per_minute": {"used": 3, "allowed": 2000},
        "posts_in_flight": {"used": 0, "allowed": 100},
        "rest_weight_per_minute": {"used": 0, "allowed": 1200},
    }


def test_a_moment_of_the_session_is_a_time_of_day(patient):
    view = patient.view

    assert view.at(None) is None
    shown = view.at(patient.now - 30.0)
    age = (datetime.now(UTC) - shown).total_seconds()
    assert age == pytest.approx(30.0, abs=5.0)
