"""The queue between sockets and run: in order, in bounds, and fair when it fills."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.collect.queue import DATAGRAM_OCTETS, FairQueue
from sekisho.wire.datagrams import Datagrams

EXPORTERS = 8


def queue(octets: int) -> FairQueue:
    made = FairQueue(EXPORTERS, octets=octets)
    made.start()
    return made


def datagrams(*rows: tuple[int, bytes]) -> Datagrams:
    return Datagrams.of((1000 + number, exporter, 5, octets) for number, (exporter, octets) in enumerate(rows))


def drained(from_: FairQueue) -> list[tuple[int, bytes]]:
    found = []
    while (taken := from_.get(0)) is not None:
        for i in range(len(taken)):
            start = int(taken.offset[i])
            found.append((int(taken.exporter[i]), taken.payload[start : start + int(taken.length[i])].tobytes()))
    return found


def test_what_is_put_in_comes_out_in_order():
    """As a copy: the ring is filled again meanwhile."""
    through = queue(1 << 20)
    first = datagrams((1, b"one"), (2, b""), (1, b"three"))
    through.put(first)
    first.payload[:] = 0
    through.put(datagrams((3, b"four")))
    assert drained(through) == [(1, b"one"), (2, b""), (1, b"three"), (3, b"four")]


def test_waiting_ends_when_something_comes():
    """Another thread puts in what this one waits for."""
    through = queue(1 << 20)
    threading.Timer(0.05, through.put, [datagrams((1, b"late"))]).start()
    taken = through.get(10_000)
    assert taken is not None
    assert taken.exporter.tolist() == [1]
    assert through.get(0) is None


def test_a_noisy_exporter_does_not_starve_the_rest():
    """Filled by one, the queue still takes what the others send, and sheds the noisy one alone."""
    cost = 100 + DATAGRAM_OCTETS
    through = queue(200 * cost)
    through.put(datagrams(*[(0, bytes(100))] * 500))
    # Alone it may use half; the other half is there for whoever comes.
    assert through.shed[0] == 400
    quiet = [(code, bytes(100)) for code in range(1, 5) for _ in range(10)]
    through.put(datagrams(*quiet))
    assert [row for row in drained(through) if row[0]] == quiet
    assert set(through.shed) == {0}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, EXPORTERS - 1), st.integers(0, 300)), max_size=40),
        max_size=12,
    ),
    st.integers(1000, 20_000),
)
def test_nothing_is_lost_uncounted_and_bounds_hold(batches: list[list[tuple[int, int]]], octets: int):
    """Every datagram comes out or is counted as shed; what waits never exceeds the queue."""
    through = queue(octets)
    sent = np.zeros(EXPORTERS, np.int64)
    out = np.zeros(EXPORTERS, np.int64)
    for number, batch in enumerate(batches):
        if batch:
            through.put(datagrams(*((code, bytes(length)) for code, length in batch)))
        for code, _ in batch:
            sent[code] += 1
        if number % 3 == 2 and (taken := through.get(0)) is not None:
            out += np.bincount(taken.exporter, minlength=EXPORTERS)
        held = sum(int(w.length.sum()) + DATAGRAM_OCTETS * len(w) for w in through._waiting)
        assert held <= octets
    out += np.bincount([code for code, _ in drained(through)], minlength=EXPORTERS)
    shed = np.array([through.shed[code] for code in range(EXPORTERS)])
    assert (out + shed == sent).all()


def test_an_empty_batch_is_nothing():
    """Every datagram of a call may have been refused."""
    through = queue(1 << 20)
    through.put(datagrams())
    assert through.get(0) is None


@pytest.mark.parametrize("octets", [1, 2, 63])
def test_a_queue_without_room_sheds_everything(octets: int):
    """And says so."""
    through = queue(octets)
    through.put(datagrams((1, b"x"), (1, b"y")))
    assert through.get(0) is None
    assert through.shed == {1: 2}
