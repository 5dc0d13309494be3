"""A check-up report handed in by a subscriber: validated, counted, and not kept.

It is data and nothing else: nothing of it is shown, opened or run. What the check-up found in order counts as evidence
of that measure; what it found open takes a claim back.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from sekisho.cases import answers
from sekisho.cases.lifecycle import set_measure
from sekisho.cases.read import get_case
from sekisho.cases.states import AnswerKind
from sekisho.cases.subscriber_tables import REPORT
from sekisho.core.errors import Refused
from sekisho.core.time import parse_time
from sekisho.measures.model import MeasureId, MeasureState
from sekisho.measures.report import Verdict, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.protocols import Validator
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act

UPLOAD_SCHEMA = "sekisho.checkup-upload/1"
"""What the check-up sends by itself: a report cut down to what we need, in an envelope with the code of the case."""

MAX_OCTETS = 1 << 20
"""As much as the check-up sends; a household of twenty devices has some hundred kilobytes, both languages in it."""

AHEAD_MS = 10 * 60_000
"""A household's clock may be so much fast."""

_PROVEN = frozenset({"strong", "medium"})
"""Proofs of a restart that are more than somebody's word."""

_STILL_OPEN = (Verdict.ACTION, Verdict.ASK)


class ReportProblem(StrEnum):
    """Why a file was not taken."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NOT_A_REPORT = "not_a_report"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    CASE_CLOSED = "case_closed"


class ReportRefused(Refused):
    """The file was not taken; nothing of it is repeated."""

    def __init__(self, problem: ReportProblem) -> None:
        self.problem = problem
        super().__init__(f"check-up report: {problem}", f"点検レポート: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A file that is a report.

    Attributes:
        document: JSON of ``sekisho.checkup/1``.
        digest: SHA-256 of the file.
    """

    document: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a report changed.

    Attributes:
        evidenced: measures that it shows to be done.
        still_open: measures of which it shows something to do.
    """

    evidenced: tuple[MeasureId, ...]
    still_open: tuple[MeasureId, ...]


def parse(content: bytes) -> Parsed:
    """The report of a file; a large one takes some tenths of a second, so no transaction should be open meanwhile.

    Raises:
        ReportRefused: too large, no JSON, or not ``sekisho.checkup/1``, in its envelope or without.
    """
    document = _json(content)
    if _is_upload(document):
        document = document.get("report")
    try:
        is_report = _validator().is_valid(document)
    except RecursionError:
        is_report = False
    if not is_report:
        raise ReportRefused(ReportProblem.NOT_A_REPORT)
    return Parsed(document=document, digest=sha256(content).hexdigest())


def code_of(content: bytes) -> str:
    """The code of the case in the envelope that the check-up sends; quick, since nobody knows yet who sends it.

    Raises:
        ReportRefused: too large, no JSON, or no such envelope.
    """
    document = _json(content)
    if not _is_upload(document) or not isinstance(document.get("case"), str):
        raise ReportRefused(ReportProblem.NOT_A_REPORT)
    return str(document["case"])


def take(connection: Connection, case_id: int, parsed: Parsed, act: Act) -> Taken:
    """Note what a report shows; the subscriber has agreed to hand it in.

    Raises:
        ReportRefused: it is older than the case or of a time to come, or the case is closed.
    """
    document = parsed.document
    case = get_case(connection, case_id)
    if not case.is_open:
        raise ReportRefused(ReportProblem.CASE_CLOSED)
    made_ms = _time_of(document)
    if made_ms < case.opened_at_ms:
        raise ReportRefused(ReportProblem.TOO_OLD)
    if made_ms > act.at_ms + AHEAD_MS:
        raise ReportRefused(ReportProblem.FROM_THE_FUTURE)
    counts = verdicts(document)
    taken = _shown(counts, document)
    connection.execute(
        insert(REPORT).values(
            case_id=case_id, at=act.at_ms, generated_at=made_ms, digest=parsed.digest, verdicts=counts
        )
    )
    states = {progress.measure: progress.state for progress in case.measures}
    for measure in taken.evidenced:
        set_measure(connection, case_id, measure, MeasureState.EVIDENCED, act)
    for measure in taken.still_open:
        if states[measure] in {MeasureState.CLAIMED, MeasureState.EVIDENCED}:
            set_measure(connection, case_id, measure, MeasureState.OPEN, act)
    answers.answer(connection, case_id, AnswerKind.ANSWERED, act, note="check-up report")
    return taken


def verdicts(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Measure -> verdict -> how many findings, of all devices together."""
    counts: dict[str, Counter[str]] = {}
    for device in document["devices"]:
        for finding in device["findings"]:
            counts.setdefault(finding["measure"], Counter())[finding["verdict"]] += 1
    return {measure: dict(found) for measure, found in sorted(counts.items())}


def _shown(counts: Mapping[str, Mapping[str, int]], document: Mapping[str, Any]) -> Taken:
    still_open = {
        MeasureId(measure) for measure, found in counts.items() if any(found.get(verdict) for verdict in _STILL_OPEN)
    }
    evidenced = {MeasureId(measure) for measure, found in counts.items() if found.get(Verdict.OK)}
    if document.get("restart", {}).get("proof") in _PROVEN:
        evidenced.add(MeasureId.REBOOT)
    order = tuple(MeasureId)
    return Taken(
        evidenced=tuple(measure for measure in order if measure in evidenced - still_open),
        still_open=tuple(measure for measure in order if measure in still_open),
    )


def _time_of(document: Mapping[str, Any]) -> int:
    try:
        return parse_time(document["generated_at"])
    except (ValueError, OverflowError):
        # The schema knows the form of a time, not the calendar.
        raise ReportRefused(ReportProblem.NOT_A_REPORT) from None


def _json(content: bytes) -> Any:
    if len(content) > MAX_OCTETS:
        raise ReportRefused(ReportProblem.TOO_LARGE)
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ReportRefused(ReportProblem.NOT_JSON) from None


def _is_upload(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == UPLOAD_SCHEMA


def _no_constant(name: str) -> None:
    """NaN and infinity are no JSON (RFC 8259, 6)."""
    raise ValueError(name)


@cache
def _validator() -> Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())
