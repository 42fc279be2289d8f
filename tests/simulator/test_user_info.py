from __future__ import annotations

import pytest

from bistoury.simulator import Limits

PLAIN = [
    "userFills",
    "userFunding",
    "userNonFundingLedgerUpdates",
    "historicalOrders",
    "openOrders",
    "frontendOpenOrders",
    "clearinghouseState",
    "spotClearinghouseState",
    "userTwapSliceFills",
    "twapHistory",
    "webData2",
    "userFees",
    "userRateLimit",
    "userRole",
    "portfolio",
    "subAccounts",
    "userVaultEquities",
    "extraAgents",
    "delegations",
    "delegatorHistory",
    "delegatorRewards",
    "delegatorSummary",
    "referral",
    "userToMultiSigSigners",
    "maxBuilderFee",
]


@pytest.mark.parametrize("kind", PLAIN)
def test_each_request_needs_a_user_and_no_more(open_wire, user, kind):
    wire = open_wire(limits=Limits.none())

    status, _ = wire.exchange.info({"type": kind}, wire.now)
    known, _ = wire.exchange.info({"type": kind, "user": user}, wire.now)

    assert (status, known) == (422, 200)


def test_ranges_can_be_reversed(wire, user):
    rows = wire.info("userFillsByTime", user=user, startTime=0)
    reversed_rows = wire.info("userFillsByTime", user=user, startTime=0, reversed=True)

    assert [r["time"] for r in reversed_rows] == [r["time"] for r in rows][::-1]


def test_an_order_is_found_by_its_client_id(open_wire, user):
    wire = open_wire(user_history=60)
    named = next(
        row for row in wire.info("historicalOrders", user=user) if row["order"]["cloid"]
    )

    found = wire.info("orderStatus", user=user, oid=named["order"]["cloid"])

    assert found["order"]["order"]["oid"] == named["order"]["oid"]
