"""What must stay inside: addresses, passwords, what was sent to be hidden."""

import asyncio
import logging
import ssl

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.observability.structured import JsonFormatter
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.faults import Cut, Garble, RefuseSubscriptions
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

USER = "0x" + "5ecb0a7d" * 5


def test_no_full_address_is_in_logs_journals_and_metrics(tmp_path, caplog):
    """The canary sings nowhere, whatever happens to the connection."""
    caplog.set_level(logging.DEBUG, "bistoury")
    place = tmp_path / "journal.jsonl"

    async def main():
        venue = MemoryVenue(Exchange(Settings(coins=("BTC",), user_rate=1.0), 1))
        client = venue.client(journal=place)

        def bad(_):
            raise ValueError("a handler")

        await client.subscribe_user_fills(USER, bad)
        await client.subscribe_order_updates(USER)
        await client.subscribe_user_events(USER)
        assert await client.connect()
        await asyncio.sleep(10)
        for fault, lasts in (
            (Garble(probability=1.0), 10),
            (RefuseSubscriptions(), 10),
            (Cut(how="rst"), None),
        ):
            venue.exchange.inject(fault, venue.now(), lasts)
            venue.turn()
        await asyncio.sleep(120)
        said, _ = client._window.metrics()
        await client.disconnect()
        venue.stop()
        return said.decode()

    metrics = run(main())
    logs = "\n".join(
        f"{it.getMessage()} {logging.Formatter().format(it)} {JsonFormatter().format(it)}"
        for it in caplog.records
    )
    journal = place.read_text("utf-8")
    assert "userFills" in logs
    assert "userFills" in journal
    assert "userFills" in metrics
    hidden = USER[10:30]  # its ends may be shown
    for text in (logs, journal, metrics):
        assert hidden not in text.lower()


def contexts():
    blind = ssl.create_default_context()
    blind.check_hostname = False
    yield "no host", blind
    nobody = ssl.create_default_context()
    nobody.check_hostname = False
    nobody.verify_mode = ssl.CERT_NONE
    yield "nothing", nobody


@pytest.mark.parametrize(("name", "context"), list(contexts()))
def test_a_tls_context_that_verifies_nothing_is_refused_unless_it_is_meant(
    name, context
):
    with pytest.raises(ConfigError, match=r"ssl_context.*allow_insecure"):
        HyperLiquidIntegration(Config(), ssl_context=context)
    HyperLiquidIntegration(Config(allow_insecure=True), ssl_context=context)


def test_a_tls_context_that_verifies_is_taken():
    HyperLiquidIntegration(Config(), ssl_context=ssl.create_default_context())
