"""Processes, exporters and conditions in full: what the NOC page says in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.web.console.trust import trust_of

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.console.asking import Ask


def page(ask: Ask) -> Response:
    """Everything that the processes tell."""
    response: Response = ask.page("health.html", trust=trust_of(ask.console.statuses(), ask.now_ms))
    return response
