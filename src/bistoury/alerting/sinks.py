"""Where messages go: Apprise's services, or a function of yours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ConfigError
from .message import CLOSE, Message

Send = Callable[[Message], Any]

_KINDS = {"critical": "failure", "warning": "warning", "info": "info"}


class Sink:
    """One place, with a name that may be shown."""

    def __init__(self, name: str, send: Send) -> None:
        self.name = name
        self.send = send


def sink_of(to: str | Send) -> Sink:
    """
    Return the sink that is meant.

    Raises:
        ConfigError: there is no such service, or Apprise is not installed.
    """
    if callable(to):
        return Sink(getattr(to, "__qualname__", repr(to)), to)
    if not isinstance(to, str):
        raise ConfigError("to", to, "a URL as Apprise reads it, or a function")
    scheme = to.partition("://")[0] if "://" in to else "(no scheme)"
    try:
        import apprise  # noqa: PLC0415 -- an extra, and half a second
    except ImportError:
        allowed = "Apprise, which is missing: pip install 'bistoury[alerts]'"
        raise ConfigError("to", f"{scheme}://…", allowed) from None
    service: Any = apprise.Apprise.instantiate(to)
    if service is None:
        allowed = "a URL as Apprise reads it, such as tgram://TOKEN/CHAT"
        raise ConfigError("to", f"{scheme}://…", allowed)

    def send(message: Message) -> None:
        kind = "success" if message.kind == CLOSE else _KINDS[message.severity]
        is_sent = service.notify(
            title=str(message).partition("\n")[0],
            body=message.body or message.title,
            notify_type=kind,
        )
        if not is_sent:
            raise ConnectionError(f"{scheme}:// did not take the message")

    return Sink(f"{scheme}://…", send)
