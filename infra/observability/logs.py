"""Logs are events with fields; ids bound once appear on every later line."""

import json
import logging
import sys
from typing import Any

import structlog

from infra.printable import plain_json, printable
from infra.settings import LogSettings, load


def configure(service: str, for_a_reader: bool = False) -> None:
    """Set up logging for this process; call it once, at its edge.

    What is written `for_a_reader` at a terminal is JSON only where `RRTF_LOG_FORMAT` asks for it.
    """
    settings = load(LogSettings)
    usual = "console" if for_a_reader else settings.format
    form = settings.format if "format" in settings.model_fields_set else usual
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    shared.append(structlog.processors.format_exc_info)
    renderers: list[structlog.typing.Processor]
    if form == "json":
        renderers = [structlog.processors.JSONRenderer(serializer=_dumps)]
    else:
        renderers = [
            _made_printable,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    # These log every request and every message; our own events say it better.
    for name in (
        "httpx",
        "httpcore",
        "uvicorn.access",
        "celery.worker.strategy",
        "celery.app.trace",
        "alembic.runtime.migration",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def _dumps(event: object, **options: Any) -> str:
    return plain_json(json.dumps(event, **options))


def _made_printable(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Let no value that a candidate or a model wrote act on the terminal it is shown on."""
    return {
        printable(str(name)): printable(
            value if isinstance(value, str) else repr(value),
            keep="\n\t" if name in ("exception", "stack") else "",
        )
        for name, value in event.items()
    }


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
