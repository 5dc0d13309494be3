"""Sampled packet headers: from the first octet of a frame or an IP packet to the innermost flow.

Tunnels are opened, since a flood inside DS-Lite or MAP-E is the subscriber's, and the outer source names the line.
Sources: IEEE 802.1Q, RFC 3032 and 4385 (MPLS, control word), 2516 (PPPoE), 791, 8200, 2784 and 2890 (GRE), 2637 (PPTP),
2661 (L2TPv2), 3378 (EtherIP), 7348 (VXLAN).
"""

# ruff: noqa: PLR0911 - a way out for each layer

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import borrowing_kernel
from sekisho.wire.elements import Target
from sekisho.wire.octets import u16, u32, u64

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.wire.layout import Place, Word

MOST_LAYERS = 24
"""Tags, labels, extension headers and tunnels of one packet; whoever nests deeper is testing us."""

ETHERNET = 1
"""Stands for an Ethernet header among the EtherTypes below, as ``UNKNOWN`` stands for what is not walked."""

UNKNOWN = 0
_CONTROL_WORD = 2
IPV4 = 0x0800
IPV6 = 0x86DD
_VLAN, _QINQ, _OLD_QINQ = 0x8100, 0x88A8, 0x9100
MPLS, _MPLS_MULTICAST = 0x8847, 0x8848
_PPPOE = 0x8864
_BRIDGED = 0x6558
PPP = 0x880B

NO_TUNNEL, FOUR_IN_SIX, SIX_IN_FOUR, IPIP, GRE, L2TP, ETHERIP, VXLAN = range(8)
"""Codes of the column ``tunnel_kind``."""

L2TP_PORT, VXLAN_PORT = 1701, 4789
_V4_MAPPED = 0xFFFF << 32


@borrowing_kernel
def parse_header(payload: NDArray[np.uint8], at: int, end: int, kind: int, values: NDArray[np.int64]) -> Word:
    """Read the innermost IP flow of a sampled header into ``values``, by ``Target``.

    Args:
        payload: octets that hold the header.
        at: its first octet.
        end: past its last octet; it may be cut anywhere.
        kind: EtherType of what stands there, or ETHERNET.
        values: (elements.WORDS,) gets addresses, protocol, ports, flags, ICMP, fragment, IP octets and tunnel.

    Returns:
        Whether there was a whole IP header. A tunnel whose inside is cut off or unknown leaves the outer flow.
    """
    found = False
    tunnel = NO_TUNNEL
    for _ in range(MOST_LAYERS):
        if kind in (IPV4, IPV6):
            outer_hi, outer_lo = values[Target.SRC_V6], values[Target.SRC_V6 + 1]
            at, end = _ip(payload, at, end, kind, values)
            if at < 0:
                return found
            if tunnel != NO_TUNNEL and values[Target.TUNNEL_KIND] == NO_TUNNEL:
                values[Target.TUNNEL_KIND] = tunnel
                values[Target.TUNNEL_SRC], values[Target.TUNNEL_SRC + 1] = outer_hi, outer_lo
            found = True
            _transport(payload, at, end, values)
            tunnel, at, kind = _inside(payload, at, end, kind, values)
        else:
            at, kind = _link(payload, at, end, kind)
        if kind == UNKNOWN:
            return found
    return found


@borrowing_kernel
def settle_octets(start: int, values: NDArray[np.int64]) -> None:
    """Where the IP header tells no length, count what the frame, whose header starts at ``start``, holds from there."""
    if values[Target.OCTETS] == 0:
        values[Target.OCTETS] = max(0, values[Target.FRAME_OCTETS] - (values[Target.IP_START] - start))


@borrowing_kernel
def _link(payload: NDArray[np.uint8], at: int, end: int, kind: int) -> Place:
    """Step over one layer below IP: where the next one starts, and what it is."""
    if kind == ETHERNET and end - at >= 14:
        return _ether_type(payload, at + 12, end)
    if kind in (_VLAN, _QINQ, _OLD_QINQ) and end - at >= 4:
        return _ether_type(payload, at + 2, end)
    if kind in (MPLS, _MPLS_MULTICAST) and end - at >= 5:
        bottom = payload[at + 2] & 1
        return (at + 4, _below_labels(payload, at + 4)) if bottom else (at + 4, kind)
    if kind == _PPPOE and end - at >= 8:
        return _ppp(payload, at + 6, end)
    if kind == PPP:
        return _ppp(payload, at, end)
    if kind == _CONTROL_WORD:
        return at + 4, ETHERNET
    return at, UNKNOWN


