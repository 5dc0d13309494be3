"""How a page is read, and where it may lead."""

from __future__ import annotations

import time

import pytest

from sekisho.checkup.checks.pages import PageKind, Rule, classify, page_jobs, rules, visible
from sekisho.checkup.device import Device
from sekisho.checkup.jobs import Attempt, Job, Seen, Status
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.tcp import Open

HOST = "127.0.0.20"
DEVICE = Device(id="d", addresses=(HOST,))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_every_rule_matches_its_example_and_its_kind_wins(rule: Rule) -> None:
    """A page that is exactly the example is classified by that rule."""
    assert classify(HttpAnswer(200, {}, rule.example.encode())) == (rule.kind, rule.id)


def test_rules_stand_in_their_order() -> None:
    """First set-up before login before settings: a login page that mentions settings is a login page."""
    kinds = [rule.kind for rule in rules()]
    assert kinds == sorted(kinds, key=list(PageKind).index)


FRONT = Job("http", HOST, 80, "/")


def seen_of(answer: HttpAnswer) -> Seen:
    seen = Seen()
    seen.add(Attempt(Job("tcp", HOST, 80), Status.ANSWERED, 0, Open()))
    seen.add(Attempt(FRONT, Status.ANSWERED, 0, answer))
    return seen


def next_jobs(answer: HttpAnswer) -> list[Job]:
    return [job for job in page_jobs(DEVICE, seen_of(answer)) if job not in (FRONT, Job("icon", HOST, 80))]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (HttpAnswer(302, {"location": "/login.html"}), Job("http", HOST, 80, "/login.html")),
        (HttpAnswer(302, {"location": f"http://{HOST}:8080/x"}), Job("http", HOST, 8080, "/x")),
        (HttpAnswer(302, {"location": f"https://{HOST}/"}), Job("http", HOST, 443, "/")),
        (HttpAnswer(302, {"location": "http://203.0.113.9/"}), None),
        (HttpAnswer(302, {"location": f"http://{HOST}:9100/"}), None),
        (HttpAnswer(302, {"location": "/"}), None),
        (
            HttpAnswer(200, {}, b'<meta http-equiv="refresh" content="0; url=main.htm">'),
            Job("http", HOST, 80, "/main.htm"),
        ),
        (HttpAnswer(200, {}, b"<script>location.href='/ui/'</script>"), Job("http", HOST, 80, "/ui/")),
        (HttpAnswer(200, {}, b"<script>location.replace('http://evil.example/')</script>"), None),
        (HttpAnswer(200, {}, b"<frameset><frame name=a src='f.htm'></frameset>"), Job("http", HOST, 80, "/f.htm")),
    ],
)
def test_a_page_leads_to_the_same_device_only(answer: HttpAnswer, expected: Job | None) -> None:
    """Redirects, refreshes, scripts and frames; never to another host, nor to a port that is no web port."""
    assert next_jobs(answer) == ([expected] if expected else [])


def test_redirects_without_end_are_left_after_a_few_pages() -> None:
    """A device that leads from page to page for ever costs four requests."""
    seen = Seen()
    seen.add(Attempt(Job("tcp", HOST, 80), Status.ANSWERED, 0, Open()))
    for number in range(50):
        fresh = [job for job in page_jobs(DEVICE, seen) if job not in seen.attempts]
        if not fresh:
            break
        for job in fresh:
            seen.add(Attempt(job, Status.ANSWERED, 0, HttpAnswer(302, {"location": f"/p{number}"})))
    assert sum(job.probe == "http" for job in seen.attempts) == 4


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ("<p>a</p><script>b</script><style>c</style>d", "ad"),
        ("<script>if (a<b) x('</p>')</script>text", "text"),
        ("<SCRIPT src=x>", ""),
        ("<p", ""),
        ("<p>" * 3 + "x", "x"),
    ],
)
def test_what_a_page_shows_is_what_stands_outside_of_scripts(markup: str, shown: str) -> None:
    """Text between tags; a tag that never ends hides what follows."""
    assert visible(markup) == shown


@pytest.mark.parametrize("piece", ["<script", "<script>", "<", "<meta refresh", "<title", "location ="])
def test_a_page_of_one_piece_without_end_is_read_in_one_pass(piece: str) -> None:
    """64 KiB made to send a careless reader back to its start at every piece: it is classified, in no time."""
    body = (piece * (65_536 // len(piece) + 1))[:65_536].encode()
    began = time.process_time()
    classify(HttpAnswer(200, {}, body))
    list(page_jobs(DEVICE, seen_of(HttpAnswer(200, {}, body))))
    assert time.process_time() - began < 2


def test_a_page_that_is_forbidden_asked_for_no_password() -> None:
    """401 asks for a login; 403 only refuses."""
    assert classify(HttpAnswer(401))[0] is PageKind.LOGIN
    assert classify(HttpAnswer(403))[0] is PageKind.OTHER
