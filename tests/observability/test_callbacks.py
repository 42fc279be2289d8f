from __future__ import annotations

import gc
from functools import partial

import pytest

from bistoury.mailbox import Mailbox
from bistoury.observability import callbacks
from bistoury.observability.callbacks import Callbacks, Taken, plain_name


class Silence:
    def handler_failed(self, handler, error):
        raise AssertionError(error)

    def handler_slow(self, handler, seconds, waiting):
        pass


def box(handler, calls=0, seconds=0.0, errors=0):
    it = Mailbox(handler, lambda item: item, Silence())
    it.handled, it.busy, it.failed = calls - errors, seconds, errors
    return it


def on_trade(_):
    pass


class Bot:
    def on_book(self, _):
        pass

    def __call__(self, _):
        pass


def test_one_handler_of_several_subscriptions_is_one_sum():
    it = Callbacks()
    places = [("a", box(on_trade, 2, 0.5, 1)), ("b", box(on_trade, 3, 0.25, 2))]
    places.append(("c", box(Bot().on_book, 1, 0.1)))

    assert it.totals(places) == {
        "on_trade": (5, 0.75, 3),
        "Bot.on_book": (1, 0.1, 0),
    }


def test_sums_never_go_back_when_a_handler_leaves():
    it = Callbacks()
    stays, leaves = box(on_trade, 2, 0.5), box(on_trade, 3, 0.25, 1)
    assert it.totals([("a", stays), ("b", leaves)]) == {"on_trade": (5, 0.75, 1)}
    del leaves
    gc.collect()
    stays.handled = 4

    for _ in range(2):  # what left is added once, however often somebody looks
        assert it.totals([("a", stays)]) == {"on_trade": (7, 0.75, 1)}
    assert it.totals([]) == {"on_trade": (7, 0.75, 1)}
    assert it.totals([("new", box(on_trade, 1, 0.5))]) == {"on_trade": (8, 1.25, 1)}


def test_a_mailbox_that_is_not_wanted_any_more_is_not_kept():
    it, known = Callbacks(), []

    class Owner:
        def __call__(self, _):
            pass

        def __del__(self):
            known.append("gone")

    it.totals([("a", box(Owner(), 1, 0.1))])
    gc.collect()

    assert known == ["gone"]


def test_names_are_bounded_and_what_comes_later_is_counted_together(monkeypatch):
    monkeypatch.setattr(callbacks, "MOST_HANDLERS", 2)
    boxes = []
    for number in range(5):

        def handler(_):
            pass

        handler.__qualname__ = f"handler_{number}"
        boxes.append((str(number), box(handler, 1, 1.0)))

    found = Callbacks().totals(boxes)

    assert found == {
        "handler_0": (1, 1, 0),
        "handler_1": (1, 1, 0),
        "others": (3, 3, 0),
    }


def test_what_is_no_mailbox_is_not_counted():
    class Stream:
        handler = on_trade
        backlog = None

    assert Callbacks().totals([("a", Stream())]) == {}
    assert Taken() == (0, 0.0, 0)


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (partial(partial(on_trade), "0x" + "ab" * 20), "on_trade"),
        (Bot(), "Bot"),
        (Bot().on_book, "Bot.on_book"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_name_says_nothing_of_one_run_and_nobodys_address(handler, name):
    assert plain_name(handler) == name


def test_a_name_is_short_and_has_no_address():
    def handler(_):
        pass

    handler.__qualname__ = "for_0x" + "ab" * 20 + "x" * 500

    assert plain_name(handler) == ("for_0xabab…abab" + "x" * 500)[:100]
