"""Messages of those who show every order."""

import copy

import pytest

from bistoury import ConfigError
from bistoury.paper_trading.order_messages import check

SNAPSHOT = {
    "Snapshot": {
        "coin": "BTC",
        "time": 10,
        "height": 1,
        "levels": [[{"oid": 1, "limitPx": "99.5", "sz": "3", "side": "B"}], []],
    }
}
UPDATES = {
    "Updates": {
        "time": 11,
        "height": 2,
        "order_statuses": [],
        "book_diffs": [
            {"oid": it, "px": "99", "coin": "BTC", "raw_book_diff": change}
            for it, change in enumerate(
                (
                    "remove",
                    {"new": {"sz": "1"}},
                    {"update": {"origSz": "2", "newSz": "1"}},
                )
            )
        ],
    }
}


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        ("l4Book", SNAPSHOT),
        ("l4Book", UPDATES),
        ("paper:orders_lost", {"coin": "BTC"}),
    ],
)
def test_what_they_send_is_taken(channel, data):
    check({"channel": channel, "data": data})


def without(data, *path):
    made = copy.deepcopy(data)
    *way, last = path
    place = made
    for name in way:
        place = place[name]
    del place[last]
    return made


def with_change(change):
    made = copy.deepcopy(UPDATES)
    made["Updates"]["book_diffs"][0]["raw_book_diff"] = change
    return made


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {**SNAPSHOT, **UPDATES},
        without(SNAPSHOT, "Snapshot", "coin"),
        without(SNAPSHOT, "Snapshot", "levels", 0, 0, "limitPx"),
        without(UPDATES, "Updates", "time"),
        without(UPDATES, "Updates", "book_diffs", 0, "coin"),
        with_change("gone"),
        with_change({}),
        with_change({"new": {"sz": "NaN"}}),
        with_change({"update": {"newSz": 1}}),
    ],
)
def test_what_cannot_be_read_is_refused(data):
    with pytest.raises(ConfigError, match="l4Book: "):
        check({"channel": "l4Book", "data": data})


@pytest.mark.parametrize("channel", [None, "paper:act", []])
def test_other_messages_are_refused(channel):
    with pytest.raises(ConfigError, match="channel"):
        check({"channel": channel, "data": {}})
