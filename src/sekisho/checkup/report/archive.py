"""Reports and snapshots on disk, one network after the other, and what changed between two runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sekisho.checkup.snapshot import Snapshot
from sekisho.checkup.state import write_json
from sekisho.core.errors import InputError
from sekisho.core.time import parse_time
from sekisho.measures.report import Comparison

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.checkup.network import NetworkIdentity
    from sekisho.measures.report import Report

_KEPT = 30
"""Reports kept of one state directory; a month of daily check-ups."""

_DEVICES_KEPT = 2000
"""Devices remembered of one network; guests' phones with made-up MACs would fill the file for ever."""


class Archive:
    """Reports under ``reports/``, the last snapshot beside them."""

    def __init__(self, directory: Path) -> None:
        self._reports, self._snapshot = directory / "reports", directory / "last-snapshot.json"
        self._first_seen = directory / "first-seen.json"

    def compared(self, report: Report) -> Report:
        """The report with the comparison to the last one of the same network, of the devices that it speaks of."""
        earlier = self.latest(report.gateway_mac, report.prefix)
        if earlier is None:
            return report
        here = tuple(f"{device.id}/" for device in report.devices)
        before = {name for name in earlier["not_finished_because"] if name.startswith(here)}
        now = set(report.not_finished_because())
        comparison = Comparison(
            earlier_ms=parse_time(earlier["generated_at"]),
            closed=tuple(sorted(before - now)),
            still_open=tuple(sorted(before & now)),
            new=tuple(sorted(now - before)),
        )
        return replace(report, compared=comparison)

    def keep(self, report: Report, snapshot: Snapshot | None) -> Path:
        """Write both (a run of some devices has no snapshot); the oldest reports beyond the limit go."""
        path = self._reports / f"{report.generated_at_ms}.json"
        write_json(path, report.to_json())
        if snapshot is not None:
            write_json(self._snapshot, snapshot.to_json())
        self._note_devices(report)
        for old in sorted(self._reports.glob("*.json"))[:-_KEPT]:
            old.unlink()
        return path

    def first_seen(self, network: NetworkIdentity) -> dict[str, int]:
        """When a run on this network first saw each device, by its id."""
        if not self._first_seen.exists():
            return {}
        table: dict[str, dict[str, int]] = json.loads(self._first_seen.read_text("utf-8"))
        return table.get(f"{network.gateway_mac} {network.prefix}", {})

    def _note_devices(self, report: Report) -> None:
        table = json.loads(self._first_seen.read_text("utf-8")) if self._first_seen.exists() else {}
        known = table.setdefault(f"{report.gateway_mac} {report.prefix}", {})
        for device in report.devices:
            known.setdefault(device.id, report.generated_at_ms)
        newest = sorted(known.items(), key=lambda row: row[1])[-_DEVICES_KEPT:]
        write_json(self._first_seen, table | {f"{report.gateway_mac} {report.prefix}": dict(newest)})

    def latest(self, gateway_mac: str | None = None, prefix: str | None = None) -> dict[str, Any] | None:
        """The newest report, of one network where it is named."""
        for path in sorted(self._reports.glob("*.json"), reverse=True):
            report = read_report(path)
            network = report["network"]
            if gateway_mac is None or (network["gateway_mac"], network["prefix"]) == (gateway_mac, prefix):
                return report
        return None

    def snapshot(self, network: NetworkIdentity) -> Snapshot | None:
        """The state that the last run saw, if it was on this network."""
        if not self._snapshot.exists():
            return None
        snapshot = Snapshot.from_json(json.loads(self._snapshot.read_text("utf-8")))
        same = (snapshot.gateway_mac, snapshot.prefix) == (network.gateway_mac, network.prefix)
        return snapshot if same else None


def read_report(path: Path) -> dict[str, Any]:
    """A report from its file.

    Raises:
        InputError: not a report of this program.
    """
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(path, f"a check-up report (JSON) expected: {error}") from error
    if report.get("schema") != "sekisho.checkup/1":
        raise InputError(path, f"schema sekisho.checkup/1 expected, found {report.get('schema')!r}")
    return report
