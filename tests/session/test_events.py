"""Events are all there is to a run, so each must survive being written down."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from bistoury.session import (
    Acknowledged,
    Backoff,
    Cause,
    Complaint,
    Policy,
    Pong,
    Promise,
    Subscription,
    Traits,
    VenueError,
)
from bistoury.session import events as on

BTC = Subscription("trades", (("coin", "BTC"),))

EVENTS = [
    on.ConnectRequested(),
    on.ConnectRequested(1_790_000_000.5),
    on.CloseRequested(),
    on.ReconnectRequested("user"),
    on.PolicyChanged(Policy(tick=2.0, backoff=Backoff(factor=3.0))),
    on.SubscribeRequested(BTC, Traits("trades:BTC", Promise.EVENT, memory=9)),
    on.UnsubscribeRequested(BTC),
    on.ConnectionOpened(3),
    on.ConnectionLost(3, Cause.RATE_LIMITED, 429, "slow down", 20.0),
    on.ConnectionLost(3, Cause.NETWORK),
    on.MessageReceived(3, Pong()),
    on.MessageReceived(3, Acknowledged(False, BTC.fields)),
    on.MessageReceived(3, VenueError(Complaint.USERS, "no", limit=10)),
    on.DataStarted(3, BTC),
    on.DataStarted(3, BTC, 1_790_000_000_000, 1_790_000_000_500, 30),
    on.BackfillDone(BTC, 4, failed=True),
    on.BackfillDone(BTC, 4, complete=False, oldest=1, newest=2),
    on.BackfillDone(BTC, 4, trails=True),
    on.LossSuspected(3),
    on.LossSuspected(3, Cause.SILENT, BTC),
    on.Carried(BTC, 1_790_000_000_000),
    on.RequestSent(),
    on.PingRequested(),
    on.TimePassed(1_790_000_000.5),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda it: type(it).__name__)
def test_can_be_written_to_a_journal_and_read_back(event):
    line = msgspec.json.encode((12.5, event))

    assert msgspec.json.decode(line, type=tuple[float, on.Event]) == (12.5, event)


def test_the_table_above_has_every_event():
    assert {type(event) for event in EVENTS} == set(get_args(on.Event))


def test_a_loss_without_a_close_frame_has_neither_code_nor_reason():
    lost = on.ConnectionLost(1, Cause.NETWORK)

    assert (lost.code, lost.reason, lost.retry_after) == (None, "", None)


def test_what_is_not_said_of_data_and_of_history_is_nothing():
    started, done = on.DataStarted(1, BTC), on.BackfillDone(BTC, 4)

    assert (started.oldest, started.newest, started.rows) == (0, 0, 0)
    assert (done.failed, done.complete, done.oldest, done.newest) == (False, True, 0, 0)
    assert on.ConnectRequested().wall == 0.0


@pytest.mark.parametrize("event", EVENTS, ids=lambda it: type(it).__name__)
def test_an_event_does_not_change(event):
    assert type(event).__struct_config__.frozen
    for field in event.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(event, field, None)
