"""The log: structured lines on standard error, so that standard output stays data."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


@cache
def logger() -> Any:
    """The one logger; the logging package is imported when something is said, since that takes a fifth of a second."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    return structlog.get_logger()
