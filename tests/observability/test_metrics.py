from __future__ import annotations

import asyncio
import re

import pytest

from bistoury.observability.metric_names import METRICS
from bistoury.observability.metrics import MOST_SUBSCRIPTIONS
from bistoury.session import Cause, Complaint
from bistoury.simulator.faults import Cut

USER = "0xAbCd" + "0" * 32 + "1234"


def figures(stage):
    from prometheus_client.parser import text_string_to_metric_families

    body, kind = stage.client._window.metrics()
    assert kind.startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


async def live(stage, *coins):
    await stage.client.connect()
    for coin in coins or ("BTC",):
        await stage.client.subscribe_trades(coin)
    await stage.client.subscribe_user_fills(USER)
    await asyncio.sleep(5)


def test_every_name_begins_with_bistoury_and_no_label_holds_an_address(play):
    async def scenario(stage):
        await live(stage)
        return stage.client._window.metrics()[0].decode()

    text = play(scenario)
    names = re.findall(
        r"^(\w+)", re.sub(r"^#.*$", "", text, flags=re.MULTILINE), re.MULTILINE
    )
    assert len(names) > 60
    assert all(name.startswith("bistoury_") for name in names)
    assert USER not in text
    assert USER.lower() not in text
    assert 'key="userFills(' in text


def test_figures_are_those_of_health_and_of_what_happened(play):
    async def scenario(stage):
        await live(stage)
        before = figures(stage)
        stage.inject(Cut())
        await asyncio.sleep(0.1)
        down = figures(stage)
        await asyncio.sleep(60)
        return before, down, figures(stage), stage.state()

    before, down, after, state = play(scenario)
    assert before["bistoury_up",] == before["bistoury_ready",] == 1
    assert (down["bistoury_up",], down["bistoury_ready",]) == (0, 0)
    assert down["bistoury_verdict", "down"] == 1
    assert after["bistoury_verdict", "ok"] == 1
    assert after["bistoury_disconnects_total", "", "network"] == 1
    assert after["bistoury_connects_total",] == 2
    assert after["bistoury_outage_seconds_count",] == 1
    assert after["bistoury_gaps_total", "network", "true"] == 2
    assert after["bistoury_messages_total",] == state["health"]["messages_received"]
    assert after["bistoury_limit_used", "subscriptions"] == 2
    assert 0.9 < after["bistoury_availability_ratio",] < 1


def test_a_client_begins_with_every_counter_at_zero(play):
    async def scenario(stage):
        return figures(stage)

    first = play(scenario)
    for cause in Cause:
        for recovered in ("false", "true"):
            labels = sorted((cause, recovered))
            assert first["bistoury_gaps_total", *labels] == 0
        assert first["bistoury_disconnects_total", "", cause] == 0
        assert first["bistoury_connect_errors_total", cause] == 0
    assert first["bistoury_disconnects_total", "1006", "network"] == 0
    assert first["bistoury_disconnects_total", "1000", "idle_timeout"] == 0
    assert {it[1] for it in first if it[0] == "bistoury_venue_errors_total"} == set(
        Complaint
    )
    assert not {
        value
        for name, value in first.items()
        if name[0].endswith("_total") and value != 0
    }


def test_counters_do_not_go_down_when_a_subscription_ends(play):
    names = ("bistoury_duplicates_total", "bistoury_messages_total")

    async def scenario(stage):
        await live(stage, "BTC")
        handle = await stage.client.subscribe_trades("ETH")
        await asyncio.sleep(20)
        stage.inject(Cut())  # what is sent again is recognised
        await asyncio.sleep(60)
        before = figures(stage)
        await handle.unsubscribe()
        return before, figures(stage)

    before, after = play(scenario)
    assert before[names[0],] > 0
    for name in names:
        assert after[name,] >= before[name,]


def test_two_clients_have_registries_of_their_own(play):
    async def scenario(stage):
        other = stage.venue.client(stage.client.config)
        await live(stage)
        return (
            stage.client.metrics_registry is not other.metrics_registry,
            figures(stage)["bistoury_up",],
            other._window.metrics()[0].decode(),
        )

    own, up, other = play(scenario)
    assert own
    assert up == 1
    assert "bistoury_up 0.0" in other


@pytest.mark.parametrize("count", [5, MOST_SUBSCRIPTIONS + 40])
def test_beyond_so_many_subscriptions_only_feeds_have_figures(play, count):
    async def scenario(stage):
        for number in range(count):
            await stage.client.subscribe({"type": "trades", "coin": f"C{number}"})
        return stage.client._window.metrics()[0].decode()

    text = play(scenario)
    assert f'bistoury_subscriptions{{state="pending"}} {float(count)}' in text
    assert ('key="trades(coin=C1)"' in text) == (count <= MOST_SUBSCRIPTIONS)
    assert len(text) < 40_000


def test_the_first_look_at_a_client_that_never_connected_works(play):
    async def scenario(stage):
        return figures(stage)

    assert play(scenario)["bistoury_connection_state", "idle"] == 1


def test_every_metric_of_the_table_is_made_and_no_other(play):
    async def scenario(stage):
        return list(stage.client.metrics_registry.collect())

    made = {it.name: it for it in play(scenario)}
    assert set(made) == {f"bistoury_{name}" for name in METRICS}
    for name, described in METRICS.items():
        assert made[f"bistoury_{name}"].type == described.kind
        assert made[f"bistoury_{name}"].documentation == described.text


def test_a_scrape_from_another_thread_tries_again_when_something_moves(play):
    async def scenario(stage):
        await live(stage)
        window, failures = stage.client._window, [RuntimeError("changed size")] * 3
        real = window.read

        def moving(work):
            if failures:
                raise failures.pop()
            return real(work)

        window.read = moving
        return stage.client.metrics_registry.get_sample_value("bistoury_up")

    assert play(scenario) == 1.0
