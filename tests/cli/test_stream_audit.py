"""``bistoury stream --audit`` in virtual time: a minute would be a long test."""

from __future__ import annotations

import asyncio
import json

import pytest

from bistoury import Config
from bistoury.cli.stream import _stream, _Wishes
from bistoury.hyperliquid import client as clients
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Refuse
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

TRADES = {"type": "trades", "coin": "BTC"}


@pytest.fixture
def streamed(monkeypatch, capsys):
    """Return what streams trades for some minutes, and what it wrote and said."""

    def stream(*, events=False, audit=True, outage=False):
        async def main():
            venue = MemoryVenue(Exchange(Settings(coins=("BTC",), trade_rate=2.0), 1))

            def made(config, **options):
                return venue.client(config, **options)

            monkeypatch.setattr(clients, "HyperLiquidIntegration", made)
            if outage:
                asyncio.get_running_loop().call_at(70, break_down, venue)
            wishes = _Wishes(TRADES, 10.0, 200.0, None, events, audit)
            try:
                return await _stream(Config(network="local"), wishes)
            finally:
                venue.stop()

        assert run(main()) == 0
        out, err = capsys.readouterr()
        return [json.loads(line) for line in out.splitlines()], err.splitlines()

    return stream


def break_down(venue):
    """Be away for longer than the venue's replay of trades reaches back."""
    venue.exchange.inject(Refuse(status=503), venue.now(), 40)
    venue.exchange.inject(Cut(), venue.now())
    venue.turn()


def test_every_minute_is_judged_on_stderr(streamed):
    rows, said = streamed()

    assert {row["channel"] for row in rows} == {"trades"}
    judged = [line for line in said if " UTC: complete, " in line]
    assert len(judged) >= 2
    assert all(line.startswith("BTC ") for line in judged)


def test_with_events_every_verdict_is_a_json_line_too(streamed):
    rows, said = streamed(events=True)

    verdicts = [row for row in rows if row.get("event") == "audit"]
    assert len(verdicts) == sum(" UTC: complete, " in line for line in said) >= 2
    first = verdicts[0]
    assert (first["v"], first["coin"], first["status"]) == (1, "BTC", "complete")
    assert first["delivered_count"] == first["expected_count"] > 0
    assert (first["missing_count"], first["gap"]) == (0, None)


def test_what_a_gap_cost_names_the_subscription_as_other_events_do(streamed):
    rows, said = streamed(events=True, outage=True)

    verdict = next(row for row in rows if row.get("status") == "missing")
    assert verdict["missing_count"] > 0
    assert verdict["gap"]["subscription"] == "trades(coin=BTC)"
    assert any("size missing of" in line for line in said)


def test_without_it_nothing_is_judged(streamed):
    rows, said = streamed(audit=False, events=True)

    assert not [row for row in rows if row.get("event") == "audit"]
    assert not [line for line in said if " UTC: " in line]
