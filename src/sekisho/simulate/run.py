"""A scenario as files: the capture, what the collector must know, and the truth."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

import tomli_w

from sekisho.core.address import text_of_words
from sekisho.core.time import iso
from sekisho.simulate.capture import CaptureWriter, DatagramRoute
from sekisho.simulate.lines import ACCESS, FIXED, FIXED_LENGTH, MAP_RULE, NETWORK, delegated_prefix
from sekisho.simulate.look_alikes import BORDER_RELAY
from sekisho.simulate.simulation import Simulation
from sekisho.simulate.truth import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sekisho.simulate.placing import Placed
    from sekisho.simulate.scenario import ExporterPart, Scenario

COLLECTOR = IPv4Address("192.0.2.200")
COLLECTOR_PORT = {"v5": 2055, "v9": 2055, "ipfix": 4739}
_SOURCE_PORT = 50_000

_ROLES = {"access": "subscriber", "border": "border"}
_HOME, _BUSINESS = "home", "business"
_SUBSCRIBERS_A_LINK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run has produced.

    Attributes:
        records: data records, without options.
        selected_packets: packets that the samplers chose.
        most_open_flows: the most that was held in memory at one time.
    """

    datagrams: int
    records: int
    selected_packets: int
    most_open_flows: int


def simulate(
    scenario: Scenario, out_dir: Path, *, seed: int = 1, on_progress: Callable[[float], None] | None = None
) -> Outcome:
    """Write ``flows.pcap``, ``assignments.csv``, ``lines.csv``, ``map-e.toml``, ``sekisho.toml``, ``truth.json``.

    Where lines are in contact with a controller, ``indicators.csv`` holds its address.

    ``on_progress`` is called with the share done, 0 to 1.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(scenario, seed=seed)
    write_inputs(simulation, out_dir)
    routes = [_route(part) for part in scenario.exporter]
    with (out_dir / "flows.pcap").open("wb") as file:
        capture = CaptureWriter(file)
        for exported in with_progress(simulation, on_progress):
            capture.write(exported.at_ms, exported.octets, routes[exported.exporter])
    outcome = outcome_of(simulation)
    _write_json(out_dir / "truth.json", truth(simulation))
    return outcome


def with_progress(simulation: Simulation, on_progress: Callable[[float], None] | None) -> Iterator[Any]:
    """The datagrams of a simulation, telling how far it is once a percent or so."""
    start_ms, told_ms = simulation.scenario.start_ms, 0.0
    every_ms = simulation.scenario.duration_s * 10
    for exported in simulation.datagrams():
        done_ms = exported.at_ms - start_ms
        if on_progress is not None and done_ms - told_ms >= every_ms:
            on_progress(min(1.0, done_ms / every_ms / 100))
            told_ms = done_ms
        yield exported


def write_inputs(simulation: Simulation, out_dir: Path) -> None:
    """Everything a collector must know before the first datagram: assignments, lines, rules, configuration."""
    _write_csv(out_dir / "assignments.csv", _ASSIGNMENT_COLUMNS, _assignments(simulation))
    _write_csv(out_dir / "lines.csv", _LINE_COLUMNS, _line_rows(simulation))
    if indicators := list(_indicators(simulation)):
        _write_csv(out_dir / "indicators.csv", _INDICATOR_COLUMNS, iter(indicators))
    (out_dir / "map-e.toml").write_text(tomli_w.dumps(_map_e()), encoding="utf-8")
    (out_dir / "sekisho.toml").write_text(tomli_w.dumps(configuration(simulation.scenario)), encoding="utf-8")


def truth(simulation: Simulation) -> dict[str, Any]:
    """The content of ``truth.json``; who held which address otherwise is what ``assignments.csv`` says."""
    attacks, lines = simulation.attacks, simulation.lines
    told = simulation.truth.attacks([lines.line_id(line) for line in attacks.line], _holders(simulation))
    return {
        "schema": SCHEMA,
        "scenario": simulation.scenario.name,
        "seed": simulation.seed,
        "start": iso(simulation.scenario.start_ms),
        "end": iso(simulation.scenario.end_ms),
        "lines": len(lines),
        "exporters": [_exporter_truth(simulation, n) for n in range(len(simulation.delivery.exports))],
        "attacks": [entry | _left(simulation, entry.pop("number")) for entry in told],
        "look_alikes": [_look_alike_truth(simulation, placed) for placed in simulation.placing.look_alikes],
        "outbound": simulation.truth.outbound(),
    }


def configuration(scenario: Scenario) -> dict[str, Any]:
    """``sekisho.toml`` for the scenario's exporters."""
    return {
        "network": {"prefixes": list(NETWORK), "tunnel_endpoints": [BORDER_RELAY]},
        "exporter": [
            {
                "address": str(part.address),
                "name": part.name,
                "active_timeout_s": float(part.active_timeout_s),
                "inactive_timeout_s": float(part.inactive_timeout_s),
                "sampling_default": float(part.sampling_interval),
                "boundary": part.boundary,
                "role": _ROLES[part.boundary],
                "sees": part.sees,
            }
            for part in scenario.exporter
        ],
    }


_ASSIGNMENT_COLUMNS = ("line_id", "prefix", "port_first", "port_last", "valid_from", "valid_to")
_INDICATOR_COLUMNS = ("address", "port", "protocol", "name")
_LINE_COLUMNS = ("line_id", "access_kind", "group", "up_bps", "down_bps", "link")


