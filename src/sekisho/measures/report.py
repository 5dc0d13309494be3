"""The check-up report as data: verdict words, findings, devices; its JSON is ``sekisho.checkup/1``.

The report is what a subscriber may hand to the ISP, so its shape belongs to the measures and not to the tool that
writes it. It never holds a secret, a frame of a picture or a payload. The JSON Schema is ``report.schema.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sekisho.core.time import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.measures.model import MeasureId, Text
    from sekisho.measures.order import DeviceKind

SCHEMA = "sekisho.checkup/1"


class Verdict(StrEnum):
    """What a check concludes; there is no word for "safe", since no look from outside can show that."""

    ACTION = "ACTION"
    ASK = "ASK"
    CANNOT_TELL = "CANNOT-TELL"
    OK = "OK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One part of a device's identity.

    Attributes:
        source: where it was read, such as "upnp" or "label".
        confidence: 0 to 1; what the owner typed from the label is 1.
    """

    value: str
    source: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's verdict on one device.

    Attributes:
        check: id of the check, such as "c2.1".
        outcome: id of the text that says what was found and what to do.
        evidence: short printable values, none of them a secret.
        source: what the verdict rests on: a protocol, a data set with its date, or the owner's statement.
        found, do: the wording, rendered per language and reading level.
    """

    check: str
    measure: MeasureId
    verdict: Verdict
    outcome: str
    evidence: Mapping[str, str]
    source: str
    at_ms: int
    found: Text
    do: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceReport:
    """One device with its findings, the most urgent first."""

    id: str
    kind: DeviceKind
    name: str
    addresses: tuple[str, ...]
    identity: Mapping[str, Fact]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A data set that verdicts rest on, and how old it is."""

    name: str
    date: str
    age_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed since an earlier run; keys are those of ``key()``."""

    earlier_ms: int
    closed: tuple[str, ...]
    still_open: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of the check-up on one network."""

    generated_at_ms: int
    gateway_mac: str
    prefix: str
    devices: tuple[DeviceReport, ...]
    data: tuple[DataSource, ...] = ()
    unreachable: tuple[str, ...] = ()
    compared: Comparison | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_do(self) -> list[tuple[DeviceReport, Finding]]:
        """What to do on which device, in the order of doing: ACTION before ASK, then the device with most of it."""
        rows = [(device, finding) for device in self.devices for finding in device.findings]
        rows = [row for row in rows if row[1].verdict in (Verdict.ACTION, Verdict.ASK)]
        return sorted(rows, key=lambda row: (row[1].verdict is not Verdict.ACTION, -_actions(row[0]), row[0].id))

    def not_finished_because(self) -> list[str]:
        """Ways in that are still open, by their keys; empty means that nothing found asks for an action."""
        return [key(device, finding) for device, finding in self.to_do() if finding.verdict is Verdict.ACTION]

    def to_json(self) -> dict[str, Any]:
        """The report as ``sekisho.checkup/1``."""
        return {
            "schema": SCHEMA,
            "generated_at": iso(self.generated_at_ms),
            "network": {"gateway_mac": self.gateway_mac, "prefix": self.prefix},
            "finished": not self.not_finished_because(),
            "not_finished_because": self.not_finished_because(),
            "to_do": [key(device, finding) for device, finding in self.to_do()],
            "devices": [_device_json(device) for device in self.devices],
            "data": [{"name": d.name, "date": d.date, "age_days": d.age_days} for d in self.data],
            "unreachable": list(self.unreachable),
            "compared": _comparison_json(self.compared),
            **self.extra,
        }


_SUBJECTS = ("place", "port", "opening", "user", "device")
"""Evidence that tells two findings of one outcome on one device apart."""


def key(device: DeviceReport, finding: Finding) -> str:
    """Name of one finding that stays the same from run to run."""
    subject = [finding.evidence[name] for name in _SUBJECTS if name in finding.evidence][:1]
    return "/".join([device.id, finding.check, finding.outcome, *subject])


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    return dict(json.loads(files(__package__).joinpath("report.schema.json").read_text("utf-8")))


def _actions(device: DeviceReport) -> int:
    return sum(finding.verdict is Verdict.ACTION for finding in device.findings)


def _device_json(device: DeviceReport) -> dict[str, Any]:
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name,
        "addresses": list(device.addresses),
        "identity": {
            name: {"value": fact.value, "source": fact.source, "confidence": fact.confidence}
            for name, fact in device.identity.items()
        },
        "findings": [{"key": key(device, finding), **_finding_json(finding)} for finding in device.findings],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "measure": finding.measure,
        "verdict": finding.verdict,
        "outcome": finding.outcome,
        "evidence": dict(finding.evidence),
        "source": finding.source,
        "at": iso(finding.at_ms),
        "found": _text_json(finding.found, finding.evidence),
        "do": _text_json(finding.do, finding.evidence),
    }


def _text_json(text: Text, values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    rendered: dict[str, dict[str, str]] = {}
    for language, reader in text.wording:
        rendered.setdefault(language, {})[reader] = text.render(language, reader, **values)
    return rendered


def _comparison_json(compared: Comparison | None) -> dict[str, Any] | None:
    if compared is None:
        return None
    return {
        "earlier": iso(compared.earlier_ms),
        "closed": list(compared.closed),
        "still_open": list(compared.still_open),
        "new": list(compared.new),
    }
