from __future__ import annotations

import asyncio

from bistoury.transport.quiet import handshake_noise_dropped

NOISE = {"message": "SSL handshake failed", "exception": ConnectionResetError}
NEWS = {"message": "news", "exception": ConnectionResetError()}


async def test_drops_exception_classes_and_passes_the_rest(no_complaints):
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    with handshake_noise_dropped():
        loop.call_exception_handler(NOISE)
        loop.call_exception_handler(NEWS)

    assert loop.get_exception_handler() is before
    assert no_complaints == [NEWS]
    no_complaints.clear()


async def test_passes_news_to_the_default_handler_too(caplog):
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(None)
    with handshake_noise_dropped():
        loop.call_exception_handler(NEWS)
    loop.set_exception_handler(before)

    assert "news" in caplog.text


async def test_several_share_one_filter_and_the_last_takes_it_away():
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    first, second = handshake_noise_dropped(), handshake_noise_dropped()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    loop.call_exception_handler(NOISE)
    second.__exit__(None, None, None)

    assert loop.get_exception_handler() is before


async def test_leaves_a_handler_that_was_set_meanwhile():
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def other(loop, context):
        raise AssertionError

    with handshake_noise_dropped():
        loop.set_exception_handler(other)

    assert loop.get_exception_handler() is other
    loop.set_exception_handler(before)
