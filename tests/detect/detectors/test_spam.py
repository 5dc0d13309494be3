"""Mail to strangers' servers at, below and above each threshold, and what only looks like spam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from detect.engine import engine
from detect.rows import BLOCK, ask, target, window
from detect.traffic import SYN, Traffic, addresses, kinds, seen_at
from sekisho.detect.detect import Detect
from sekisho.detect.detectors.spam import DETECTOR, PARAMS
from sekisho.detect.level import LineInfo

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = PARAMS["home"]
FAR = addresses("198.18.0.1", 900, step=299)


def mails(count: int, packets: float = 18, *, at_s: float = 0, skip: int = 0, sampling: int = 1) -> list[dict]:
    """One row for each of as many mail servers."""
    counts = {"packets": packets, "octets": packets * 700, "sampled_packets": packets / sampling}
    return [target(a, 25, at_s=at_s, protocol=6, **counts) for a in FAR[skip : skip + count]]


def mail_window(at_s: float = 0) -> dict:
    counts = {"packets": 100, "octets": 70_000, "sampled_packets": 100}
    return window(at_s, tcp_packets=100, tcp_octets=70_000, mail_packets=50, **counts)


def found(rows: list[dict], **values: Any) -> bool:
    return bool(ask(DETECTOR, [mail_window()], rows, **values))


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("two_way", [True, False])
@pytest.mark.parametrize("group", PARAMS)
def test_servers_in_a_block(group: str, more: int, two_way: bool):
    """Each group has its number of servers in ten minutes, answered or not."""
    rows = mails(int(PARAMS[group].targets_10min) + more)
    expected = min(len(rows), len(FAR)) >= PARAMS[group].targets_10min
    assert found(rows, group=group, two_way=two_way) is expected


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_servers_in_an_hour(more: int):
    """Twenty-five new servers in each of six blocks; the windows are those of all six."""
    each = int(HOME.targets_60min / 6)
    rows = [row for k in range(6) for row in mails(each, at_s=600 * k, skip=each * k)]
    rows += mails(more, at_s=600, skip=800) if more > 0 else []
    answer = ask(DETECTOR, [mail_window(600 * k) for k in range(6)], rows[: -1 if more < 0 else None])
    assert [row.start_ms for row in answer] == ([BLOCK + 600_000 * k for k in range(6)] if more >= 0 else [])


def test_the_same_servers_again_are_not_more():
    """Thirty servers that are tried in every block of an hour are thirty."""
    rows = [row for k in range(6) for row in mails(30, at_s=600 * k)]
    assert ask(DETECTOR, [mail_window(600 * k) for k in range(6)], rows) == []


@pytest.mark.parametrize(("servers", "is_found"), [(32, False), (33, True), (34, True)])
def test_sampled_packets_that_hardly_meet_are_of_many_servers(servers: int, is_found: bool):
    """Forty packets of which seven met another are surely of fifty servers; where eight met, of fewer."""
    rows = mails(servers - 1, 1000, sampling=1000)
    rows += mails(1, 1000 * (41 - servers), skip=servers, sampling=1000)
    assert found(rows) is is_found


@pytest.mark.parametrize(("sampled", "is_found"), [(19, False), (20, True), (21, True)])
def test_an_estimate_needs_twenty_sampled_packets(sampled: int, is_found: bool):
    """Nineteen sampled packets to as many servers prove no more than nineteen."""
    assert found(mails(sampled, 1000, sampling=1000)) is is_found


def test_the_volume_is_the_mails_part_of_the_window():
    """Half of the window's packets went to port 25, of the mean size of its TCP."""
    (row,) = ask(DETECTOR, [mail_window()], mails(60))
    assert (row.packets, row.octets, row.evidence["targets"]) == (50, 35_000, 60)


@pytest.mark.parametrize(("answered", "said"), [(0, True), (18, False)])
def test_a_blocked_port_is_said(answered: float, said: bool):
    """Where hardly anything was answered, the explanation says what may be the reason."""
    (row,) = ask(DETECTOR, [mail_window()], [m | {"answered_packets": answered} for m in mails(60)])
    for lang, word in (("ja", "遮断"), ("en", "blocked")):
        assert (word in DETECTOR.explain(row.evidence, lang)) is said


def seconds(t: Traffic) -> int:
    return {1: 180, 100: 600}.get(t.sampling, 1500)


def connects(targets: list[str], **values: Any) -> Callable[[Traffic], Traffic]:
    return lambda t: t.connect(targets, [25], stop=seconds(t), **values)


SENT = {
    "delivered": connects(FAR[:500], per_s=8, packets=18, octets=700, answered=0.7),
    "blocked": lambda t: t.spray(FAR[:500], [25], pps=50, octets=60, protocol=6, flags=SYN, stop=seconds(t)),
}


@seen_at(1, 100, 1000)
@pytest.mark.parametrize("name", sorted(SENT))
def test_spam_is_found_and_is_no_scan(name: str, sampling: int, two_way: bool):
    """Delivered or blocked, sampled and one way."""
    assert kinds(SENT[name](Traffic(sampling=sampling, two_way=two_way)).judge()) == [(1, "spam")]


LOOK_ALIKES = {
    "alarms_by_the_relay": ("home", connects(FAR[:2], per_s=1, packets=20, octets=500)),
    "small_mail_server": ("home", connects(FAR[:15], per_s=0.1, packets=300, octets=1200)),
    "round_letter": ("home", connects(FAR[:30], per_s=0.2, packets=60, octets=1000)),
    "mailing_list": ("business", connects(FAR[:250], per_s=5, packets=30, octets=900)),
}


@seen_at(1, 1000, 4096)
@pytest.mark.parametrize("name", sorted(LOOK_ALIKES))
def test_look_alikes_stay_quiet(name: str, sampling: int, two_way: bool):
    """Few servers, or those of a business, whatever the sampling, with answers seen or not."""
    group, send = LOOK_ALIKES[name]
    traffic = Traffic(sampling=sampling, two_way=two_way).talk("198.51.100.9", 443, pps=900, octets=80, answer_pps=900)
    detect = Detect(engine=engine(), detectors=(DETECTOR,), line_info=lambda _: LineInfo(group=group))
    assert send(traffic).judge(detect=detect) == []
