"""Export protocols, sans-io and columnar: datagram octets and time in, flow batches out.

``decoder.Decoder`` is the way in. Nothing heavy is imported here: the kernels live in the modules named below.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WireFormat:
    """One export protocol.

    Attributes:
        version: the first two octets of its datagrams; sFlow's version word has four.
        name: as people write it.
        module: holds its ``open_message`` kernel, and its template readers where it has templates.
        sequence_unit: what its sequence number counts: flows, packets or records.
        source: the text it is written after.
    """

    version: int
    name: str
    module: str
    sequence_unit: str
    source: str


FORMATS: tuple[WireFormat, ...] = (
    WireFormat(
        version=5,
        name="NetFlow v5",
        module="sekisho.wire.v5",
        sequence_unit="flows",
        source="Cisco NetFlow v5 header and record tables",
    ),
    WireFormat(version=9, name="NetFlow v9", module="sekisho.wire.v9", sequence_unit="packets", source="RFC 3954"),
    WireFormat(version=10, name="IPFIX", module="sekisho.wire.ipfix", sequence_unit="records", source="RFC 7011"),
    WireFormat(
        version=0,
        name="sFlow v5",
        module="sekisho.wire.sflow5",
        sequence_unit="packets",
        source="sFlow version 5, July 2004",
    ),
)
"""Protocols by their version word. A new one is a module and a row here, and one branch in ``walk.open_message``."""