@borrowing_kernel
def _ether_type(payload: NDArray[np.uint8], at: int, end: int) -> Place:
    kind = u16(payload, at)
    if kind == _BRIDGED:
        return at + 2, ETHERNET
    # Below 1536 it is a length (IEEE 802.3); then LLC and SNAP bring the type (RFC 1042).
    if kind < 1536:
        is_snap = end - at >= 10 and u32(payload, at + 2) == 0xAAAA0300 and u16(payload, at + 6) == 0
        return (at + 10, u16(payload, at + 8)) if is_snap else (at, UNKNOWN)
    return at + 2, kind


@borrowing_kernel
def _below_labels(payload: NDArray[np.uint8], at: int) -> Word:
    """MPLS does not say what it carries; the first four bits do in practice (RFC 4928)."""
    nibble = payload[at] >> 4
    if nibble == 4:
        return IPV4
    if nibble == 6:
        return IPV6
    # RFC 4385: a pseudowire's control word starts with 0000.
    return _CONTROL_WORD if nibble == 0 else ETHERNET


@borrowing_kernel
def _ppp(payload: NDArray[np.uint8], at: int, end: int) -> Place:
    """RFC 1661: address and control may be left out, and so may the protocol's first octet."""
    if end - at >= 4 and u16(payload, at) == 0xFF03:
        at += 2
    if end - at < 3:
        return at, UNKNOWN
    octets = 1 if payload[at] & 1 else 2
    protocol = np.int64(payload[at]) if octets == 1 else u16(payload, at)
    if protocol == 0x21:
        return at + octets, IPV4
    return at + octets, (IPV6 if protocol == 0x57 else UNKNOWN)


@borrowing_kernel
def _ip(payload: NDArray[np.uint8], at: int, end: int, kind: int, values: NDArray[np.int64]) -> Place:
    """Read one IP header: where its payload starts (-1: no header) and where that ends."""
    if kind == IPV4:
        return _ipv4(payload, at, end, values)
    return _ipv6(payload, at, end, values)


@borrowing_kernel
def _ipv4(payload: NDArray[np.uint8], at: int, end: int, values: NDArray[np.int64]) -> Place:
    header_octets = (payload[at] & 15) * 4 if at < end else 0
    if end - at < 20 or payload[at] >> 4 != 4 or header_octets < 20:
        return -1, end
    octets = u16(payload, at + 2)
    _clear(values)
    values[Target.IP_VERSION] = 4
    values[Target.IP_START] = at
    # Length 0 is what a host with segmentation offload shows, here as in IPv6.
    values[Target.OCTETS] = octets
    values[Target.FRAGMENT_OFFSET] = u16(payload, at + 6) & 0x1FFF
    values[Target.PROTOCOL] = payload[at + 9]
    values[Target.SRC_V6], values[Target.SRC_V6 + 1] = 0, _V4_MAPPED | u32(payload, at + 12)
    values[Target.DST_V6], values[Target.DST_V6 + 1] = 0, _V4_MAPPED | u32(payload, at + 16)
    return at + header_octets, min(end, at + octets) if octets else end


@borrowing_kernel
def _ipv6(payload: NDArray[np.uint8], at: int, end: int, values: NDArray[np.int64]) -> Place:
    if end - at < 40 or payload[at] >> 4 != 6:
        return -1, end
    octets = u16(payload, at + 4)
    _clear(values)
    values[Target.IP_VERSION] = 6
    values[Target.IP_START] = at
    values[Target.OCTETS] = octets + 40 if octets else 0
    values[Target.SRC_V6], values[Target.SRC_V6 + 1] = u64(payload, at + 8), u64(payload, at + 16)
    values[Target.DST_V6], values[Target.DST_V6 + 1] = u64(payload, at + 24), u64(payload, at + 32)
    values[Target.PROTOCOL] = payload[at + 6]
    stop = min(end, at + 40 + octets) if octets else end
    return _extensions(payload, at + 40, stop, values), stop


