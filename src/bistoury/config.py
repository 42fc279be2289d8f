"""
Where to connect, and how patiently: the settings, and where they come from.

A keyword argument goes before the environment, that before ``.env``, that before
``bistoury.toml``, that before the default — for each setting by itself. The two
files are looked for in the current folder, which matters for nothing else.
Nothing is read before a ``Config`` is made, nor is pydantic imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypedDict,
    Unpack,
    get_args,
    get_type_hints,
)
from urllib.parse import urlsplit

from .config_places import ENV_FILE, PREFIX, TOML_FILE, Place, places
from .errors import ConfigError
from .session.backoff import Backoff
from .session.policy import Policy
from .urls import checked_url, is_this_machine, leaves_in_clear, without_password

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

Network = Literal["mainnet", "testnet", "local"]

# HL: docs: api. ``local`` is where ``bistoury sim`` listens.
API_URLS: dict[str, str] = {
    "mainnet": "https://api.hyperliquid.xyz",
    "testnet": "https://api.hyperliquid-testnet.xyz",
    "local": "http://127.0.0.1:8765",
}


class Between(NamedTuple):
    """The numbers that are allowed, ends included."""

    kind: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.kind} from {self.low:g} to {self.high:g}"


Seconds = Annotated[float, Between("a number of seconds", 0.001, 86_400)]
Factor = Annotated[float, Between("a factor", 1, 1_000)]
Count = Annotated[int, Between("a whole number", 1, 1_000_000_000)]
Url = Annotated[str, "a URL"]

# A recovery reads a history twice, so all of it must be remembered from one read to
# the next. HL: the latest 10,000 fills, 5,000 candles (docs: info endpoint). As many
# fills again may wait or come live meanwhile.
UserMemory = Annotated[int, Between("a whole number", 20_000, 1_000_000_000)]
CoinMemory = Annotated[int, Between("a whole number", 5_000, 1_000_000_000)]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """
    What the venue allows one address; ``Config`` checks the numbers.

    Only a test against the local venue has a reason to raise any of them.
    """

    # HL: docs: rate limits and user limits.
    connections_per_minute: Count = 30
    connections: Count = 10
    subscriptions: Count = 1000
    users: Count = 10
    messages_per_minute: Count = 2000
    posts_in_flight: Count = 100
    rest_weight_per_minute: Count = 1200


class Given(TypedDict, total=False):
    """The keyword arguments of ``Config``."""

    network: str | None
    api_url: str | None
    ws_url: str | None
    message_timeout: float | None
    reconnect_delay: float | None
    max_reconnect_delay: float | None
    reconnect_exponential_base: float | None
    audit_grace: float | None
    stale_floor: float | None
    stale_ceiling: float | None
    stale_intervals: float | None
    first_data_timeout: float | None
    lag_warning: float | None
    lag_limit: float | None
    user_memory: int | None
    coin_memory: int | None
    limits: Limits | Mapping[str, int] | None
    proxy: str | None
    trust_env: bool | None
    allow_insecure: bool | None


@dataclass(frozen=True, init=False)
class Config:
    """
    The settings of a client.

    ``Config(...)`` reads the environment and the files for whatever is not
    given, or given as ``None``. Each setting is a variable too: ``BISTOURY_`` and
    its name, those of ``limits`` with two underscores: ``BISTOURY_LIMITS__USERS``.

    Raises:
        ConfigError: a value is not allowed, or a setting is not known.
    """

    network: Network = "mainnet"
    api_url: Url = ""
    """Where REST is, without ``/info``; by default what ``network`` says."""
    ws_url: Url = ""
    """Where the socket is; by default beside REST, at ``/ws``."""
    message_timeout: Seconds = Policy().message_timeout
    reconnect_delay: Seconds = Backoff().initial
    max_reconnect_delay: Seconds = Backoff().maximum
    reconnect_exponential_base: Factor = Backoff().factor
    audit_grace: Seconds = 5.0
    """How long a closed minute of trades must be at rest before it is judged."""
    stale_floor: Seconds = Policy().stale_floor
    """No feed is called stale sooner than this ..."""
    stale_ceiling: Seconds = Policy().stale_ceiling
    """... nor later than this, once it has shown a rhythm."""
    stale_intervals: Factor = Policy().stale_intervals
    """How many of a feed's longest intervals it may be quiet."""
    first_data_timeout: Seconds = Policy().first_data_timeout
    """How long a feed may be mute whose venue speaks at once."""
    lag_warning: Seconds = Policy().lag_warning
    """How far a feed may fall behind its best before it is said."""
    lag_limit: Seconds = Policy().lag_limit
    """... and before another connection is tried."""
    user_memory: UserMemory = 20_000
    """How many rows of a user's feed are remembered, to tell repeats from news."""
    coin_memory: CoinMemory = 5_000
    """... and of a coin's."""
    limits: Limits = field(default_factory=Limits)
    # It may carry a password, which no log line should repeat.
    proxy: Url | None = field(default=None, repr=False)
    """The way out: ``http://``, ``https://`` or ``socks5://``."""
    trust_env: bool = False
    """Whether ``HTTPS_PROXY`` and its like are followed."""
    allow_insecure: bool = False
    """Whether ``ws://`` and ``http://`` may lead beyond this machine."""

    def __init__(self, **given: Unpack[Given]) -> None:
        values = _load({name: it for name, it in given.items() if it is not None})
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def load_from_env(cls) -> Config:
        """Read the environment and the files; the same as ``Config()``."""
        return cls()

    @property
    def info_url(self) -> str:
        """Where REST questions are posted to."""
        return f"{self.api_url}/info"

    @property
    def venue(self) -> str:
        """
        Which venue the URLs lead to, whatever ``network`` says.

        ``mainnet``, ``testnet``, ``local`` for one on this machine, or ``custom``.
        """
        found = {_venue_at(url) for url in (self.api_url, self.ws_url)}
        return found.pop() if len(found) == 1 else "custom"


