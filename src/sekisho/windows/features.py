"""What one flow adds to the features of a window: one line a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.batch import cell
from sekisho.schema.line_window import LARGE_OCTETS, feature
from sekisho.windows.arena import WINDOW_FEATURES

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers

_PROTOCOL, _TCP_FLAGS = cell("protocol"), cell("tcp_flags")
_PACKETS, _OCTETS, _SAMPLING = cell("packets"), cell("octets"), cell("sampling_interval")
_FRAGMENT, _FORWARDING = cell("fragment"), cell("forwarding_status")


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
def is_syn_alone(cells: Cells, i: int) -> bool:
    """TCP with SYN and none of ACK, RST, FIN."""
    return bool(cells[_PROTOCOL, i] == TCP and (cells[_TCP_FLAGS, i] & _FIN_SYN_RST_ACK) == _SYN_FLAG)


@inlined
def is_syn_ack(cells: Cells, i: int) -> bool:
    """TCP with SYN and ACK: a handshake is answered."""
    return bool(cells[_PROTOCOL, i] == TCP and (cells[_TCP_FLAGS, i] & _SYN_AND_ACK) == _SYN_AND_ACK)


@inlined
def interval_of(numbers: Numbers, i: int) -> float:
    """The sampling interval, 1 where it is not known."""
    n = numbers[_SAMPLING, i]
    return n if n != 0.0 else 1.0


@inlined
def add_features(
    sums: Numbers, row: int, cells: Cells, numbers: Numbers, i: int, peer_port: int, inferred: int, share: float
) -> None:
    """Add the part of a flow that lies inside a window to the window's sums."""
    n = interval_of(numbers, i)
    sampled, octets = cells[_PACKETS, i] * share, cells[_OCTETS, i] * share
    sums[row + _RECORDS] += share
    sums[row + _SAMPLED] += sampled
    sums[row + _ALL] += sampled * n
    sums[row + _ALL + 1] += octets * n
    # Every sampled packet stands for n and was chosen with probability 1/n.
    sums[row + _ALL_VAR] += sampled * n * (n - 1.0)
    if sampled > 0.0:
        sums[row + _OCTETS_VAR] += octets * octets / sampled * n * (n - 1.0)
    if numbers[_SAMPLING, i] == 0.0:
        sums[row + _UNKNOWN_SAMPLING] += sampled
    if inferred == 1:
        sums[row + _INFERRED] += sampled * n
    if 128 <= cells[_FORWARDING, i] <= 191:
        sums[row + _DROPPED] += sampled * n
        sums[row + _DROPPED + 1] += octets * n
    if cells[_FRAGMENT, i] == 1:
        sums[row + _FRAGMENTS] += sampled * n
        sums[row + _FRAGMENTS + 1] += octets * n
    if cells[_PROTOCOL, i] == UDP:
        _add_udp(sums, row, cells, i, peer_port, share, n)
    elif cells[_PROTOCOL, i] == TCP:
        _add_tcp(sums, row, cells, i, share, n)
    elif cells[_PROTOCOL, i] == ICMP or cells[_PROTOCOL, i] == ICMPV6:
        sums[row + _ICMP] += sampled * n
        sums[row + _ICMP + 1] += octets * n
    elif cells[_PROTOCOL, i] == GRE:
        sums[row + _GRE] += sampled * n
        sums[row + _GRE + 1] += octets * n


@inlined
def _add_udp(sums: Numbers, row: int, cells: Cells, i: int, peer_port: int, share: float, n: float) -> None:
    sampled, octets = cells[_PACKETS, i] * share, cells[_OCTETS, i] * share
    sums[row + _UDP] += sampled * n
    sums[row + _UDP + 1] += octets * n
    sums[row + _UDP_RECORDS] += share
    sums[row + _UDP_SAMPLED] += sampled
    sums[row + _UDP_VAR] += sampled * n * (n - 1.0)
    if cells[_OCTETS, i] >= LARGE_OCTETS * cells[_PACKETS, i]:
        sums[row + _UDP_LARGE] += sampled * n
        sums[row + _UDP_LARGE + 1] += octets * n
    if peer_port == 443:
        sums[row + _QUIC] += sampled * n
        sums[row + _QUIC + 1] += octets * n
    if peer_port == 53:
        sums[row + _DNS] += sampled * n
        sums[row + _DNS + 1] += octets * n


@inlined
def _add_tcp(sums: Numbers, row: int, cells: Cells, i: int, share: float, n: float) -> None:
    sampled, octets = cells[_PACKETS, i] * share, cells[_OCTETS, i] * share
    sums[row + _TCP] += sampled * n
    sums[row + _TCP + 1] += octets * n
    if is_syn_alone(cells, i):
        sums[row + _SYN] += sampled * n
        sums[row + _SYN + 1] += octets * n
        sums[row + _SYN_RECORDS] += share
        sums[row + _SYN_SAMPLED] += sampled
        sums[row + _SYN_VAR] += sampled * n * (n - 1.0)
    if is_syn_ack(cells, i):
        sums[row + _SYN_ACK] += sampled * n
    if (cells[_TCP_FLAGS, i] & _RST_FLAG) != 0:
        sums[row + _RST] += sampled * n
