"""
What every client of the comparison does with a message: read a little, and count.

Run as a script's neighbour: ``python bench/clients/<client>.py URL SPEC``, where SPEC
is ``{"feeds": [...], "skip": n, "messages": n, "handler": "dict", "stamps": false}``.
The first ``skip`` messages warm up; the cost is that of all the others.
"""

import gc
import json
import os
import resource
import sys
import time

URL = sys.argv[1]
SPEC = json.loads(sys.argv[2])
FEEDS = SPEC["feeds"]


class Meter:
    """Counts messages, and says what they cost once all have come."""

    def __init__(self):
        self.seen = 0
        self.arrivals = []
        self.is_done = False
        self.on_done = lambda: None
        self._next = SPEC["skip"]
        self._began = self._cpu = 0.0

    def tick(self):
        """Count a message."""
        self.seen += 1
        if self.seen == self._next:
            self._mark()

    def stamp(self, _=None, clock=time.monotonic_ns):
        """Count a message, and note when it came."""
        self.arrivals.append(clock())
        self.seen += 1
        if self.seen == self._next:
            self._mark()

    def _mark(self):
        if self.seen < SPEC["messages"]:
            self._next = SPEC["messages"]
            self._began, self._cpu = time.monotonic(), time.process_time()
            return
        self.cpu = time.process_time() - self._cpu
        self.wall = time.monotonic() - self._began
        self.is_done = True
        self.on_done()

    def report(self, **versions):
        """Print the cost, and end: threads of others do not matter any more."""
        counted = SPEC["messages"] - SPEC["skip"]
        found = {
            "cpu_us": self.cpu / counted * 1e6,
            "wall_us": self.wall / counted * 1e6,
            "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "collected": [it["collections"] for it in gc.get_stats()],
            "versions": versions,
        }
        if self.arrivals:
            found["arrivals"] = self.arrivals[-SPEC["messages"] :]
        print(json.dumps(found), flush=True)
        os._exit(0)


METER = Meter()


# Readers of messages as dicts, by channel: the same for every client.


def _trades(message):
    row = message["data"][0]
    _ = row["px"], row["sz"]
    METER.tick()


def _book(message):
    bids, asks = message["data"]["levels"]
    _ = bids[0]["px"], asks[0]["px"]
    METER.tick()


def _bbo(message):
    bid, ask = message["data"]["bbo"]
    _ = bid["px"], ask["px"]
    METER.tick()


def _mids(message):
    _ = message["data"]["mids"]["BTC"]
    METER.tick()


def _candle(message):
    _ = message["data"]["c"]
    METER.tick()


def _context(message):
    _ = message["data"]["ctx"]["markPx"]
    METER.tick()


DICT_READERS = {
    "trades": _trades,
    "l2Book": _book,
    "bbo": _bbo,
    "allMids": _mids,
    "candle": _candle,
    "activeAssetCtx": _context,
}


def readers():
    """Return the readers, or for runs that look at the clock the stamp alone."""
    if SPEC["stamps"]:
        return dict.fromkeys(DICT_READERS, METER.stamp)
    return DICT_READERS
