"""The ready detector of ``docs/how-to/detectors.d``: a line that strangers surf through, and what resembles it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from detect.engine import engine
from detect.traffic import Traffic, addresses
from sekisho.detect.detect import Detect
from sekisho.detect.own import own_detectors
from sekisho.schema.detection import Level

if TYPE_CHECKING:
    from sekisho.schema.detection import Detection

DIRECTORY = Path(__file__).parents[2] / "docs" / "how-to" / "detectors.d"
SITES = addresses("198.18.0.0", 4000, step=8)
TCP: dict[str, Any] = {"protocol": 6, "flags": 24}


def surf(traffic: Traffic, line: int, *, sites: int = 4000, pps: float = 40) -> None:
    """Pages of many sites: for each packet sent one of 1,100 octets comes in."""
    traffic.spray(
        SITES[:sites], [443], line=line, pps=pps, octets=200, stop=550, answered=1.0, answer_octets=1100, **TCP
    )


def carry(traffic: Traffic, line: int, *, pps: float = 45, answer_pps: float = 20) -> None:
    """A long connection that takes it away."""
    pace = {"pps": pps, "answer_pps": answer_pps, "answer_octets": 300}
    traffic.talk("203.0.113.9", 7000, line=line, octets=1100, stop=550, **pace, **TCP)


def judge(traffic: Traffic) -> list[Detection]:
    own = own_detectors(DIRECTORY, engine=engine())
    found = traffic.judge(detect=Detect(engine=engine(), detectors=own))
    return [each for each in found if each.kind.startswith("x_")]


def test_a_line_that_strangers_surf_through_is_for_a_person_to_look_at():
    """Some 220 sites seen at 1:100, 540 likely, and as much sent as received: watched; who has some of it is not."""
    traffic = Traffic(sampling=100)
    quiet: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
        ({}, None),  # a crawler
        ({"sites": 60}, {}),  # a household beside a long upload
        ({"pps": 4}, {}),  # somebody abroad who surfs by way of home
        ({}, {"pps": 600, "answer_pps": 200}),  # far more leaves than came in
        ({}, {"answer_pps": 200}),  # a tunnel that carries both ways alike
        ({}, {"pps": 8}),  # hardly anything leaves again
    ]
    for line, (surfs, carries) in enumerate([({}, {}), *quiet], start=1):
        surf(traffic, line, **surfs)
        if carries is not None:
            carry(traffic, line, **carries)
    relay = len(quiet) + 2
    surf(traffic, relay)
    peers = addresses("203.0.112.0", 40, step=256)
    traffic.spray(peers, [9001], line=relay, pps=45, octets=1100, stop=550, **TCP)
    (found,) = judge(traffic)
    assert (found.line, found.kind, found.level) == (1, "x_residential_proxy", Level.WATCH)
    assert found.evidence["likely_sites"] == pytest.approx(540, rel=0.15)
    assert found.evidence["mirror_share"] == pytest.approx(1.15, rel=0.15)
    assert found.evidence["tunnel_share"] > 0.8


def test_where_what_came_in_is_not_shown_nothing_is_said():
    """One way, a crawler beside an upload looks the same."""
    traffic = Traffic(sampling=100, two_way=False)
    surf(traffic, 1)
    carry(traffic, 1)
    assert judge(traffic) == []
