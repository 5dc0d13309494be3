"""Whose line is it: the sides of flow records resolved over their whole duration and the clock margin."""

from __future__ import annotations

from typing import Any

from numba import types

from sekisho.attribution.holder import (
    OVERLAP,
    holder_at,
    likely_group,
    likely_holder,
    prefetch_run,
    prefetch_slots,
    same_holder,
)
from sekisho.attribution.layout import (
    ENDPOINT_WORDS,
    ENDPOINTS,
    INFERRED,
    KIND,
    LINE,
    MEMORY,
    NOBODY,
    OURS,
    PORT_MASK,
    ROW_MASK,
    SPECIAL_USE,
)
from sekisho.attribution.ranges import within
from sekisho.core.kernels import borrowing_kernel as kernel
from sekisho.core.reasons import UnattributedReason
from sekisho.schema.batch import cell

NOT_OURS = -int(UnattributedReason.NOT_OURS)
NO_ASSIGNMENT = -int(UnattributedReason.NO_ASSIGNMENT)
CLOCK_MARGIN = -int(UnattributedReason.CLOCK_MARGIN)
REALM_UNKNOWN = -int(UnattributedReason.REALM_UNKNOWN)
KEY_COLLISION = -int(UnattributedReason.KEY_COLLISION)

TCP, UDP, DCCP, SCTP = 6, 17, 33, 132
"""Protocols whose ports tell subscribers behind one address apart."""

_AT_ONCE = 32
"""Rows prepared together: their slots and rows stay in a first-level cache until they are read."""

_START, _END, _REALM = cell("flow_start"), cell("flow_end"), cell("realm")
_PROTOCOL, _FRAGMENT = cell("protocol"), cell("fragment")
_SRC_HI, _SRC_LO, _SRC_PORT = cell("src_hi"), cell("src_lo"), cell("src_port")
_DST_HI, _DST_LO, _DST_PORT = cell("dst_hi"), cell("dst_lo"), cell("dst_port")
_TUNNEL_KIND, _TUNNEL_HI, _TUNNEL_LO = cell("tunnel_kind"), cell("tunnel_src_hi"), cell("tunnel_src_lo")
_SRC_LINE, _DST_LINE = cell("src_line"), cell("dst_line")
_SRC_REASON, _DST_REASON = cell("src_unattributed"), cell("dst_unattributed")
_SRC_INFERRED, _DST_INFERRED = cell("src_inferred"), cell("dst_inferred")
_SRC_ROW, _DST_ROW = cell("src_assignment"), cell("dst_assignment")


@kernel
def is_inferred(memory: Any, answer: int) -> int:
    """1 where an answer is a row whose holder is only inferred, else 0."""
    return 1 if answer >= 0 and memory[(answer & ROW_MASK) + KIND] & INFERRED else 0


@kernel
def _holder_throughout(memory: Any, realm: int, hi: int, lo: int, port: int, start_ms: int, end_ms: int) -> int:
    """The one holder from ``start_ms`` to ``end_ms``, both inclusive; renewals of one line count as one.

    Where any part of that time is inferred, the row of that part is the answer.
    """
    holder, until = holder_at(memory, realm, hi, lo, port, start_ms)
    while until <= end_ms and holder != OVERLAP:
        following, until = holder_at(memory, realm, hi, lo, port, until)
        if following == OVERLAP:
            return OVERLAP
        if not same_holder(memory, holder, following):
            return CLOCK_MARGIN
        if is_inferred(memory, following):
            holder = following
    return NO_ASSIGNMENT if holder == NOBODY else holder


@kernel
def _is_endpoint(memory: Any, hi: int, lo: int) -> bool:
    for endpoint in range(memory[ENDPOINTS], memory[ENDPOINTS + 1], ENDPOINT_WORDS):
        if memory[endpoint] == hi and memory[endpoint + 1] == lo:
            return True
    return False


