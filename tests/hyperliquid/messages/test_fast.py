from __future__ import annotations

import base64
import json
import zlib

import msgspec
import pytest

from bistoury.errors import ProtocolError
from bistoury.hyperliquid.messages.fast import inflate_fast_contexts


def deflate(plain: bytes) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(deflater.compress(plain) + deflater.flush()).decode()


def test_changed_absent_and_vanished_prices_are_told_apart():
    contexts = inflate_fast_contexts(
        deflate(b'{"BTC":{"markPx":"1.5"},"ETH":{"midPx":null}}')
    )

    assert contexts["BTC"].mark_price == "1.5"
    assert contexts["BTC"].mid_price is msgspec.UNSET
    assert contexts["ETH"].mid_price is None


def test_the_bytes_themselves_may_fill_the_limit():
    plain = json.dumps({"BTC": {"markPx": "1"}}).encode()

    assert inflate_fast_contexts(deflate(plain), limit=len(plain))
    with pytest.raises(ProtocolError, match="more than"):
        inflate_fast_contexts(deflate(plain), limit=len(plain) - 1)


def test_a_bomb_is_refused_before_it_goes_off():
    with pytest.raises(ProtocolError, match="more than 8388608 bytes"):
        inflate_fast_contexts(deflate(b" " * (64 << 20)))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="nothing"),
        pytest.param("%%%", id="no base64"),
        pytest.param("é", id="no ASCII"),
        pytest.param(base64.b64encode(b"\xff" * 9).decode(), id="no deflate"),
        pytest.param(deflate(b'{"BTC":1}'), id="a number for a context"),
        pytest.param(deflate(b'{"\xff":{}}'), id="no text"),
        pytest.param(deflate(b"[" * 100_000), id="nested without end"),
        pytest.param(
            base64.b64encode(
                base64.b64decode(deflate(b"{}" + b" " * 999))[:-1]
            ).decode(),
            id="cut off",
        ),
    ],
)
def test_a_damaged_payload_is_a_protocol_error(data):
    with pytest.raises(ProtocolError) as caught:
        inflate_fast_contexts(data)

    assert caught.value.channel == "fastAssetCtxs"
