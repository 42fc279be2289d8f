"""The road to the venue: its name, its door, and who answers there."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from ...transport.dialing import DialledSocket, dial
from ...transport.refusals import translate
from ...transport.resolver import AddressInfo, Resolver
from ...transport.target import Endpoint
from .check import NO_PROXY, NO_WAY, NOBODY_LISTENS, Check

_WITHIN = 5.0


@dataclass(slots=True)
class Road:
    """Looks a host up, dials it and shakes hands, as far as it gets."""

    target: Endpoint
    is_proxy: bool = False
    addresses: list[AddressInfo] = field(default_factory=list)

    async def dns(self) -> Check:
        """Look the host up."""
        began = perf_counter()
        host = self.target.host
        try:
            async with asyncio.timeout(_WITHIN):
                self.addresses = await Resolver().resolve(host, self.target.port)
        except (OSError, TimeoutError) as error:
            advice = "check the host's spelling, this machine's DNS and its connection"
            return Check("dns", False, f"{host}: {_why('dns', error)}", None, advice)
        took = perf_counter() - began
        found = sorted({str(address[0]) for *_, address in self.addresses})
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        said = f"{host} is an address" if found == [host] else f"{found[0]}{more}"
        return Check("dns", True, said, took)

    async def tcp(self) -> tuple[Check, DialledSocket | None]:
        """Open a TCP connection."""
        began = perf_counter()
        try:
            async with asyncio.timeout(_WITHIN):
                sock = await dial(self.addresses)
        except (OSError, TimeoutError) as error:
            refused = isinstance(error, ConnectionRefusedError)
            nobody = NO_PROXY if self.is_proxy else NOBODY_LISTENS
            advice = nobody if refused else NO_WAY
            said = f"{self.target}: {_why('tcp', error)}"
            return Check("tcp", False, said, None, advice), None
        took = perf_counter() - began
        return Check("tcp", True, f"connected to {self.target}", took), sock

    async def tls(self, sock: DialledSocket) -> Check:
        """Shake hands, where the talk is encrypted; close the socket."""
        if not self.target.is_secure:
            sock.close()
            return Check("tls", None, "not used: the address is http://")
        began = perf_counter()
        context = ssl.create_default_context()
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_WITHIN):
                _, writer = await asyncio.open_connection(
                    sock=sock, ssl=context, server_hostname=self.target.host
                )
            took = perf_counter() - began
            secured = writer.get_extra_info("ssl_object")
            said = f"{secured.version()}, {_validity(secured.getpeercert())}"
            return Check("tls", True, said, took)
        except (OSError, TimeoutError) as error:
            advice = (
                "check this machine's clock and its certificates, and whether a "
                "proxy opens encrypted connections"
            )
            return Check("tls", False, _why("tls", error), None, advice)
        finally:
            if writer is not None:
                writer.transport.abort()
            else:
                sock.close()


def _why(phase: str, error: Exception) -> str:
    if isinstance(error, TimeoutError) and not error.args:
        return f"no answer within {_WITHIN:g} s"
    return translate(phase, error).detail


def _validity(certificate: dict[str, Any] | None) -> str:
    ends = (certificate or {}).get("notAfter")
    if ends is None:
        return "no certificate shown"
    left = ssl.cert_time_to_seconds(ends) - datetime.now(UTC).timestamp()
    return f"certificate good for {left / 86400:.0f} days"
