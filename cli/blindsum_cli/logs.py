"""The log of a service: lines for people on a terminal, one JSON object a line for machines."""

import logging
import sys
from typing import Final

import structlog

_LEVEL: Final = logging.INFO


def configure_logs() -> None:
    """Send every role's log to standard error.

    Roles log rules, numbers and names; never secrets, and never a digest of something unsealed.
    """
    is_terminal = sys.stderr.isatty()
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVEL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
