from __future__ import annotations

import asyncio
import json
import logging

import pytest

from bistoury.observability.structured import JsonFormatter, fields_of
from bistoury.session import Cause, Subscription
from bistoury.session import notices as say
from bistoury.simulator.faults import Cut

USER = "0xAbCd" + "0" * 32 + "1234"
FILLS = Subscription("userFills", (("user", USER),))


def test_a_notice_is_its_name_and_its_attributes_without_an_address():
    fields = fields_of(say.Gap(FILLS, 1, None, "open", 0, Cause.NETWORK))

    assert fields["event"] == "gap"
    assert fields["subscription"] == "userFills(user=0xAbCd…1234)"
    assert (fields["since"], fields["until"], fields["cause"]) == (1, None, "network")


def test_names_of_two_words_are_joined():
    assert fields_of(say.NoMessages(1, 30.0))["event"] == "no_messages"


def test_a_record_is_one_line_of_json_even_with_a_traceback():
    info = (ValueError, ValueError("first\nsecond"), None)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "a %s", ("b",), info)
    line = JsonFormatter().format(record)

    assert "\n" not in line
    told = json.loads(line)
    assert (told["v"], told["level"], told["text"]) == (1, "error", "a b")
    assert "ValueError" in told["traceback"]


def test_one_line_of_a_loss_says_all_that_was_known(play, caplog):
    caplog.set_level(logging.INFO)

    async def scenario(stage):
        await stage.client.connect()
        await stage.client.subscribe_trades("BTC")
        await asyncio.sleep(20)
        stage.inject(Cut())
        await asyncio.sleep(5)

    play(scenario)
    (record,) = [it for it in caplog.records if "lost after 20" in it.getMessage()]
    told = json.loads(JsonFormatter().format(record))
    assert told["event"] == "disconnected"
    assert told["cause"] == "network"
    assert told["subscriptions"] == 1
    assert told["messages_received"] > 0
    assert told["uptime_seconds"] > 19
    assert told["next_attempt_in_seconds"] > 0
    assert {"code", "reason", "last_message_age_seconds", "ping_rtt_seconds"} <= set(
        told
    )
    assert f"{told['messages_received']} messages, " in record.getMessage()
    assert "next attempt in" in record.getMessage()
    assert "messages, the newest" in record.getMessage()


@pytest.mark.parametrize("options", [{}, {"rotate_after": 30.0}])
def test_a_loss_says_how_many_messages_came_over_this_connection(play, caplog, options):
    caplog.set_level(logging.WARNING)  # what says that it opened is not written

    async def scenario(stage):
        await stage.client.connect()
        await stage.client.subscribe_trades("BTC")
        for _ in range(2):
            await asyncio.sleep(40)
            stage.inject(Cut())
            await asyncio.sleep(5)
        return stage.state()["health"]["messages_received"]

    rate = play(scenario, **options) / 90
    told = [json.loads(JsonFormatter().format(it)) for it in caplog.records]
    lost = [it for it in told if it.get("cause") == "network" and "code" in it]
    assert len(lost) >= 2
    for it in lost:
        expected = it["uptime_seconds"] * rate
        assert it["messages_received"] == pytest.approx(expected, rel=0.4)
