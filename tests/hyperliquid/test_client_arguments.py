"""What no client can live by is refused at once, by name."""

import pytest

from bistoury import Config, ConfigError, HyperLiquidIntegration
from bistoury.simulator.exchange import Exchange
from bistoury.simulator.settings import Settings
from bistoury.testing.venue import MemoryVenue
from bistoury.testing.virtual_time import run

NO_SECONDS = [float("nan"), float("inf"), -1, "5", True]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("connect_timeout", it) for it in [*NO_SECONDS, None]),
        ("circuit_breaker", 5),
        ("circuit_breaker", True),
        ("ssl_context", 3),
        ("ssl_context", False),
        ("config", {}),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(name, value):
    given = {"config": Config(network="local"), name: value}
    with pytest.raises(ConfigError, match=f"{name}: .* is not allowed"):
        HyperLiquidIntegration(**given)


@pytest.mark.parametrize("timeout", NO_SECONDS)
def test_a_wait_without_an_end_of_its_own_is_refused(timeout):
    async def main():
        venue = MemoryVenue(Exchange(Settings(), 1))
        client = venue.client()
        with pytest.raises(ConfigError, match=r"timeout: .* is not allowed"):
            await client.wait_ready(timeout)
        assert not await client.wait_ready(0)
        venue.stop()

    run(main())
