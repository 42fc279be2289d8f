"""What the venue allows one address, counted for the whole process."""

import pytest

from bistoury import ConnectionLimitError, SubscriptionLimitError
from bistoury.config import Limits
from bistoury.hyperliquid import feeds
from bistoury.hyperliquid.claims import Claims
from bistoury.hyperliquid.limits import Account, account_of
from bistoury.session import Complaint


def fills(number):
    return feeds.canonical({"type": "userFills", "user": f"0x{number:040x}"})


def trades(number):
    return feeds.canonical({"type": "trades", "coin": f"C{number}"})


def test_every_client_of_a_host_shares_one_account():
    limits = Limits()
    assert account_of("limits.example", limits) is account_of("limits.example", limits)
    assert account_of("limits.example", limits) is not account_of(
        "other.example", limits
    )


def test_the_newest_limits_count():
    account = account_of("adopting.example", Limits())
    assert account_of("adopting.example", Limits(messages_per_minute=7)) is account
    assert account.messages.limit == 7
    assert account.limits.messages_per_minute == 7


def test_a_user_counts_once_however_many_feeds_name_them():
    account = Account(Limits(users=1))
    account.claim(fills(1), "0x1")
    account.claim(fills(1), "0x1")
    with pytest.raises(SubscriptionLimitError, match="at most 1 users"):
        account.claim(fills(2), "0x2")
    account.release("0x1")
    with pytest.raises(SubscriptionLimitError):
        account.claim(fills(2), "0x2")
    account.release("0x1")
    account.claim(fills(2), "0x2")
    assert account.subscriptions == 1


def test_only_the_number_of_users_is_learned_and_only_downwards():
    account = Account(Limits(users=10))
    account.learn(Complaint.SUBSCRIPTIONS, 3)
    assert account.users_allowed == 10
    account.learn(Complaint.USERS, 15)
    assert account.users_allowed == 10
    account.learn(Complaint.USERS, 4)
    assert account.users_allowed == 4


def test_what_a_client_claimed_is_given_back_at_the_end():
    account = Account(Limits())
    claims = Claims(account, 1)
    claims.begin(1, [trades(1), fills(1)])
    claims.add(trades(2))
    claims.add(trades(2))
    assert (account.connections, account.subscriptions, len(account.users)) == (1, 3, 1)
    claims.drop(trades(2))
    claims.drop(trades(2))
    assert account.subscriptions == 2
    claims.end()
    claims.end()
    assert (account.connections, account.subscriptions, len(account.users)) == (0, 0, 0)


def test_a_beginning_that_fails_claims_nothing():
    account = Account(Limits(subscriptions=1))
    claims = Claims(account, 1)
    with pytest.raises(SubscriptionLimitError):
        claims.begin(1, [trades(1), trades(2)])
    assert (account.connections, account.subscriptions) == (0, 0)
    assert claims.is_active is False


def test_a_connection_too_many_is_refused():
    account = Account(Limits(connections=1))
    Claims(account, 1).begin(1, [])
    second = Claims(account, 1)
    with pytest.raises(ConnectionLimitError, match="at most 1 connections"):
        second.begin(1, [])
    assert account.connections == 1


def test_copies_on_several_connections_count_each():
    account = Account(Limits(subscriptions=3))
    claims = Claims(account, 2)
    claims.begin(2, [trades(1)])
    assert (account.connections, account.subscriptions) == (2, 2)
    with pytest.raises(SubscriptionLimitError):
        claims.add(trades(2))
    claims.end()
    assert (account.connections, account.subscriptions) == (0, 0)
