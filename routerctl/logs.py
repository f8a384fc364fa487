"""Logs: one JSON object per line on standard error, scrubbed where they leave the process.

structlog's and the standard library's loggers end in the same chain. Its last step before the
JSON takes secrets and personal data out of every string, tracebacks included, whoever logged it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import structlog

from routerctl.redaction.scrub import scrub

NEVER_LOGGED = frozenset(
    {"api_key", "authorization", "body", "cookie", "password", "secret", "set-cookie", "token"}
    | {"x-api-key"}
)
REMOVED = "[removed]"


def configure(level: str) -> dict[str, Any]:
    """Set structlog up, and return Django's LOGGING for everybody else."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.CallsiteParameterAdder(
            {structlog.processors.CallsiteParameter.PROCESS}
        ),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    scrubbed,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django attaches handlers of its own to these; one chain is enough.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            **{name: {"level": "WARNING"} for name in ("asyncio", "httpx2", "uvicorn")},
        },
    }


def scrubbed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: `event` fit to leave the process."""
    return {key: _fit(key, value) for key, value in event.items()}


def _fit(key: str, value: Any) -> Any:
    if key.lower() in NEVER_LOGGED:
        return REMOVED
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {str(k): _fit(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_fit("", item) for item in value]
    if value is None or isinstance(value, int | float):
        return value
    return scrub(str(value))
