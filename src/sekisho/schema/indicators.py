"""Indicators as detectors see them: addresses that somebody says malware reports to."""

from __future__ import annotations

from sekisho.schema.table import Column, Table, Type

INDICATORS = Table(
    name="indicators",
    meaning="One row an indicator: an address or a small network, a port where one is given, how long it holds.",
    columns=(
        Column(name="indicator", type=Type.INT64, meaning="running number, unique"),
        Column(
            name="network",
            type=Type.INT64,
            meaning="key of its /24 or /48 as detectors compute it of a target: no indicator is wider",
        ),
        Column(name="hi_first", type=Type.INT64, meaning="upper 64 bits of an address, least"),
        Column(name="hi_last", type=Type.INT64, meaning="upper 64 bits of an address, greatest"),
        Column(name="lo_first", type=Type.INT64, meaning="lower 64 bits of an address, least, as a signed number"),
        Column(name="lo_last", type=Type.INT64, meaning="lower 64 bits of an address, greatest, as a signed number"),
        Column(name="port", type=Type.INT64, meaning="destination port", unknown=0),
        Column(name="protocol", type=Type.INT64, meaning="IANA protocol number", unknown=0),
        Column(name="valid_from_ms", type=Type.INT64, unit="ms", meaning="from when it holds, UTC, inclusive"),
        Column(name="valid_until_ms", type=Type.INT64, unit="ms", meaning="until when it holds, UTC, exclusive"),
        Column(name="sinkhole", type=Type.INT64, meaning="1 where researchers hold the address: infected, not steered"),
        Column(name="label", type=Type.STRING, meaning="what the feed calls it"),
        Column(name="source", type=Type.STRING, meaning="file and place in it"),
    ),
)
