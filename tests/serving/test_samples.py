from __future__ import annotations

from bistoury.serving.samples import COLUMNS, Samples


def state(ping=0.01, connection="live"):
    return {
        "last_ping_seconds": ping,
        "health": {
            "state": connection,
            "feed_lag_seconds": {"p50": 0.1, "p99": None},
            "messages_per_second": 3.0,
        },
    }


def test_a_sample_is_taken_every_two_seconds():
    samples = Samples()
    taken = [samples.take(at, state()) is not None for at in (0.0, 1.0, 2.0, 3.0, 4.0)]

    assert taken == [True, False, True, False, True]
    assert samples.columns()["at"] == [0.0, 2.0, 4.0]


def test_while_there_is_no_connection_there_is_a_hole():
    row = dict(
        zip(COLUMNS, Samples().take(0.0, state(connection="backoff")), strict=True)
    )

    assert (row["ping"], row["lag"], row["rate"]) == (None, None, 3.0)


def test_an_hour_is_kept_and_no_more():
    samples = Samples()
    for at in range(0, 20_000, 2):
        samples.take(float(at), state())

    assert len(samples.columns()["at"]) == 1800
    assert samples.columns()["at"][-1] == 19_998.0


def test_a_clock_set_back_does_not_stop_the_samples():
    samples = Samples()
    samples.take(1000.0, state())

    assert samples.take(10.0, state()) is not None
