"""
Plays Python blocks against the local venue, and says what came of each.

Run as ``play.py <package> <blocks.json> <report.json>``: ``package`` is the
spelling to import, ``src.bistoury`` or ``bistoury``. A block finds its scene by a
word it contains; the scene supplies the names the block leaves open and collects
facts. Sleeps are shortened in the block's own ``asyncio`` only.
"""

import ast
import asyncio
import builtins
import contextlib
import importlib
import inspect
import io
import json
import logging
import os
import sys
import traceback
import types
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

PACKAGE, BLOCKS, REPORT = sys.argv[1:]
HURRY = 200.0
"""How many times faster the blocks sleep."""

Config = importlib.import_module(f"{PACKAGE}.config").Config
Client = importlib.import_module(f"{PACKAGE}.hyperliquid.client").HyperLiquidIntegration


class Hurried(types.ModuleType):
    """``asyncio`` with short sleeps; after ``rounds`` of them the task is cancelled."""

    def __init__(self, rounds):
        super().__init__("asyncio")
        self.rounds = rounds
        self.naps = []
        self.between = None

    def __getattr__(self, name):
        return getattr(asyncio, name)

    async def sleep(self, seconds):
        self.naps.append(seconds)
        if self.between is not None:
            await self.between(len(self.naps))
        if self.rounds is not None and len(self.naps) >= self.rounds:
            asyncio.current_task().cancel()
        await asyncio.sleep(seconds / HURRY)


class Block:
    """One block, its namespace, and what it printed and logged."""

    def __init__(self, source, rounds=None, **names):
        self.asyncio = Hurried(rounds)
        self.lines = []
        self.statements = ast.parse(source.replace("src.bistoury", PACKAGE)).body
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(
            [record.levelname, record.getMessage()]
        )
        logger = logging.getLogger("block")
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.DEBUG)
        self.names = {
            "__name__": "block",
            "__builtins__": {**vars(builtins), "__import__": self._import},
            "asyncio": self.asyncio,
            "logger": logger,
            **names,
        }

    def _import(self, name, *rest):
        return self.asyncio if name == "asyncio" else __import__(name, *rest)

    async def play(self, statements=None):
        module = ast.Module(statements or self.statements, [])
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        result = eval(compile(module, "<block>", "exec", flags), self.names)
        if inspect.iscoroutine(result):
            await result

    def play_here(self, statements=None):
        """Play without a running loop: the block starts one of its own."""
        module = ast.Module(statements or self.statements, [])
        exec(compile(module, "<block>", "exec"), self.names)

    def __getitem__(self, name):
        return self.names[name]


