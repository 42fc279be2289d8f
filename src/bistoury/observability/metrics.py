"""
The figures of one client for Prometheus, read when somebody asks for them.

A collector reads the same view as health does, so a message costs nothing here. The
number of series is bounded: beyond so many subscriptions, figures of single ones give
way to those of their feeds, and no label holds an address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ..session import Cause, Complaint
from ..session.causes import of_loss
from .addresses import labels, shorten
from .callbacks import Callbacks, Taken
from .chronicle import Chronicle
from .health import View, connection_health, reconnection_stats
from .metric_names import METRICS, Described
from .tally import Histogram, Rising, Tally
from .verdict import unready

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

MOST_SUBSCRIPTIONS = 100
"""With more of them, only their feeds have figures of their own."""

_STANDINGS = ("ok", "degraded", "down")
_STATES = ("idle", "connecting", "syncing", "live", "backoff", "closing", "closed")
_BREAKER = ("closed", "open", "half_open")
_OF_FEEDS = ("pending", "live", "late", "stale", "recovering", "failed", "refused")

# ``increase()`` of a counter that is born at 1 is 0: what may ever be counted stands
# at 0 from the start. Codes beyond these are rare.
_SETTLED = {"recovered": True, "unrecoverable": False}
_LOSSES = [
    *((str(cause), "") for cause in Cause),
    *((str(of_loss(code, "")), str(code)) for code in range(1000, 1016)),
    (str(Cause.IDLE_TIMEOUT), "1000"),
]

Read = Callable[[Callable[[View], Any]], Any]
Result = TypeVar("Result")

_TRIES = 5


def registry_of(
    read: Read,
    tally: Tally,
    chronicle: Chronicle,
    version: str,
) -> CollectorRegistry:
    """Return a registry that holds the figures of one client and of nobody else."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 -- only if asked

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(read, tally, chronicle, version))
    return registry


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """Return the text of all figures, and its content type."""
    from prometheus_client.exposition import (  # noqa: PLC0415 -- only if asked
        CONTENT_TYPE_PLAIN_0_0_4,
        generate_latest,
    )

    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def steadily(made: Callable[[], Result]) -> Result:
    """Return what is ``made`` of things that may grow while they are walked through."""
    for _ in range(_TRIES):
        try:
            return made()
        except RuntimeError as error:
            trouble = error
    raise trouble


