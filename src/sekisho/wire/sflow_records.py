"""Flow records of an sFlow sample: what they tell of the one packet that was sampled.

Sources: sFlow v5, section 5 (sampled_header, sampled_ipv4, sampled_ipv6); sFlow tunnel structures (formats 1024, 1026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.wire.elements import Target
from sekisho.wire.fixed import V4_MAPPED
from sekisho.wire.headers import (
    ETHERIP,
    ETHERNET,
    FOUR_IN_SIX,
    GRE,
    IPIP,
    IPV4,
    IPV6,
    L2TP,
    L2TP_PORT,
    MPLS,
    NO_TUNNEL,
    PPP,
    SIX_IN_FOUR,
    UNKNOWN,
    VXLAN,
    VXLAN_PORT,
    parse_header,
    settle_octets,
)
from sekisho.wire.layout import NO_ADDRESSES, TRUNCATED_RECORD, UNKNOWN_ENCAPSULATION
from sekisho.wire.octets import u32, u64

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Word

RECORD_HEADER_OCTETS = 8
_HEADER, _IPV4, _IPV6, _IPV4_TUNNEL_INGRESS, _IPV6_TUNNEL_INGRESS = 1, 3, 4, 1024, 1026
_IPV4_OCTETS, _IPV6_OCTETS = 32, 56

_KINDS = np.array([UNKNOWN, ETHERNET, 0, 0, 0, 0, 0, PPP, 0, 0, 0, IPV4, IPV6, MPLS, PPP], dtype=np.int64)
"""header_protocol -> what ``headers`` calls it; token rings and ATM are not walked, SONET carries PPP (RFC 2615)."""

FOUND = -1
"""There is a flow; otherwise the position of the reason why there is none."""


@borrowing_kernel
def read_flow_records(
    payload: NDArray[np.uint8], at: int, end: int, count: int, drops: NDArray[np.int64], values: NDArray[np.int64]
) -> Word:
    """Read the records of a sample into ``values``, by ``Target``.

    The sampled octets tell most and win; the addresses alone (sampled_ipv4 and _ipv6) stand in where there are none of
    them. Records of other formats are stepped over: "Applications receiving sFlow data must always use the opaque
    length information" (section 5). Returns FOUND, NO_ADDRESSES or UNKNOWN_ENCAPSULATION.
    """
    by_header = by_addresses = False
    why = NO_ADDRESSES
    tunnel_at = tunnel_format = 0
    for _ in range(count):
        length = u32(payload, at + 4) if end - at >= RECORD_HEADER_OCTETS else 0
        if end - at < RECORD_HEADER_OCTETS + length:
            drops[TRUNCATED_RECORD] += 1
            break
        record_format = u32(payload, at)
        at += RECORD_HEADER_OCTETS
        if record_format == _HEADER and not by_header:
            by_header = _read_header(payload, at, at + length, values)
            why = UNKNOWN_ENCAPSULATION
        elif record_format in (_IPV4, _IPV6) and not by_header:
            by_addresses |= _read_addresses(payload, at, length, record_format, values)
        elif record_format in (_IPV4_TUNNEL_INGRESS, _IPV6_TUNNEL_INGRESS):
            tunnel_at, tunnel_format = at, (record_format if length >= _tunnel_octets(record_format) else 0)
        at += length
    if not (by_header or by_addresses):
        return why
    if tunnel_format:
        _read_tunnel(payload, tunnel_at, tunnel_format, values)
    return FOUND


@borrowing_kernel
def _read_header(payload: NDArray[np.uint8], at: int, end: int, values: NDArray[np.int64]) -> Word:
    """sampled_header: protocol, length of the frame, octets stripped, octets."""
    if end - at < 16:
        return False
    protocol = u32(payload, at)
    kind = _KINDS[protocol] if protocol < len(_KINDS) else UNKNOWN
    start = at + 16
    if kind == UNKNOWN or not parse_header(payload, start, min(end, start + u32(payload, at + 12)), kind, values):
        return False
    # Stripped octets are in the length of the frame and in front of or behind the sampled ones.
    values[Target.FRAME_OCTETS] = u32(payload, at + 4) - u32(payload, at + 8)
    settle_octets(start, values)
    return True


@borrowing_kernel
def _read_addresses(
    payload: NDArray[np.uint8], at: int, length: int, record_format: int, values: NDArray[np.int64]
) -> Word:
    """sampled_ipv4 or sampled_ipv6: length of the IP packet, protocol, addresses, ports, TCP flags."""
    is_v6 = record_format == _IPV6
    if length < (_IPV6_OCTETS if is_v6 else _IPV4_OCTETS):
        return False
    values[Target.IP_VERSION] = 6 if is_v6 else 4
    values[Target.OCTETS] = u32(payload, at)
    values[Target.PROTOCOL] = u32(payload, at + 4) & 0xFF
    if is_v6:
        values[Target.SRC_V6], values[Target.SRC_V6 + 1] = u64(payload, at + 8), u64(payload, at + 16)
        values[Target.DST_V6], values[Target.DST_V6 + 1] = u64(payload, at + 24), u64(payload, at + 32)
    else:
        values[Target.SRC_V6], values[Target.SRC_V6 + 1] = 0, u32(payload, at + 8) | V4_MAPPED
        values[Target.DST_V6], values[Target.DST_V6 + 1] = 0, u32(payload, at + 12) | V4_MAPPED
    ports = at + (40 if is_v6 else 16)
    values[Target.SRC_PORT] = u32(payload, ports) & 0xFFFF
    values[Target.DST_PORT] = u32(payload, ports + 4) & 0xFFFF
    values[Target.TCP_FLAGS] = u32(payload, ports + 8) & 0xFF
    return True


@borrowing_kernel
def _tunnel_octets(record_format: int) -> Word:
    return _IPV4_OCTETS if record_format == _IPV4_TUNNEL_INGRESS else _IPV6_OCTETS


@borrowing_kernel
def _read_tunnel(payload: NDArray[np.uint8], at: int, record_format: int, values: NDArray[np.int64]) -> None:
    """The header that the packet came in with and that was taken off before it was sampled: outside any other."""
    is_v6 = record_format == _IPV6_TUNNEL_INGRESS
    kind = _tunnel_kind(u32(payload, at + 4), u32(payload, at + (44 if is_v6 else 20)), is_v6)
    if kind == NO_TUNNEL:
        return
    values[Target.TUNNEL_KIND] = kind
    values[Target.TUNNEL_SRC] = u64(payload, at + 8) if is_v6 else 0
    values[Target.TUNNEL_SRC + 1] = u64(payload, at + 16) if is_v6 else u32(payload, at + 8) | V4_MAPPED


@borrowing_kernel
def _tunnel_kind(protocol: int, port: int, is_v6: bool) -> Word:
    if protocol == 4:
        return FOUR_IN_SIX if is_v6 else IPIP
    if protocol == 41:
        return IPIP if is_v6 else SIX_IN_FOUR
    if protocol == 47:
        return GRE
    if protocol == 97:
        return ETHERIP
    if protocol == 17 and port == VXLAN_PORT:
        return VXLAN
    return L2TP if protocol == 17 and port == L2TP_PORT else NO_TUNNEL
