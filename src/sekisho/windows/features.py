"""What one flow adds to the features of a window: one line a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.line_window import LARGE_OCTETS, feature
from sekisho.windows.arena import (
    ENTRY_BITS,
    ENTRY_OCTETS,
    ENTRY_PACKETS,
    ENTRY_SAMPLING,
    ENTRY_SERVICE,
    WINDOW_FEATURES,
)
from sekisho.windows.entries import DROPPED, FRAGMENT, INFERRED

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers


def _place(name: str) -> int:
    return WINDOW_FEATURES + feature(name)


_RECORDS, _SAMPLED = _place("records"), _place("sampled_packets")
_ALL, _ALL_VAR, _OCTETS_VAR = _place("packets"), _place("packets_var"), _place("octets_var")
_UNKNOWN_SAMPLING, _INFERRED = _place("unknown_sampling_packets"), _place("inferred_packets")
_DROPPED, _FRAGMENTS = _place("dropped_packets"), _place("fragment_packets")
_UDP, _UDP_RECORDS, _UDP_SAMPLED = _place("udp_packets"), _place("udp_records"), _place("udp_sampled_packets")
_UDP_VAR, _UDP_LARGE = _place("udp_packets_var"), _place("udp_large_packets")
_QUIC, _DNS = _place("quic_packets"), _place("dns_packets")
_TCP, _SYN, _SYN_RECORDS = _place("tcp_packets"), _place("syn_packets"), _place("syn_records")
_SYN_SAMPLED, _SYN_VAR = _place("syn_sampled_packets"), _place("syn_packets_var")
_SYN_ACK, _RST = _place("syn_ack_packets"), _place("rst_packets")
_ICMP, _GRE = _place("icmp_packets"), _place("gre_packets")

SYN_PEERS, UDP_PEERS = _place("syn_peers"), _place("udp_peers")

ICMP, TCP, UDP, GRE, ICMPV6 = 1, 6, 17, 47, 58
_FIN_SYN_RST_ACK, _SYN_AND_ACK, _SYN_FLAG, _RST_FLAG = 0x17, 0x12, 0x02, 0x04


@inlined
def protocol_of(memory: Cells, entry: int) -> int:
    """IANA protocol number."""
    return int(memory[entry + ENTRY_SERVICE] & 0xFFFF)


@inlined
def is_syn_alone(memory: Cells, entry: int) -> bool:
    """TCP with SYN and none of ACK, RST, FIN."""
    return bool(protocol_of(memory, entry) == TCP and (memory[entry + ENTRY_BITS] & _FIN_SYN_RST_ACK) == _SYN_FLAG)


@inlined
def is_syn_ack(memory: Cells, entry: int) -> bool:
    """TCP with SYN and ACK: a handshake is answered."""
    return bool(protocol_of(memory, entry) == TCP and (memory[entry + ENTRY_BITS] & _SYN_AND_ACK) == _SYN_AND_ACK)


@inlined
def interval_of(sums: Numbers, entry: int) -> float:
    """The sampling interval, 1 where it is not known."""
    n = sums[entry + ENTRY_SAMPLING]
    return n if n != 0.0 else 1.0


@inlined
def add_features(memory: Cells, sums: Numbers, row: int, entry: int, share: float) -> None:
    """Add the part of a flow that lies inside a window to the window's sums."""
    n, bits, protocol = interval_of(sums, entry), memory[entry + ENTRY_BITS], protocol_of(memory, entry)
    sampled, whole_octets = memory[entry + ENTRY_PACKETS] * share, memory[entry + ENTRY_OCTETS] * share
    packets, octets = sampled * n, whole_octets * n
    sums[row + _RECORDS] += share
    sums[row + _SAMPLED] += sampled
    sums[row + _ALL] += packets
    sums[row + _ALL + 1] += octets
    # Every sampled packet stands for n and was chosen with probability 1/n.
    sums[row + _ALL_VAR] += packets * (n - 1.0)
    if sampled > 0.0:
        sums[row + _OCTETS_VAR] += whole_octets * octets / sampled * (n - 1.0)
    if sums[entry + ENTRY_SAMPLING] == 0.0:
        sums[row + _UNKNOWN_SAMPLING] += sampled
    if bits & INFERRED:
        sums[row + _INFERRED] += packets
    if bits & DROPPED:
        _add(sums, row + _DROPPED, packets, octets)
    if bits & FRAGMENT:
        _add(sums, row + _FRAGMENTS, packets, octets)
    if protocol == UDP:
        _add_udp(memory, sums, row, entry, share, sampled, n, octets)
    elif protocol == TCP:
        _add_tcp(memory, sums, row, entry, share, sampled, n, octets)
    elif protocol in (ICMP, ICMPV6):
        _add(sums, row + _ICMP, packets, octets)
    elif protocol == GRE:
        _add(sums, row + _GRE, packets, octets)


@inlined
def _add(sums: Numbers, place: int, packets: float, octets: float) -> None:
    sums[place] += packets
    sums[place + 1] += octets


@inlined
def _add_udp(
    memory: Cells, sums: Numbers, row: int, entry: int, share: float, sampled: float, n: float, octets: float
) -> None:
    packets, peer_port = sampled * n, memory[entry + ENTRY_SERVICE] >> 16
    _add(sums, row + _UDP, packets, octets)
    sums[row + _UDP_RECORDS] += share
    sums[row + _UDP_SAMPLED] += sampled
    sums[row + _UDP_VAR] += packets * (n - 1.0)
    if memory[entry + ENTRY_OCTETS] >= LARGE_OCTETS * memory[entry + ENTRY_PACKETS]:
        _add(sums, row + _UDP_LARGE, packets, octets)
    if peer_port == 443:
        _add(sums, row + _QUIC, packets, octets)
    if peer_port == 53:
        _add(sums, row + _DNS, packets, octets)


@inlined
def _add_tcp(
    memory: Cells, sums: Numbers, row: int, entry: int, share: float, sampled: float, n: float, octets: float
) -> None:
    packets = sampled * n
    _add(sums, row + _TCP, packets, octets)
    if is_syn_alone(memory, entry):
        _add(sums, row + _SYN, packets, octets)
        sums[row + _SYN_RECORDS] += share
        sums[row + _SYN_SAMPLED] += sampled
        sums[row + _SYN_VAR] += packets * (n - 1.0)
    if is_syn_ack(memory, entry):
        sums[row + _SYN_ACK] += packets
    if memory[entry + ENTRY_BITS] & _RST_FLAG:
        sums[row + _RST] += packets