def _load(given: dict[str, Any]) -> dict[str, Any]:
    """Merge all places; return every setting, checked."""
    from pydantic import ValidationError  # noqa: PLC0415  # a fifth of a second

    if isinstance(given.get("limits"), Limits):
        given["limits"] = asdict(given["limits"])
    said = list(places(given))
    for place in said:
        _refuse_unknown(place)
    try:
        values = _settings()(**given).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise _refusal(said, name, first["input"]) from None
    values["limits"] = Limits(**values["limits"])
    _check_order(values, said)
    _settle_urls(values, said)
    return values


def _venue_at(url: str) -> str:
    host = urlsplit(url).hostname or ""
    if is_this_machine(host):
        return "local"
    known = {urlsplit(it).hostname: name for name, it in API_URLS.items()}
    return known.get(host, "custom")


def _refuse_unknown(place: Place) -> None:
    for name, (key, value) in place.said.items():
        if name not in _kinds():
            near = get_close_matches(name, _kinds(), 1)
            known = ", ".join(place.key(it) for it in near or _kinds())
            allowed = f"{known} (did you mean that?)" if near else f"one of {known}"
            raise ConfigError(key + place.suffix, value, allowed)
        if isinstance(value, bool) and _kinds()[name] != _kind(bool):
            raise _refusal([place], name, value)


def _refusal(said: list[Place], name: str, value: object) -> ConfigError:
    """Say who gave ``name`` its bad ``value``, and what is allowed."""
    allowed = _kinds()[name]
    near = get_close_matches(str(value).lower(), API_URLS, 1)
    if name == "network" and near:
        allowed += f" (did you mean {near[0]!r}?)"
    return ConfigError(_key(said, name), without_password(value), allowed)


def _key(said: list[Place], name: str) -> str:
    """Return what the strongest place that speaks of ``name`` calls it."""
    keys = (it.said[name][0] + it.suffix for it in said if name in it.said)
    return next(keys, name)


