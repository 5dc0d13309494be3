"""Interface counters from a Prometheus server on the loopback: what is asked, what is made of every answer."""

from __future__ import annotations

import json
from math import isnan
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from notices.other_side import other_side
from sekisho.core.config_links import Prometheus
from sekisho.impact.counters import COUNTS, Interval
from sekisho.impact.prometheus import ASKED_MS, INTERFACES_LIMIT, PrometheusCounters

START_S = 1_793_530_800
START_MS = START_S * 1000
METRICS = [Prometheus.model_fields[name].default for name in COUNTS]


def series(metric: str, values: list[tuple[float, float]], **labels: str) -> dict[str, Any]:
    labels = {"__name__": metric, "instance": "192.0.2.1:161", "ifIndex": "10"} | labels
    return {"metric": labels, "values": [[START_S + at_s, str(value)] for at_s, value in values]}


def matrix(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}).encode()


def asked(body: bytes, *, status: int = 200, addresses: dict[str, str] | None = None, **config: Any):
    """What one question gives, the server's problem, and the questions."""
    with other_side(status, body) as (url, questions):
        server = PrometheusCounters(Prometheus(url=url, **config), addresses or {})
        server.ask(START_MS, START_MS + 600_000)
        found = server.take(wait=True)
        server.close()
    return found, server.problem, questions


def test_samples_become_intervals_with_their_own_times():
    """Six metrics of one scrape are one look; nothing is interpolated to a step."""
    rows = [
        series(metric, [(0.25, 100 + k), (30.25, 400 + 2 * k), (61.5, 1000 + 3 * k)])
        for k, metric in enumerate(METRICS)
    ]
    found, problem, _ = asked(matrix(*rows))
    assert problem == ""
    assert found == {
        ("192.0.2.1", 10): [
            Interval(
                start_ms=START_MS + 250,
                end_ms=START_MS + 30_250,
                octets=(300.0, 301.0),
                packets=(302.0, 303.0),
                discards=(304.0, 305.0),
            ),
            Interval(
                start_ms=START_MS + 30_250,
                end_ms=START_MS + 61_500,
                octets=(600.0, 601.0),
                packets=(602.0, 603.0),
                discards=(604.0, 605.0),
            ),
        ]
    }


def test_what_is_asked():
    """Raw samples of all six metrics in one question, narrowed by the operator's own matchers, with the token."""
    _, _, (question,) = asked(matrix(), match='job="snmp"')
    path, query = urlsplit(question[0]).path, parse_qs(urlsplit(question[0]).query)
    assert path == "/api/v1/query"
    assert query["time"] == [f"{START_S + 600}.000"]
    assert query["query"] == [f'{{__name__=~"{"|".join(METRICS)}",job="snmp"}}[600000ms]']


def test_a_token_is_read_from_its_file(tmp_path):
    """No secret stands in the configuration."""
    (tmp_path / "token").write_text("s3cret\n")
    _, _, (question,) = asked(matrix(), token_file=tmp_path / "token")
    assert question[1]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("label", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:9116", "192.0.2.1"),
        ("[2001:db8::1]:161", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("bng-1", "192.0.2.9"),
        ("bng-1:9116", "192.0.2.9"),
    ],
)
def test_a_router_is_known_by_its_address_or_its_name(label: str, address: str):
    """With or without the port that was scraped."""
    rows = [series(metric, [(0, 1), (30, 2)], instance=label) for metric in METRICS[:2]]
    found, _, _ = asked(matrix(*rows), addresses={"bng-1": "192.0.2.9"})
    assert list(found) == [(address, 10)]


def test_a_second_question_goes_on_where_the_first_ended():
    """Samples that were seen are not counted again, and none between two questions is lost."""
    rows = [series(metric, [(0, 100), (30, 200), (60, 500)]) for metric in METRICS[:2]]
    with other_side(200, matrix(*rows)) as (url, questions):
        server = PrometheusCounters(Prometheus(url=url), {})
        server.ask(START_MS, START_MS + 2 * ASKED_MS)
        first = server.take(wait=True)
        server.ask(START_MS, START_MS + 2 * ASKED_MS + 60_000)
        second = server.take(wait=True)
        server.close()
    assert [len(intervals) for intervals in first.values()] == [2]
    assert [len(intervals) for intervals in second.values()] == [0]
    times = [float(parse_qs(urlsplit(path).query)["time"][0]) for path, _, _ in questions]
    assert times == [START_S + 3600, START_S + 7200, START_S + 7260]


def test_a_counter_that_began_anew_and_one_that_is_missing():
    """What passed around a reset is not known, and what is not counted is not a zero."""
    octets = [series(metric, [(0, 500), (30, 20), (60, 50)]) for metric in METRICS[:2]]
    (intervals,) = asked(matrix(*octets))[0].values()
    assert [interval.octets for interval in intervals] == [(30.0, 30.0)]
    assert all(map(isnan, intervals[0].packets))


WRONG = {
    "an error of the server": (
        400,
        json.dumps({"status": "error", "error": "parse error: no"}).encode(),
        "parse error",
    ),
    "another server": (200, b"<html>", "expected JSON"),
    "a list": (200, b"[]", "expected an answer"),
    "no permission": (401, b"{}", "status 401"),
    "labels that are not there": (200, matrix({"metric": {}, "values": []}), "no matrix of interface counters"),
    "an index that is no number": (200, matrix(series(METRICS[0], [(0, 1)], ifIndex="ge-0/0/0")), "no matrix"),
    "a vector": (200, b'{"status":"success","data":{"result":[{"metric":{},"value":[1,"2"]}]}}', "no matrix"),
    "every interface there is": (
        200,
        matrix(*(series(METRICS[0], [(0, 1)], ifIndex=str(k)) for k in range(INTERFACES_LIMIT + 1))),
        "set match",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_answer_is_said_and_nothing_taken(case: str):
    """Each with its cause, once in the log; the next question begins where the last good answer ended."""
    status, body, said = WRONG[case]
    with capture_logs() as logs:
        found, problem, _ = asked(body, status=status)
    assert found == {}
    assert said in problem
    assert [said in entry["why"] for entry in logs] == [True]


def test_nobody_answers_and_then_somebody_does():
    """The run goes on without counters; what was missed is fetched as soon as there is an answer."""
    with other_side(200, b"") as (url, _):
        pass
    server = PrometheusCounters(Prometheus(url=url, timeout_s=2), {})
    with capture_logs() as logs:
        for _ in range(3):
            server.ask(START_MS, START_MS + 60_000)
            assert server.take(wait=True) == {}
        assert "no answer (ConnectError)" in server.problem
        assert len(logs) == 1
        with other_side(200, matrix()) as (url, questions):
            server._config = Prometheus(url=url)
            server.ask(START_MS, START_MS + 600_000)
            server.take(wait=True)
    server.close()
    assert server.problem == ""
    assert "[600000ms]" in parse_qs(urlsplit(questions[0][0]).query)["query"][0]


@pytest.mark.parametrize("url", ["ftp://prometheus", "prometheus:9090", "http://name:word@prometheus"])
def test_a_wrong_address_is_refused(url: str):
    """At start, not in the night."""
    with pytest.raises(ValueError, match="an address that begins with"):
        Prometheus(url=url)