def tell(path, **body):
    """Tell the venue what to do."""
    request = urllib.request.Request(
        os.environ["BISTOURY_API_URL"] + path, json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def connected(**delays):
    client = Client(Config.load_from_env())
    for name, value in delays.items():
        setattr(client, name, value)
    assert await client.connect()
    mids = []
    await client.subscribe_all_mids(mids.append)
    await until(lambda: mids)
    yield client
    await client.disconnect(disable_auto_reconnect=True)


def tuned(client):
    return {
        "delay": client.reconnect_delay,
        "cap": client.max_reconnect_delay,
        "base": client.reconnect_exponential_base,
    }


# The scenes


def quick_start(source):
    block = Block(source)
    block.play_here()
    return {"naps": block.asyncio.naps}


async def configure(source):
    block = Block(source, config=Config.load_from_env(), HyperLiquidIntegration=Client)
    await block.play()
    client = block["client"]
    enabled = client.get_reconnection_stats()["auto_reconnect_enabled"]
    return {**tuned(client), "enabled": enabled}


async def look_at_status(source):
    async with connected() as client:
        block = Block(source, client=client)
        await block.play()
    return {"stats": block["stats"], "health": block["health"]}


async def set_timeout(source):
    async with connected() as client:
        block = Block(source, client=client)
        await block.play()
    return {"stats": block["stats"]}


def run_the_bot(source):
    block = Block(source, rounds=6, Config=Config)
    trades = []

    async def handle_trade_update(self, message):
        trades.append(message)

    async def break_and_heal(nap):
        if nap == 2:
            tell("/sim/fault", fault={"fault": "refuse", "status": 503}, **{"for": 1.5})
            tell("/sim/fault", fault={"fault": "cut", "how": "rst"})
            await asyncio.sleep(0.3)
        if nap == 4:
            await until(block["bot"].client.is_connected)

    block.asyncio.between = break_and_heal
    logger = block["logger"]
    at = next(
        i for i, it in enumerate(block.statements) if isinstance(it, ast.ClassDef)
    )
    block.play_here(block.statements[: at + 1])
    block.names["logger"] = logger
    block["TradingBot"].handle_trade_update = handle_trade_update
    try:
        block.play_here(block.statements[at + 1 :])
        ended = "by itself"
    except asyncio.CancelledError:
        ended = "cancelled"
    stats = block["bot"].client.get_reconnection_stats()
    return {
        "ended": ended,
        "log": block.lines,
        "trades": len(trades),
        "stats": stats,
    }


async def paper(source):
    block = Block(source, config=Config.load_from_env())
    await block.play()
    engine = block["engine"]
    client = engine.client
    first = client.get_reconnection_stats()
    await until(lambda: client.get_reconnection_stats()["last_message_time"])
    tell("/sim/fault", fault={"fault": "cut", "how": "rst"})
    await until(lambda: client.get_reconnection_stats()["total_reconnects"] == 1)
    second = client.get_reconnection_stats()
    await engine.stop()
    return {"first": first, "second": second}


async def data_gap(source):
    block = Block(source, datetime=datetime, timedelta=timedelta)
    await block.play()
    for seconds in (5, 60):
        moment = datetime.now() - timedelta(seconds=seconds)  # noqa: DTZ005
        await block["handle_data_gap"](object(), moment)
    return {"log": block.lines}


async def breaker(source):
    block = Block(source, datetime=datetime)
    await block.play()
    theirs = block["ConnectionCircuitBreaker"](3, 300)
    now = [0.0]
    resilience = importlib.import_module(f"{PACKAGE}.resilience")
    ours = resilience.ConnectionCircuitBreaker(3, 300, clock=lambda: now[0])
    answers = []
    for failures in range(3):
        theirs.failure_count = failures
        answers.append(
            [theirs.should_attempt_reconnection(), ours.should_attempt_reconnection()]
        )
        ours.record_failure()
    theirs.failure_count, theirs.last_failure = 3, datetime.now()  # noqa: DTZ005
    answers.append(
        [theirs.should_attempt_reconnection(), ours.should_attempt_reconnection()]
    )
    theirs.last_failure -= timedelta(seconds=302)
    now[0] += 302
    answers.append(
        [theirs.should_attempt_reconnection(), ours.should_attempt_reconnection()]
    )
    return {"answers": answers}


async def sequence(source):
    block = Block(source)
    await block.play()
    resilience = importlib.import_module(f"{PACKAGE}.resilience")
    ours, theirs = (
        resilience.MessageSequenceTracker(),
        block["MessageSequenceTracker"](),
    )
    missing = 0
    for number in (1, 2, 5, 6):
        theirs.check_sequence("BTC", number)
        missing += ours.check_sequence("BTC", number)
    return {
        "log": block.lines,
        "missing": missing,
        "last": [theirs.last_sequence, dict(ours.last_sequence)],
    }


async def debug_logging(source):
    root = logging.getLogger()
    block = Block(source)
    heard = []
    try:
        with contextlib.redirect_stderr(io.StringIO()) as output:
            await block.play()
            block["logger"].addFilter(
                lambda record: heard.append(record.levelname) or True
            )
            async with connected():
                pass
    finally:
        for handler in list(root.handlers):
            root.removeHandler(handler)
        root.setLevel(logging.WARNING)
        block["logger"].setLevel(logging.NOTSET)
        block["logger"].filters.clear()
    return {"name": block["logger"].name, "heard": heard, "text": output.getvalue()}


async def report_health(source):
    async with connected() as client:
        block = Block(source, rounds=3)
        await block.play()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(block["monitor_connection_health"](client))
    return {"naps": block.asyncio.naps}


async def alert(source):
    async with connected(reconnect_delay=0.2, max_reconnect_delay=0.3) as client:
        block = Block(source, rounds=3)
        await block.play()
        watch = block["alert_on_extended_downtime"]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(watch(client, 0.0))
        quiet = list(block.lines)
        tell("/sim/fault", fault={"fault": "refuse", "status": 503}, **{"for": 1.0})
        tell("/sim/fault", fault={"fault": "cut", "how": "eof"})
        await until(lambda: not client.is_connected())
        lost = client.get_reconnection_stats()["connection_lost_time"]
        block.asyncio.naps.clear()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(watch(client, 0.0))
        await until(client.is_connected)
    return {"quiet": quiet, "log": block.lines, "lost": lost}


async def tune_twice(source):
    block = Block(source, client=Client(Config.load_from_env()))
    halves = [
        block.statements[: len(block.statements) // 2],
        block.statements[len(block.statements) // 2 :],
    ]
    found = []
    for half in halves:
        await block.play(half)
        found.append(tuned(block["client"]))
    return {"found": found}


SCENES = {
    "asyncio.run(main())": quick_start,
    "client.enable_auto_reconnect()": configure,
    "Last disconnect:": look_at_status,
    "client.set_message_timeout(": set_timeout,
    "class TradingBot": run_the_bot,
    "PaperTradingEngine(config)": paper,
    "def handle_data_gap(": data_gap,
    "class ConnectionCircuitBreaker": breaker,
    "class MessageSequenceTracker": sequence,
    "logging.basicConfig(": debug_logging,
    "def monitor_connection_health(": report_health,
    "def alert_on_extended_downtime(": alert,
    "client.reconnect_exponential_base = 3.0": tune_twice,
}


def play(source):
    names = [name for name in SCENES if name in source]
    if len(names) != 1:
        return {"scene": None, "error": f"{len(names)} scenes for this block"}
    scene = SCENES[names[0]]
    result = {"scene": scene.__name__, "error": None}
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            facts = scene(source)
            result["facts"] = (
                asyncio.run(facts) if inspect.iscoroutine(facts) else facts
            )
        except BaseException:  # noqa: BLE001 -- reported
            result["error"] = traceback.format_exc()
    result["printed"] = output.getvalue()
    return result


def is_no_timing(record):
    """Drop what asyncio's debug mode says of a busy machine."""
    return not record.msg.startswith("Executing ")


if __name__ == "__main__":
    logging.getLogger("asyncio").addFilter(is_no_timing)
    sources = json.loads(Path(BLOCKS).read_text("utf-8"))
    results = [play(source) for source in sources]
    where = importlib.import_module(PACKAGE).__file__
    scenes = [scene.__name__ for scene in SCENES.values()]
    report = {"where": where, "scenes": scenes, "blocks": results}
    Path(REPORT).write_text(json.dumps(report), "utf-8")
