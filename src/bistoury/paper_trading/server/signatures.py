"""
Who signed this? The signer's address, out of an action and its signature.

There are two ways of signing. HL: most actions are hashed as MessagePack with their
nonce, and an "agent" with that hash is signed (``connectionId``; its ``source`` says
which network is meant); transfers and approvals are signed member by member. Both are
EIP-712. Only public keys are ever seen here: nothing is signed, and no private key is
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ...errors import BistouryError, ConfigError
from .typed_actions import TYPED, Fields

Network = Literal["mainnet", "testnet"]

_ZERO = "0x" + "0" * 40
_DOMAIN = (
    *(("string", "name"), ("string", "version")),
    *(("uint256", "chainId"), ("address", "verifyingContract")),
)
_AGENT = (("string", "source"), ("bytes32", "connectionId"))
# HL: actions for mainnet are signed as source "a", all others as "b".
_SOURCES = {"mainnet": "a", "testnet": "b"}
_AGENT_CHAIN = 1337
_WORD = 32
_FIRST_V = 27
_UNHASHABLE = (ValueError, TypeError, KeyError, AttributeError)


class SignatureError(BistouryError):
    """A signature cannot be read; the text says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"the signature cannot be read: {self.detail}"


def check_installed() -> None:
    """
    Make sure that signatures can be read.

    Raises:
        ConfigError: what that needs is not installed.
    """
    try:
        import coincurve  # noqa: F401, PLC0415
        from Crypto.Hash import keccak  # noqa: F401, PLC0415
    except ImportError as error:
        allowed = "signatures to be readable: pip install 'bistoury[paper]'"
        raise ConfigError("the paper server", str(error), allowed) from None


def signer_of(
    action: Mapping[str, Any],
    signature: Any,
    *,
    nonce: int,
    vault: str | None = None,
    expires_after: int | None = None,
    network: Network = "testnet",
) -> str:
    """
    Return the address that signed, in lower case.

    A signature always leads to some address: of one that belongs to another action,
    or to another network, to one that nobody has.

    Raises:
        SignatureError: it is no signature, or the action cannot be hashed.
    """
    kind = action.get("type")
    typed = TYPED.get(kind) if isinstance(kind, str) else None
    try:
        if typed is not None:
            digest = _typed_digest(action, *typed)
        else:
            hashed = action_hash(action, nonce, vault, expires_after)
            digest = _agent_digest(hashed, network)
    except (*_UNHASHABLE, OverflowError, RecursionError) as error:
        raise SignatureError(f"the action cannot be hashed ({error!r})") from error
    return _recovered(digest, _compact(signature))


def action_hash(
    action: Mapping[str, Any], nonce: int, vault: str | None, expires_after: int | None
) -> bytes:
    """Return what stands for an action when it is signed; the order of keys counts."""
    data = msgspec.msgpack.encode(action) + nonce.to_bytes(8, "big")
    data += b"\0" if vault is None else b"\1" + _address(vault)
    if expires_after is not None:
        data += b"\0" + expires_after.to_bytes(8, "big")
    return _keccak(data)


def _agent_digest(hashed: bytes, network: Network) -> bytes:
    domain = {"name": "Exchange", "version": "1", "chainId": _AGENT_CHAIN}
    agent = {"source": _SOURCES[network], "connectionId": hashed}
    return _digest(domain, "Agent", _AGENT, agent)


def _typed_digest(action: Mapping[str, Any], primary: str, fields: Fields) -> bytes:
    chain = int(action["signatureChainId"], 16)
    domain = {"name": "HyperliquidSignTransaction", "version": "1", "chainId": chain}
    # HL: the official SDK signs a name that is not there as an empty one.
    named = {"agentName": "", **action}
    return _digest(domain, f"HyperliquidTransaction:{primary}", fields, named)


# EIP-712


def _digest(
    domain: dict[str, Any], primary: str, fields: Fields, message: Mapping[str, Any]
) -> bytes:
    whole = {**domain, "verifyingContract": _ZERO}
    return _keccak(
        b"\x19\x01"
        + _struct("EIP712Domain", _DOMAIN, whole)
        + _struct(primary, fields, message)
    )


def _struct(name: str, fields: Fields, values: Mapping[str, Any]) -> bytes:
    kind = f"{name}({','.join(f'{kind} {field}' for kind, field in fields)})"
    words = [_keccak(kind.encode())]
    words += [_word(kind, values[field]) for kind, field in fields]
    return _keccak(b"".join(words))


def _word(kind: str, value: Any) -> bytes:
    match kind:
        case "string":
            return _keccak(value.encode())
        case "address":
            return _address(value).rjust(_WORD, b"\0")
        case "bytes32":
            return bytes(value).rjust(_WORD, b"\0")
        case _:
            return int(value).to_bytes(_WORD, "big")


def _address(text: str) -> bytes:
    raw = bytes.fromhex(text.removeprefix("0x"))
    if len(raw) != 20:  # noqa: PLR2004 -- bytes of an address
        raise ValueError(f"{text!r} is no address")
    return raw


# The curve


def _compact(signature: Any) -> bytes:
    """Return r, s and which of the two points it is, as 65 bytes."""
    if not isinstance(signature, Mapping):
        raise SignatureError("an object with r, s and v is needed")
    try:
        # Leading zeros may have been left out.
        r, s = (int(str(signature[name]), 16).to_bytes(_WORD, "big") for name in "rs")
        v = signature["v"]
        place = int(v) - _FIRST_V if int(v) >= _FIRST_V else int(v)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise SignatureError(f"r, s and v are needed ({error!r})") from None
    if place not in (0, 1):
        raise SignatureError(f"v: {v!r} is not 27 or 28")
    return r + s + bytes([place])


def _recovered(digest: bytes, compact: bytes) -> str:
    from coincurve import PublicKey  # noqa: PLC0415 -- an extra

    try:
        key = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except Exception as error:  # noqa: BLE001 -- the library raises just that
        raise SignatureError(str(error)) from None
    return "0x" + _keccak(key.format(compressed=False)[1:])[-20:].hex()


def _keccak(data: bytes) -> bytes:
    from Crypto.Hash import keccak  # noqa: PLC0415 -- an extra

    return keccak.new(digest_bits=256, data=data).digest()
