"""
The actions that are signed member by member, and which members, in order.

HL: docs "exchange endpoint" and "signing"; the chain stands in the action itself.
"""

from __future__ import annotations

from typing import TypeAlias

Fields: TypeAlias = tuple[tuple[str, str], ...]

_CHAIN = ("string", "hyperliquidChain")
_NONCE = ("uint64", "nonce")
_TO = (("string", "destination"), ("string", "amount"), ("uint64", "time"))

TYPED: dict[str, tuple[str, Fields]] = {
    "approveAgent": (
        "ApproveAgent",
        (_CHAIN, ("address", "agentAddress"), ("string", "agentName"), _NONCE),
    ),
    "approveBuilderFee": (
        "ApproveBuilderFee",
        (_CHAIN, ("string", "maxFeeRate"), ("address", "builder"), _NONCE),
    ),
    "usdSend": ("UsdSend", (_CHAIN, *_TO)),
    "withdraw3": ("Withdraw", (_CHAIN, *_TO)),
    "spotSend": (
        "SpotSend",
        (
            *(_CHAIN, ("string", "destination"), ("string", "token")),
            *(("string", "amount"), ("uint64", "time")),
        ),
    ),
    "usdClassTransfer": (
        "UsdClassTransfer",
        (_CHAIN, ("string", "amount"), ("bool", "toPerp"), _NONCE),
    ),
    "sendAsset": (
        "SendAsset",
        (
            *(_CHAIN, ("string", "destination"), ("string", "sourceDex")),
            *(("string", "destinationDex"), ("string", "token")),
            *(("string", "amount"), ("string", "fromSubAccount"), _NONCE),
        ),
    ),
    "tokenDelegate": (
        "TokenDelegate",
        (
            *(_CHAIN, ("address", "validator"), ("uint64", "wei")),
            *(("bool", "isUndelegate"), _NONCE),
        ),
    ),
    "userDexAbstraction": (
        "UserDexAbstraction",
        (_CHAIN, ("address", "user"), ("bool", "enabled"), _NONCE),
    ),
    "userSetAbstraction": (
        "UserSetAbstraction",
        (_CHAIN, ("address", "user"), ("string", "abstraction"), _NONCE),
    ),
    "convertToMultiSigUser": (
        "ConvertToMultiSigUser",
        (_CHAIN, ("string", "signers"), _NONCE),
    ),
}
"""By type: what the struct is called, and its members with their kinds."""
