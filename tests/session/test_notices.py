from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest

from bistoury.session import Cause, Complaint, State, Subscription, Trigger
from bistoury.session import notices as say

BTC = Subscription("trades", (("coin", "BTC"),))
NOON = datetime(2026, 11, 23, 12, 34, 56, tzinfo=UTC)

SENTENCES = [
    (
        say.StateChanged(State.SYNCING, State.LIVE, Trigger.SYNCED),
        "syncing -> live (synced)",
    ),
    (say.Connected(3), "connection 3 open"),
    (say.Ready(3, 12, 4.25), "connection 3 ready: 12 subscriptions after 4.2 s"),
    (say.Ready(4, 1, 0.5), "connection 4 ready: 1 subscription after 0.5 s"),
    (say.Stable(3), "connection 3 stable"),
    (
        say.Disconnected(Cause.SERVER_ROTATION, 1000, "Expired", 3, 61.04),
        "connection 3 lost after 61.0 s: server_rotation, close 1000 (Expired)",
    ),
    (
        say.Disconnected(Cause.NETWORK, None, "reset", 3, 0.0, was_open=False),
        "connection 3 not opened: network (reset)",
    ),
    (
        say.Disconnected(Cause.NETWORK, None, "", 3, 0.0),
        "connection 3 lost after 0.0 s: network",
    ),
    (
        say.Reconnecting(1, 1.04, Cause.NETWORK),
        "reconnection attempt #1 in 1.0 s (network)",
    ),
    (say.Granted(BTC), "trades(coin=BTC) acknowledged"),
    (say.Started(BTC), "trades(coin=BTC) carries data"),
    (say.Refused(BTC, "no such coin", False), "trades(coin=BTC) refused: no such coin"),
    (say.AskedAgain(BTC), "trades(coin=BTC) not acknowledged, asking again"),
    (
        say.Stale(BTC, 12.34, "warn"),
        "trades(coin=BTC) has carried no news for 12.3 s (warn)",
    ),
    (
        say.Stale(BTC, 12.34, "reconnect", is_late=True),
        "trades(coin=BTC) is 12.3 s behind (reconnect)",
    ),
    (
        say.Gap(BTC, 5, 9, "recovered", 3, Cause.NETWORK),
        "trades(coin=BTC): gap from 5 to 9 recovered, 3 rows (network)",
    ),
    (
        say.Gap(BTC, None, None, "open", 0, Cause.OVERFLOW),
        "trades(coin=BTC): gap from ? to ? open (overflow)",
    ),
    (say.Degraded(("a", "b")), "degraded: a; b"),
    (
        say.Down(NOON, 7, "dns: no such host"),
        "down since 12:34:56 UTC after 7 attempts: dns: no such host",
    ),
    (say.BreakerChanged("open", 5), "circuit breaker open after 5 failures"),
    (
        say.Probing(6.04, -3600.0),
        "tick 6.0 s late, clocks -3600.0 s apart: probing the connection",
    ),
    (
        say.NoMessages(3, 10.0),
        "no messages received for 10 s, connection appears dead",
    ),
    (say.VenueComplained(Complaint.USERS, "too many", 10), "the venue says: too many"),
]


@pytest.mark.parametrize(
    ("notice", "sentence"), SENTENCES, ids=lambda it: type(it).__name__
)
def test_reads_as_a_sentence(notice, sentence):
    assert str(notice) == sentence


def test_the_table_above_has_every_notice():
    assert {type(notice) for notice, _ in SENTENCES} == set(get_args(say.Notice))


def test_a_connection_that_is_gone_was_open_unless_said():
    assert say.Disconnected(Cause.NETWORK, None, "", 1, 0.0).was_open


def test_a_gap_has_neither_note_nor_count_unless_said():
    gap = say.Gap(BTC, 5, 9, "open", 0, Cause.NETWORK)

    assert (gap.note, gap.missed_count) == ("", None)


def test_a_complaint_has_no_number_unless_said():
    assert say.VenueComplained(Complaint.OTHER, "no").limit is None


# The attributes that handlers of ``client.on`` rely on: contract, section 4.
PROMISED = {
    say.Connected: {"connection_id"},
    say.Ready: {"connection_id", "restored", "downtime_seconds"},
    say.Disconnected: {"cause", "code", "reason", "connection_id", "uptime_seconds"},
    say.Reconnecting: {"attempt", "delay_seconds", "cause"},
    say.Stale: {"subscription", "age_seconds", "rung"},
    say.Gap: {"subscription", "since", "until", "status", "recovered_count", "cause"},
    say.Degraded: {"reasons"},
    say.Down: {"since", "attempts", "last_error"},
    say.BreakerChanged: {"state", "failures"},
}


@pytest.mark.parametrize("kind", PROMISED, ids=lambda it: it.__name__)
def test_carries_what_the_contract_promises(kind):
    assert PROMISED[kind] <= set(kind.__struct_fields__)


@pytest.mark.parametrize(
    "notice", [it for it, _ in SENTENCES], ids=lambda it: type(it).__name__
)
def test_a_notice_does_not_change_and_can_be_journaled(notice):
    assert type(notice).__struct_config__.frozen
    text = msgspec.json.encode(notice)

    assert msgspec.json.decode(text, type=say.Notice) == notice
