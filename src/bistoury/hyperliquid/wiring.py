"""From a configuration to the parts it asks for."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from itertools import count
from random import Random
from urllib.parse import urlsplit

from ..collaborators import Codec
from ..config import Config
from ..errors import ConfigError
from ..recorder.journal import Journal
from ..resilience import ConnectionCircuitBreaker
from ..session import Backoff, Policy, Session
from ..transport.base import Transport
from . import wire
from .group import Group
from .limits import Account
from .line import Line, Owner


class LineMaker:
    """Makes the lines of one client, which share limits, breaker and numbering."""

    def __init__(
        self,
        owner: Owner,
        config: Config,
        account: Account,
        transport: Transport,
        rng: Random,
        *,
        circuit_breaker: ConnectionCircuitBreaker | None,
        wall_clock: Callable[[], float],
        journal: Journal | None = None,
        codec: Codec = wire,
    ) -> None:
        self._owner = owner
        self._codec = codec
        self._config = config
        self._account = account
        self._transport = transport
        self._rng = rng
        self._wall_clock = wall_clock
        self._is_gate = circuit_breaker is not None
        self._breaker = (circuit_breaker or ConnectionCircuitBreaker()).breaker
        self._numbers = count(1)
        self._journal = journal
        self.policy = policy_of(config)

    def __call__(self, group: Group) -> Line:
        """Make a line that carries what ``group`` carries."""
        session = Session(
            policy=self.policy,
            rng=self._rng,
            breaker=self._breaker,
            breaker_is_gate=self._is_gate,
            connections=self._account.connections_per_minute,
            messages=self._account.messages,
            continuities=group.continuities,
            numbers=self._numbers,
        )
        url = self._config.ws_url
        line = Line(
            self._owner,
            session,
            self._transport,
            url,
            self._wall_clock,
            codec=self._codec,
        )
        if self._journal is not None:
            line.supervisor.recorder = self._journal.line(session)
        return line


def policy_of(config: Config) -> Policy:
    """Return how patient a session has to be."""
    backoff = Backoff(
        config.reconnect_delay,
        config.max_reconnect_delay,
        config.reconnect_exponential_base,
    )
    names = (
        *("message_timeout", "stale_floor", "stale_ceiling", "stale_intervals"),
        *("first_data_timeout", "lag_warning", "lag_limit"),
    )
    return Policy(backoff=backoff, **{name: getattr(config, name) for name in names})


def transport_of(config: Config, ssl_context: ssl.SSLContext | None) -> Transport:
    """
    Return a way of opening connections over real sockets.

    Raises:
        ConfigError: ``ssl_context`` verifies nothing, and nobody said that it may.
    """
    if ssl_context is not None and not config.allow_insecure:
        verifies = ssl_context.verify_mode is ssl.CERT_REQUIRED
        if not (verifies and ssl_context.check_hostname):
            raise ConfigError(
                "ssl_context",
                ssl_context.verify_mode.name if not verifies else "no host's name",
                "one that verifies certificates and host names, or allow_insecure=True",
            )
    from ..transport.picows import PicowsTransport  # noqa: PLC0415 -- only if needed

    proxy = config.proxy
    if proxy is None and config.trust_env:
        from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 -- slow

        scheme = "https" if config.ws_url.startswith("wss") else "http"
        if not proxy_bypass(urlsplit(config.ws_url).hostname or ""):
            proxy = getproxies().get(scheme)
    return PicowsTransport(ssl_context=ssl_context, proxy=proxy)
