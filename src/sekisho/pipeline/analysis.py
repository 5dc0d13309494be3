"""What a run found, as the JSON of ``sekisho.analysis/1`` and as remarks for the person who started it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from sekisho.attribution.outcome import Hold, Unattributed
from sekisho.attribution.sources.events import LAST_PORT, MAX_HELD
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import iso
from sekisho.schema.subject import is_address, is_interface

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.detect.detect import Report
    from sekisho.pipeline.remarks import Remark
    from sekisho.pipeline.run import Run
    from sekisho.pipeline.series import TrafficSeries
    from sekisho.schema.detection import Detection, Event
    from sekisho.wire.sequence import SourceLoss

SCHEMA = "sekisho.analysis/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The result of a run.

    Attributes:
        document: the JSON of ``sekisho.analysis/1``.
        series: outbound traffic over time; None where it was not asked for.
        remarks: what was assumed, missing or left out.
    """

    document: dict[str, Any]
    series: TrafficSeries | None
    remarks: tuple[Remark, ...]

    def to_json(self) -> str:
        """The document as text."""
        return json.dumps(self.document, ensure_ascii=False, indent=1)


def document_of(run: Run, frames: Mapping[str, int], report: Report | None = None) -> dict[str, Any]:
    """The document of a finished run.

    Args:
        run: the run.
        frames: frames of the input that were no usable export datagram, by reason.
        report: of the run's detectors, where it was asked for already.
    """
    found, events = report or run.detect.report()
    undecodable = {reason.value: count for reason, count in run.decoder.drops.items() if count} | dict(frames)
    return {
        "schema": SCHEMA,
        "input": {
            "datagrams": run.decoder.datagrams,
            "records": run.decoder.records + run.replayed,
            "records_lost": round(sum(lost_records(source) for source in run.decoder.losses())),
            "late": run.windows.late,
            "undecodable": dict(sorted(undecodable.items())),
            "unattributed": _unattributed(run),
            "first": iso(run.first_ms),
            "last": iso(run.last_ms),
        },
        "detections": [_detection(run, each) for each in found if not is_address(each.line)],
        "unattributed_detections": [_unattributed_detection(run, each) for each in found if is_address(each.line)],
        "events": [_event(run, event) for event in events],
        "impact": run.impact.report(found) if run.impact is not None else {},
    }


def exporters_of(run: Run, report: Report) -> dict[str, str]:
    """Line of a detection -> address of the exporter that reports it."""
    return {d.line_id: run.exporters[d.exporter] for d in report.detections if d.line_id and d.exporter is not None}


def nothing_judged(document: Mapping[str, Any]) -> bool:
    """Whether not one record has a line: that nothing was found then says nothing about anybody."""
    given = document["input"]
    return bool(given["records"] > 0 and sum(given["unattributed"].values()) >= given["records"])


def lost_records(source: SourceLoss) -> float:
    """Data records that a source's gaps held, estimated where it numbers its packets (v9): as many as the others."""
    if source.unit != "packets":
        return source.lost_units
    return source.lost_units * source.records / max(source.datagrams, 1)


def _detection(run: Run, detection: Detection) -> dict[str, Any]:
    held = () if is_interface(detection.line) else _held(run, detection)
    return _with_source(run, detection).to_json() | {"held": [hold.to_json() for hold in held]}


def _held(run: Run, detection: Detection) -> tuple[Hold, ...]:
    """All that the line had seemed to hold: records name the line, and any of these may be what they were sent from.

    A line that comes back on another address meanwhile held one after the other, each for its time.
    """
    first_ms, last_ms = detection.first_seen_ms, detection.last_seen_ms
    holds = run.attributor.holds_of(detection.line, from_ms=first_ms, to_ms=last_ms)
    revoked = run.attributor.revoked(detection.line)
    if revoked is not None and revoked.since_ms < detection.last_seen_ms:
        what = revoked.held
        is_whole = (what.port_first, what.port_last) == (0, LAST_PORT)
        port = 0 if is_whole else max(what.port_first, 1)
        since_ms = max(revoked.since_ms, first_ms)
        holds = (Hold(what.prefix, what.realm, port, since_ms, max(revoked.until_ms, since_ms)), *holds)
    return tuple(dict.fromkeys(holds))[:MAX_HELD]


def _with_source(run: Run, detection: Detection) -> Detection:
    """Name what the line held when it was first seen, in the IP version of what it did most; or the interface.

    Where a late record has taken back what the line had seemed to hold meanwhile, that is what was seen of it: asked
    again, it is another line's, and the case is withdrawn.
    """
    if is_interface(detection.line):
        return replace(detection, source=_interface_name(run, detection.line))
    revoked = run.attributor.revoked(detection.line)
    if revoked is not None and revoked.since_ms < detection.last_seen_ms:
        return replace(detection, source=str(revoked.held.prefix).removesuffix("/32"))
    prefixes = run.attributor.prefixes_of(detection.line, at_ms=detection.first_seen_ms)
    wanted = next((ip_network(target.prefix).version for target in detection.top_targets), 0)
    fitting = [prefix for prefix in prefixes if prefix.version == wanted] or list(prefixes)
    return replace(detection, source=str(fitting[0]).removesuffix("/32") if fitting else "")


def _interface_name(run: Run, key: int) -> str:
    """The exporter's address and the interface's name, or its ifIndex where the exporter told no name."""
    subject = run.subjects.get(key)
    if subject is None:
        return ""
    name = run.decoder.interfaces.get((subject.exporter, subject.interface), f"ifIndex {subject.interface}")
    return f"{run.exporters[subject.exporter]} {name}"


def _unattributed_detection(run: Run, detection: Detection) -> dict[str, Any]:
    subject = run.subjects.get(detection.line)
    assert subject is not None, "a sender of which something was detected is kept"
    answer = run.attributor.resolve(
        realm=run.boundaries.realm(subject.realm),
        address=subject.address,
        port=0,
        protocol=0,
        start_ms=detection.first_seen_ms,
        end_ms=detection.last_seen_ms,
    )
    return {
        "source": str(subject.address) if subject.address.version == 4 else f"{subject.address}/64",
        "kind": detection.kind,
        "reason": run.attributor.reason_of(subject.address, subject.reason).label,
        "candidate_lines": answer.candidate_lines if isinstance(answer, Unattributed) else 1,
        "exporter": run.exporters[subject.exporter],
        "interface": subject.interface,
        "peak_pps": round(detection.peak_pps, 1),
    }


def _event(run: Run, event: Event) -> dict[str, Any]:
    infos = (run.attributor.line(line) for line in event.members)
    return {
        "id": event.id,
        "target": event.target.prefix,
        "port": event.target.port,
        "protocol": event.target.protocol,
        "first_seen": iso(event.first_seen_ms),
        "last_seen": iso(event.last_seen_ms),
        "peak_bps": round(event.peak_bps, 1),
        "peak_pps": round(event.peak_pps, 1),
        "lines": event.lines,
        "exporters": sorted(run.exporters[code] for code in event.exporters),
        "links": sorted({info.link for info in infos if info is not None and info.link}),
    }


def _unattributed(run: Run) -> dict[str, int]:
    counts = run.attributor.unattributed
    return {reason.label: counts[reason] for reason in UnattributedReason if counts[reason]}
