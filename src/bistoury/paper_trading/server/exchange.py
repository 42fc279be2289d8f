"""
What ``POST /exchange`` and the socket's actions answer: signed wishes in, answers out.

Nothing that comes in here leaves the process: there is no client for the venue's
order entry anywhere in bistoury, and signatures are neither kept nor written down.
"""

from __future__ import annotations

from typing import Any

from ...errors import BistouryError, ConfigError
from ...hyperliquid import validate
from ..commands import default_answer, refused
from ..wire import UNREADABLE, UnreadableError, whole
from .signatures import Network, SignatureError, signer_of
from .trader import Trader
from .typed_actions import TYPED
from .wallets import Wallets

Answer = tuple[int, Any]

# HL: a nonce is a time in ms, from two days ago to one day ahead (docs: "nonces").
_OLDEST_MS = 2 * 86_400_000
_NEWEST_MS = 86_400_000


class Exchange:
    """Answers signed actions."""

    def __init__(
        self, trader: Trader, wallets: Wallets, network: Network = "testnet"
    ) -> None:
        self._trader = trader
        self._wallets = wallets
        self._network: Network = network

    async def answer(self, body: Any) -> Answer:
        """Return the HTTP status and the answer to a request."""
        try:
            action, nonce, vault, expires_after = _read(body)
            signer = signer_of(
                action,
                body.get("signature"),
                nonce=nonce,
                vault=vault,
                expires_after=expires_after,
                network=self._network,
            )
        except (UnreadableError, SignatureError) as error:
            return 422, f"{UNREADABLE}: {error}"
        try:
            answer = await self._act(signer, action, nonce, vault, expires_after)
        except BistouryError as error:
            answer = refused(f"Paper: {error}")
        return 200, {**answer, "paper": True}

    async def _act(
        self,
        signer: str,
        action: dict[str, Any],
        nonce: int,
        vault: str | None,
        expires_after: int | None,
    ) -> dict[str, Any]:
        if vault is not None:
            return refused(f"Paper: vaults and sub-accounts are not simulated: {vault}")
        now = self._trader.venue.desk.now
        if not now - _OLDEST_MS < nonce < now + _NEWEST_MS:
            return refused(
                f"Invalid nonce: {nonce} is not a time in ms that is near {now}"
            )
        account = self._wallets.opened(self._wallets.owner_of(signer))
        if account is None:
            return refused(f"User or API Wallet {signer} does not exist.")
        if action["type"] in TYPED:
            return await self._typed(signer, account.name, action, nonce)
        return await self._trader.act(
            action, account=account.name, nonce=nonce, expires_after=expires_after
        )

    async def _typed(
        self, signer: str, account: str, action: dict[str, Any], nonce: int
    ) -> dict[str, Any]:
        kind = action["type"]
        if kind == "approveBuilderFee":
            return default_answer()
        if kind != "approveAgent":
            return refused(f"Paper: {kind} is not simulated, no money was moved.")
        if self._wallets.agent(signer) is not None:
            return refused("Paper: an agent cannot approve another.")
        return await self._trader.act(action, account=account, nonce=nonce)


def _read(body: Any) -> tuple[dict[str, Any], int, str | None, int | None]:
    if not isinstance(body, dict):
        raise UnreadableError("an object is needed")
    action = body.get("action")
    if not isinstance(action, dict) or not isinstance(action.get("type"), str):
        raise UnreadableError("action: an object with a type is needed")
    nonce = whole("nonce", body.get("nonce"))
    if nonce < 0:
        raise UnreadableError(f"nonce: {nonce} is below zero")
    vault, expires_after = body.get("vaultAddress"), body.get("expiresAfter")
    if vault is not None:
        try:
            vault = validate.address(vault, "vaultAddress")
        except ConfigError as error:
            raise UnreadableError(str(error)) from None
    if expires_after is not None and whole("expiresAfter", expires_after) < 0:
        raise UnreadableError(f"expiresAfter: {expires_after} is below zero")
    return action, nonce, vault, expires_after