@cache
def _kinds() -> dict[str, str]:
    """Return every setting with what it allows, in words."""
    of_limits = get_type_hints(Limits, include_extras=True)
    hints = get_type_hints(Config, include_extras=True)
    del hints["limits"]
    hints |= {f"limits.{name}": hint for name, hint in of_limits.items()}
    return {name: _kind(hint) for name, hint in hints.items()}


def _kind(hint: Any) -> str:
    if hint is bool:
        return "true or false"
    if hint is Network:
        return f"one of {', '.join(get_args(Network))}"
    annotated = hint if hasattr(hint, "__metadata__") else get_args(hint)[0]
    return str(annotated.__metadata__[0])


@cache
def _settings() -> type[BaseSettings]:
    """Make the pydantic model that merges and converts; once, when first needed."""
    import pydantic  # noqa: PLC0415  # see _load
    import pydantic_settings as ps  # noqa: PLC0415

    class Places(ps.BaseSettings):
        model_config = ps.SettingsConfigDict(
            env_prefix=PREFIX,
            env_nested_delimiter="__",
            env_ignore_empty=True,
            env_file=ENV_FILE,
            env_file_encoding="utf-8",
            toml_file=TOML_FILE,
            allow_inf_nan=False,
            str_strip_whitespace=True,
            # What is ours and unknown was refused before; a shared .env holds more.
            extra="ignore",
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[ps.BaseSettings],
            init_settings: ps.PydanticBaseSettingsSource,
            env_settings: ps.PydanticBaseSettingsSource,
            dotenv_settings: ps.PydanticBaseSettingsSource,
            file_secret_settings: ps.PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[ps.PydanticBaseSettingsSource, ...]:
            toml = ps.TomlConfigSettingsSource(settings_cls)
            return init_settings, env_settings, dotenv_settings, toml

    def model_fields(owner: type[Limits | Config]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        hints = get_type_hints(owner, include_extras=True)
        for one in fields(owner):
            bounds = getattr(hints[one.name], "__metadata__", [None])[0]
            is_bounded = isinstance(bounds, Between)
            limits = {"ge": bounds.low, "le": bounds.high} if is_bounded else {}
            made[one.name] = (
                hints[one.name],
                pydantic.Field(default=one.default, **limits),
            )
        return made

    limits = pydantic.create_model("LimitSettings", **model_fields(Limits))
    everything = {**model_fields(Config), "limits": (limits, limits())}
    return pydantic.create_model("Settings", __base__=Places, **everything)


def _check_order(values: dict[str, Any], said: list[Place]) -> None:
    """Refuse bounds that leave nothing between them."""
    for lower, upper in (
        ("stale_floor", "stale_ceiling"),
        ("lag_warning", "lag_limit"),
    ):
        if values[lower] > values[upper]:
            allowed = f"at most {upper}, which is {values[upper]:g}"
            raise ConfigError(_key(said, lower), values[lower], allowed)


def _settle_urls(values: dict[str, Any], said: list[Place]) -> None:
    """Fill in the URLs nobody gave; refuse those that could lead astray."""
    key = {name: _key(said, name) for name in ("proxy", "api_url", "ws_url")}
    values["proxy"] = values["proxy"] or None
    if values["proxy"]:
        values["proxy"] = checked_url(
            key["proxy"],
            values["proxy"],
            ("http", "https", "socks5"),
            may_have_user=True,
        )
    api_url = values["api_url"] or API_URLS[values["network"]]
    values["api_url"] = checked_url(key["api_url"], api_url, ("http", "https"))
    ws_url = values["ws_url"] or f"ws{values['api_url'].removeprefix('http')}/ws"
    values["ws_url"] = checked_url(
        key["ws_url"], ws_url, ("ws", "wss"), may_have_path=True
    )
    for name in ("api_url", "ws_url"):
        if leaves_in_clear(values[name]) and not values["allow_insecure"]:
            scheme = values[name].partition(":")[0]
            allowed = (
                f"{scheme}s:// for a host that is not this machine, or "
                f"allow_insecure=True ({PREFIX}ALLOW_INSECURE=true)"
            )
            raise ConfigError(key[name], values[name], allowed)
