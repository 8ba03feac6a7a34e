"""The log of a service: lines for people on a terminal, one JSON object a line for machines."""

import logging
import sys
from typing import Final

import structlog

SERVICE: Final = logging.INFO
"""A service says what it does."""

COMMAND: Final = logging.WARNING
"""A command says what went wrong; what it found is on standard output."""


def configure_logs(level: int) -> None:
    """Send every role's log to standard error.

    Roles log rules, numbers and names; never secrets, and never a digest of something unsealed.

    Args:
        level: `SERVICE` or `COMMAND`.
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
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )


def _to_standard_error(*_: object) -> structlog.PrintLogger:
    """The stream is looked up now: whoever redirects standard error redirects the log too."""
    return structlog.PrintLogger(sys.stderr)
