"""Pages to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.cases.database import reading
from sekisho.cases.states import State
from sekisho.cases.subscriber.checkup import ReportProblem
from sekisho.measures.order import SUBSCRIBER_ORDER
from sekisho.notices import advice as advised
from sekisho.web.portal.after import after_restart
from sekisho.web.portal.view import case_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.portal.state import Visit
    from sekisho.web.portal.view import CaseView


def advice(visit: Visit) -> Response:
    """The five measures for everybody, before anybody says who they are."""
    wishes = visit.wishes
    steps, maker = advised.advice(SUBSCRIBER_ORDER, wishes.language, wishes.reader, service=None)
    return visit.page("advice.html", steps=list(zip(SUBSCRIBER_ORDER, steps, strict=False)), maker=maker)


def case(visit: Visit) -> Response:
    """What was seen, which devices, what to do, how far it is."""
    return _of_case(visit, "case.html")


def restart(visit: Visit) -> Response:
    """How to restart a device, and what can be seen since it was done."""
    assert visit.case is not None, "the table asks for a session"
    with reading(visit.portal.url) as connection:
        after = after_restart(connection, visit.case, visit.portal.history)
    return _of_case(visit, "restart.html", after=after)


def maker(visit: Visit) -> Response:
    """The questions for the maker, for paper."""
    return _of_case(visit, "maker.html")


def report(visit: Visit) -> Response:
    """Where a check-up report is handed in, and what the last one showed."""
    query = visit.request.query_params
    problem = query.get("problem", "")
    return report_page(visit, problem=problem if problem in set(ReportProblem) else "", is_taken="taken" in query)


def report_page(
    visit: Visit, *, problem: str = "", is_taken: bool = False, needs_consent: bool = False, status: int = 200
) -> Response:
    """The same after something was handed in."""
    return _of_case(
        visit, "report.html", status=status, problem=problem, is_taken=is_taken, needs_consent=needs_consent
    )


def _of_case(visit: Visit, template: str, *, status: int = 200, **values: Any) -> Response:
    assert visit.case is not None, "the table asks for a session"
    if visit.case.state is State.WITHDRAWN:
        # What was seen is somebody else's: nothing of it is shown any more.
        return visit.page("withdrawn.html", status=status, is_in=True)
    return visit.page(template, status=status, view=_view(visit), is_in=True, is_doubted=visit.is_doubted, **values)


def _view(visit: Visit) -> CaseView:
    assert visit.case is not None, "the table asks for a session"
    wishes = visit.wishes
    return case_view(
        visit.case,
        visit.portal.operator,
        wishes.language,
        wishes.reader,
        devices=visit.devices,
        now_ms=visit.portal.clock(),
    )
