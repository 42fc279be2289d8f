"""A paper server over a market that says what it is told to, and who signs for it."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from coincurve import PrivateKey

from bistoury import ConfigError
from bistoury.paper_trading import explain
from bistoury.paper_trading.events import Replied
from bistoury.paper_trading.server import signatures
from bistoury.paper_trading.server.typed_actions import TYPED
from bistoury.paper_trading.settings import amount

HOUR_MS = 3_600_000


class Signer:
    """Signs as wallets do; the keys belong to nobody."""

    def __init__(self, number=1):
        self._key = PrivateKey(number.to_bytes(32, "big"))
        self._nonces = count()
        point = self._key.public_key.format(compressed=False)[1:]
        self.address = "0x" + signatures._keccak(point)[-20:].hex()

    def sign(self, digest):
        raw = self._key.sign_recoverable(digest, hasher=None)
        r, s = (hex(int.from_bytes(it, "big")) for it in (raw[:32], raw[32:64]))
        return {"r": r, "s": s, "v": 27 + raw[64]}

    def body(self, action, nonce, *, vault=None, expires_after=None, network="testnet"):
        if action.get("type") in TYPED:
            digest = signatures._typed_digest(action, *TYPED[action["type"]])
        else:
            hashed = signatures.action_hash(action, nonce, vault, expires_after)
            digest = signatures._agent_digest(hashed, network)
        return {
            "action": action,
            "nonce": nonce,
            "signature": self.sign(digest),
            "vaultAddress": vault,
            "expiresAfter": expires_after,
        }


class PureTrader:
    """An engine without a network: it answers as fast as the test goes on."""

    def __init__(self, market):
        self.market = market
        self.coins = ("BTC", "ETH")
        self.is_ready = True
        self.trouble = ""
        self.asked = []
        self.answers = {}
        self.client = SimpleNamespace(
            info=SimpleNamespace(request=self.request), is_connected=lambda: True
        )
        self.at = 1000
        self._streams = []
        self._told = len(market.events)

    @property
    def venue(self):
        return self.market.venue

    @property
    def accounts(self):
        return self.market.desk.accounts.by_name

    @property
    def now(self):
        return self.market.desk.now

    def facts(self):
        return list(self.market.events)

    def explain(self, tid):
        try:
            return explain(self.market.events, tid)
        except KeyError:
            raise ConfigError("fill", tid, "the tid of a fill") from None

    async def request(self, body):
        self.asked.append(body)
        answer = self.answers[body["type"]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def act(self, action, *, account="main", nonce=None, expires_after=None):
        number = self.market.act(
            self.at, action, account=account, nonce=nonce, expires_after=expires_after
        )
        for _ in range(5):
            self.pass_time()
        return self.market.answers[number]

    def pass_time(self):
        """Let 100 ms pass in which the market says the same again."""
        self.at += 100
        self.market.bbo(self.at, ("99", "1"), ("101", "1"))
        self.tell()

    def pass_an_hour(self, **context):
        """Let time pass beyond the next full hour, the last seconds one by one."""
        left = HOUR_MS - self.now % HOUR_MS + self.at
        for self.at in range(left - 8000, left + 2000, 1000):
            self.market.bbo(self.at, ("99", "1"), ("101", "1"))
            self.market.mark(self.at, "100", **context)
        self.tell()

    def open_account(self, name, cash, address=""):
        data = {"account": name, "cash": str(amount("cash", cash)), "address": address}
        self.market.send(self.at, "paper:open", data)
        self.tell()

    def tell(self):
        fresh = self.market.events[self._told :]
        self._told = len(self.market.events)
        for stream in self._streams:
            for event in fresh:
                stream.put_nowait(event)

    async def events(self):
        stream = asyncio.Queue()
        self._streams.append(stream)
        while True:
            event = await stream.get()
            if not isinstance(event, Replied):
                yield event


@pytest.fixture
def trader(market):
    return PureTrader(market)


@pytest.fixture
def signer():
    return Signer()


@pytest.fixture
def other():
    return Signer(2)


@pytest.fixture(scope="session")
def signed():
    """What the official SDK's signing made of actions, with a key of nobody's."""
    return json.loads(Path(__file__).with_name("signed.json").read_bytes())