def _assignments(simulation: Simulation) -> Iterator[tuple[str, ...]]:
    """Fixed prefixes, ended sessions in the order of their end, sessions that are still open."""
    lines = simulation.lines
    since = iso(simulation.scenario.start_ms - 30 * 86_400_000)
    for line in range(len(lines)):
        if lines.prefix_hi[line]:
            yield lines.line_id(line), str(delegated_prefix(int(lines.prefix_hi[line]))), "", "", since, ""
        if lines.access[line] == FIXED:
            yield lines.line_id(line), _fixed_prefix(int(lines.fixed_v4[line])), "", "", since, ""
    for line, address, valid_from, valid_to in _sessions(simulation):
        yield lines.line_id(line), address, "", "", valid_from, valid_to


def _sessions(simulation: Simulation) -> Iterator[tuple[int, str, str, str]]:
    """(line, address, from, to) of every session; those that outlive the scenario have an empty end."""
    up_since: dict[int, tuple[int, int]] = {}
    for change in simulation.session_changes():
        if change.up:
            up_since[change.line] = change.at_ms, change.address_lo
        else:
            since, address_lo = up_since.pop(change.line)
            yield change.line, text_of_words(0, address_lo), iso(since), iso(change.at_ms)
    for line, (since, address_lo) in up_since.items():
        yield line, text_of_words(0, address_lo), iso(since), ""


def _fixed_prefix(first_host_lo: int) -> str:
    return str(IPv4Network(((first_host_lo - 1) & 0xFFFF_FFFF, FIXED_LENGTH)))


def _line_rows(simulation: Simulation) -> Iterator[tuple[str | int, ...]]:
    lines = simulation.lines
    names: dict[str, str] = {a: part.name for part in simulation.scenario.exporter for a in part.access}
    own = (placed for placed in simulation.placing.look_alikes if not placed.row.everywhere)
    groups = {line: placed.row.group for placed in own for line in placed.lines.tolist()}
    for line, code in enumerate(lines.access.tolist()):
        access = ACCESS[code]
        group = groups.get(line) or (_BUSINESS if code == FIXED else _HOME)
        link = f"{names[access]}/{line // _SUBSCRIBERS_A_LINK}"
        yield lines.line_id(line), access, group, int(lines.up_bps[line]), int(lines.down_bps[line]), link


def _indicators(simulation: Simulation) -> Iterator[tuple[str | int, ...]]:
    """Controllers, as an operator would get them from a feed."""
    contacts = [part for part in simulation.attacks.parts if part.kind == "c2_contact"]
    rows = ((str(n.network_address), port, p.protocol, p.name) for p in contacts for n in p.target for port in p.ports)
    yield from dict.fromkeys(rows)


def _map_e() -> dict[str, Any]:
    rule = MAP_RULE
    prefixes = {"ipv6_prefix": str(rule.ipv6_prefix), "ipv4_prefix": str(rule.ipv4_prefix)}
    return {"rule": [{"name": rule.name, **prefixes, "ea_bits": rule.ea_bits, "psid_offset": rule.psid_offset}]}


def _holders(simulation: Simulation) -> dict[int, list[dict[str, Any]]]:
    """Address intervals of the infected lines whose address changes."""
    infected = set(simulation.attacks.line)
    holders: dict[int, list[dict[str, Any]]] = {}
    for line, address, valid_from, valid_to in _sessions(simulation):
        if line in infected:
            entry = {"prefix": address, "valid_from": valid_from, "valid_to": valid_to or None}
            holders.setdefault(line, []).append(entry)
    return holders


def _exporter_truth(simulation: Simulation, number: int) -> dict[str, Any]:
    part, export = simulation.scenario.exporter[number], simulation.delivery.exports[number]
    received = simulation.delivery.received[number]
    return {
        "name": part.name,
        "address": str(part.address),
        "protocol": part.protocol,
        "boundary": part.boundary,
        "sampling_interval": part.sampling_interval,
        "sampling_changes": [change.model_dump() for change in part.sampling_changes],
        "announced_times": part.announced_times,
        "clock_skew_ms": part.clock_skew_ms,
        "lost_datagrams": received.lost_datagrams,
        "lost_records": received.lost_records,
        "datagrams": export.datagrams,
        "records": export.records,
        "selected_packets": simulation.routers[number].selected_packets,
    }


def _left(simulation: Simulation, attack: int) -> dict[str, Any]:
    """What an attack's line has left in the records: chosen by the samplers, and in records that arrived."""
    access = simulation.access_router(simulation.attacks.line[attack])
    numbers = {part.name: n for n, part in enumerate(simulation.scenario.exporter)}
    return {
        "exporter": simulation.scenario.exporter[access].name,
        "sampled_packets": int(simulation.routers[access].selected_of_attack[attack]),
        "received_packets": int(simulation.delivery.received[access].packets_of_attack[attack]),
        "sampled_packets_by_exporter": {
            name: int(simulation.routers[number].selected_of_attack[attack]) for name, number in numbers.items()
        },
    }


def _look_alike_truth(simulation: Simulation, placed: Placed) -> dict[str, Any]:
    row = placed.row
    return {
        "name": row.name,
        "title": {"ja": row.ja, "en": row.en},
        "line_ids": [simulation.lines.line_id(line) for line in placed.lines.tolist()],
        "everywhere": row.everywhere,
        "expected": row.expected,
        "start": iso(placed.from_ms),
        "end": iso(placed.until_ms),
    }


def outcome_of(simulation: Simulation) -> Outcome:
    """What a finished simulation has produced."""
    return Outcome(
        datagrams=sum(export.datagrams for export in simulation.delivery.exports),
        records=sum(export.records for export in simulation.delivery.exports),
        selected_packets=sum(router.selected_packets for router in simulation.routers),
        most_open_flows=simulation.most_open_flows,
    )


def _route(part: ExporterPart) -> DatagramRoute:
    return DatagramRoute(part.address, COLLECTOR, src_port=_SOURCE_PORT, dst_port=COLLECTOR_PORT[part.protocol])


def _write_csv(path: Path, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
