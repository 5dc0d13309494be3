"""Reports that speak for a case: a second measurement, by somebody else, of what the flows showed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sekisho.attribution.outcome import Attributed
from sekisho.cases import audit, signals
from sekisho.cases.read import find_cases
from sekisho.cases.states import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from sekisho.cases.evidence.model import ReportedEvidence
    from sekisho.cases.lifecycle import Act
    from sekisho.cases.model import Case

NEAR_MS = 24 * 3_600_000
"""What was reported longer before or after the flows is another occasion; reports of a day come as one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What became of the entries of reports.

    Attributes:
        cases: cases that an entry speaks for.
        entries: entries that speak for one.
        elsewhere: entries about lines that have no open case of that kind at that time.
        unsure: entries without a line, or with one that is only inferred.
    """

    cases: int
    entries: int
    elsewhere: int
    unsure: int


def join(connection: Connection, found: Iterable[ReportedEvidence], act: Act) -> Joined:
    """Note each entry as a signal of the open case that it speaks for; the same report again changes nothing.

    An entry speaks for a case of its line, of a kind that its category names, around its time.
    """
    of_line: defaultdict[str, list[Case]] = defaultdict(list)
    for case in find_cases(connection, states=OPEN):
        of_line[case.line_id].append(case)
    spoken_for: set[int] = set()
    entries = elsewhere = unsure = 0
    for evidence in found:
        line = evidence.line
        if not isinstance(line, Attributed) or line.certainty != "certain":
            unsure += 1
            continue
        meant = [case for case in of_line[line.line_id] if _speaks_for(evidence, case)]
        if not meant:
            elsewhere += 1
            continue
        # A line has one open case.
        case = meant[0]
        entries += 1
        detail = f"{evidence.entry.source} {evidence.entry.category.value}"
        signal = signals.Signal(source=signals.Source.THIRD_PARTY, at_ms=evidence.entry.observed_at_ms, detail=detail)
        if signal not in signals.of_case(connection, case.number):
            signals.add(connection, case.number, signal)
            audit.append(connection, "report_joined", act, case_id=case.number, details={"report": detail})
        spoken_for.add(case.number)
    return Joined(cases=len(spoken_for), entries=entries, elsewhere=elsewhere, unsure=unsure)


def _speaks_for(evidence: ReportedEvidence, case: Case) -> bool:
    at_ms, kinds = evidence.entry.observed_at_ms, evidence.entry.category.kinds
    return any(
        each.kind in kinds and each.first_seen_ms - NEAR_MS <= at_ms <= each.last_seen_ms + NEAR_MS
        for each in case.evidence
    )
