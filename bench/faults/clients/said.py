"""What every client prints: a JSON line for each thing that happens to it."""

import json
import sys
import time
from typing import Any


def say(event: str, **facts: Any) -> None:
    """Print a line, with the system's monotonic time."""
    line = json.dumps({"event": event, "at": time.monotonic(), **facts})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def trades(coin: str, tids: list[int]) -> None:
    """Say which trades came."""
    say("data", feed=f"trades:{coin}", tids=tids)


def book(coin: str) -> None:
    """Say that a book came."""
    say("data", feed=f"l2Book:{coin}", tids=[])
