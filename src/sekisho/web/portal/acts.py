"""What a subscriber does; afterwards the browser is led to a page, so that a reload does nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from sekisho.cases.database import writing
from sekisho.cases.subscriber import checkup, told
from sekisho.cases.subscriber.checkup import ReportRefused
from sekisho.core.errors import Refused
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.measures.order import DeviceKind
from sekisho.web.portal.reads import report_page

if TYPE_CHECKING:
    from starlette.responses import Response

    from sekisho.web.portal.state import Visit


def measure(visit: Visit) -> Response:
    """One measure is done, does not apply, or is open again."""
    try:
        which, state = MeasureId(visit.form.get("measure", "")), MeasureState(visit.form.get("state", ""))
    except ValueError:
        raise Refused("a measure or a state that there is not", "その対策、またはその状態はありません") from None
    _say(visit, which, state)
    return RedirectResponse(f"/case#{which}", 303)


def restarted(visit: Visit) -> Response:
    """A device was restarted just now."""
    _say(visit, MeasureId.REBOOT, MeasureState.CLAIMED)
    return RedirectResponse("/case/restart#after", 303)


def devices(visit: Visit) -> Response:
    """Which devices there are."""
    there = [kind for kind in DeviceKind if visit.form.get(f"device_{kind}")]
    with writing(visit.portal.url) as connection:
        told.set_devices(connection, _number(visit), there, visit.act())
    return RedirectResponse("/case#devices", 303)


def wrong_line(visit: Visit) -> Response:
    """It seems to be somebody else's: a person looks at it."""
    with writing(visit.portal.url) as connection:
        told.doubt(connection, _number(visit), visit.act())
    return RedirectResponse("/case#doubt", 303)


def report(visit: Visit) -> Response:
    """A check-up report is handed in."""
    if not visit.form.get("consent"):
        return report_page(visit, needs_consent=True, status=422)
    upload = visit.uploads.get("report")
    try:
        parsed = checkup.parse(upload.content if upload else b"")
        with writing(visit.portal.url) as connection:
            checkup.take(connection, _number(visit), parsed, visit.act())
    except ReportRefused as error:
        return report_page(visit, problem=error.problem, status=422)
    return RedirectResponse("/case/report?taken=1", 303)


def _say(visit: Visit, which: MeasureId, state: MeasureState) -> None:
    with writing(visit.portal.url) as connection:
        told.say(connection, _number(visit), which, state, visit.act())


def _number(visit: Visit) -> int:
    """The case of the session; a form names none."""
    assert visit.case is not None, "the table asks for a session"
    return visit.case.number
