"""UDP datagrams from the kernel, hundreds at a time and without Python work for each of them.

One system call (``recvmmsg``) fills a ring; one kernel reads the source addresses, the times of arrival
(``SO_TIMESTAMPNS``) and how many datagrams the kernel had to drop (``SO_RXQ_OVFL``). Where more than one socket listens
at an address (``SO_REUSEPORT``), a filter chooses the socket by the source address alone, so that the datagrams of an
exporter stay in their order.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import socket
import struct
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import types

from sekisho.collect.agents import FOREIGN, Agents
from sekisho.collect.exporters import REFUSED
from sekisho.core.errors import InputError
from sekisho.core.kernels import kernel, warm
from sekisho.core.time import now_ms
from sekisho.wire.datagrams import Datagrams

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sekisho.collect.exporters import Exporters
    from sekisho.core.config_serve import ListenAddress

SLOTS = 1024
"""Datagrams of one system call at most: at 300,000 records a second a call finds some fifty."""

SLOT_OCTETS = 65_600
"""Room for any UDP datagram, so that none is cut; not a power of two, which would put all slots into the same cache
sets. Pages that no datagram reaches are never touched."""

LONGEST_GATHER_S = 0.05
"""After the first datagram so long is waited for others at most: a call for each would cost more than all the rest, and
a verdict waits for its tick anyway."""

GATHER_FROM_OCTETS = 2 << 20
"""Only a socket with at least this much buffer can wait: a smaller one would overflow meanwhile."""

KERNEL_OCTETS = 2304
"""What a datagram of an Ethernet frame takes of the socket's buffer."""

_CONTROL_OCTETS = 128
_NAME_OCTETS = 32
_HEADER_WORDS = 8
"""Words of a ``struct mmsghdr``: name, its length, iovec, their number, control, its length, flags, octets received."""

_NAME_LENGTH, _CONTROL_LENGTH, _RECEIVED = 1, 5, 7
_SOL_SOCKET, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS, _SO_RXQ_OVFL, _SO_ATTACH_REUSEPORT_CBPF = 1, 33, 35, 40, 51
_V4_MAPPED = 0xFFFF << 32
_OVERFLOWED, _LAST_OVERFLOW = 0, 1


@kernel
def read_ring(
    count: int,
    taken_ms: int,
    headers: NDArray[np.int64],
    names: NDArray[np.uint8],
    controls: NDArray[np.uint8],
    address: NDArray[np.int64],
    columns: NDArray[np.int64],
    overflow: NDArray[np.int64],
) -> None:
    """Read what the kernel wrote beside ``count`` datagrams, and make their headers ready for the next call.

    Args:
        count: datagrams received.
        taken_ms: time of arrival of a datagram that carries none.
        headers: a row a slot, as given to ``recvmmsg``.
        names: source addresses, likewise.
        controls: ancillary data, likewise.
        address: (slots, 2) upper and lower words, written.
        columns: (4, slots) length, received_at, source_port, offset, written.
        overflow: what the kernel has dropped so far, and what it told last: 32 bits that wrap.
    """
    for i in range(count):
        name, control = names[i], controls[i]
        columns[0, i] = headers[i, _RECEIVED] & 0xFFFFFFFF
        columns[2, i] = np.int64(name[2]) << 8 | np.int64(name[3])
        first, last = (8, 24) if (np.int64(name[0]) | np.int64(name[1]) << 8) == socket.AF_INET6 else (4, 8)
        hi = lo = np.int64(0)
        for at in range(first, last):
            hi = hi << 8 | (lo >> 56 & 0xFF)
            lo = lo << 8 | np.int64(name[at])
        address[i, 0], address[i, 1] = hi, lo if last == 24 else lo | _V4_MAPPED
        columns[1, i] = taken_ms
        at, end = 0, headers[i, _CONTROL_LENGTH]
        while at + 16 <= end:
            length, level, kind = _word(control, at, 8), _word(control, at + 8, 4), _word(control, at + 12, 4)
            if level == _SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                columns[1, i] = _word(control, at + 16, 8) * 1000 + _word(control, at + 24, 8) // 1_000_000
            elif level == _SOL_SOCKET and kind == _SO_RXQ_OVFL:
                told = _word(control, at + 16, 4)
                overflow[_OVERFLOWED] += (told - overflow[_LAST_OVERFLOW]) & 0xFFFFFFFF
                overflow[_LAST_OVERFLOW] = told
            at += max(length + 7 & ~7, 16)
        headers[i, _NAME_LENGTH], headers[i, _CONTROL_LENGTH], headers[i, 6] = _NAME_OCTETS, _CONTROL_OCTETS, 0


