"""
When what goes wrong: a timeline of faults, from a file or from a seed.

A plan in TOML, times in seconds from the venue's first moment::

    [[step]]
    at = 10.0
    for = 5.0
    fault = { fault = "silent", direction = "out" }
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Self

import msgspec

from ..errors import ConfigError
from .chance import happens
from .faults import (
    AnyFault,
    Cut,
    Delay,
    DropAcks,
    Flap,
    Freeze,
    Garble,
    Lag,
    Lose,
    Refuse,
    Repeat,
    Rest,
    Silent,
    Stuck,
)


class Step(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"lasts": "for"},
    forbid_unknown_fields=True,
):
    """One fault: when it begins and how long it lasts; None is for good."""

    at: float
    fault: AnyFault
    lasts: float | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    step: list[Step] = []


class FaultPlan(msgspec.Struct, frozen=True):
    """Steps in the order of their times."""

    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.steps, key=lambda step: step.at))
        msgspec.structs.force_setattr(self, "steps", ordered)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a plan from a TOML file."""
        try:
            text = Path(path).read_text("utf-8")
            file = msgspec.convert(tomllib.loads(text), _File, strict=False)
        except OSError as error:
            raise ConfigError("plan", str(path), f"a readable file ({error})") from None
        except (ValueError, msgspec.ValidationError) as error:
            raise ConfigError("plan", str(path), f"a fault plan ({error})") from None
        return cls(tuple(file.step))

    @classmethod
    def random(
        cls, seed: int, duration: float, kinds: tuple[str, ...] | None = None
    ) -> Self:
        """Draw a plan: a fault every half minute or so, none after the end."""
        unknown = sorted(set(kinds or ()) - set(_DRAWN))
        if unknown:
            allowed = ", ".join(sorted(_DRAWN))
            raise ConfigError("kinds", unknown[0], f"one of {allowed}")
        rng = Random(f"plan:{seed}")
        chosen = sorted(kinds) if kinds else sorted(_DRAWN)
        steps: list[Step] = []
        at = rng.uniform(5.0, 30.0)
        while at < duration:
            fault = _DRAWN[rng.choice(chosen)](rng)
            lasts = min(rng.uniform(1.0, 25.0), duration - at)
            steps.append(Step(at=at, fault=fault, lasts=lasts))
            at += rng.expovariate(1 / 30.0) + 1.0
        return cls(tuple(steps))

    def to_toml(self) -> str:
        """Write the plan as a file that ``load`` reads."""
        blocks = []
        for step in self.steps:
            lines = ["[[step]]", f"at = {step.at!r}"]
            if step.lasts is not None:
                lines.append(f"for = {step.lasts!r}")
            lines.append(f"fault = {_inline(msgspec.to_builtins(step.fault))}")
            blocks.append("\n".join(lines) + "\n")
        return "\n".join(blocks)


def read_fault(text: str) -> AnyFault:
    """Read a fault from JSON, or from a short form like ``cut:rst``."""
    stripped = text.strip()
    try:
        if stripped.startswith("{"):
            return _JSON.decode(stripped)
        fault: AnyFault = msgspec.convert(_short(stripped), AnyFault, strict=False)
    except msgspec.MsgspecError as error:
        raise ConfigError("fault", text, f"a fault such as cut:rst ({error})") from None
    return fault


_JSON: msgspec.json.Decoder[AnyFault] = msgspec.json.Decoder(AnyFault)

# The field that the word after the colon of a short form goes to.
_SHORT_FIELD = {
    "refuse": "how",
    "cut": "how",
    "flap": "after",
    "silent": "direction",
    "delay": "seconds",
    "drip": "bytes_per_second",
    "lose": "probability",
    "repeat": "probability",
    "garble": "probability",
    "drop_acks": "every",
    "refuse_subscriptions": "type",
    "lag": "fraction",
    "rate_limit": "how",
    "one_connection": "policy",
    "rest": "status",
}


def _short(text: str) -> dict[str, Any]:
    """Read ``name``, ``name:value`` or ``name:field=value,field=value``."""
    name, _, rest = text.partition(":")
    name = name.strip().replace("-", "_")
    fault: dict[str, Any] = {"fault": name}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if equals:
            fault[key.strip()] = value.strip()
        elif name == "cut" and part.strip().isdecimal():
            fault |= {"how": "close", "code": part.strip()}
        elif name == "refuse" and part.strip().isdecimal():
            fault |= {"how": "http", "status": part.strip()}
        elif name in _SHORT_FIELD:
            fault[_SHORT_FIELD[name]] = part.strip()
    return fault


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{k} = {_inline(v)}" for k, v in value.items() if v is not None)
        return "{ " + ", ".join(pairs) + " }"
    # JSON's strings, numbers, booleans and arrays of them are TOML's too.
    return msgspec.json.encode(value).decode()


def _cut(rng: Random) -> AnyFault:
    how = rng.choice(("rst", "eof", "close"))
    if how != "close":
        return Cut(how="rst" if how == "rst" else "eof")
    code = rng.choice((1000, 1001, 1008, 1011, 1012, 1013))
    return Cut(how="close", code=code, reason="Going away")


_DRAWN: dict[str, Callable[[Random], AnyFault]] = {
    "cut": _cut,
    "delay": lambda rng: Delay(seconds=rng.uniform(0.05, 2.0), jitter=rng.random()),
    "drop_acks": lambda rng: DropAcks(every=rng.randint(1, 5)),
    "flap": lambda rng: Flap(after=rng.uniform(0.0, 6.0)),
    "freeze": lambda _: Freeze(),
    "garble": lambda rng: Garble(probability=rng.uniform(0.01, 0.3)),
    "lag": lambda rng: Lag(fraction=rng.uniform(0.3, 0.9)),
    "lose": lambda rng: Lose(probability=rng.uniform(0.01, 0.3)),
    "refuse": lambda rng: Refuse(status=rng.choice((403, 429, 502, 503))),
    "repeat": lambda rng: Repeat(probability=rng.uniform(0.01, 0.3)),
    "rest": lambda rng: Rest(status=rng.choice((429, 500, 502))),
    "silent": lambda rng: Silent(
        direction=rng.choice(("both", "out")), hold=happens(rng, 0.3)
    ),
    "stuck": lambda _: Stuck(),
}
