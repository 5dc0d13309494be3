"""The metering process against an obvious one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.kernels import warm
from sekisho.simulate import flow_cache as fc

ACTIVE, INACTIVE = 30, 10


def observation(key, at_ms, flags):
    row = np.zeros(fc.ROW, np.int64)
    row[fc.DST_LO], row[fc.FIRST_MS], row[fc.LAST_MS] = key, at_ms, at_ms + 1
    row[fc.PACKETS], row[fc.OCTETS], row[fc.FLAGS] = 2, 100, flags
    return row


class Obvious:
    """A dictionary of flows."""

    def __init__(self):
        self.flows = {}

    def observe(self, rows):
        for row in rows:
            key = tuple(row[:6])
            if key not in self.flows:
                self.flows[key] = row.copy()
                continue
            flow = self.flows[key]
            flow[fc.FIRST_MS] = min(flow[fc.FIRST_MS], row[fc.FIRST_MS])
            flow[fc.LAST_MS] = max(flow[fc.LAST_MS], row[fc.LAST_MS])
            flow[fc.PACKETS] += row[fc.PACKETS]
            flow[fc.OCTETS] += row[fc.OCTETS]
            flow[fc.FLAGS] |= row[fc.FLAGS]

    def expire(self, now):
        def expired(flow):
            return flow[fc.FIRST_MS] + ACTIVE <= now or flow[fc.LAST_MS] + INACTIVE <= now

        gone = [flow for flow in self.flows.values() if expired(flow)]
        self.flows = {key: flow for key, flow in self.flows.items() if not expired(flow)}
        return gone


steps = st.lists(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.integers(0, 31)), max_size=40), max_size=30
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_same_records_as_a_dictionary(script):
    """Whatever arrives, every step yields the records that a dictionary of flows would, and in the end all the rest."""
    warm([fc.KERNELS])
    cache, obvious = fc.FlowCache(active_ms=ACTIVE, inactive_ms=INACTIVE), Obvious()
    for number, seen in enumerate(script):
        rows = np.array([observation(k, number * 6 + at, f) for k, at, f in seen], np.int64).reshape(-1, fc.ROW)
        cache.observe(rows)
        obvious.observe(rows)
        assert sorted(map(tuple, cache.expire(number * 6 + 6).tolist())) == sorted(
            tuple(flow.tolist()) for flow in obvious.expire(number * 6 + 6)
        )
        assert len(cache) == len(obvious.flows)
    rest = sorted(map(tuple, cache.flush().tolist()))
    assert rest == sorted(tuple(flow.tolist()) for flow in obvious.flows.values())
    assert len(cache) == 0


def test_it_grows_and_loses_nothing():
    """Twenty thousand flows, more than the first capacity, all come out again."""
    warm([fc.KERNELS])
    cache = fc.FlowCache(active_ms=ACTIVE, inactive_ms=INACTIVE)
    rows = np.array([observation(key, 5, 0) for key in range(20_000)])
    for part in np.array_split(rows, 7):
        cache.observe(part)
    assert cache.expire(6).shape == (0, fc.ROW)
    assert sorted(cache.expire(15 + 1)[:, fc.DST_LO].tolist()) == list(range(20_000))
