"""Export datagrams for tests: a small encoder of v5, v9 and IPFIX, a pcap reader, and one way to decode them."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Any

from sekisho.core.address import text_of_words
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

EXPORT_S = 1_764_000_000
"""Export time of every built datagram unless said otherwise; whole seconds, as v9 has it."""

NOW_MS = EXPORT_S * 1000
UPTIME_MS = 10_000_000
VARIABLE = 65_535

FieldSpec = tuple[int, int] | tuple[int, int, int]
"""(element, length) or (element, length, enterprise)."""


def v5(
    records: Iterable[bytes], *, sequence: int = 0, sampling: int = 0, count: int | None = None, **header: int
) -> bytes:
    records = list(records)
    return struct.pack(
        ">HHIIIIBBH",
        5,
        len(records) if count is None else count,
        header.get("uptime_ms", UPTIME_MS),
        header.get("export_s", EXPORT_S),
        header.get("nanoseconds", 0),
        sequence,
        header.get("engine_type", 0),
        header.get("engine_id", 0),
        sampling,
    ) + b"".join(records)


def v5_record(
    *,
    src: int = 0xC0000201,
    dst: int = 0xC6336401,
    packets: int = 3,
    octets: int = 300,
    first: int = UPTIME_MS - 2000,
    last: int = UPTIME_MS - 1000,
    src_port: int = 40_000,
    dst_port: int = 53,
    protocol: int = 17,
    flags: int = 0,
) -> bytes:
    return struct.pack(
        ">IIIHHIIIIHHBBBBHHBBH",
        *(src, dst, 0, 1, 2, packets, octets, first, last, src_port, dst_port, 0, flags, protocol, 0, 0, 0, 0, 0, 0),
    )


def v9(*sets: bytes, sequence: int = 0, domain: int = 0, export_s: int = EXPORT_S, uptime_ms: int = UPTIME_MS) -> bytes:
    return struct.pack(">HHIIII", 9, len(sets), uptime_ms, export_s, sequence, domain) + b"".join(sets)


def ipfix(*sets: bytes, sequence: int = 0, domain: int = 0, export_s: int = EXPORT_S) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), export_s, sequence, domain) + body


def a_set(set_id: int, content: bytes, *, pad: bool = False) -> bytes:
    content += bytes(-len(content) % 4) if pad else b""
    return struct.pack(">HH", set_id, 4 + len(content)) + content


def field(spec: FieldSpec) -> bytes:
    element, length, *enterprise = spec
    if enterprise and enterprise[0]:
        return struct.pack(">HHI", element | 0x8000, length, enterprise[0])
    return struct.pack(">HH", element, length)


def template(template_id: int, fields: Iterable[FieldSpec]) -> bytes:
    fields = list(fields)
    return struct.pack(">HH", template_id, len(fields)) + b"".join(field(f) for f in fields)


def v9_templates(*templates: bytes) -> bytes:
    return a_set(0, b"".join(templates))


def ipfix_templates(*templates: bytes) -> bytes:
    return a_set(2, b"".join(templates))


def v9_options_template(template_id: int, scopes: list[tuple[int, int]], fields: list[tuple[int, int]]) -> bytes:
    """The lengths are octets."""
    body = b"".join(field(f) for f in scopes + fields)
    return a_set(1, struct.pack(">HHH", template_id, 4 * len(scopes), 4 * len(fields)) + body, pad=True)


def ipfix_options_template(template_id: int, scopes: list[FieldSpec], fields: list[FieldSpec]) -> bytes:
    """The counts are fields."""
    body = b"".join(field(f) for f in scopes + fields)
    return a_set(3, struct.pack(">HHH", template_id, len(scopes) + len(fields), len(scopes)) + body)


def record(fields: Iterable[FieldSpec], values: Iterable[int | bytes]) -> bytes:
    return b"".join(_value(length, value) for (_, length, *_), value in zip(fields, values, strict=True))


def _value(length: int, value: int | bytes) -> bytes:
    if length != VARIABLE:
        return value.to_bytes(length, "big") if isinstance(value, int) else value
    octets = value if isinstance(value, bytes) else value.to_bytes(8, "big").lstrip(b"\0")
    return bytes([len(octets)]) + octets if len(octets) < 255 else b"\xff" + struct.pack(">H", len(octets)) + octets


FLOW_FIELDS: list[FieldSpec] = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (2, 4), (1, 4), (22, 4), (21, 4)]
"""A usual v9 template."""


def flow(**values: int) -> bytes:
    """One record of FLOW_FIELDS."""
    defaults = {
        "src": 0xC0000201,
        "dst": 0xC6336401,
        "src_port": 40_000,
        "dst_port": 443,
        "protocol": 6,
        "flags": 0x18,
        "packets": 3,
        "octets": 300,
        "first": UPTIME_MS - 2000,
        "last": UPTIME_MS - 1000,
    }
    return record(FLOW_FIELDS, (defaults | values).values())


IPFIX_FIELDS: list[FieldSpec] = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (152, 8), (153, 8)]


def ipfix_flow(**values: int) -> bytes:
    """One record of IPFIX_FIELDS."""
    defaults = {
        "src": 0xC0000201,
        "dst": 0xC6336401,
        "src_port": 40_000,
        "dst_port": 443,
        "protocol": 6,
        "packets": 3,
        "octets": 300,
        "first": NOW_MS - 2000,
        "last": NOW_MS - 1000,
    }
    return record(IPFIX_FIELDS, (defaults | values).values())


@cache
def _warm() -> None:
    Decoder(exporters=[], realms=[""]).start()


def new_decoder(**options: Any) -> Decoder:
    _warm()
    return Decoder(exporters=["192.0.2.1", "192.0.2.2", "192.0.2.3"], realms=[""], **options)


def decode(
    decoder: Decoder, *payloads: bytes, at: int = NOW_MS, exporter: int = 0, port: int = 50_000
) -> list[dict[str, Any]]:
    """Rows of some datagrams that arrive together, addresses as text, times in milliseconds."""
    return decode_datagrams(decoder, Datagrams.of([(at, exporter, port, payload) for payload in payloads]))


def decode_datagrams(decoder: Decoder, datagrams: Datagrams) -> list[dict[str, Any]]:
    return [row for batch in decoder.decode(datagrams) for row in rows(batch)]


def rows(batch: Any) -> list[dict[str, Any]]:
    names = [name for name in batch.to_arrow().schema.names if name not in {"exporter", "realm"}]
    columns = {name: batch.column(name).tolist() for name in [*names, "exporter", "realm", "src_assignment"]}
    out = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in out:
        for side in ("src", "dst", "tunnel_src"):
            row[side] = text_of_words(row.pop(f"{side}_hi"), row.pop(f"{side}_lo"))
    return out


def read_pcap(path: Path) -> Iterator[tuple[int, str, int, int, bytes]]:
    """(milliseconds, source address, source port, destination port, UDP payload) of an Ethernet or raw IPv4 pcap."""
    data = path.read_bytes()
    order = "<" if data[:4] in {b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"} else ">"
    per_ms = 1_000_000 if data[:4] in {b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"} else 1000
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at < len(data):
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", data, at)
        frame = data[at + 16 : at + 16 + length]
        at += 16 + length
        ip = _ip_of(frame, link)
        udp = ip[(ip[0] & 15) * 4 :]
        source_port, destination_port, octets = struct.unpack_from(">HHH", udp)
        address = ".".join(str(octet) for octet in ip[12:16])
        yield seconds * 1000 + fraction // per_ms, address, source_port, destination_port, udp[8:octets]


def _ip_of(frame: bytes, link: int) -> bytes:
    if link == 1:
        return frame[18:] if frame[12:14] == b"\x81\x00" else frame[14:]
    return frame[16:] if link == 113 else frame
