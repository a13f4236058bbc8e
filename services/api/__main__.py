"""Starts the REST API."""

import gc
import ipaddress
import socket
import sys

import uvicorn

from infra import errors
from infra.db.unit_of_work import Database
from infra.observability import logs, tracing
from infra.settings import (
    ApiSettings,
    BrokerSettings,
    DatabaseSettings,
    MetricsSettings,
    load,
    reject_unknown,
)
from services.api.app import create_app


def main() -> int:
    """Serve until told to stop."""
    logs.configure("api")
    try:
        settings = load(ApiSettings)
        redis_url = load(BrokerSettings).redis_url.get_secret_value()
        database_url = load(DatabaseSettings).database_url.get_secret_value()
        reject_unknown()
        tracing.start("api")
        # A deployment that names the variable and gives it no value has no key.
        key = settings.key.get_secret_value() if settings.key else ""
        if not key and not _is_loopback(settings.host):
            raise errors.ConfigurationError(
                f"set RRTF_API_KEY before listening on {settings.host}, which others can reach"
            )
    except errors.SuiteError as error:
        logs.get(__name__).error("api.refused_to_start", code=error.code, reason=error.detail)
        return 1
    app = create_app(
        Database(database_url),  # Without a sender: no request ever waits for Redis.
        redis_url,
        key or None,
        settings.max_body_bytes,
        settings.max_waiting,
        settings.max_waiting_per_key,
        settings.max_inline,
        settings.max_rate,
        load(MetricsSettings).wanted,
    )
    # A bulk request makes many objects and no cycles; looking for some after every 700 of them
    # takes a third of its time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=10,
    )
    handed_over = None if settings.fd is None else [socket.socket(fileno=settings.fd)]
    server = uvicorn.Server(config)
    server.run(handed_over)
    return 0 if server.started else 1


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    sys.exit(main())
