from __future__ import annotations

from bistoury.serving.samples import COLUMNS, Samples, figures_of


def figures():
    return 0.01, 0.1, None, 3.0


def test_a_sample_is_taken_every_two_seconds():
    samples = Samples()
    taken = [samples.take(at, figures) is not None for at in (0.0, 1.0, 2.0, 3.0, 4.0)]

    assert taken == [True, False, True, False, True]
    assert samples.columns()["at"] == [0.0, 2.0, 4.0]


async def test_while_there_is_no_connection_there_is_a_hole(client):
    ping, *_ = figures_of(client._view())
    assert ping > 0
    assert client.get_state()["last_ping_seconds"] == ping
    await client.disconnect()
    assert client.get_state()["last_ping_seconds"] is None

    row = Samples().take(0.0, lambda: figures_of(client._view()))
    told = dict(zip(COLUMNS, row, strict=True))
    assert (told["ping"], told["lag"]) == (None, None)
    assert told["rate"] is not None


def test_an_hour_is_kept_and_no_more():
    samples = Samples()
    for at in range(0, 20_000, 2):
        samples.take(float(at), figures)

    assert len(samples.columns()["at"]) == 1800
    assert samples.columns()["at"][-1] == 19_998.0


def test_a_clock_set_back_does_not_stop_the_samples():
    samples = Samples()
    samples.take(1000.0, figures)

    assert samples.take(10.0, figures) is not None
