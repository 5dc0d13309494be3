"""What a flow was for, in one cell: the line's own port, the peer's port or the ICMP type, the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sekisho.core.kernels import inlined_kernel as inlined
from sekisho.schema.batch import cell
from sekisho.schema.line_window import REFLECTOR_PORTS

if TYPE_CHECKING:
    from sekisho.windows.arena import Cells

ICMP, TCP, UDP, GRE, ICMPV6 = 1, 6, 17, 47, 58

_PROTOCOL, _ICMP_TYPE_CODE = cell("protocol"), cell("icmp_type_code")
_PORT = 0xFFFF

_REFLECTS = np.zeros(1 << 16, dtype=np.bool_)
_REFLECTS[list(REFLECTOR_PORTS)] = True


@inlined
def service_of(cells: Cells, i: int, own_port: int, peer_port: int) -> int:
    """The service of row ``i`` of a batch, seen from one side.

    A reflecting service has one row a client, whatever port the client (or who forged it) used; an ICMP type that is
    not known is 255 with code 255, which nobody uses.
    """
    protocol = cells[_PROTOCOL, i] & _PORT
    if protocol in (ICMP, ICMPV6):
        return int((cells[_ICMP_TYPE_CODE, i] & _PORT) << 16 | protocol)
    if protocol == UDP and own_port != peer_port and _REFLECTS[own_port & _PORT]:
        return int(own_port << 32 | protocol)
    return int(peer_port << 16 | protocol)


@inlined
def protocol_of(service: int) -> int:
    """IANA protocol number."""
    return int(service & 0xFFFF)


@inlined
def peer_port_of(service: int) -> int:
    """The peer's port; ICMP: type * 256 + code."""
    return int(service >> 16 & _PORT)


@inlined
def own_port_of(service: int) -> int:
    """The line's own port where it is a reflecting service that answers a client, else 0."""
    return int(service >> 32)
