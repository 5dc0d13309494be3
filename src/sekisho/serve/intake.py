"""Sockets to one queue: a thread for each socket empties it, and the run takes from the queue."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from sekisho.collect.queue import FairQueue
from sekisho.collect.receive import Receiver
from sekisho.core.alarms import Condition
from sekisho.core.metrics import Sample
from sekisho.core.reasons import FrameReason
from sekisho.core.time import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.collect.exporters import Exporters
    from sekisho.core.alarms import Alarms
    from sekisho.core.config_serve import Receive
    from sekisho.wire.datagrams import Datagrams

WAIT_MS = 100
"""How long a socket is waited for; then it is known to have been empty."""


class Intake:
    """Every socket of a collector.

    Args:
        config: where to listen.
        exporters: who may send.

    Attributes:
        failed: what ended a thread before its time.
    """

    def __init__(self, config: Receive, exporters: Exporters) -> None:
        self.failed: BaseException | None = None
        self._exporters = exporters
        self._queue = FairQueue(exporters.limit, octets=config.queue_octets)
        self._receivers = [
            Receiver(listen, exporters=exporters, buffer_octets=config.buffer_octets, shares=config.sockets)
            for listen in config.listen
            for _ in range(config.sockets)
        ]
        self._empty_ms = [0] * len(self._receivers)
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"receive {receiver.name}", daemon=True)
            for number, receiver in enumerate(self._receivers)
        ]
        self._ends = threading.Event()
        self._kernel_drops: dict[str, int] = {}
        self._shed: Counter[int] = self._queue.shed
        self._named: Counter[int] = Counter()
        self._refused = 0

    @property
    def names(self) -> list[str]:
        """Where it listens."""
        return list(dict.fromkeys(receiver.name for receiver in self._receivers))

    @property
    def drained_ms(self) -> int:
        """Everything that was received until then has been given by ``next``, milliseconds UTC."""
        # Read before the queue is found empty would be too early: a datagram may be on its way from one to the other.
        empty_ms = min(self._empty_ms)
        return empty_ms if not len(self._queue) else 0

    def open(self) -> None:
        """Bind the sockets; what arrives from now on waits in their buffers.

        Raises:
            InputError: an address cannot be listened at.
        """
        self._queue.start()
        for receiver in self._receivers:
            receiver.start()

    def start(self) -> None:
        """Begin to empty them."""
        for thread in self._threads:
            thread.start()

    def next(self, timeout_ms: int) -> Datagrams | None:
        """What came next, in order of arrival; None where nothing came in time."""
        return self._queue.get(timeout_ms)

    def close(self) -> None:
        """Let go of the sockets."""
        self._ends.set()
        for thread in self._threads:
            thread.join()
        for receiver in self._receivers:
            receiver.close()

    def samples(self) -> Iterator[Sample]:
        """The numbers of the sockets and of the queue."""
        for name, drops in self._drops().items():
            yield Sample("kernel_drops_total", (name,), drops)
        for name, octets in {receiver.name: receiver.buffer_octets for receiver in self._receivers}.items():
            yield Sample("receive_buffer_octets", (name,), octets)
        refused = sum(receiver.unknown_exporter for receiver in self._receivers)
        yield Sample("dropped_total", ("receive", FrameReason.UNKNOWN_EXPORTER.value), refused)
        foreign = sum(self._foreign().values())
        yield Sample("dropped_total", ("receive", FrameReason.FOREIGN_AGENT.value), foreign)
        for code, count in self._queue.shed.items():
            yield Sample("shed_total", (self._exporters.texts[code],), count)

    def look(self, alarms: Alarms) -> None:
        """Compare with the last look, and tell what holds."""
        small = [r for r in self._receivers if r.buffer_octets < r.buffer_asked]
        alarms.look(
            Condition.SMALL_BUFFER, {r.name: {"granted": r.buffer_octets, "asked": r.buffer_asked} for r in small}
        )
        drops = self._drops()
        more = {name: count - self._kernel_drops.get(name, 0) for name, count in drops.items()}
        self._kernel_drops = drops
        alarms.look(Condition.KERNEL_DROPS, {name: {"count": count} for name, count in more.items() if count})
        shed = self._queue.shed.copy()
        newly = shed - self._shed
        self._shed = shed
        alarms.look(Condition.OVERLOAD, {self._exporters.texts[code]: {"count": n} for code, n in newly.items()})
        foreign = self._foreign()
        named = foreign - self._named
        self._named = foreign
        alarms.look(Condition.FOREIGN_AGENT, {self._exporters.texts[code]: {"count": n} for code, n in named.items()})
        refused = sum(receiver.unknown_exporter for receiver in self._receivers)
        unknown, self._refused = refused - self._refused, refused
        alarms.look(Condition.UNKNOWN_EXPORTER, {"": {"count": unknown}} if unknown else {})

    def _foreign(self) -> Counter[int]:
        """Datagrams of sFlow that named an exporter and were not its own, by its code."""
        # A copy of each first: their threads go on counting.
        return sum((receiver.foreign_agents.copy() for receiver in self._receivers), Counter())

    def _drops(self) -> dict[str, int]:
        drops: dict[str, int] = {}
        for receiver in self._receivers:
            drops[receiver.name] = drops.get(receiver.name, 0) + receiver.kernel_drops
        return drops

    def _run(self, number: int) -> None:
        try:
            self._empty(number)
        except BaseException as error:  # noqa: BLE001 (the collector raises it in the main thread)
            self.failed = error

    def _empty(self, number: int) -> None:
        receiver = self._receivers[number]
        while not self._ends.is_set():
            before_ms = now_ms()
            datagrams = receiver.receive(WAIT_MS)
            if datagrams is not None:
                self._queue.put(datagrams)
            else:
                # Empty when it was asked and nothing came: whatever is received later has a later time.
                self._empty_ms[number] = before_ms
