"""Records that take working out: variable lengths, both address families, biflows, sampled headers, odd times.

One record at a time into ``values``, a word a target; several times slower than ``fixed``, still a kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.schema.batch import cell
from sekisho.wire.clock import to_unix_ms
from sekisho.wire.elements import WORDS, Target, Unit
from sekisho.wire.fixed import V4_MAPPED
from sekisho.wire.headers import ETHERNET, IPV4, IPV6, parse_header, settle_octets
from sekisho.wire.layout import Action, At, Of, Program, Sampling, Step
from sekisho.wire.octets import u16, u32, u64, uint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Place, Word

CUT_OFF = -1
"""The set ends inside the record."""

_UNKNOWN = np.zeros(WORDS, dtype=np.int64)
_UNKNOWN[[Target.ICMP_TYPE_CODE, Target.DIRECTION, Target.FORWARDING_STATUS]] = -1

_PLAIN = np.array(
    [
        [Target.FLOW_START, cell("flow_start")],
        [Target.FLOW_END, cell("flow_end")],
        [Target.SRC_PORT, cell("src_port")],
        [Target.DST_PORT, cell("dst_port")],
        [Target.ICMP_TYPE_CODE, cell("icmp_type_code")],
        [Target.PROTOCOL, cell("protocol")],
        [Target.TCP_FLAGS, cell("tcp_flags")],
        [Target.PACKETS, cell("packets")],
        [Target.OCTETS, cell("octets")],
        [Target.INGRESS_IF, cell("ingress_if")],
        [Target.EGRESS_IF, cell("egress_if")],
        [Target.INGRESS_VRF, cell("ingress_vrf")],
        [Target.EGRESS_VRF, cell("egress_vrf")],
        [Target.DIRECTION, cell("direction")],
        [Target.FORWARDING_STATUS, cell("forwarding_status")],
        [Target.IP_VERSION, cell("ip_version")],
        [Target.SRC_V6, cell("src_hi")],
        [Target.SRC_V6 + 1, cell("src_lo")],
        [Target.DST_V6, cell("dst_hi")],
        [Target.DST_V6 + 1, cell("dst_lo")],
        [Target.TUNNEL_KIND, cell("tunnel_kind")],
        [Target.TUNNEL_SRC, cell("tunnel_src_hi")],
        [Target.TUNNEL_SRC + 1, cell("tunnel_src_lo")],
    ],
    dtype=np.int64,
)
"""Word of a record -> cell column."""

_SAMPLING, _FRAGMENT = cell("sampling_interval"), cell("fragment")

_SIDES = np.array(
    [
        [cell("src_hi"), cell("dst_hi")],
        [cell("src_lo"), cell("dst_lo")],
        [cell("src_port"), cell("dst_port")],
        [cell("ingress_if"), cell("egress_if")],
        [cell("ingress_vrf"), cell("egress_vrf")],
    ],
    dtype=np.int64,
)
_PACKETS, _OCTETS, _FLAGS = cell("packets"), cell("octets"), cell("tcp_flags")
_DIRECTION, _ICMP = cell("direction"), cell("icmp_type_code")


@borrowing_kernel
def read_walked(
    payload: NDArray[np.uint8],
    steps: NDArray[np.int64],
    program: NDArray[np.int64],
    state: NDArray[np.int64],
    values: NDArray[np.int64],
    at: int,
) -> Word:
    """Read one record at ``at`` into ``values``; where the next one starts, or CUT_OFF."""
    clear_values(values)
    end = state[At.SET_END]
    first = program[Program.FIRST_STEP]
    for i in range(first, first + program[Program.STEPS]):
        action, length = steps[i, Step.ACTION], steps[i, Step.LENGTH]
        surplus = 0
        if action == Action.SKIP_VARIABLE:
            at = _skip_variable(payload, at, end, length)
            if at == CUT_OFF:
                return CUT_OFF
            continue
        if action == Action.TAKE_VARIABLE:
            at, length = _prefix(payload, at, end)
            surplus = max(0, length - steps[i, Step.LENGTH])
        if at == CUT_OFF or end - at < length:
            return CUT_OFF
        if action != Action.SKIP:
            _take(payload, at + surplus, length - surplus, steps[i, Step.TARGET], steps[i, Step.UNIT], state, values)
        at += length
    return at


@borrowing_kernel
def clear_values(values: NDArray[np.int64]) -> None:
    """Make ``values`` ready for a record: nothing is known of it."""
    for word in range(WORDS):
        values[word] = _UNKNOWN[word]


@borrowing_kernel
def _prefix(payload: NDArray[np.uint8], at: int, end: int) -> Place:
    """RFC 7011, 7: the length in one octet, or 255 and two octets. Where the value starts, and its length."""
    if end - at >= 1 and payload[np.uint64(at)] < 255:
        return at + 1, np.int64(payload[np.uint64(at)])
    if end - at >= 3:
        return at + 3, u16(payload, at + 1)
    return CUT_OFF, 0


@borrowing_kernel
def _skip_variable(payload: NDArray[np.uint8], at: int, end: int, fields: int) -> Word:
    for _ in range(fields):
        at, length = _prefix(payload, at, end)
        if at == CUT_OFF or end - at < length:
            return CUT_OFF
        at += length
    return at


@borrowing_kernel
def _take(
    payload: NDArray[np.uint8],
    at: int,
    length: int,
    target: int,
    unit: int,
    state: NDArray[np.int64],
    values: NDArray[np.int64],
) -> None:
    if target in (Target.SRC_V6, Target.DST_V6):
        if length == 16:
            values[target], values[target + 1] = u64(payload, at), u64(payload, at + 8)
    elif target in (Target.FRAME_SECTION, Target.IP_SECTION):
        values[target], values[target + 1] = at, length
    elif target in (Target.SRC_V4, Target.DST_V4):
        if length == 4:
            values[target] = u32(payload, at)
    else:
        value = uint(payload, at, length)
        if unit == Unit.MICROSECONDS:
            value //= 1000
        elif unit != Unit.PLAIN and not (unit == Unit.UPTIME_MS and state[At.VERSION] == 10):
            value = to_unix_ms(value, unit, state[At.EXPORT_MS], state[At.UPTIME_MS])
        values[target] = value


@borrowing_kernel
def work_out(
    payload: NDArray[np.uint8],
    source: NDArray[np.int64],
    program: NDArray[np.int64],
    state: NDArray[np.int64],
    values: NDArray[np.int64],
) -> Word:
    """Bring what was read to what the columns hold; False where a sampled header has no IP header in it."""
    if program[Program.SECTION] and not _open_section(payload, values):
        return False
    if not program[Program.SECTION]:
        _choose_family(program[Program.FAMILY], values)
    _work_out_times(source, program, state, values)
    values[Target.TCP_FLAGS] |= values[Target.LATER_TCP_FLAGS]
    values[Target.REVERSE_TCP_FLAGS] |= values[Target.LATER_REVERSE_TCP_FLAGS]
    if program[Program.PAIRED_ICMP]:
        values[Target.ICMP_TYPE_CODE] = (values[Target.ICMP_TYPE] & 255) << 8 | (values[Target.ICMP_CODE] & 255)
    return True


@borrowing_kernel
def _open_section(payload: NDArray[np.uint8], values: NDArray[np.int64]) -> Word:
    """A sampled packet counts as one; its octets are those of the innermost IP packet."""
    packets = values[Target.PACKETS]
    section, kind = Target.FRAME_SECTION, ETHERNET
    if values[Target.FRAME_SECTION + 1] == 0:
        section = Target.IP_SECTION
        at = values[Target.IP_SECTION]
        kind = IPV6 if values[Target.IP_SECTION + 1] and payload[at] >> 4 == 6 else IPV4
    start = values[section]
    if not parse_header(payload, start, start + values[section + 1], kind, values):
        return False
    values[Target.PACKETS] = max(1, packets)
    settle_octets(start, values)
    return True


@borrowing_kernel
def _choose_family(family: int, values: NDArray[np.int64]) -> None:
    """IE 60 decides where it says 4 or 6, else whether there is an IPv6 address at all."""
    if family == 0:
        has_v6 = values[Target.SRC_V6] | values[Target.SRC_V6 + 1] | values[Target.DST_V6] | values[Target.DST_V6 + 1]
        says = values[Target.IP_VERSION]
        family = says if says in (4, 6) else 6 if has_v6 else 4
    values[Target.IP_VERSION] = family
    if family == 4:
        values[Target.SRC_V6], values[Target.SRC_V6 + 1] = 0, values[Target.SRC_V4] | V4_MAPPED
        values[Target.DST_V6], values[Target.DST_V6 + 1] = 0, values[Target.DST_V4] | V4_MAPPED


@borrowing_kernel
def _work_out_times(
    source: NDArray[np.int64], program: NDArray[np.int64], state: NDArray[np.int64], values: NDArray[np.int64]
) -> None:
    """IPFIX times of sysUpTime hang on systemInitTimeMilliseconds; without that only the duration can be used."""
    start, end = values[Target.FLOW_START], values[Target.FLOW_END]
    if program[Program.UPTIME_IN_IPFIX]:
        boot = values[Target.SYSTEM_INIT]
        if boot == 0:
            boot = source[Of.SYSTEM_INIT_MS]
        if boot == 0:
            boot = state[At.EXPORT_MS] - max(start, end)
        start, end = start + boot, end + boot
    duration = values[Target.DURATION]
    if duration != 0 and end == 0:
        end = start + duration if start != 0 else state[At.EXPORT_MS]
    if duration != 0 and start == 0:
        start = end - duration
    values[Target.FLOW_START], values[Target.FLOW_END] = start, end


@borrowing_kernel
def write_row(program: NDArray[np.int64], values: NDArray[np.int64], cells: NDArray[np.int64], row: int) -> None:
    """Put the worked-out record into a row; sampling stays raw."""
    write_columns(values, cells, row)
    fragment = values[Target.FRAGMENT_OFFSET]
    cells[_FRAGMENT, row] = values[Target.FRAGMENT_HINT] if program[Program.FRAGMENT] == 2 else fragment != 0
    kind = program[Program.SAMPLING]
    if kind == Sampling.INTERVAL:
        cells[_SAMPLING, row] = values[Target.SAMPLING_INTERVAL]
    elif kind == Sampling.SAMPLER:
        cells[_SAMPLING, row] = values[Target.SAMPLER]
    elif kind == Sampling.SELECTION_SEQUENCE:
        cells[_SAMPLING, row] = values[Target.SELECTION_SEQUENCE]
    elif kind == Sampling.RATIO:
        sampled, skipped = max(0, values[Target.SAMPLED_PACKETS]), max(0, values[Target.SKIPPED_PACKETS])
        ratio = (np.float64(sampled) + np.float64(skipped)) / np.float64(sampled) if sampled else 0.0
        cells[_SAMPLING, row] = np.float64(ratio).view(np.int64)


@borrowing_kernel
def write_columns(values: NDArray[np.int64], cells: NDArray[np.int64], row: int) -> None:
    """Put the words that go into cells as they stand into a row."""
    for k in range(len(_PLAIN)):
        cells[_PLAIN[k, 1], row] = values[_PLAIN[k, 0]]


@borrowing_kernel
def has_reverse(values: NDArray[np.int64]) -> Word:
    """Whether the other direction of a biflow carried anything (RFC 5103)."""
    return values[Target.REVERSE_PACKETS] != 0 or values[Target.REVERSE_OCTETS] != 0


@borrowing_kernel
def write_reverse(values: NDArray[np.int64], cells: NDArray[np.int64], row: int) -> None:
    """Put the other direction of the biflow in ``row - 1`` into ``row``: sides exchanged, its own counters and flags.

    Whether a port of ICMP is a type is known of the forward direction only.
    """
    for column in range(len(cells)):
        cells[column, row] = cells[column, row - 1]
    for k in range(len(_SIDES)):
        cells[_SIDES[k, 0], row], cells[_SIDES[k, 1], row] = cells[_SIDES[k, 1], row - 1], cells[_SIDES[k, 0], row - 1]
    cells[_PACKETS, row] = values[Target.REVERSE_PACKETS]
    cells[_OCTETS, row] = values[Target.REVERSE_OCTETS]
    cells[_FLAGS, row] = values[Target.REVERSE_TCP_FLAGS]
    cells[_DIRECTION, row] = -1
    cells[_ICMP, row] = -1
