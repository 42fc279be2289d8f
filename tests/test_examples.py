"""Each example runs, against a local venue, and ends by itself."""

from __future__ import annotations

import ast
import asyncio
import os
import sys
from pathlib import Path

import pytest

from bistoury.simulator import Settings, Venue
from bistoury.simulator.faults import Cut, Refuse

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
SAYS = {
    "alert_on_downtime": "watching",
    "handle_gap": "0 of them late: complete",
    "health_report": "healthy       yes",
    "order_book": "BTC: ",
    "quick_start": "BTC 6",
    "trading_bot": "BTC at ",
}


@pytest.fixture
async def venue():
    settings = Settings(coins=("BTC", "ETH"), trade_rate=4.0)
    async with Venue(settings) as it:
        yield it


async def start(venue, path, *args):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, path, *args),
        env=os.environ | {"BISTOURY_NETWORK": "local", "BISTOURY_API_URL": venue.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def run(venue, path, *args):
    process = await start(venue, path, *args)
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


def example(name):
    return next(path for path in EXAMPLES if path.stem == name)


def test_every_example_is_tried_here():
    assert {path.stem for path in EXAMPLES} == set(SAYS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_what_it_shows_and_how_to_run_it(path):
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))

    assert f"python examples/{path.name}" in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_runs_and_ends_by_itself(venue, path):
    more = ("--every", "0.8") if path.stem == "health_report" else ()

    status, said = await run(venue, path, "--seconds", "2", *more)

    assert status == 0, said
    assert "Traceback" not in said
    assert SAYS[path.stem] in said


async def test_the_alert_tells_of_an_outage_once_and_of_its_end(venue):
    args = ("--seconds", "6", "--after", "0.8")
    process = await start(venue, example("alert_on_downtime"), *args)
    assert await process.stdout.readline() == b"watching\n"

    fault = venue.inject(Refuse(how="http"))
    venue.inject(Cut(how="rst"))
    first = await asyncio.wait_for(process.stdout.readline(), 10)
    venue.heal(fault)
    rest, _ = await asyncio.wait_for(process.communicate(), 20)

    assert first.startswith(b"ALERT no connection for ")
    assert rest == b"ALERT the connection is back\n"


async def test_trades_of_an_outage_come_late_and_the_sum_stays_whole(venue):
    args = ("--seconds", "4")
    process = await start(venue, example("handle_gap"), *args)
    said = b""
    while said != b"following trades\n":
        said = await asyncio.wait_for(process.stdout.readline(), 20)

    venue.inject(Cut(how="eof"))
    rest, _ = await asyncio.wait_for(process.communicate(), 20)

    assert b"trades of an outage came late" in rest
    assert rest.splitlines()[-1].endswith(b": complete")
