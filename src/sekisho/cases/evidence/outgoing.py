"""Reports that we send, as XARF 4: to a partner or another network whose line it is.

What leaves us says what was seen of one address, one port and one time. Destinations, evidence of third parties and
everything internal stay here; without the port a report behind a shared address would name somebody at random.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from sekisho.cases.evidence.xarf import validated
from sekisho.core.errors import Refused
from sekisho.core.time import iso, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.cases.model import Case
    from sekisho.core.address import IPAddress

XARF_VERSION = "4.2.0"

_NO_PORT = (
    "a report without its source port names nobody behind a shared address: none is sent",
    "送信元ポートのない報告では、共有アドレスのどの利用者かを特定できないため、送りません",
)
_PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 132: "sctp"}
_NAMESPACE = uuid.UUID("6f1d1c0e-6f0a-4e0b-9d57-5c1f5a4f7d10")
"""The same detection reported twice has the same number."""

_DDOS, _SCAN, _LOGIN = ("connection", "ddos"), ("connection", "port_scan"), ("connection", "login_attack")
TYPES = {
    "udp_flood": _DDOS,
    "tcp_syn_flood": _DDOS,
    "tcp_flood": _DDOS,
    "icmp_flood": _DDOS,
    "http_flood": _DDOS,
    "dns_flood": _DDOS,
    "scan": _SCAN,
    "brute_force": _LOGIN,
}
"""Kinds that XARF has a word for, by its category and type; the others need evidence that flows do not hold."""

KEPT = frozenset({
    "xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier", "source_port", "category",
    "type", "evidence_source", "confidence", "protocol", "first_seen", "last_seen", "attack_vector", "peak_pps",
    "peak_bps", "duration_seconds", "service", "compromise_evidence", "infection_vector", "malware_family",
})  # fmt: skip
"""Fields that may leave us; whatever a later version of the format adds stays here until somebody has looked at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who reports."""

    org: str
    contact: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is reported.

    Attributes:
        port: the source port that was seen; never 0.
        protocol: IANA number.
        peak_pps, peak_bps: estimates of the highest 10 s.
    """

    kind: str
    address: IPAddress
    port: int
    protocol: int
    first_seen_ms: int
    last_seen_ms: int
    peak_pps: float
    peak_bps: float
    confidence: float


def xarf_of(seen: Seen, *, reporter: Contact) -> dict[str, Any]:
    """The report of one detection, valid by the schema.

    Raises:
        Refused: a kind or protocol that the format has no word for, no port, or the schema refuses it.
    """
    if seen.kind not in TYPES or seen.protocol not in _PROTOCOL_NAMES:
        raise Refused(
            f"XARF has no report for {seen.kind} with protocol {seen.protocol}",
            f"XARF には、{seen.kind}（プロトコル {seen.protocol}）を表す報告がありません",
        )
    if not 1 <= seen.port <= 0xFFFF:
        raise Refused(*_NO_PORT)
    category, kind = TYPES[seen.kind]
    who = {"org": reporter.org, "contact": reporter.contact, "domain": reporter.domain}
    report = {
        "xarf_version": XARF_VERSION,
        "report_id": str(uuid.uuid5(_NAMESPACE, f"{seen.kind} {seen.address} {seen.port} {seen.first_seen_ms}")),
        "timestamp": iso(seen.first_seen_ms),
        "reporter": who,
        "sender": who,
        "source_identifier": str(seen.address),
        "source_port": seen.port,
        "category": category,
        "type": kind,
        "evidence_source": "flow_analysis",
        "confidence": seen.confidence,
        "protocol": _PROTOCOL_NAMES[seen.protocol],
        "first_seen": iso(seen.first_seen_ms),
        "last_seen": iso(seen.last_seen_ms),
    }
    if (category, kind) == _DDOS:
        report |= {
            "attack_vector": seen.kind,
            "peak_pps": max(1, round(seen.peak_pps)),
            "peak_bps": max(1, round(seen.peak_bps)),
            "duration_seconds": max(1, (seen.last_seen_ms - seen.first_seen_ms) // 1000),
        }
    return redacted(report)


def reports_of(case: Case, *, address: str | None, port: int, protocol: int, reporter: Contact) -> list[dict[str, Any]]:
    """The reports of a case, one for each kind that the format has a word for.

    Args:
        case: with what its line had seemed to hold.
        address: which of the addresses that the line held; None where it held one.
        port: source port that was seen; 0 = the first one of the line's own, where it shared the address.
        protocol: IANA number.
        reporter: who reports.

    Raises:
        Refused: no address, several to choose from, no port, or no kind that can be reported.
    """
    reports = []
    for each in case.evidence:
        if each.kind not in TYPES:
            continue
        chosen = [hold for hold in each.held if address is None or ip_address(address) in ip_network(hold["prefix"])]
        prefixes = {hold["prefix"]: hold["port"] for hold in chosen}
        if len(prefixes) != 1:
            held = ", ".join(sorted({hold["prefix"] for hold in each.held})) or "nothing that is known"
            raise Refused(
                f"a report is about one address: name one with --address; the line held {held}",
                f"報告の対象は 1 つのアドレスです。--address で指定してください（回線が使っていたもの: {held}）",
            )
        ((prefix, own_port),) = prefixes.items()
        # Where the line came back on another address meanwhile, this one was its own for a part of the time.
        begins = [parse_time(hold["from"]) for hold in chosen if "from" in hold]
        ends = [parse_time(hold["to"]) for hold in chosen if "to" in hold]
        seen = Seen(
            kind=each.kind,
            address=ip_address(address) if address is not None else ip_network(prefix).network_address,
            port=port or own_port,
            protocol=protocol,
            first_seen_ms=min(begins, default=each.first_seen_ms),
            last_seen_ms=min(max(ends, default=each.last_seen_ms), each.last_seen_ms),
            peak_pps=each.peak_pps,
            peak_bps=each.peak_bps,
            confidence=each.confidence,
        )
        reports.append(xarf_of(seen, reporter=reporter))
    if not reports:
        kinds = ", ".join(case.kinds)
        raise Refused(
            f"case {case.number}: XARF has no report for {kinds}",
            f"ケース {case.number}: XARF には {kinds} を表す報告がありません",
        )
    return reports


def redacted(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report as it may leave us: no ``_internal``, no evidence, no destination, no free text.

    Raises:
        Refused: it has no source port, or what is left is not valid.
    """
    if not report.get("source_port"):
        raise Refused(*_NO_PORT)
    left = validated({name: value for name, value in report.items() if name in KEPT})
    if left is None:
        number = report.get("report_id")
        raise Refused(
            f"report {number}: what may leave us is no valid XARF",
            f"報告 {number}: 外部に出してよい項目だけでは、正しい XARF になりません",
        )
    return left
