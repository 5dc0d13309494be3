"""What a detector found on one line: the verdict, how sure it is, and on which data it rests."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from sekisho.core.address import from_words
from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = (
    "udp_flood",
    "tcp_syn_flood",
    "tcp_flood",
    "icmp_flood",
    "gre_flood",
    "fragment_flood",
    "http_flood",
    "dns_flood",
    "reflection",
    "scan",
    "brute_force",
    "spam",
    "c2_contact",
    "spoofed_source",
    "volume_anomaly",
)
"""Kinds that Sekisho itself may report; an operator's own begin with ``x_``."""


class Level(Enum):
    """How much a detection is good for."""

    ACT = "act"
    WATCH = "watch"


class Cap(Enum):
    """Why a detection is for a person to look at and never opens a case by itself."""

    ATTRIBUTION_INFERRED = "attribution_inferred"
    SAMPLING_UNKNOWN = "sampling_unknown"
    INSIDE_NOT_VISIBLE = "inside_not_visible"
    FASTER_THAN_LINE = "faster_than_line"
    COVERAGE_ALARM = "coverage_alarm"
    FEW_SOURCES = "few_sources"
    ANSWERS_MAY_BE_LOST = "answers_may_be_lost"
    WEAK_ALONE = "weak_alone"
    FOR_A_PERSON = "for_a_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A network and a port that took part of the traffic.

    Attributes:
        network_hi, network_lo: first address of the network, as two signed 64-bit words.
        network_bits: length of the prefix counted in 128 bits (an IPv4 /24 is 120); 96 or 0 is "anywhere".
        port: destination port, 0 where the protocol has none or many ports were used.
        protocol: IANA number.
        share: part of the packets of the episode, 0 to 1.
    """

    network_hi: int
    network_lo: int
    network_bits: int
    port: int
    protocol: int
    share: float

    @property
    def prefix(self) -> str:
        """The network as text; lengths are those of its own IP version."""
        first = from_words(self.network_hi, self.network_lo)
        return f"{first}/{self.network_bits - 96 if first.version == 4 else self.network_bits}"

    def to_json(self) -> dict[str, Any]:
        """The entry of ``top_targets``."""
        return {"prefix": self.prefix, "port": self.port, "protocol": self.protocol, "share": round(self.share, 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How far the data of a period can be trusted.

    Attributes:
        loss: share of the exporter's records that were lost on the way, 0 to 1.
        coverage: scaled flow octets divided by the interface counters; None where no counter is known.
    """

    loss: float = 0.0
    coverage: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry ``quality``."""
        coverage = None if self.coverage is None else round(self.coverage, 4)
        return {"loss": round(self.loss, 6), "coverage": coverage}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One kind of abuse on one line from its first to its last window.

    Attributes:
        line: key of the line in the tables; ``line_id`` is its name, ``source`` the address or prefix seen.
        first_seen_ms, last_seen_ms: start of the first and end of the last window, milliseconds UTC.
        detected_at_ms: stream time of the tick that decided.
        packets, octets: estimates of the whole episode.
        peak_pps, peak_bps: the highest window of ten seconds; ``peak_pps_interval_95`` is about the first.
        sampled_packets: packets of this kind that the exporter really saw.
        targets: distinct destination addresses, at least.
        confidence: 0 to 1, see ``detect/level.py``.
        evidence: numbers of the highest window under the detector's own names.
        texts: its texts, likewise.
        exporter: code of the exporter that reported the traffic; None where it is not known.
        event: id of the event that it is part of.
    """

    line: int
    line_id: str
    kind: str
    level: Level
    first_seen_ms: int
    last_seen_ms: int
    detected_at_ms: int
    packets: float
    octets: float
    peak_pps: float
    peak_pps_interval_95: tuple[float, float]
    peak_bps: float
    sampled_packets: float
    targets: int
    top_targets: tuple[Target, ...]
    confidence: float
    subject: str = "line"
    source: str = ""
    exporter: int | None = None
    event: str | None = None
    caps: tuple[Cap, ...] = ()
    evidence: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    quality: Quality = field(default_factory=Quality)

    def to_json(self) -> dict[str, Any]:
        """The entry of ``detections`` in ``sekisho.analysis/1``."""
        low, high = self.peak_pps_interval_95
        evidence: dict[str, Any] = {name: round(value, 4) for name, value in sorted(self.evidence.items())}
        return {
            "line_id": self.line_id,
            "subject": self.subject,
            "source": self.source,
            "kind": self.kind,
            "level": self.level.value,
            "first_seen": iso(self.first_seen_ms),
            "last_seen": iso(self.last_seen_ms),
            "detected_at": iso(self.detected_at_ms),
            "packets": round(self.packets),
            "octets": round(self.octets),
            "peak_pps": round(self.peak_pps, 1),
            "peak_pps_interval_95": [round(low, 1), round(high, 1)],
            "peak_bps": round(self.peak_bps, 1),
            "sampled_packets": round(self.sampled_packets),
            "targets": self.targets,
            "top_targets": [target.to_json() for target in self.top_targets],
            "event": self.event,
            "confidence": round(self.confidence, 3),
            "evidence": evidence | dict(sorted(self.texts.items())) | {"caps": [cap.value for cap in self.caps]},
            "quality": self.quality.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What several lines, or one, sent to one target: one thing for the operator to look at, however many cases.

    Attributes:
        id: stays the same while the event goes on, and is no other's.
        target: its network, port and protocol.
        peak_pps, peak_bps: highest ten seconds of all lines together, estimates.
        lines: lines that take part.
        exporters: codes of the exporters that reported it.
        members: keys of the lines.
    """

    id: str
    target: Target
    first_seen_ms: int
    last_seen_ms: int
    peak_pps: float
    peak_bps: float
    lines: int
    exporters: tuple[int, ...]
    members: tuple[int, ...]
