"""What only a partner knows: the reason, the query, the reply."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from attribution.network import ask, loaded
from sekisho.attribution.outcome import Unattributed
from sekisho.attribution.partner import (
    UNKNOWN,
    Exchange,
    Partner,
    Question,
    State,
    query_csv,
    query_json,
    read_reply,
    with_partners,
)
from sekisho.core.errors import InputError
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import parse_time

VNE = Partner(name="VNE", prefixes=(ip_network("203.0.113.0/24"), ip_network("2001:db8:100::/40")))
CARRIER = Partner(name="Carrier", prefixes=(ip_network("203.0.113.128/25"),))
AT_MS = parse_time("2026-11-24T18:30:00.250Z")
QUESTION = Question(partner="VNE", address=ip_address("203.0.113.9"), port=40001, protocol=17, at_ms=AT_MS)


@pytest.mark.parametrize(
    ("address", "reason", "expected"),
    [
        ("203.0.113.9", UnattributedReason.NO_ASSIGNMENT, "only VNE knows who held the address"),
        ("203.0.113.200", UnattributedReason.NOT_OURS, "only Carrier knows who held the address"),
        ("2001:db8:1ff::1", UnattributedReason.NOT_OURS, "only VNE knows who held the address"),
        ("198.51.100.1", UnattributedReason.NOT_OURS, None),
        ("203.0.113.9", UnattributedReason.NEEDS_PORT, None),
        ("203.0.113.9", UnattributedReason.OVERLAP, None),
    ],
)
def test_what_only_a_partner_knows(address, reason, expected):
    """An address without an assignment in a partner's prefix is the partner's; the longest prefix names whose."""
    outcome = Unattributed(reason=reason, explanation="x", candidate_lines=0)
    found = with_partners(outcome, ip_address(address), (VNE, CARRIER))
    if expected is None:
        assert found == outcome
    else:
        assert (found.reason, found.explanation) == (UnattributedReason.HELD_BY_PARTNER, expected)


def test_a_query_says_the_time_twice():
    """Address, port, protocol and the time in UTC and JST; a question asked twice is one row."""
    (row,) = csv.DictReader(io.StringIO(query_csv([QUESTION, QUESTION])))
    assert (row["address"], row["port"], row["protocol"], row["contract"]) == ("203.0.113.9", "40001", "17", "")
    assert row["time_utc"] == "2026-11-24T18:30:00.250Z"
    assert row["time_jst"] == "2026-11-25T03:30:00.250+09:00"
    assert parse_time(row["time_jst"]) == AT_MS
    assert json.loads(query_json([QUESTION]))["questions"] == [row]


@pytest.mark.parametrize("change", [{"port": 40002}, {"at_ms": AT_MS + 1}, {"address": ip_address("203.0.113.8")}])
def test_another_question_has_another_number(change):
    """Whatever is asked differently is another question."""
    assert replace(QUESTION, **change).number != QUESTION.number


def reply(tmp_path, contract, **changed):
    text = io.StringIO()
    row = QUESTION.cells() | {"contract": contract} | changed
    writer = csv.DictWriter(text, row)
    writer.writeheader()
    writer.writerow(row)
    path = tmp_path / "reply.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


ASKED = Exchange(question=QUESTION, asked_at_ms=AT_MS + 1000)


@pytest.mark.parametrize(
    ("contract", "state", "line"),
    [("C-77", State.ANSWERED, "C-77"), (UNKNOWN, State.UNKNOWN_TO_PARTNER, None), ("", State.ASKED, None)],
)
def test_a_reply(tmp_path, contract, state, line):
    """A contract, an honest "unknown", or nothing yet; reading it twice changes nothing."""
    (answered,) = read_reply(reply(tmp_path, contract), [ASKED], now_ms=AT_MS + 5000)
    assert (answered.state, answered.line_id, answered.to_json()["state"]) == (state, line, state.value)
    assert read_reply(reply(tmp_path, contract), [answered], now_ms=AT_MS + 5000) == (answered,)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"port": "40002"}, "port"),
        ({"time_utc": "2026-11-24T09:30:00.250Z"}, "time_utc"),
        ({"question": "0" * 16}, "asked"),
    ],
)
def test_a_reply_to_another_question(tmp_path, changed, said):
    """A reply that repeats another port or time, or that nobody asked for, is refused with its line."""
    with pytest.raises(InputError, match=f"line 2.*{said}"):
        read_reply(reply(tmp_path, "C-77", **changed), [ASKED], now_ms=AT_MS)


def test_a_second_reply_that_contradicts(tmp_path):
    """Two contracts for one question are an error: no line is taken from the second."""
    (answered,) = read_reply(reply(tmp_path, "C-77"), [ASKED], now_ms=AT_MS)
    with pytest.raises(InputError, match="as answered before"):
        read_reply(reply(tmp_path, "C-78"), [answered], now_ms=AT_MS)


def test_the_lookup_knows_the_partners(tmp_path):
    """Answers and the reasons of records say who alone knows; what we know ourselves stays ours."""
    attributor = loaded(tmp_path, "L1,203.0.113.7,,,,", prefixes=[ip_network("203.0.113.0/24")], partners=[VNE])
    assert ask(attributor, "203.0.113.7").line_id == "L1"
    assert ask(attributor, "203.0.113.9").reason is UnattributedReason.HELD_BY_PARTNER
    assert ask(attributor, "198.51.100.1").reason is UnattributedReason.NOT_OURS
    reasons = (UnattributedReason.NO_ASSIGNMENT, UnattributedReason.NEEDS_PORT)
    found = [attributor.reason_of(ip_address("203.0.113.9"), reason) for reason in reasons]
    assert found == [UnattributedReason.HELD_BY_PARTNER, UnattributedReason.NEEDS_PORT]