@borrowing_kernel
def _extensions(payload: NDArray[np.uint8], at: int, end: int, values: NDArray[np.int64]) -> Word:
    """Step over extension headers (RFC 8200, 4): where what follows them starts."""
    for _ in range(MOST_LAYERS):
        protocol = values[Target.PROTOCOL]
        is_options = protocol in (0, 43, 60, 135)
        if end - at < 8 or not (is_options or protocol in (44, 51)):
            return at
        values[Target.PROTOCOL] = payload[at]
        if protocol == 44:
            values[Target.FRAGMENT_OFFSET] = u16(payload, at + 2) >> 3
            at += 8
        elif protocol == 51:
            at += 4 * (payload[at + 1] + 2)
        else:
            at += 8 * (payload[at + 1] + 1)
        if values[Target.FRAGMENT_OFFSET]:
            return at
    return at


@borrowing_kernel
def _clear(values: NDArray[np.int64]) -> None:
    values[Target.SRC_PORT] = values[Target.DST_PORT] = values[Target.TCP_FLAGS] = 0
    values[Target.FRAGMENT_OFFSET] = 0
    values[Target.ICMP_TYPE_CODE] = -1


@borrowing_kernel
def _transport(payload: NDArray[np.uint8], at: int, end: int, values: NDArray[np.int64]) -> None:
    protocol = values[Target.PROTOCOL]
    if values[Target.FRAGMENT_OFFSET]:
        return
    if protocol in (1, 58) and end - at >= 2:
        values[Target.ICMP_TYPE_CODE] = u16(payload, at)
    elif protocol in (6, 17, 132, 33) and end - at >= 4:
        values[Target.SRC_PORT] = u16(payload, at)
        values[Target.DST_PORT] = u16(payload, at + 2)
        if protocol == 6 and end - at >= 14:
            values[Target.TCP_FLAGS] = payload[at + 13]


@borrowing_kernel
def _inside(payload: NDArray[np.uint8], at: int, end: int, kind: int, values: NDArray[np.int64]) -> Place:
    """What an IP packet carries, if that is a tunnel: its kind, where the inside starts, what the inside is."""
    protocol = values[Target.PROTOCOL]
    if values[Target.FRAGMENT_OFFSET]:
        return NO_TUNNEL, at, UNKNOWN
    if protocol == 4:
        return (IPIP if kind == IPV4 else FOUR_IN_SIX), at, IPV4
    if protocol == 41:
        return (SIX_IN_FOUR if kind == IPV4 else IPIP), at, IPV6
    if protocol == 47 and end - at >= 4:
        inside, inside_kind = _gre(payload, at)
        return GRE, inside, inside_kind
    if protocol == 97 and end - at >= 2 and payload[at] >> 4 == 3:
        return ETHERIP, at + 2, ETHERNET
    if protocol == 17 and end - at >= 16:
        return _udp_inside(payload, at, end)
    return NO_TUNNEL, at, UNKNOWN


@borrowing_kernel
def _gre(payload: NDArray[np.uint8], at: int) -> Place:
    flags, acknowledges = payload[at], payload[at + 1] & 0x87 == 0x81
    kind = u16(payload, at + 2)
    at += 4
    # RFC 2890: checksum, key and sequence number take four octets each; RFC 2637 adds an acknowledgement.
    for bit in (0x80, 0x20, 0x10):
        at += 4 if flags & bit else 0
    if acknowledges:
        at += 4
    if kind == _BRIDGED:
        return at, ETHERNET
    return at, kind


@borrowing_kernel
def _udp_inside(payload: NDArray[np.uint8], at: int, end: int) -> Place:
    port = u16(payload, at + 2)
    # RFC 7348: the I flag is set, the other flags are not.
    if port == VXLAN_PORT and payload[at + 8] == 0x08:
        return VXLAN, at + 16, ETHERNET
    flags = u16(payload, at + 8)
    # RFC 2661, 3.1: version 2, and T = 0 for data.
    if (port == L2TP_PORT or u16(payload, at) == L2TP_PORT) and flags & 0x800F == 2:
        inside = at + 14
        inside += 2 if flags & 0x4000 else 0
        inside += 4 if flags & 0x0800 else 0
        if flags & 0x0200 and end - inside >= 2:
            inside += 2 + u16(payload, inside)
        return L2TP, inside, PPP
    return NO_TUNNEL, at, UNKNOWN