class _Collector:
    """Makes every figure anew at each scrape."""

    def __init__(
        self,
        read: Read,
        tally: Tally,
        chronicle: Chronicle,
        version: str,
    ) -> None:
        self._read, self._tally, self._chronicle = read, tally, chronicle
        self._version = version
        self._callbacks = Callbacks()
        self._messages, self._repeats = Rising(), Rising()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; an exporter may ask from a thread of its own."""
        yield from steadily(lambda: self._read(lambda view: list(self._figures(view))))

    def _figures(self, view: View) -> Iterator[Metric]:
        health, stats = connection_health(view), reconnection_stats(view)
        yield from _of_connection(view, health, stats)
        yield _figure("messages", self._messages.of(health["messages_received"]))
        repeats = sum(it["duplicates"] for it in health["subscriptions"].values())
        yield _figure("duplicates", self._repeats.of(repeats))
        yield from _of_data(view, health)
        yield from _of_subscriptions(health["subscriptions"])
        yield from _of_limits(health["limits"])
        yield from _of_history(self._tally)
        minutes = {
            it: health["audit"].get(it, 0) for it in ("complete", "missing", "unjudged")
        }
        yield _figure(
            "audited_minutes", {(it,): count for it, count in minutes.items()}
        )
        available = self._chronicle.availability
        yield _figure("availability_ratio", available)
        yield _figure("incidents", self._chronicle.incidents.count)
        taken = self._callbacks.totals(view.readers)
        yield _summary("callback_seconds", taken)
        errors = {(name,): it.errors for name, it in taken.items()}
        yield _figure("callback_errors", errors)
        yield _figure("build_info", {(self._version,): 1})


def _of_connection(view: View, health: Any, stats: Any) -> Iterator[Metric]:
    lost_at = view.monitor.lost_at
    down = 0.0
    if lost_at is not None:
        down = max(0.0, (view.monitor.clock() - lost_at).total_seconds())
    yield _figure("up", float(view.is_live))
    yield _figure("ready", float(not unready(view)))
    yield _figure("verdict", _states(_STANDINGS, health["verdict"]))
    yield _figure("connection_state", _states(_STATES, health["state"]))
    yield _figure("breaker_state", _states(_BREAKER, stats["circuit_breaker"]))
    yield _figure("connection_uptime_seconds", health["uptime_seconds"])
    yield _figure("down_seconds", down)
    yield _figure("success_ratio", health["success_rate"])
    yield _figure("ping_rtt_seconds", _quantiles(health["ping_rtt_seconds"]))
    yield _figure("loop_lag_seconds", health["loop_lag_seconds"])


def _of_data(view: View, health: Any) -> Iterator[Metric]:
    monitor = view.monitor
    yield _figure("messages_per_second", health["messages_per_second"])
    age = health["last_message_age_seconds"]
    yield _figure("last_message_age_seconds", {} if age is None else age)
    yield _figure("feed_lag_seconds", _quantiles(health["feed_lag_seconds"]))
    yield _figure("decode_errors", monitor.unreadable)
    yield _figure("handler_errors", monitor.handler_errors)
    dropped = {("overflow",): monitor.overflowed, ("newest",): view.conflated}
    yield _figure("dropped", dropped)
    yield _figure("queue_depth", view.queued)


def _of_subscriptions(subscriptions: dict[str, Any]) -> Iterator[Metric]:
    states = dict.fromkeys(_OF_FEEDS, 0)
    feeds: dict[str, list[Any]] = {}
    for name, it in subscriptions.items():
        states[it["state"]] = states.get(it["state"], 0) + 1
        feeds.setdefault(shorten(name.partition("(")[0]), []).append(it)
    yield _figure("subscriptions", {(it,): count for it, count in states.items()})
    # The names of feeds are whatever was subscribed to, so they are bounded too.
    few = {name: feeds[name] for name in list(feeds)[:MOST_SUBSCRIPTIONS]}
    oldest = {
        (name,): max(ages)
        for name, them in few.items()
        if (ages := [it["age"] for it in them if it["age"] is not None])
    }
    yield _figure("feed_age_seconds", oldest)
    rates = {(name,): sum(it["rate"] for it in them) for name, them in few.items()}
    yield _figure("feed_rate", rates)
    single = subscriptions if len(subscriptions) <= MOST_SUBSCRIPTIONS else {}
    short = labels(single)
    for name, member in (
        ("stream_age_seconds", "age"),
        ("stream_rate", "rate"),
        ("stream_lag_seconds", "lag"),
    ):
        values = {
            (short[key],): it[member]
            for key, it in single.items()
            if it[member] is not None
        }
        yield _figure(name, values)


def _of_limits(limits: dict[str, Any]) -> Iterator[Metric]:
    for which in ("used", "allowed"):
        yield _figure(f"limit_{which}", {(it,): of[which] for it, of in limits.items()})
    yield _figure("msgs_tx_window", limits["messages_per_minute"]["used"])
    yield _figure("rest_weight_used", limits["rest_weight_per_minute"]["used"])


def _of_history(tally: Tally) -> Iterator[Metric]:
    yield _figure("connects", tally.connects)
    errors = dict.fromkeys(Cause, 0) | tally.connect_errors
    yield _figure("connect_errors", _keyed(errors))
    yield _figure("disconnects", dict.fromkeys(_LOSSES, 0) | tally.disconnects)
    yield _figure("reconnect_attempts", tally.attempts)
    yield _figure("reconnect_delay_seconds", tally.delay)
    yield _histogram("time_to_ready_seconds", tally.syncs)
    yield _histogram("outage_seconds", tally.outages)
    yield _figure("stale", tally.stale["warn"])
    yield _figure("resubscribes", tally.stale["resubscribe"])
    gaps = {
        (cause, str(is_recovered).lower()): tally.gaps[cause, status]
        for cause in Cause
        for status, is_recovered in _SETTLED.items()
    }
    yield _figure("gaps", gaps)
    yield _figure("gap_seconds", tally.gap_seconds)
    yield _figure("recovered_items", tally.recovered_items)
    yield _figure("refusals", tally.refusals)
    yield _figure("asked_again", tally.asked_again)
    complaints = dict.fromkeys(Complaint, 0) | tally.complaints
    yield _figure("venue_errors", _keyed(complaints))


def _figure(name: str, value: float | Mapping[Any, float]) -> Metric:
    return family(name, METRICS[name], value)


def family(name: str, metric: Described, value: float | Mapping[Any, float]) -> Metric:
    """Return a figure, or one for each combination of its labels."""
    from prometheus_client.core import (  # noqa: PLC0415 -- only if asked
        CounterMetricFamily,
        GaugeMetricFamily,
    )

    make = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    made: Metric = make(f"bistoury_{name}", metric.text, labels=metric.labels)
    values = value if isinstance(value, Mapping) else {(): value}
    for key, it in values.items():
        made.add_metric(list(key), it)  # type: ignore[attr-defined]
    return made


def _histogram(name: str, histogram: Histogram) -> Metric:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

    text, buckets = METRICS[name].text, histogram.buckets()
    total = histogram.total
    return HistogramMetricFamily(
        f"bistoury_{name}", text, buckets=buckets, sum_value=total
    )


def _summary(name: str, sums: Mapping[str, Taken]) -> Metric:
    from prometheus_client.core import SummaryMetricFamily  # noqa: PLC0415

    metric = METRICS[name]
    made = SummaryMetricFamily(f"bistoury_{name}", metric.text, labels=metric.labels)
    for label, taken in sums.items():
        made.add_metric([label], taken.calls, taken.seconds)
    return made


def _states(known: Iterable[str], present: str) -> dict[tuple[str, ...], float]:
    return {(it,): float(it == present) for it in known}


def _keyed(counts: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    return {(key,): count for key, count in counts.items()}


def _quantiles(found: dict[str, float | None]) -> dict[tuple[str, ...], float]:
    named = {("0.5",): found["p50"], ("0.99",): found["p99"]}
    return {name: value for name, value in named.items() if value is not None}
