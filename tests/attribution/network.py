"""A small network for tests: files written, loaded and asked in one line each."""

from __future__ import annotations

from ipaddress import ip_address

from sekisho.attribution.attributor import Attributor
from sekisho.core.address import to_words
from sekisho.core.config import Network
from sekisho.core.time import parse_time
from sekisho.schema.batch import FlowBatch

HEADER = "line_id,prefix,port_first,port_last,valid_from,valid_to,realm\n"
NOON_MS = parse_time("2026-11-24T12:00:00Z")


def loaded(tmp_path, *rows, map_e=None, prefixes=(), endpoints=(), realms=("",), **more):
    """An attributor over assignments given as CSV rows (the realm may be left out)."""
    path = tmp_path / "assignments.csv"
    path.write_text(HEADER + "".join(row + "," * (6 - row.count(",")) + "\n" for row in rows))
    rules = None
    if map_e is not None:
        rules = tmp_path / "rules.toml"
        rules.write_text(map_e)
    network = Network(prefixes=prefixes, tunnel_endpoints=endpoints)
    attributor = Attributor.load(lines=[path], map_e=rules, network=network, realms=realms, **more)
    attributor.start()
    return attributor


def ask(attributor, address, *, port=443, protocol=6, realm="", at_ms=NOON_MS):
    """The answer at an instant, or between two."""
    start_ms, end_ms = at_ms if isinstance(at_ms, tuple) else (at_ms, at_ms)
    return attributor.resolve(
        realm=realm, address=ip_address(address), port=port, protocol=protocol, start_ms=start_ms, end_ms=end_ms
    )


def flows(*records, realms=None):
    """A batch of records given as column -> value; ``src``, ``dst`` and ``tunnel_src`` are addresses."""
    batch = FlowBatch(realms=realms)
    batch.length = len(records)
    for row, record in enumerate(records):
        values = {"protocol": 17, "src_port": 5000, "dst_port": 443, "flow_start": NOON_MS, "flow_end": NOON_MS}
        for name, value in {**values, **record}.items():
            if name in {"src", "dst", "tunnel_src"}:
                batch.column(f"{name}_hi")[row], batch.column(f"{name}_lo")[row] = to_words(ip_address(value))
            else:
                batch.column(name)[row] = value
    return batch
