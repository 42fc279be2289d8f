"""From a configuration to the parts it asks for."""

from __future__ import annotations

import ssl
from urllib.request import getproxies

from ..config import Config
from ..session import Backoff, Policy
from ..transport.base import Transport


def policy_of(config: Config) -> Policy:
    """Return how patient a session has to be."""
    backoff = Backoff(
        config.reconnect_delay,
        config.max_reconnect_delay,
        config.reconnect_exponential_base,
    )
    return Policy(message_timeout=config.message_timeout, backoff=backoff)


def transport_of(config: Config, ssl_context: ssl.SSLContext | None) -> Transport:
    """Return a way of opening connections over real sockets."""
    from ..transport.picows import PicowsTransport  # noqa: PLC0415 -- only if needed

    proxy = config.proxy
    if proxy is None and config.trust_env:
        scheme = "https" if config.ws_url.startswith("wss") else "http"
        proxy = getproxies().get(scheme)
    return PicowsTransport(ssl_context=ssl_context, proxy=proxy)