@kernel
def _resolve_ours(memory: Any, realm: int, hi: int, lo: int, port: int, start_ms: int, end_ms: int, likely: int) -> int:
    if realm == 0 and within(memory, SPECIAL_USE, hi, lo):
        return REALM_UNKNOWN
    holder = likely_holder(memory, likely, realm, hi, lo, port, start_ms, end_ms)
    if holder == NOBODY:
        holder = _holder_throughout(memory, realm, hi, lo, port, start_ms, end_ms)
        if holder < 0:
            return int(holder)
    if _is_endpoint(memory, hi, lo):
        return NO_ASSIGNMENT
    has_line = memory[(holder & ROW_MASK) + LINE] != 0
    return holder if has_line else KEY_COLLISION


@kernel
def resolve(memory: Any, realm: int, hi: int, lo: int, port: int, start_ms: int, end_ms: int) -> int:
    """Row of the assignment that held an address and a port throughout.

    The port is 0 where the protocol has none or the record is a fragment; ``start_ms`` and ``end_ms`` are both
    inclusive and contain the clock margin.

    Returns:
        Row (with ``BY_MAP_E``), or a negative ``UnattributedReason``.
    """
    if not within(memory, OURS, hi, lo):
        return NOT_OURS
    answer: int = _resolve_ours(memory, realm, hi, lo, port, start_ms, end_ms, 0)
    return answer


@kernel
def usable_port(protocol: int, fragment: int, port: int) -> int:
    """The port where it tells subscribers apart, else 0 (later fragments have none, ICMP's identifier is no port)."""
    # A set would be built on the heap for every record.
    has_ports = protocol == TCP or protocol == UDP or protocol == SCTP or protocol == DCCP  # noqa: PLR1714
    return port if has_ports and fragment == 0 and 0 < port <= PORT_MASK else 0


@kernel
def _outer_source(memory: Any, cells: Any, row: int, realm: int, start_ms: int, end_ms: int) -> int:
    """What the outer source of a tunnel says; ``NOT_OURS`` where the inner one decides.

    The outer source decides where it is one of our lines, also where it is not clear which one.
    """
    if cells[_TUNNEL_KIND, row] == 0:
        return NOT_OURS
    outer: int = resolve(memory, realm, cells[_TUNNEL_HI, row], cells[_TUNNEL_LO, row], 0, start_ms, end_ms)
    unclear = outer == OVERLAP or outer == CLOCK_MARGIN or outer == KEY_COLLISION  # noqa: PLR1714 - as above
    return outer if outer >= 0 or unclear else NOT_OURS


@kernel
def _line(memory: Any, answer: int) -> int:
    return memory[(answer & ROW_MASK) + LINE] if answer >= 0 else 0


@kernel
def _prepare(memory: Any, cells: Any, first: int, last: int, realms: Any) -> None:
    """Note which sides are ours, and fetch what their lookups will read: alone each would wait for memory three times.

    The likely groups stand in the assignment cells meanwhile.
    """
    for row in range(first, last):
        realm = realms[cells[_REALM, row]]
        src_ours = within(memory, OURS, cells[_SRC_HI, row], cells[_SRC_LO, row])
        dst_ours = within(memory, OURS, cells[_DST_HI, row], cells[_DST_LO, row])
        cells[_SRC_REASON, row], cells[_DST_REASON, row] = 0 if src_ours else -NOT_OURS, 0 if dst_ours else -NOT_OURS
        if src_ours:
            prefetch_slots(memory, realm, cells[_SRC_HI, row], cells[_SRC_LO, row])
        if dst_ours:
            prefetch_slots(memory, realm, cells[_DST_HI, row], cells[_DST_LO, row])
    for row in range(first, last):
        realm = realms[cells[_REALM, row]]
        src_port, dst_port = cells[_SRC_PORT, row] & PORT_MASK, cells[_DST_PORT, row] & PORT_MASK
        src, dst = 0, 0
        if cells[_SRC_REASON, row] == 0:
            src = likely_group(memory, realm, cells[_SRC_HI, row], cells[_SRC_LO, row], src_port)
        if cells[_DST_REASON, row] == 0:
            dst = likely_group(memory, realm, cells[_DST_HI, row], cells[_DST_LO, row], dst_port)
        cells[_SRC_ROW, row], cells[_DST_ROW, row] = src, dst
    for row in range(first, last):
        prefetch_run(memory, cells[_SRC_ROW, row], cells[_SRC_PORT, row] & PORT_MASK)
        prefetch_run(memory, cells[_DST_ROW, row], cells[_DST_PORT, row] & PORT_MASK)


