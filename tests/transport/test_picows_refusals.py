from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bistoury.errors import ConfigError
from bistoury.transport.picows import PicowsTransport
from bistoury.transport.resolver import Resolver


async def refused_with(kit, serve, recorder, answer):
    async def script(peer):
        await peer.read_request()
        peer.send(answer)
        peer.writer.close()

    server = await serve(script)
    return await kit.failure(PicowsTransport(), server.url, recorder)


def head(status, *headers):
    lines = [f"HTTP/1.1 {status}", *headers, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    "status", [200, 400, 401, 403, 404, 429, 500, 502, 503, 520, 599]
)
async def test_a_refusal_carries_its_status_and_body(kit, serve, recorder, status):
    page = b"<html>" + b"<p>no</p>" * 100
    answer = head(f"{status} Whatever", "Content-Type: text/html") + page
    error = await refused_with(kit, serve, recorder, answer)

    assert (error.phase, error.status, error.timed_out) == ("upgrade", status, False)
    assert error.body == page[:200].decode()
    assert error.retry_after is None
    assert str(status) in str(error)


async def test_a_refusal_in_http_1_0_has_a_status_too(kit, serve, recorder):
    error = await refused_with(
        kit, serve, recorder, b"HTTP/1.0 503 Busy\r\nRetry-After: 7\r\n\r\n"
    )

    assert (error.status, error.retry_after) == (503, 7.0)


async def test_retry_after_may_be_a_date(kit, serve, recorder):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    error = await refused_with(
        kit, serve, recorder, head("429 Slow", f"Retry-After: {date}")
    )

    assert 85 < error.retry_after <= 90


async def test_a_redirect_is_a_refusal_that_names_the_host(kit, serve, recorder):
    answer = head(
        "302 Found", "Location: wss://user:pw@elsewhere.test:444/ws?token=secret"
    )
    error = await refused_with(kit, serve, recorder, answer)

    assert error.status == 302
    assert "elsewhere.test" in error.detail
    assert "secret" not in str(error)
    assert "pw" not in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        head(
            "101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Accept: wrong",
        ),
        head("101 Switching Protocols", "Upgrade: h2c", "Connection: Upgrade"),
        head("101 Switching Protocols", *(f"H{n}: x" for n in range(200))),
        b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"y" * 20_000,
        b"HTTP/1.1 abc\r\n\r\n",
    ],
)
async def test_a_bad_answer_is_a_failed_upgrade(kit, serve, recorder, answer):
    error = await refused_with(kit, serve, recorder, answer)

    assert error.phase == "upgrade"
    assert not error.timed_out
    assert error.detail


@pytest.mark.parametrize(
    "header",
    [
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
        b"Sec-WebSocket-Protocol: chat\r\n",
    ],
)
async def test_an_extension_nobody_asked_for_is_a_failed_upgrade(
    kit, serve, recorder, header
):
    async def script(peer):
        await peer.upgrade(extra=header)
        await peer.hung_up()

    server = await serve(script)
    error = await kit.failure(PicowsTransport(), server.url, recorder)

    assert "not asked for" in error.detail


@pytest.mark.parametrize("way", ["end of file", "reset", "half an answer"])
async def test_a_peer_that_hangs_up_before_answering_is_a_failed_upgrade(
    kit, serve, recorder, way
):
    async def script(peer):
        await peer.read_request()
        if way == "reset":
            peer.reset()
            return
        if way == "half an answer":
            peer.send(b"HTTP/1.1 101 Swit")
        peer.writer.close()

    server = await serve(script)
    error = await kit.failure(PicowsTransport(), server.url, recorder)

    assert (error.phase, error.timed_out, error.status) == ("upgrade", False, None)
    assert "before answering" in error.detail


async def test_a_peer_that_resets_at_once_is_a_failed_upgrade(kit, serve, recorder):
    async def script(peer):
        peer.reset()

    server = await serve(script)
    for _ in range(50):
        error = await kit.failure(PicowsTransport(), server.url, recorder)
        assert error.phase in {"upgrade", "tcp"}


async def test_a_closed_port_is_refused(kit, recorder, unused_port):
    error = await kit.failure(
        PicowsTransport(), f"ws://127.0.0.1:{unused_port}/", recorder
    )

    assert (error.phase, error.timed_out, error.detail) == (
        "tcp",
        False,
        "connection refused",
    )


async def test_an_unknown_name_is_dns(kit, recorder):
    def lookup(host, port, family):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = await kit.failure(
        PicowsTransport(resolver=Resolver(lookup)), "ws://venue.test/", recorder
    )

    assert (error.phase, error.timed_out) == ("dns", False)
    assert "not found" in error.detail


async def test_a_name_that_cannot_be_encoded_is_dns(kit, recorder):
    error = await kit.failure(PicowsTransport(), f"ws://{'a' * 70}.test/", recorder)

    assert error.phase == "dns"


@pytest.mark.parametrize(
    "url",
    [
        "http://venue.test",
        "venue.test",
        "ws://",
        "ws://user:pw@venue.test/",
        "ws://venue.test:99999/",
        "ws://venue.test/#x",
        "ws://venue.test/a b",
        "ws://[::1/",
    ],
)
async def test_a_url_that_leads_nowhere_is_refused_at_once(recorder, url):
    with pytest.raises(ConfigError) as caught:
        await PicowsTransport().connect(url, recorder)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy", ["ftp://h", "http://", "socks4://u:pw@h:1", "nonsense"]
)
def test_a_proxy_that_is_none_is_refused_at_once(proxy):
    with pytest.raises(ConfigError) as caught:
        PicowsTransport(proxy=proxy)
    assert "pw" not in str(caught.value)
