"""sFlow version 5: datagram header, flow samples, discarded packets and counter samples.

Each flow sample and each discarded packet becomes one row of one packet. The exporter is the agent whose address the
datagram carries, the observation domain its sub-agent. There is no export time: rows hold the time of arrival, which
section 5 keeps within a second of the packet ("may at most delay a sample by 1 second").

Sources: sFlow v5 (July 2004), section 5; sFlow dropped packet notification structures (format 5 and drop reasons).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from sekisho.core.kernels import borrowing_kernel, inlined_kernel
from sekisho.schema.batch import cell
from sekisho.wire.counters import RECORD_OCTETS, take_counters
from sekisho.wire.data_sources import DISCARDS, FLOW_SAMPLES, find_data_source, take_sample
from sekisho.wire.elements import Target
from sekisho.wire.fixed import V4_MAPPED
from sekisho.wire.layout import (
    BAD_ADDRESS_TYPE,
    LENGTH_MISMATCH,
    PAYLOAD_TYPE,
    SFLOW_PROGRAM,
    SFLOW_VERSION,
    TRUNCATED_HEADER,
    TRUNCATED_RECORD,
    TRUNCATED_SET,
    UNKNOWN_SAMPLE,
    UNKNOWN_VERSION,
    At,
    Of,
    Status,
)
from sekisho.wire.octets import all_zero, u32, u64
from sekisho.wire.rows import finish_rows
from sekisho.wire.sflow_records import FOUND, RECORD_HEADER_OCTETS, read_flow_records
from sekisho.wire.templates import Field, Template
from sekisho.wire.walked import clear_values, write_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Samples, Tables, Tape, Word

VERSION = SFLOW_VERSION
VERSION_WORD = 5

RECORD = Template(
    template_id=0,
    fields=tuple(
        Field(element=element, length=length)
        for element, length in ((315, 65_535), (32, 2), (10, 4), (14, 4), (61, 1), (89, 1), (305, 4), (306, 4))
    ),
)
"""What a sample tells, in the terms of an IPFIX template: a frame, interfaces, direction, fate, a sampling ratio."""

_NO_ADDRESS, _IPV4, _IPV6 = 0, 1, 2
_FLOW_SAMPLE, _COUNTERS_SAMPLE, _EXPANDED_FLOW_SAMPLE, _EXPANDED_COUNTERS_SAMPLE, _DISCARDED_PACKET = 1, 2, 3, 4, 5
_IF_COUNTERS, _PORT_NAME = 1, 1005

_INTERFACE, _DISCARDED = 0, 1
"""Formats of an interface; 2 is "several", of which none can be named."""

INTERNAL = 0x3FFFFFFF
"""Interface of packets that the device itself sent or received, and of agents that know none (pmacct)."""

_SAMPLING, _FRAGMENT = cell("sampling_interval"), cell("fragment")
_ONE = np.int64(np.float64(1).view(np.int64))

_DROP_REASONS = 304


def _forwarding_statuses() -> NDArray[np.int64]:
    """drop_reason -> forwardingStatus of RFC 7270, section 4.12; most reasons have no code of their own there."""
    statuses = np.full(_DROP_REASONS, 128, dtype=np.int64)
    for status, reasons in (
        (129, (9, 10, 13, 258)),
        (131, (0, 1, 6, 7, 11, 12, 269)),
        (132, (279,)),
        (133, (4, 262)),
        (137, (257,)),
        (138, (261,)),
        (139, (260,)),
        (140, (280, 302)),
    ):
        statuses[list(reasons)] = status
    return statuses


_FORWARDING_STATUSES = _forwarding_statuses()


@borrowing_kernel
def open_message(tape: Tape, state: NDArray[np.int64], drops: NDArray[np.int64]) -> Word:
    """Read the header of datagram ``state[At.DATAGRAM]``; DONE, or SKIP where the datagram is dropped."""
    i = state[At.DATAGRAM]
    at, length = tape.offset[i], tape.length[i]
    if length < 8:
        drops[TRUNCATED_HEADER] += 1
        return Status.SKIP
    if u32(tape.payload, at) != VERSION_WORD:
        drops[UNKNOWN_VERSION] += 1
        return Status.SKIP
    address_octets = _address_octets(u32(tape.payload, at + 4))
    if address_octets < 0 or length < 24 + address_octets:
        drops[BAD_ADDRESS_TYPE if address_octets < 0 else TRUNCATED_HEADER] += 1
        return Status.SKIP
    at += 8 + address_octets
    state[At.DOMAIN] = u32(tape.payload, at)
    state[At.SEQUENCE] = u32(tape.payload, at + 4)
    state[At.UPTIME_MS] = u32(tape.payload, at + 8)
    state[At.EXPORT_MS] = tape.received_at[i]
    state[At.SAMPLES_LEFT] = u32(tape.payload, at + 12)
    state[At.NEXT_SET] = at + 16
    state[At.MESSAGE_END] = tape.offset[i] + length
    return Status.DONE


@borrowing_kernel
def _address_octets(address_type: int) -> Word:
    if address_type == _IPV4:
        return 4
    if address_type == _IPV6:
        return 16
    return 0 if address_type == _NO_ADDRESS else -1


@borrowing_kernel
def name_exporters(
    payload: NDArray[np.uint8], offset: NDArray[np.int64], length: NDArray[np.int64], address: NDArray[np.int64]
) -> None:
    """Put the agent's address in the place of the datagram's source address, for the sFlow datagrams among others.

    Whoever receives datagrams calls this before it numbers their exporters; ``address`` is (n, 2), upper and lower
    words. Where the agent names no address, or 0.0.0.0 as one without configuration does, the source address stays.
    """
    for i in range(len(offset)):
        at = offset[i]
        if length[i] < 12 or u32(payload, at) != VERSION_WORD:
            continue
        address_type = u32(payload, at + 4)
        if address_type == _IPV4 and u32(payload, at + 8) != 0:
            address[i, 0], address[i, 1] = 0, u32(payload, at + 8) | V4_MAPPED
        elif address_type == _IPV6 and length[i] >= 24 and not all_zero(payload, at + 8, at + 24):
            address[i, 0], address[i, 1] = u64(payload, at + 8), u64(payload, at + 16)


@borrowing_kernel
def read_samples(
    payload: NDArray[np.uint8], tables: Tables, samples: Samples, state: NDArray[np.int64], cells: NDArray[np.int64]
) -> Word:
    """Read the samples that are left of the datagram; DONE, BATCH_FULL or INTERFACE_NAME."""
    first = state[At.ROWS]
    status = np.int64(Status.DONE)
    while state[At.SAMPLES_LEFT] > 0 and status == Status.DONE:
        status = _next_sample(payload, tables, samples, state, cells)
    finish_rows(tables, tables.programs[SFLOW_PROGRAM], state, cells, first, state[At.ROWS])
    if status == Status.DONE and not all_zero(payload, state[At.NEXT_SET], state[At.MESSAGE_END]):
        tables.drops[LENGTH_MISMATCH] += 1
    return status


@inlined_kernel
def _next_sample(
    payload: NDArray[np.uint8], tables: Tables, samples: Samples, state: NDArray[np.int64], cells: NDArray[np.int64]
) -> Word:
    at, end = state[At.NEXT_SET], state[At.MESSAGE_END]
    length = u32(payload, at + 4) if end - at >= 8 else 0
    if end - at < 8 + length:
        tables.drops[TRUNCATED_SET] += 1
        state[At.SAMPLES_LEFT], state[At.NEXT_SET] = 0, end
        return np.int64(Status.DONE)
    if state[At.ROWS] == state[At.CAPACITY]:
        return np.int64(Status.BATCH_FULL)
    state[At.SAMPLES_LEFT] -= 1
    state[At.NEXT_SET] = at + 8 + length
    sample_format, start, end = u32(payload, at), at + 8, at + 8 + length
    if sample_format in (_FLOW_SAMPLE, _EXPANDED_FLOW_SAMPLE):
        _flow_sample(payload, start, end, sample_format == _EXPANDED_FLOW_SAMPLE, tables, samples, state, cells)
    elif sample_format == _DISCARDED_PACKET:
        _discarded_packet(payload, start, end, tables, samples, state, cells)
    elif sample_format in (_COUNTERS_SAMPLE, _EXPANDED_COUNTERS_SAMPLE):
        return _counters_sample(payload, start, end, sample_format == _COUNTERS_SAMPLE, tables, samples, state)
    else:
        tables.drops[UNKNOWN_SAMPLE] += 1
    return np.int64(Status.DONE)


@borrowing_kernel
def _identifier(source_id: int) -> Word:
    """A compact data source, class in the upper eight bits, as an expanded one: class << 32 | index."""
    return (source_id >> 24) << 32 | (source_id & 0xFFFFFF)


@inlined_kernel
def _flow_sample(
    payload: NDArray[np.uint8],
    at: int,
    end: int,
    is_expanded: bool,
    tables: Tables,
    samples: Samples,
    state: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> None:
    """Sequence, data source, rate, pool, drops, input, output, records; the expanded form has some of them in pairs."""
    if end - at < (44 if is_expanded else 32):
        tables.drops[TRUNCATED_RECORD] += 1
        return
    source = tables.sources[state[At.SOURCE]]
    if is_expanded:
        identifier, counts = u32(payload, at + 4) << 32 | u32(payload, at + 8), at + 12
        input_format, input_value = u32(payload, at + 24), u32(payload, at + 28)
        output_format, output_value, records = u32(payload, at + 32), u32(payload, at + 36), at + 40
    else:
        identifier, counts = _identifier(u32(payload, at + 4)), at + 8
        input_format, input_value = u32(payload, at + 20) >> 30, u32(payload, at + 20) & INTERNAL
        output_format, output_value, records = u32(payload, at + 24) >> 30, u32(payload, at + 24) & INTERNAL, at + 28
    sampling_rate = u32(payload, counts)
    interval = np.int64(np.float64(sampling_rate).view(np.int64))
    row = find_data_source(samples, source, state[At.SOURCE], FLOW_SAMPLES, identifier)
    if row >= 0:
        sample_pool, drops = u32(payload, counts + 4), u32(payload, counts + 8)
        entry = samples.data_sources[row]
        interval = take_sample(entry, source, state, u32(payload, at), sampling_rate, sample_pool, drops)
    ingress, egress = _if_index(input_format, input_value), _if_index(output_format, output_value)
    values = state[At.VALUES :]
    clear_values(values)
    if output_format == _DISCARDED:
        values[Target.FORWARDING_STATUS] = _forwarding_status(output_value)
    _write(payload, records, end, identifier, ingress, egress, interval, tables, state, cells)


@inlined_kernel
def _discarded_packet(
    payload: NDArray[np.uint8],
    at: int,
    end: int,
    tables: Tables,
    samples: Samples,
    state: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> None:
    """Sequence, data source, drops, input, output, reason, records.

    The packet stands for itself: events are limited in rate, not sampled, and a packet that is discarded may be among
    the flow samples too, which count it in full.
    """
    if end - at < 32:
        tables.drops[TRUNCATED_RECORD] += 1
        return
    source = tables.sources[state[At.SOURCE]]
    identifier = u32(payload, at + 4) << 32 | u32(payload, at + 8)
    row = find_data_source(samples, source, state[At.SOURCE], DISCARDS, identifier)
    if row >= 0:
        drops = u32(payload, at + 12)
        take_sample(samples.data_sources[row], source, state, u32(payload, at), 1, 0, drops)
    ingress, egress = _if_index(_INTERFACE, u32(payload, at + 16)), _if_index(_INTERFACE, u32(payload, at + 20))
    values = state[At.VALUES :]
    clear_values(values)
    values[Target.FORWARDING_STATUS] = _forwarding_status(u32(payload, at + 24))
    _write(payload, at + 28, end, identifier, ingress, egress, _ONE, tables, state, cells)


@borrowing_kernel
def _if_index(interface_format: int, value: int) -> Word:
    return value if interface_format == _INTERFACE and value != INTERNAL else 0


@borrowing_kernel
def _forwarding_status(reason: int) -> Word:
    return _FORWARDING_STATUSES[reason] if reason < _DROP_REASONS else 128


@borrowing_kernel
def _direction(identifier: int, ingress: int, egress: int) -> Word:
    """0 where the packet came in where it was sampled, 1 where it went out there, -1 where it did neither or both."""
    if ingress == egress or identifier == 0:
        return -1
    return 0 if identifier == ingress else 1 if identifier == egress else -1


@inlined_kernel
def _write(
    payload: NDArray[np.uint8],
    at: int,
    end: int,
    identifier: int,
    ingress: int,
    egress: int,
    interval: int,
    tables: Tables,
    state: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> None:
    """Write the row of a sample whose count of records stands at ``at``, or count why there is none."""
    tables.sources[state[At.SOURCE], Of.RECORDS] += 1
    values = state[At.VALUES :]
    found = read_flow_records(payload, at + 4, end, u32(payload, at), tables.drops, values)
    if found != FOUND:
        tables.drops[found] += 1
        return
    values[Target.PACKETS] = 1
    values[Target.INGRESS_IF], values[Target.EGRESS_IF] = ingress, egress
    values[Target.DIRECTION] = _direction(identifier, ingress, egress)
    row = state[At.ROWS]
    write_columns(values, cells, row)
    cells[_FRAGMENT, row] = values[Target.FRAGMENT_OFFSET] != 0
    cells[_SAMPLING, row] = interval
    state[At.ROWS] += 1


@inlined_kernel
def _counters_sample(
    payload: NDArray[np.uint8],
    at: int,
    end: int,
    is_compact: bool,
    tables: Tables,
    samples: Samples,
    state: NDArray[np.int64],
) -> Word:
    """Sequence, data source, records; DONE, or INTERFACE_NAME where a record names the interface."""
    records = at + (8 if is_compact else 12)
    if end - records < 4:
        tables.drops[TRUNCATED_RECORD] += 1
        return np.int64(Status.DONE)
    source, sequence = tables.sources[state[At.SOURCE]], u32(payload, at)
    identifier = _identifier(u32(payload, at + 4))
    if not is_compact:
        identifier = u32(payload, at + 4) << 32 | u32(payload, at + 8)
    status = np.int64(Status.DONE)
    at = records + 4
    for _ in range(u32(payload, records)):
        length = u32(payload, at + 4) if end - at >= RECORD_HEADER_OCTETS else 0
        if end - at < RECORD_HEADER_OCTETS + length:
            tables.drops[TRUNCATED_RECORD] += 1
            break
        record_format = u32(payload, at)
        at += RECORD_HEADER_OCTETS
        if record_format == _IF_COUNTERS:
            if length >= RECORD_OCTETS:
                take_counters(payload, at, sequence, samples, source, state)
            else:
                tables.drops[TRUNCATED_RECORD] += 1
        elif record_format == _PORT_NAME and length >= 4 and u32(payload, at) <= length - 4 and identifier >> 32 == 0:
            state[At.NAMED_IF], state[At.SET_START] = identifier, at + 4
            state[At.SET_END] = at + 4 + u32(payload, at)
            status = np.int64(Status.INTERFACE_NAME)
        at += length
    return status


KERNELS = ((name_exporters, (PAYLOAD_TYPE, types.int64[::1], types.int64[::1], types.int64[:, ::1])),)
