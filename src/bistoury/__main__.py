"""``python -m bistoury``, and the console script."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line; while it is being imported, a signal ends it at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    from .cli import main as run  # noqa: PLC0415 -- it takes a second

    run()


def _leave(number: int, _: FrameType | None) -> None:
    # There is nothing to close yet, and an exception could be caught on its way.
    if number == signal.SIGINT:
        os.write(2, b"\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
