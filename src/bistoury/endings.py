"""What a transport says of a connection's end, in the words of the session."""

from __future__ import annotations

from .errors import ConnectFailedError, ConnectionLostError, TransportError
from .session import causes
from .session import events as on


def end_of(connection_id: int, error: TransportError) -> on.ConnectionLost:
    """Put what the transport says in the words of the session."""
    if isinstance(error, ConnectFailedError):
        cause = causes.of_failure(error.phase, error.status, timed_out=error.timed_out)
        return on.ConnectionLost(
            connection_id, cause, error.status, str(error), error.retry_after
        )
    if isinstance(error, ConnectionLostError):
        cause = causes.of_loss(error.code, error.reason)
        return on.ConnectionLost(
            connection_id, cause, error.code, error.reason or error.detail
        )
    return on.ConnectionLost(connection_id, causes.Cause.NETWORK, None, str(error))
