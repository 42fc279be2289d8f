from __future__ import annotations

import asyncio

import pytest

from bistoury.testing.virtual_time import run
from bistoury.transport.phases import Phases, UpgradeHeaders

LIMITS = {"dns": 1.0, "tcp": 2.0, "proxy": 3.0, "tls": 4.0, "upgrade": 5.0}


def hang(total, *entries):
    """Enter each (at, phase, and_then); return when and how it ended."""

    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as timer:
                phases = Phases(timer, LIMITS, total)
                for at, name, and_then in entries:
                    await asyncio.sleep(at - loop.time())
                    phases.enter(name, and_then=and_then)
                await asyncio.sleep(1000)
        return loop.time(), phases.timed_out()

    return run(main())


@pytest.mark.parametrize("phase", LIMITS)
def test_each_phase_has_its_own_limit(phase):
    ended, error = hang(100.0, (0.0, phase, None))

    assert ended == LIMITS[phase]
    assert (error.phase, error.timed_out) == (phase, True)
    assert f"{LIMITS[phase]:.1f} s" in error.detail


def test_a_limit_counts_from_the_beginning_of_the_phase():
    ended, error = hang(
        100.0, (0.0, "dns", None), (0.5, "tcp", None), (2.0, "upgrade", None)
    )

    assert ended == 7.0
    assert error.phase == "upgrade"


def test_no_phase_passes_the_total():
    ended, error = hang(
        3.0, (0.0, "dns", None), (0.5, "tcp", None), (2.0, "upgrade", None)
    )

    assert ended == 3.0
    assert error.phase == "upgrade"


def test_a_phase_that_begins_unseen_is_given_its_time_too():
    assert hang(100.0, (0.0, "proxy", "tls"))[0] == 7.0


async def test_asking_for_the_headers_is_the_upgrade():
    async with asyncio.timeout(None) as timer:
        phases = Phases(timer, LIMITS, 10.0)
        headers = UpgradeHeaders({"A": "1"}, phases)
        assert phases.name == "dns"

        assert list(headers) == [("A", "1")]
        assert phases.name == "upgrade"
