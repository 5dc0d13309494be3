"""Reports that the check-up sends by itself: the code alone is enough, and nothing is shown for it."""

from __future__ import annotations

import json

import pytest

from cases.documents import DAY_MS
from cases.subscriber.test_checkup import finding, report
from sekisho.cases.code import SPECIMEN
from sekisho.cases.subscriber.checkup import MAX_OCTETS, UPLOAD_SCHEMA
from sekisho.checkup.report.upload import SCHEMA, UPLOAD_OCTETS, body, send
from sekisho.core.config_web import Portal
from sekisho.core.errors import Refused
from sekisho.core.time import iso
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.web.base.server import WebServer
from sekisho.web.portal.entrance import WRONG_BY_ADDRESS
from web.portal.conftest import World, form_of, inside


def upload(world: World, code: str) -> bytes:
    """What leaves the home."""
    document = json.loads(report(finding("credentials", "OK"), generated_at=iso(world.clock.ms)))
    return body(document, code)


def credentials(world: World) -> MeasureState:
    return next(row.state for row in world.case("L1").measures if row.measure is MeasureId.CREDENTIALS)


def test_both_sides_speak_of_the_same() -> None:
    """The name of the envelope and the bound on its size."""
    assert (SCHEMA, UPLOAD_OCTETS) == (UPLOAD_SCHEMA, MAX_OCTETS)


def test_what_the_check_up_sends_is_taken(world: World) -> None:
    """By its own sender, over a socket; a wrong code is refused there, too."""
    server = WebServer(world.app, Portal.model_validate({"listen": "127.0.0.1:0"}))
    server.start()
    url = f"http://127.0.0.1:{server.port}/checkup"
    with pytest.raises(Refused, match="403"):
        send(url, upload(world, SPECIMEN))
    assert credentials(world) is MeasureState.OPEN
    assert send(url, upload(world, world.codes["L1"])) == 204
    server.close()
    assert credentials(world) is MeasureState.EVIDENCED


def test_the_file_of_an_upload_is_taken_on_the_page_as_well(world: World) -> None:
    """Somebody may save what would leave and hand it in by hand."""

    async def visit(browser) -> None:
        data = {"form": form_of(await inside(browser, world)), "consent": "1"}
        files = {"report": upload(world, world.codes["L1"])}
        assert (await browser.post("/case/report", data=data, files=files)).status_code == 303

    world.run(visit)
    assert credentials(world) is MeasureState.EVIDENCED


@pytest.mark.parametrize(
    ("content", "status", "problem"),
    [
        (b"", 422, "not_json"),
        (b"[]", 422, "not_a_report"),
        (report(), 422, "not_a_report"),
        (b" " * (MAX_OCTETS + 1), 413, "too_large"),
        (json.dumps({"schema": UPLOAD_SCHEMA, "case": 7, "report": {}}).encode(), 422, "not_a_report"),
        (json.dumps({"schema": UPLOAD_SCHEMA, "case": SPECIMEN}).encode(), 403, "wrong"),
    ],
)
def test_what_is_none_is_refused_with_one_word(world: World, content: bytes, status: int, problem: str) -> None:
    """And changes nothing."""

    async def visit(browser) -> None:
        answer = await browser.post("/checkup", content=content)
        assert (answer.status_code, answer.json()) == (status, {"problem": problem})

    world.run(visit)


def test_a_report_of_a_known_case_has_to_be_one(world: World) -> None:
    """After its code was looked at."""
    content = json.dumps({"schema": UPLOAD_SCHEMA, "case": world.codes["L1"], "report": {}}).encode()

    async def visit(browser) -> None:
        answer = await browser.post("/checkup", content=content)
        assert (answer.status_code, answer.json()) == (422, {"problem": "not_a_report"})
        world.clock.ms += 61 * DAY_MS
        answer = await browser.post("/checkup", content=content)
        assert (answer.status_code, answer.json()) == (403, {"problem": "expired"})

    world.run(visit)


def test_guessing_codes_here_is_bounded_as_at_the_entrance(world: World) -> None:
    """One count for both."""
    content = json.dumps({"schema": UPLOAD_SCHEMA, "case": SPECIMEN}).encode()

    async def visit(browser) -> None:
        for _ in range(WRONG_BY_ADDRESS):
            assert (await browser.post("/checkup", content=content)).status_code == 403
        answer = await browser.post("/checkup", content=content)
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)

    world.run(visit)
