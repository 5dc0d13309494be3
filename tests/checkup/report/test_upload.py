"""What leaves when a report is sent: cut down, shown as it is, to one place, and never by itself."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sekisho.checkup.outcomes import Observation, finding
from sekisho.checkup.report import upload
from sekisho.core.errors import Refused, Unavailable
from sekisho.measures.order import DeviceKind
from sekisho.measures.report import DeviceReport, Fact, Report, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW_MS = 1_790_000_000_000
NAMES = 'Grandma\'s room "cam" (192.168.1.20)'
PRIVATE = ("Grandma", "00:00:5e:00:53:01", "abcdef012345", "taro", "My living room", "Welcome to")


def report() -> dict[str, Any]:
    observed = (
        Observation(
            "c1.1.open_page",
            {"place": "192.168.1.20:80", "title": "My living room", "status": "200", "rule": "settings-en"},
            "http",
        ),
        Observation("c1.2.telnet_clear", {"place": "192.168.1.20:23", "banner": "Welcome to"}, "telnet"),
        Observation("c1.7.users", {"users": "taro (Administrator)"}, "onvif, the owner's login"),
        Observation("c4.user_added", {"user": "taro"}, "baseline"),
    )
    camera = DeviceReport(
        id="abcdef012345",
        kind=DeviceKind.CAMERA,
        name=NAMES,
        addresses=("192.168.1.20",),
        identity={},
        findings=tuple(finding(o, NOW_MS) for o in observed),
    )
    opening = Observation(
        "c2.2.opening_device",
        {"opening": "TCP 8080 → 192.168.1.20:80", "target": NAMES, "description": "Grandma", "lease_s": "0"},
        "upnp igd",
    )
    router = DeviceReport(
        id="r00000000001",
        kind=DeviceKind.ROUTER,
        name="BUFFALO WSR-1800AX4 (192.168.1.1)",
        addresses=("192.168.1.1",),
        identity={"maker": Fact(value="BUFFALO", source="upnp", confidence=0.8)},
        findings=(finding(opening, NOW_MS),),
    )
    whole = Report(
        generated_at_ms=NOW_MS,
        gateway_mac="00:00:5e:00:53:01",
        prefix="192.168.1.0/24",
        devices=(router, camera),
        extra={"restart": {"device": "abcdef012345", "proof": "none", "signals": []}},
    )
    return whole.to_json()


def test_names_macs_users_and_free_text_stay_at_home() -> None:
    """Not as values, not inside a sentence of another device."""
    text = upload.body(report(), "ABCD-1234").decode()
    for private in PRIVATE:
        assert private not in text
    assert '"name": "192.168.1.20"' in text
    assert "connections from the Internet through to 192.168.1.20 (TCP 8080" in text


def test_what_leaves_is_a_whole_report() -> None:
    """It follows the schema of reports, its keys agree, and every finding that asks for action is there."""
    document = json.loads(upload.body(report(), " ABCD-1234 "))
    assert (document["schema"], document["case"]) == (upload.SCHEMA, "ABCD-1234")
    body = document["report"]
    jsonschema.Draft202012Validator(schema()).validate(body)
    keys = {finding["key"] for device in body["devices"] for finding in device["findings"]}
    assert set(body["to_do"]) | set(body["not_finished_because"]) <= keys
    assert {key.split("/")[0] for key in keys} == {"d1", "d2"}
    assert len(body["not_finished_because"]) == 3
    assert body["restart"]["device"] == "d2"


@pytest.mark.parametrize("code", ["", "   ", "x" * 65, "a\nb"])
def test_without_a_case_code_there_is_nothing_to_send(code: str) -> None:
    """The portal could not tell whose it is."""
    with pytest.raises(Refused, match="case code"):
        upload.body(report(), code)


def test_a_report_beyond_the_limit_is_not_sent() -> None:
    """The limit is named."""
    huge = report() | {"unreachable": ["x" * upload.UPLOAD_OCTETS]}
    with pytest.raises(Refused, match=str(upload.UPLOAD_OCTETS)):
        upload.body(huge, "ABCD-1234")


class Portal(BaseHTTPRequestHandler):
    """Answers with the status that the path names, and keeps what it got."""

    got: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        octets = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append((self.path, self.headers["Content-Type"], octets))
        self.send_response(int(self.path[1:]))
        self.send_header("Location", "/201")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def portal() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    here = type("Here", (Portal,), {"got": []})
    server = HTTPServer(("127.0.0.1", 0), here)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", here.got
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_portal_gets_exactly_what_was_shown(portal: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    """One POST of these octets."""
    url, got = portal
    octets = upload.body(report(), "ABCD-1234")
    assert upload.send(f"{url}/201", octets) == 201
    assert got == [("/201", "application/json; charset=utf-8", octets)]


@pytest.mark.parametrize(
    ("status", "error"), [(302, Refused), (307, Refused), (403, Refused), (413, Refused), (503, Unavailable)]
)
def test_a_refusal_or_a_redirect_is_a_sentence_and_not_followed(
    portal: tuple[str, list[tuple[str, str, bytes]]], status: int, error: type[Exception]
) -> None:
    """A report goes where the person said and nowhere else."""
    url, got = portal
    with pytest.raises(error, match=str(status)):
        upload.send(f"{url}/{status}", b"{}")
    assert len(got) == 1


def test_a_portal_that_is_not_there_may_be_tried_again() -> None:
    """No answer is no refusal."""
    with pytest.raises(Unavailable):
        upload.send("http://127.0.0.1:9/x", b"{}")


@pytest.mark.parametrize(
    "url",
    ["http://portal.example/x", "ftp://portal.example/x", "file:///etc/passwd", "portal.example", "http://[x", ""],
)
def test_only_https_leaves_this_computer(url: str) -> None:
    """In the clear a report goes to this computer itself and nowhere else."""
    with pytest.raises(Refused, match="https"):
        upload.send(url, b"{}")
