from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bistoury
from bistoury.paper_trading.accounts import Accounts
from bistoury.paper_trading.server.exchange import Exchange
from bistoury.paper_trading.server.wallets import Wallets

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

AGENT = {
    "type": "approveAgent",
    "signatureChainId": "0x66eee",
    "hyperliquidChain": "Testnet",
    "agentName": "bot",
    "nonce": 1,
}
SEND = {
    "type": "usdSend",
    "signatureChainId": "0x66eee",
    "hyperliquidChain": "Testnet",
    "destination": "0x" + "cd" * 20,
    "amount": "1",
    "time": 1,
}


@pytest.fixture
def wallets(trader):
    return Wallets(trader, "5000")


@pytest.fixture
def exchange(trader, wallets):
    return Exchange(trader, wallets)


@pytest.fixture
def buying(orders):
    limit, _ = orders
    return {"type": "order", "orders": [limit(True, "90", "1")], "grouping": "na"}


def test_nothing_in_the_package_knows_the_way_to_order_entry():
    """Outside the venues that run on this machine nobody names ``/exchange``."""
    package = Path(bistoury.__file__).parent
    found = set()
    for path in package.rglob("*.py"):
        whole = ast.parse(path.read_text("utf-8"))
        said = {
            ast.get_docstring(it, clean=False)
            for it in ast.walk(whole)
            if isinstance(it, _DOCUMENTED)
        }
        for node in ast.walk(whole):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and "/exchange" in node.value and node.value not in said:
                found.add(str(path.relative_to(package)))

    assert {it for it in found if not it.startswith("simulator/")} == {
        "paper_trading/server/routes.py"
    }


def statuses(answer):
    return answer["response"]["data"]["statuses"]


async def test_a_signed_order_goes_to_the_signers_own_account(
    trader, exchange, signer, buying
):
    status, answer = await exchange.answer(signer.body(buying, trader.now))

    assert status == 200
    assert answer["status"] == "ok"
    assert answer["paper"] is True
    assert list(statuses(answer)[0]) == ["resting"]
    account = trader.accounts[signer.address]
    assert account.opened_with == 5000
    assert [it.px for it in account.orders.values()] == [90]
    assert not trader.accounts["main"].orders


async def test_two_signers_have_two_accounts(trader, exchange, signer, other, buying):
    await exchange.answer(signer.body(buying, trader.now))
    await exchange.answer(other.body(buying, trader.now))

    assert {signer.address, other.address} <= set(trader.accounts)
    assert len(trader.accounts[signer.address].orders) == 1


async def test_the_same_request_again_is_answered_and_not_done_again(
    trader, exchange, signer, buying
):
    body = signer.body(buying, trader.now)
    first = await exchange.answer(body)

    assert await exchange.answer(body) == first
    assert len(trader.accounts[signer.address].orders) == 1


async def test_an_order_that_was_changed_on_its_way_is_somebody_elses(
    trader, exchange, signer, buying
):
    body = signer.body(buying, trader.now)
    body["action"] = {**buying, "grouping": "normalTpsl"}
    await exchange.answer(body)

    assert signer.address not in trader.accounts


async def test_nobody_gets_an_account_where_none_are_opened(trader, signer, buying):
    exchange = Exchange(trader, Wallets(trader, None))
    _, answer = await exchange.answer(signer.body(buying, trader.now))

    assert answer["status"] == "err"
    assert answer["response"] == (
        f"User or API Wallet {signer.address} does not exist."
    )
    assert set(trader.accounts) == {"main"}


async def test_an_approved_agent_trades_its_owners_account(
    trader, exchange, signer, other, buying
):
    approval = {**AGENT, "agentAddress": other.address}
    _, answer = await exchange.answer(signer.body(approval, trader.now))
    assert answer == {"status": "ok", "response": {"type": "default"}, "paper": True}
    await exchange.answer(other.body(buying, trader.now))

    assert len(trader.accounts[signer.address].orders) == 1
    assert other.address not in trader.accounts


async def test_an_agent_signs_for_nobody_but_its_owner(
    trader, exchange, signer, other, buying
):
    third = type(signer)(3)
    approval = {**AGENT, "agentAddress": third.address}
    await exchange.answer(signer.body(approval, trader.now))
    _, stolen = await exchange.answer(other.body(approval, trader.now))
    _, passed_on = await exchange.answer(
        third.body({**AGENT, "agentAddress": "0x" + "77" * 20}, trader.now + 1)
    )
    _, unreadable = await exchange.answer(
        signer.body(approval, trader.now + 2)
        | {"action": {**AGENT, "agentAddress": "me"}}
    )
    await exchange.answer(third.body(buying, trader.now))

    assert "signs for another account" in stolen["response"]
    assert "an agent cannot approve" in passed_on["response"]
    assert unreadable.startswith("Failed to deserialize")
    assert len(trader.accounts[signer.address].orders) == 1


