from __future__ import annotations

from random import Random

from bistoury.simulator import Limits
from bistoury.simulator.connections import NEVER, Connection, Reply, Visitor
from bistoury.simulator.link import Link
from bistoury.simulator.subscriptions import parse

USER = "0x" + "ab" * 20


def opened(visitor, number):
    link = Link(number, Random(1), 1000)
    visitor.connections[number] = Connection(number, visitor, 1000, link, 1000)
    return visitor.connections[number]


def test_an_address_counts_over_its_connections():
    visitor = Visitor("127.0.0.1", Limits())
    for number in (1, 2):
        connection = opened(visitor, number)
        for body in ({"type": "userFills", "user": USER}, {"type": "allMids"}):
            subscription = parse(body)
            connection.subscriptions[subscription.text] = subscription
        connection.replies.append(Reply(5, b""))

    assert (visitor.subscriptions, visitor.posts, visitor.users) == (4, 2, {USER})


def test_a_connection_knows_when_it_next_needs_care():
    connection = opened(Visitor("127.0.0.1", Limits()), 1)

    assert connection.next_at(0, 0) == NEVER
    assert connection.next_at(60_000, 0) == 61_000
    assert connection.next_at(60_000, 30_000) == 31_000
    connection.replies.append(Reply(1_200, b""))
    assert connection.next_at(60_000, 30_000) == 1_200