@kernel
def _word(octets: NDArray[np.uint8], at: int, length: int) -> int:
    """A number in the order of this machine."""
    value = np.int64(0)
    for i in range(length):
        value |= np.int64(octets[at + i]) << 8 * i
    return int(value)


_WORDS, _TABLE, _OCTETS = types.int64[::1], types.int64[:, ::1], types.uint8[:, ::1]
KERNELS = (
    (_word, (types.uint8[::1], types.int64, types.int64)),
    (read_ring, (types.int64, types.int64, _TABLE, _OCTETS, _OCTETS, _TABLE, _TABLE, _WORDS)),
)


class _Ring:
    """Memory that ``recvmmsg`` fills."""

    def __init__(self, slots: int) -> None:
        self.payload = np.empty(slots * SLOT_OCTETS, np.uint8)
        self.names = np.zeros((slots, _NAME_OCTETS), np.uint8)
        self.controls = np.zeros((slots, _CONTROL_OCTETS), np.uint8)
        self.headers = np.zeros((slots, _HEADER_WORDS), np.int64)
        self.address = np.zeros((slots, 2), np.int64)
        self.columns = np.zeros((4, slots), np.int64)
        self.columns[3] = np.arange(slots) * SLOT_OCTETS
        self._vectors = np.zeros((slots, 2), np.int64)
        self._vectors[:, 0] = self.payload.ctypes.data + self.columns[3]
        self._vectors[:, 1] = SLOT_OCTETS
        rows = np.arange(slots)
        self.headers[:, 0] = self.names.ctypes.data + rows * _NAME_OCTETS
        self.headers[:, _NAME_LENGTH] = _NAME_OCTETS
        self.headers[:, 2] = self._vectors.ctypes.data + rows * 16
        self.headers[:, 3] = 1
        self.headers[:, 4] = self.controls.ctypes.data + rows * _CONTROL_OCTETS
        self.headers[:, _CONTROL_LENGTH] = _CONTROL_OCTETS


