"""The stage."""

from __future__ import annotations

import logging

import pytest

from bistoury.cli.demonstration.stage import Stage, feeds, shorten
from bistoury.errors import ConfigError
from bistoury.hyperliquid.client import logger


def test_follows_every_kind_of_feed_that_people_ask_for():
    kinds = {feed.fields["type"] for feed in feeds()}

    assert kinds >= {"allMids", "trades", "l2Book", "bbo", "candle", "userFills"}
    assert len({feed.name for feed in feeds()}) == len(feeds())


def test_accounts_for_every_feed_of_events_the_ledger_keeps():
    proven = {feed.fields["type"] for feed in feeds() if feed.stream}

    assert proven == {"trades", "userFills", "orderUpdates"}


async def test_takes_down_what_it_set_up():
    before = list(logger.handlers), logger.propagate

    async with Stage() as stage:
        assert await stage.subscribe_all()
        url = stage.venue.url

    assert (list(logger.handlers), logger.propagate) == before
    assert not stage.client.is_connected()
    assert url.startswith("http://127.0.0.1:")


async def test_takes_down_what_it_set_up_when_the_rest_fails(monkeypatch):
    monkeypatch.setenv("BISTOURY_NO_SUCH_SETTING", "1")

    with pytest.raises(ConfigError, match="NO_SUCH_SETTING"):
        async with Stage():
            pass


async def test_counts_what_was_asked_for_again():
    async with Stage() as stage:
        logging.getLogger(logger.name).warning("trades not acknowledged, asking again")
        logging.getLogger(logger.name).warning("something else")

        assert stage.asked_again == 1


def test_an_address_is_shown_by_its_ends():
    assert shorten("0x" + "0" * 35 + "a11ce") == "0x…a11ce"
    assert not shorten("")
