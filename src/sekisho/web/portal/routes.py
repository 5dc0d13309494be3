"""Every page of the portal and everything that can be done there: the one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.web.portal import acts, doors, reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from sekisho.web.portal.state import Visit

REPORT = "/case/report"


@dataclass(frozen=True, slots=True)
class Route:
    """One row.

    Attributes:
        needs_session: whether it is about a case; which one, the session says and nothing else.
        answer: makes the page, or acts and leads to one.
    """

    method: str
    path: str
    needs_session: bool
    answer: Callable[[Visit], Response]


ROUTES: tuple[Route, ...] = (
    Route("GET", "/", False, doors.ask),
    Route("POST", "/", False, doors.enter),
    Route("POST", "/leave", False, doors.leave),
    Route("GET", "/advice", False, reads.advice),
    Route("GET", "/case", True, reads.case),
    Route("POST", "/case/measure", True, acts.measure),
    Route("POST", "/case/devices", True, acts.devices),
    Route("POST", "/case/wrong-line", True, acts.wrong_line),
    Route("GET", "/case/restart", True, reads.restart),
    Route("POST", "/case/restart", True, acts.restarted),
    Route("GET", "/case/maker", True, reads.maker),
    Route("GET", REPORT, True, reads.report),
    Route("POST", REPORT, True, acts.report),
)
