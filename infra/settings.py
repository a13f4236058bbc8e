"""Configuration: read once at the edge of a process, checked at birth, handed down as values."""

import os
from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra import errors

_KNOWN: set[str] = {"RRTF_DATA", "RRTF_HOME"}


class Settings(BaseSettings):
    """Base of every settings class; a subclass states its prefix."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Remember the names of the subclass's environment variables."""
        prefix = cls.model_config.get("env_prefix", "")
        for name, field in cls.model_fields.items():
            alias = field.validation_alias
            _KNOWN.add(str(alias) if alias else f"{prefix}{name}".upper())


S = TypeVar("S", bound=Settings)


class BrokerSettings(Settings):
    """Where the queues are."""

    redis_url: SecretStr = Field(validation_alias="REDIS_URL")


class QueueSettings(Settings):
    """How long tasks may take, and when a worker that says nothing is given up."""

    model_config = SettingsConfigDict(env_prefix="RRTF_QUEUE_")

    task_seconds: float = Field(300.0, gt=0)
    """Longest a task may run; beyond it the worker kills the process that runs it."""
    visibility_seconds: float = Field(360.0, gt=0)
    """Age at which a message taken and not acknowledged is handed out again."""

    @property
    def stop_seconds(self) -> float:
        """When a task is told to stop; every task plans to be done well before."""
        return self.task_seconds * 14 / 15

    @model_validator(mode="after")
    def _outlasts_tasks(self) -> Self:
        if self.visibility_seconds <= self.task_seconds:
            raise ValueError("visibility_seconds must be more than task_seconds")
        return self


class DatabaseSettings(Settings):
    """Where the truth is."""

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")


class LogSettings(Settings):
    """How a process speaks."""

    model_config = SettingsConfigDict(env_prefix="RRTF_LOG_")

    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    format: str = Field("json", pattern="^(json|console)$")


class MetricsSettings(Settings):
    """Where a process shows its metrics; the API has a door of its own for them."""

    model_config = SettingsConfigDict(env_prefix="RRTF_METRICS_")

    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    """0 shows them nowhere."""
    key: SecretStr | None = None
    """Key that readers send as a bearer token, at the API's `/metrics` too; without one all may."""

    @property
    def wanted(self) -> str:
        """The key, or an empty text where none is set."""
        return self.key.get_secret_value() if self.key else ""


class HealthSettings(Settings):
    """Where a process says that it is well."""

    model_config = SettingsConfigDict(env_prefix="RRTF_HEALTH_")

    file: Path | None = None
    """File that is touched at each round or heartbeat; without one nothing is written."""


class TraceSettings(Settings):
    """Where a process sends its traces."""

    model_config = SettingsConfigDict(env_prefix="RRTF_TRACES_")

    url: str = Field("", pattern="^(https?://.+)?$")
    """Address that takes OTLP over HTTP, path included; without one no trace is made."""
    share: float = Field(1.0, ge=0, le=1)
    """Of the traces that begin here."""


class ApiSettings(Settings):
    """The REST API."""

    model_config = SettingsConfigDict(env_prefix="RRTF_API_")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    fd: int | None = Field(None, ge=0)
    """Socket that listens already, handed over by whoever starts the API: in place of the two."""
    key: SecretStr | None = None
    """Key that clients send as a bearer token; without one the API is open, on loopback only."""
    max_body_bytes: int = Field(64 * 2**20, ge=1024)
    max_waiting: int = Field(1_000_000, ge=1)
    """Candidates without a label, of all keys together, from which on none are accepted."""
    max_waiting_per_key: int = Field(500_000, ge=1)
    """The same for one API key, so that one cannot take all the room."""
    max_inline: int = Field(1_024, ge=1)
    """Programs whose caller waits, under way in one process, from which on none are accepted."""
    max_rate: float = Field(0, ge=0)
    """Requests a second of one API key to one process, over ten seconds; 0 for no limit."""


class ClientSettings(Settings):
    """How a client finds the REST API."""

    model_config = SettingsConfigDict(env_prefix="RRTF_CLIENT_")

    url: str = "http://127.0.0.1:8000"
    key: SecretStr | None = None


class SweepSettings(Settings):
    """The watchman that re-sends what is stuck."""

    model_config = SettingsConfigDict(env_prefix="RRTF_SWEEP_")

    interval_seconds: float = Field(5.0, gt=0)
    unsent_seconds: float = Field(30.0, gt=0)
    """Age at which committed work that no worker has begun is sent again, if its queue is empty.

    Executors' work also if they have begun what was sent so much later."""
    backlog_seconds: float = Field(3600.0, gt=0)
    """The same in any case, while its queue is not empty."""
    started_seconds: float = Field(420.0, gt=0)
    """Age at which work begun and not finished is taken for lost."""
    max_attempts: int = Field(3, ge=1)
    flush_seconds: float = Field(5.0, ge=0)
    """Age at which ranked groups too few for a whole batch are batched anyway."""


def load(kind: type[S]) -> S:
    """Read settings from the environment.

    Raises:
        errors.ConfigurationError: a variable is missing, malformed, or an `RRTF_*` one is unknown.
    """
    try:
        settings = kind()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or kind.__name__}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise errors.ConfigurationError(f"settings: {problems}") from None
    return settings


def reject_unknown() -> None:
    """Refuse to start with an `RRTF_*` variable that no room reads: it is a typing mistake.

    Call it once the process has imported its settings classes.

    Raises:
        errors.ConfigurationError: naming the unknown variables.
    """
    known = {name.upper() for name in _KNOWN}
    prefixes = {name.rsplit("_", 1)[0] for name in known}
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith("RRTF_")
        and name not in known
        and any(name.startswith(prefix + "_") for prefix in prefixes)
    )
    if unknown:
        raise errors.ConfigurationError(f"unknown settings: {', '.join(unknown)}")


def data_directory() -> Path | None:
    """Find the folder of recorded problems and candidates, or None where there is none."""
    named = os.environ.get("RRTF_DATA")
    path = Path(named) if named else Path("../shared/data")
    return path if path.is_dir() else None