async def test_an_agent_is_known_after_a_restart_and_a_reset(
    trader, exchange, signer, other
):
    approval = {**AGENT, "agentAddress": other.address}
    await exchange.answer(signer.body(approval, trader.now))
    folded = Accounts.folded(trader.market.events, {})
    assert folded.by_name[signer.address].agents == {other.address: "bot"}

    trader.open_account(signer.address, "1", signer.address)
    assert Wallets(trader).owner_of(other.address) == signer.address


async def test_an_agent_can_be_named_beforehand(trader, signer, other, buying):
    wallets = Wallets(trader, "100", {other.address: signer.address.upper()})
    await Exchange(trader, wallets).answer(other.body(buying, trader.now))

    assert other.address not in trader.accounts
    assert signer.address in trader.accounts


async def test_a_name_has_one_agent(exchange, wallets, trader, signer, other):
    for agent in (other.address, "0x" + "77" * 20):
        approval = {**AGENT, "agentAddress": agent}
        await exchange.answer(signer.body(approval, trader.now))

    assert list(wallets.agents) == ["0x" + "77" * 20]


async def test_whoever_has_an_account_is_nobodys_agent(
    trader, exchange, signer, other, buying
):
    await exchange.answer(other.body(buying, trader.now))
    approval = {**AGENT, "agentAddress": other.address}
    _, answer = await exchange.answer(signer.body(approval, trader.now))

    assert answer["status"] == "err"
    assert "cannot be an agent" in answer["response"]


async def test_money_is_not_moved(trader, exchange, signer):
    _, answer = await exchange.answer(signer.body(SEND, trader.now))

    assert answer["status"] == "err"
    assert answer["response"] == "Paper: usdSend is not simulated, no money was moved."


async def test_vaults_are_refused_with_a_sentence(trader, exchange, signer, buying):
    vault = "0x" + "ab" * 20
    body = signer.body(buying, trader.now, vault=vault)
    _, answer = await exchange.answer(body)

    assert answer["response"] == (
        f"Paper: vaults and sub-accounts are not simulated: {vault}"
    )


@pytest.mark.parametrize("away", [-2 * 86_400_000, 86_400_000])
async def test_a_nonce_that_is_no_time_near_now_is_refused(
    trader, exchange, signer, buying, away
):
    _, answer = await exchange.answer(signer.body(buying, trader.now + away))

    assert answer["status"] == "err"
    assert answer["response"].startswith("Invalid nonce")
    assert signer.address not in trader.accounts


async def test_an_expired_action_is_not_done(trader, exchange, signer, buying):
    body = signer.body(buying, trader.now, expires_after=trader.now - 1)
    _, answer = await exchange.answer(body)

    assert answer["status"] == "err"
    assert not trader.accounts[signer.address].orders


async def test_who_signs_for_mainnet_is_found_when_that_is_expected(
    trader, wallets, signer, buying
):
    exchange = Exchange(trader, wallets, "mainnet")
    body = signer.body(buying, trader.now, network="mainnet")
    await exchange.answer(body)

    assert signer.address in trader.accounts


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "an object is needed"),
        ({}, "action"),
        ({"action": {"type": 5}}, "action"),
        ({"action": {"type": "order"}}, "nonce"),
        ({"action": {"type": "order"}, "nonce": True}, "nonce"),
        ({"action": {"type": "order"}, "nonce": -1}, "nonce"),
        ({"action": {"type": "noop"}, "nonce": 1, "vaultAddress": "x"}, "vaultAddress"),
        ({"action": {"type": "noop"}, "nonce": 1, "expiresAfter": -1}, "expiresAfter"),
        ({"action": {"type": "noop"}, "nonce": 1}, "signature"),
        ({"action": {"type": "noop"}, "nonce": 1, "signature": {"r": 5}}, "signature"),
    ],
)
async def test_what_is_no_request_is_refused_as_the_venue_does(exchange, body, said):
    status, answer = await exchange.answer(body)

    assert status == 422
    assert answer.startswith("Failed to deserialize the JSON body into the target type")
    assert said in answer
