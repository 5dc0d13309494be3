"""What one flow adds to the features of a window: one line a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.line_window import ICMP_ANSWERS, ICMPV6_ANSWERS, LOGIN_PORTS, feature
from sekisho.windows.arena import (
    ENTRY_BITS,
    ENTRY_OCTETS,
    ENTRY_PACKETS,
    ENTRY_SAMPLING,
    ENTRY_SERVICE,
    WINDOW_FEATURES,
)
from sekisho.windows.entries import DROPPED, FRAGMENT, INFERRED
from sekisho.windows.services import GRE, ICMP, ICMPV6, TCP, UDP, own_port_of, peer_port_of, protocol_of

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells, Numbers


def _place(name: str) -> int:
    return WINDOW_FEATURES + feature(name)


_SAMPLED, _ALL = _place("sampled_packets"), _place("packets")
_ALL_VAR, _OCTETS_VAR = _place("packets_var"), _place("octets_var")
_UNKNOWN_SAMPLING, _INFERRED = _place("unknown_sampling_packets"), _place("inferred_packets")
_DROPPED, _FRAGMENTS = _place("dropped_packets"), _place("fragment_packets")
_UDP, _DNS, _REFLECTOR = _place("udp_packets"), _place("dns_packets"), _place("reflector_packets")
_TCP, _SYN, _LOGIN, _MAIL = (_place(f"{name}_packets") for name in ("tcp", "syn", "login", "mail"))
_ICMP, _ICMP_ANSWER, _GRE = _place("icmp_packets"), _place("icmp_answer_packets"), _place("gre_packets")

_DNS_PORT, _MAIL_PORT = 53, 25
_FIN, _SYN_FLAG, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10


@inlined
def flags_of(memory: Cells, entry: int) -> int:
    """TCP flags; 0 for every other protocol."""
    is_tcp = protocol_of(memory[entry + ENTRY_SERVICE]) == TCP
    return int(memory[entry + ENTRY_BITS] & 0xFFFF) if is_tcp else 0


@inlined
def is_syn_alone(memory: Cells, entry: int) -> bool:
    """TCP with SYN and none of ACK, RST, FIN."""
    return bool((flags_of(memory, entry) & (_FIN | _SYN_FLAG | _RST | _ACK)) == _SYN_FLAG)


@inlined
def is_syn_ack(memory: Cells, entry: int) -> bool:
    """TCP with SYN and ACK: a handshake is answered."""
    return bool((flags_of(memory, entry) & (_SYN_FLAG | _ACK)) == _SYN_FLAG | _ACK)


@inlined
def is_reset(memory: Cells, entry: int) -> bool:
    """TCP with RST and none of SYN, FIN, PSH: a refusal, not the abrupt end of a conversation."""
    return bool((flags_of(memory, entry) & (_FIN | _SYN_FLAG | _RST | _PSH)) == _RST)


@inlined
def connections_of(memory: Cells, entry: int) -> float:
    """Connections that the sender of a flow asked for, as exported: every SYN alone, and one SYN among others.

    SYN and ACK with no other flag is the answer of the side that was asked.
    """
    flags = flags_of(memory, entry)
    if not flags & _SYN_FLAG or (flags & (_FIN | _SYN_FLAG | _RST | _PSH | _ACK)) == _SYN_FLAG | _ACK:
        return 0.0
    packets = float(memory[entry + ENTRY_PACKETS])
    return packets if is_syn_alone(memory, entry) else min(packets, 1.0)


@inlined
def interval_of(sums: Numbers, entry: int) -> float:
    """The sampling interval, 1 where it is not known."""
    n = sums[entry + ENTRY_SAMPLING]
    return n if n != 0.0 else 1.0


@inlined
def add_features(memory: Cells, sums: Numbers, row: int, entry: int, share: float) -> None:
    """Add the part of a flow that lies inside a window to the window's sums."""
    n, bits = interval_of(sums, entry), memory[entry + ENTRY_BITS]
    sampled, whole_octets = memory[entry + ENTRY_PACKETS] * share, memory[entry + ENTRY_OCTETS] * share
    packets, octets = sampled * n, whole_octets * n
    sums[row + _SAMPLED] += sampled
    _add(sums, row + _ALL, packets, octets)
    # Every sampled packet stands for n and was chosen with probability 1/n.
    sums[row + _ALL_VAR] += packets * (n - 1.0)
    if sampled > 0.0:
        sums[row + _OCTETS_VAR] += whole_octets * octets / sampled * (n - 1.0)
    if sums[entry + ENTRY_SAMPLING] == 0.0:
        sums[row + _UNKNOWN_SAMPLING] += sampled
    if bits & INFERRED:
        sums[row + _INFERRED] += packets
    if bits & DROPPED:
        sums[row + _DROPPED] += packets
    if bits & FRAGMENT:
        _add(sums, row + _FRAGMENTS, packets, octets)
    _add_service(memory, sums, row, entry, packets, octets)


@inlined
def _add(sums: Numbers, place: int, packets: float, octets: float) -> None:
    sums[place] += packets
    sums[place + 1] += octets


@inlined
def _add_service(memory: Cells, sums: Numbers, row: int, entry: int, packets: float, octets: float) -> None:
    service = memory[entry + ENTRY_SERVICE]
    protocol, peer_port = protocol_of(service), peer_port_of(service)
    if protocol == UDP:
        _add(sums, row + _UDP, packets, octets)
        if own_port_of(service) != 0:
            _add(sums, row + _REFLECTOR, packets, octets)
        if peer_port == _DNS_PORT:
            _add(sums, row + _DNS, packets, octets)
    elif protocol == TCP:
        _add_tcp(memory, sums, row, entry, packets, octets)
    elif protocol in (ICMP, ICMPV6):
        _add(sums, row + _ICMP, packets, octets)
        if _is_answer(protocol, peer_port >> 8):
            sums[row + _ICMP_ANSWER] += packets
    elif protocol == GRE:
        _add(sums, row + _GRE, packets, octets)


@inlined
def _add_tcp(memory: Cells, sums: Numbers, row: int, entry: int, packets: float, octets: float) -> None:
    peer_port = peer_port_of(memory[entry + ENTRY_SERVICE])
    _add(sums, row + _TCP, packets, octets)
    if is_syn_alone(memory, entry):
        _add(sums, row + _SYN, packets, octets)
    if peer_port in LOGIN_PORTS:
        sums[row + _LOGIN] += packets
    if peer_port == _MAIL_PORT:
        sums[row + _MAIL] += packets


@inlined
def _is_answer(protocol: int, icmp_type: int) -> bool:
    return icmp_type in ICMP_ANSWERS if protocol == ICMP else icmp_type in ICMPV6_ANSWERS