class Receiver:
    """One socket.

    Times of arrival are the machine's clock, as the kernel notes it: a clock that is set shows in them.

    An sFlow datagram counts as sent by the agent that it names (contract), if ``sent_from`` does not forbid it to its
    sender. As every source address of UDP this can be forged by whoever reaches the port: exporters belong on a network
    of their own.

    Args:
        listen: where.
        exporters: who may send; started. Others are refused and counted.
        buffer_octets: receive buffer asked of the kernel.
        shares: sockets that listen at the same address; they are started one after the other.

    Attributes:
        name: where it listens, for people.
        buffer_asked, buffer_octets: receive buffer wanted and granted.
        received: datagrams taken from the kernel, refused ones included.
        unknown_exporter: datagrams of addresses that are no exporter.
        foreign_agents: by code of an exporter, sFlow datagrams of others that named it.
    """

    def __init__(
        self, listen: ListenAddress, *, exporters: Exporters, buffer_octets: int, shares: int = 1, slots: int = SLOTS
    ) -> None:
        self.name = str(listen)
        self.buffer_asked, self.buffer_octets = buffer_octets, 0
        self.received = self.unknown_exporter = 0
        self.foreign_agents: Counter[int] = Counter()
        self._agents = Agents(exporters)
        self._listen, self._shares, self._slots = listen, shares, slots
        self._socket: socket.socket | None = None
        self._overflow = np.zeros(2, np.int64)
        self._gather_s = self._called_s = 0.0

    def start(self) -> None:
        """Compile, bind the socket and ask for its buffer.

        Raises:
            InputError: the address cannot be listened at.
        """
        warm((KERNELS,))
        self._agents.start()
        self._ring = _Ring(self._slots)
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        try:
            self._socket = self._bound()
        except OSError as error:
            raise InputError(self.name, f"expected an address to listen at: {error.strerror}") from error
        granted = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
        self.buffer_octets = min(granted, self.buffer_asked)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    @property
    def port(self) -> int:
        """The port, also where any was asked for."""
        assert self._socket is not None, "start() comes first"
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def kernel_drops(self) -> int:
        """Datagrams that found the buffer full; known once a later one is received."""
        return int(self._overflow[_OVERFLOWED])

    def receive(self, timeout_ms: int) -> Datagrams | None:
        """What waits, at most as many as there are slots; None where nothing came in time.

        The arrays are filled again by the next call.
        """
        assert self._socket is not None, "start() comes first"
        if not self._poll.poll(timeout_ms):
            return None
        if self._gather_s:
            time.sleep(self._gather_s)
        count = self._recvmmsg(
            self._socket.fileno(),
            ctypes.c_void_p(self._ring.headers.ctypes.data),
            self._slots,
            socket.MSG_DONTWAIT,
            None,
        )
        if count < 0:
            number = ctypes.get_errno()
            # A datagram whose checksum is wrong wakes us up and is gone.
            if number in (errno.EAGAIN, errno.EINTR):
                return None
            raise OSError(number, os.strerror(number))
        self._gather_s = self._next_gather_s(count)
        return self._datagrams(count)

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()

    def _next_gather_s(self, count: int) -> float:
        """How long to wait so that, as fast as they come now, a quarter of the buffer fills, or most of the slots."""
        if self.buffer_octets < GATHER_FROM_OCTETS:
            return 0.0
        wanted = min(self._slots * 3 // 4, self.buffer_octets // KERNEL_OCTETS // 4)
        passed_s = max(time.monotonic() - self._called_s, 1e-6)
        self._called_s += passed_s
        return min(wanted * passed_s / max(count, 1), LONGEST_GATHER_S)

    def _datagrams(self, count: int) -> Datagrams:
        ring = self._ring
        headers, names, controls = ring.headers, ring.names, ring.controls
        read_ring(count, now_ms(), headers, names, controls, ring.address, ring.columns, self._overflow)
        self.received += count
        length, received_at, source_port, offset = (column[:count] for column in ring.columns)
        exporter = self._agents.codes(ring.payload, offset, length, ring.address[:count])
        known = exporter >= 0
        if not known.all():
            self.unknown_exporter += int(np.count_nonzero(exporter == REFUSED))
            self.foreign_agents.update((FOREIGN - exporter[exporter <= FOREIGN]).tolist())
        return Datagrams(
            payload=ring.payload,
            offset=offset[known],
            length=length[known],
            received_at=received_at[known],
            exporter=exporter[known],
            source_port=source_port[known],
        )

    def _bound(self) -> socket.socket:
        is_v6 = self._listen.address.version == 6
        made = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if is_v6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            made.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_asked)
            if made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2 < self.buffer_asked:
                _force_buffer(made, self.buffer_asked)
            if self._shares > 1:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind((str(self._listen.address), self._listen.port))
            if self._shares > 1:
                _steer_by_source(made, self._shares, is_v6=is_v6)
        except BaseException:
            made.close()
            raise
        return made


def _force_buffer(made: socket.socket, octets: int) -> None:
    """Beyond ``net.core.rmem_max``, where the process may (CAP_NET_ADMIN)."""
    try:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, octets)
    except PermissionError:
        return


def _steer_by_source(made: socket.socket, sockets: int, *, is_v6: bool) -> None:
    """Choose the socket of a group by the source address alone; by default ports would count as well.

    Source: classic BPF with ``SKF_NET_OFF``, ``SO_ATTACH_REUSEPORT_CBPF`` of socket(7).
    """
    network = -0x100000
    load, load_word, add, multiply, shift, modulo, give, to_x = 0x20, 0x20, 0x0C, 0x24, 0x74, 0x94, 0x16, 0x07
    if is_v6:
        program = [(load, network + 8)]
        for at in (12, 16, 20):
            # A := word + X, X := A: the four words of the address added up.
            program += [(to_x, 0), (load_word, network + at), (add, 0)]
    else:
        program = [(load, network + 12)]
    # Fibonacci hashing: neighbouring addresses fall on different sockets.
    program += [(multiply, 0x9E3779B1), (shift, 16), (modulo, sockets), (give, 0)]
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("=HBBI", operation, 0, 0, value & 0xFFFFFFFF) for operation, value in program)
    )
    head: Any = struct.pack("HL", len(program), ctypes.addressof(code))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, head)
