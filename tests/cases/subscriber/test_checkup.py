"""Check-up reports handed in: what they show, what is refused, and that nothing of them is kept."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.documents import MINUTE_MS, NOW_MS, content
from cases.sending import act
from cases.subscriber.conftest import CASE
from sekisho.cases.answers import dismiss
from sekisho.cases.database import writing
from sekisho.cases.lifecycle import set_measure
from sekisho.cases.read import get_case
from sekisho.cases.states import Disposition
from sekisho.cases.subscriber import checkup
from sekisho.cases.subscriber.checkup import MAX_OCTETS, ReportProblem, ReportRefused
from sekisho.core.time import iso
from sekisho.measures.model import MeasureId, MeasureState

LATER_MS = NOW_MS + 60 * MINUTE_MS


def finding(measure: str, verdict: str) -> dict[str, Any]:
    words = {language: {"anyone": "x", "expert": "x"} for language in ("ja", "en")}
    return {
        "key": "d/c/o", "check": "c1.1", "measure": measure, "verdict": verdict, "outcome": "o", "evidence": {},
        "source": "s", "at": iso(LATER_MS), "found": words, "do": words,
    }  # fmt: skip


def report(*findings: dict[str, Any], **changes: Any) -> bytes:
    """A report of one device."""
    device = {
        "id": "d", "kind": "camera", "name": "SECRET-NAME", "addresses": ["192.168.1.77"], "identity": {},
        "findings": list(findings),
    }  # fmt: skip
    document = {
        "schema": "sekisho.checkup/1", "generated_at": iso(LATER_MS),
        "network": {"gateway_mac": "02:00:00:00:00:01", "prefix": "192.168.1.0/24"}, "finished": True,
        "not_finished_because": [], "to_do": [], "devices": [device], "data": [], "unreachable": [], "compared": None,
    }  # fmt: skip
    return json.dumps(document | changes).encode()


def states(connection) -> dict[MeasureId, MeasureState]:
    return {progress.measure: progress.state for progress in get_case(connection, CASE).measures}


def test_what_is_in_order_is_evidence_and_what_is_open_takes_a_claim_back(url: str) -> None:
    """One open finding of a measure outweighs those in order; CANNOT-TELL is neither."""
    file = report(
        finding("credentials", "OK"), finding("connections", "OK"), finding("connections", "ACTION"),
        finding("vulnerabilities", "ASK"), finding("settings", "CANNOT-TELL"),
    )  # fmt: skip
    with writing(url) as connection:
        for measure in (MeasureId.CONNECTIONS, MeasureId.SETTINGS):
            set_measure(connection, CASE, measure, MeasureState.CLAIMED, act())
        taken = checkup.take(connection, CASE, checkup.parse(file), act(LATER_MS))
        assert taken.evidenced == (MeasureId.CREDENTIALS,)
        assert taken.still_open == (MeasureId.CONNECTIONS, MeasureId.VULNERABILITIES)
        assert states(connection) == {
            MeasureId.REBOOT: MeasureState.OPEN,
            MeasureId.CREDENTIALS: MeasureState.EVIDENCED,
            MeasureId.CONNECTIONS: MeasureState.OPEN,
            MeasureId.VULNERABILITIES: MeasureState.OPEN,
            MeasureId.SETTINGS: MeasureState.CLAIMED,
            MeasureId.MAKER: MeasureState.OPEN,
        }


@pytest.mark.parametrize(("proof", "shown"), [("strong", True), ("medium", True), ("stated", False), ("none", False)])
def test_a_restart_needs_more_than_a_word(url: str, proof: str, *, shown: bool) -> None:
    """The check-up says how strong its proof is."""
    file = report(restart={"device": "d", "proof": proof, "signals": []})
    with writing(url) as connection:
        checkup.take(connection, CASE, checkup.parse(file), act(LATER_MS))
        assert (states(connection)[MeasureId.REBOOT] is MeasureState.EVIDENCED) is shown


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"", ReportProblem.NOT_JSON),
        (b"\xff\xfe", ReportProblem.NOT_JSON),
        (b"[" * 200_000, ReportProblem.NOT_JSON),
        (b'{"a": NaN}', ReportProblem.NOT_JSON),
        (b"null", ReportProblem.NOT_A_REPORT),
        (b"[" * 900 + b"]" * 900, ReportProblem.NOT_A_REPORT),
        (b" " * (MAX_OCTETS + 1), ReportProblem.TOO_LARGE),
        (report(generated_at="2026-13-45T99:99:99.000Z"), ReportProblem.NOT_A_REPORT),
        (report(more="x"), ReportProblem.NOT_A_REPORT),
        (report(schema="sekisho.analysis/1"), ReportProblem.NOT_A_REPORT),
        (report(generated_at=iso(NOW_MS - 1)), ReportProblem.TOO_OLD),
        (report(generated_at=iso(LATER_MS + 11 * MINUTE_MS)), ReportProblem.FROM_THE_FUTURE),
    ],
)
def test_what_is_no_report_of_now_changes_nothing(url: str, file: bytes, problem: ReportProblem) -> None:
    """Each with its reason."""
    with writing(url) as connection:
        with pytest.raises(ReportRefused) as refused:
            checkup.take(connection, CASE, checkup.parse(file), act(LATER_MS))
        assert refused.value.problem is problem
        assert set(states(connection).values()) == {MeasureState.OPEN}


def test_a_closed_case_takes_no_report(url: str) -> None:
    """It is over."""
    with writing(url) as connection:
        dismiss(connection, CASE, Disposition.LOOK_ALIKE, act())
        with pytest.raises(ReportRefused):
            checkup.take(connection, CASE, checkup.parse(report()), act(LATER_MS))


def test_nothing_of_the_file_is_kept(url: str) -> None:
    """Neither names nor addresses of a household's devices."""
    with writing(url) as connection:
        checkup.take(connection, CASE, checkup.parse(report(finding("credentials", "OK"))), act(LATER_MS))
    held = "\n".join(content(Path(url.removeprefix("sqlite:///"))))
    assert '"credentials": {"OK": 1}' in held
    assert "SECRET-NAME" not in held
    assert "192.168.1.77" not in held
    assert "02:00:00:00:00:01" not in held


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: json.dumps({"schema": text}).encode()))
def test_any_bytes_are_a_report_or_refused(file: bytes) -> None:
    """Nothing else comes out of a file."""
    with suppress(ReportRefused):
        assert checkup.parse(file).document["schema"] == "sekisho.checkup/1"