@kernel
def _attribute(memory: Any, cells: Any, first: int, last: int, realms: Any, margin_ms: int, unattributed: Any) -> None:
    """Attribute prepared rows: a reason that is there already says that the side is not ours."""
    for row in range(first, last):
        realm = realms[cells[_REALM, row]]
        start_ms = min(cells[_START, row], cells[_END, row]) - margin_ms
        end_ms = max(cells[_START, row], cells[_END, row]) + margin_ms
        protocol, fragment = cells[_PROTOCOL, row], cells[_FRAGMENT, row]
        src, dst = _outer_source(memory, cells, row, realm, start_ms, end_ms), NOT_OURS
        if src == NOT_OURS and cells[_SRC_REASON, row] == 0:
            port = usable_port(protocol, fragment, cells[_SRC_PORT, row])
            src = _resolve_ours(
                memory, realm, cells[_SRC_HI, row], cells[_SRC_LO, row], port, start_ms, end_ms, cells[_SRC_ROW, row]
            )
        if cells[_DST_REASON, row] == 0:
            port = usable_port(protocol, fragment, cells[_DST_PORT, row])
            dst = _resolve_ours(
                memory, realm, cells[_DST_HI, row], cells[_DST_LO, row], port, start_ms, end_ms, cells[_DST_ROW, row]
            )
        cells[_SRC_LINE, row], cells[_DST_LINE, row] = _line(memory, src), _line(memory, dst)
        cells[_SRC_REASON, row], cells[_DST_REASON, row] = max(-src, 0), max(-dst, 0)
        cells[_SRC_ROW, row], cells[_DST_ROW, row] = max(src, -1), max(dst, -1)
        cells[_SRC_INFERRED, row], cells[_DST_INFERRED, row] = is_inferred(memory, src), is_inferred(memory, dst)
        if src < 0 and dst < 0:
            unattributed[max(-src, -dst)] += 1


@kernel
def attribute(memory: Any, cells: Any, length: int, realms: Any, margin_ms: int, unattributed: Any) -> None:
    """Fill the line, reason and assignment cells of both sides.

    Args:
        memory: the index.
        cells: (columns, capacity) int64, cells of a ``FlowBatch``.
        length: rows in use.
        realms: the index's realm of each realm code of the batch.
        margin_ms: clock margin before and after.
        unattributed: (reasons,) int64; records without a line on either side are added under the reason of the side
            that came closer to one (reasons ascend in that order).
    """
    for first in range(0, length, _AT_ONCE):
        last = min(first + _AT_ONCE, length)
        _prepare(memory, cells, first, last, realms)
        _attribute(memory, cells, first, last, realms, margin_ms, unattributed)


_CELLS, _WORDS, _WORD = types.int64[:, ::1], types.int64[::1], types.int64

KERNELS = (
    (usable_port, (_WORD, _WORD, _WORD)),
    (is_inferred, (MEMORY, _WORD)),
    (resolve, (MEMORY, _WORD, _WORD, _WORD, _WORD, _WORD, _WORD)),
    (holder_at, (MEMORY, _WORD, _WORD, _WORD, _WORD, _WORD)),
    (attribute, (MEMORY, _CELLS, _WORD, _WORDS, _WORD, _WORDS)),
)
