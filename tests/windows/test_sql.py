"""The definition of both tables, and the kernel against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.portable import check
from sekisho.schema.line_target import BLOCK_MS, LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW
from sekisho.windows.limits import Limits
from sekisho.windows.sql import LINE_TARGET_SQL, LINE_WINDOW_SQL
from windows_flows import T0, V4, batch_of, definition_tables

WINDOW_KEY = ["line", "boundary", "side", "window_start_ms"]
TARGET_KEY = ["line", "boundary", "block_start_ms", "target_hi", "target_lo", "port", "own_port", "protocol"]
MANY = Limits(series=4_096, window_rows=16_384, pair_rows=16_384, held_answers=4_096)
COUNTS = ["first_ms", "last_ms"]


@pytest.fixture(scope="module")
def engine():
    engine = DuckDBEngine()
    yield engine
    engine.close()


@pytest.mark.parametrize("sql", [LINE_WINDOW_SQL, LINE_TARGET_SQL], ids=["line_window", "line_target"])
def test_definition_is_portable(sql):
    """Both definitions stay inside the portable subset."""
    assert check(sql) == []


@pytest.mark.parametrize(
    ("sql", "table"), [(LINE_WINDOW_SQL, LINE_WINDOW), (LINE_TARGET_SQL, LINE_TARGET)], ids=["window", "target"]
)
def test_definition_has_the_declared_columns(engine, sql, table):
    """Names and order are those of the schema."""
    tables = definition_tables([batch_of({})], np.array([60_000]), np.array([90_000]))
    assert tuple(engine.run(sql, tables).column_names) == table.names


def assert_same(ours, defined, key):
    """Equal rows: keys and counts exactly, sums to nine digits."""
    order = [(name, "ascending") for name in key]
    ours, defined = ours.sort_by(order), defined.sort_by(order)
    assert ours.num_rows == defined.num_rows
    for name in ours.column_names:
        mine, its = ours[name].to_numpy(), defined[name].to_numpy()
        if name in key or name in COUNTS:
            np.testing.assert_array_equal(mine, its, err_msg=name)
        else:
            np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-9, err_msg=name)


def at_primary(defined, windows, side_of):
    """The rows of a definition that the detectors see."""
    lines, boundaries = defined["line"].to_pylist(), defined["boundary"].to_pylist()
    wanted = [
        windows.boundaries_of(line, side)[0].boundary == boundary
        for line, side, boundary in zip(lines, side_of(defined), boundaries, strict=True)
    ]
    return defined.filter(pa.array(wanted, pa.bool_()))


def compare(engine, make_windows, batches, *, active_cap_ms, lateness_ms):
    """Fold the batches and run the definition over them."""
    windows = make_windows(active_cap_ms=active_cap_ms, lateness_ms=lateness_ms)
    for batch in batches:
        windows.fold(batch)
    windows.tick(int(max(batch.column("received_at").max() for batch in batches)) + 5_000)
    tables = definition_tables(batches, np.array(active_cap_ms), np.array(lateness_ms))
    defined = at_primary(engine.run(LINE_WINDOW_SQL, tables), windows, lambda t: t["side"].to_pylist())
    assert_same(windows.line_window(), defined, WINDOW_KEY)
    defined = at_primary(engine.run(LINE_TARGET_SQL, tables), windows, lambda t: [0] * t.num_rows)
    assert_same(windows.line_target(), defined, TARGET_KEY)
    assert sum(windows.dropped.values()) == 0
    return windows


def random_batch(rng, length, *, since_ms, lines=6, peers=40, longest_ms=90_000):
    """Flows of every kind, both sides ours at times, with a few of everything that has a branch."""
    received = since_ms + np.sort(rng.integers(0, 40_000, length))
    end = received - rng.integers(-200, 120_000, length) * (rng.random(length) < 0.6)
    ours = rng.choice([1, 2, 3], length)
    columns = {
        "received_at": received,
        "flow_end": end,
        "flow_start": end - rng.integers(-50, longest_ms, length) * (rng.random(length) < 0.5),
        "exporter": rng.integers(0, 2, length),
        "boundary": rng.choice([-1, 0, 1, 1, 2], length),
        "sampling_interval": rng.choice([0.0, 1.0, 10.0, 1000.0, 1.5], length),
        "src_line": np.where(ours & 1, rng.integers(1, lines, length), 0),
        "dst_line": np.where(ours & 2, rng.integers(1, lines, length), 0),
        "src_lo": V4 + rng.integers(0, peers, length),
        "dst_lo": V4 + rng.integers(0, peers, length),
        "src_hi": rng.choice([0, 0, 0x20010DB8 << 32], length),
        "dst_hi": rng.choice([0, 0, -(1 << 62)], length),
        "src_port": rng.choice([0, 53, 80, 123, 443], length),
        "dst_port": rng.choice([0, 22, 25, 53, 123, 443], length),
        "icmp_type_code": rng.choice([-1, 0, 768, 2048, 33_024, 65_535], length),
        "protocol": rng.choice([1, 6, 6, 17, 17, 47, 50, 58], length),
        "tcp_flags": rng.choice([0, 2, 2, 16, 18, 4, 20, 27, 31], length),
        "packets": rng.choice([0, 1, 1, 3, 1000], length),
        "fragment": rng.random(length) < 0.1,
        "forwarding_status": rng.choice([-1, 64, 127, 128, 191, 192], length),
        "src_inferred": rng.random(length) < 0.2,
        "dst_inferred": rng.random(length) < 0.2,
    }
    columns["octets"] = columns["packets"] * rng.choice([40, 1199, 1200, 1500], length)
    return batch_of(columns)


@pytest.mark.parametrize("seed", range(4))
def test_kernel_equals_definition_on_random_batches(engine, make_windows, seed):
    """Three batches of 1,500 flows of every kind, with late ones and several boundaries."""
    rng = np.random.default_rng(seed)
    batches = [random_batch(rng, 1_500, since_ms=T0 + BLOCK_MS - 60_000 + 40_000 * k, peers=90) for k in range(3)]
    windows = compare(engine, make_windows, batches, active_cap_ms=[60_000, 300_000], lateness_ms=[45_000, 330_000])
    assert windows.late > 0


@pytest.mark.parametrize("partition_entries", [1, 3, 4_096])
def test_what_is_folded_does_not_depend_on_how_long_flows_wait(make_windows, partition_entries):
    """One flow at a time, few, or all at the tick: the same rows, answers and late records."""
    rng = np.random.default_rng(7)
    batches = [random_batch(rng, 1_500, since_ms=T0 + 40_000 * k, lines=300, peers=4) for k in range(2)]
    folded = []
    for entries in (64, partition_entries):
        windows = make_windows(
            active_cap_ms=[60_000, 300_000],
            lateness_ms=[45_000, 330_000],
            limits=replace(MANY, partition_entries=entries),
        )
        for batch in batches:
            windows.fold(batch)
            windows.tick(int(batch.column("received_at").max()))
        assert sum(windows.dropped.values()) == 0
        folded.append((windows.line_window(), windows.line_target(), windows.late))
    assert folded[0] == folded[1]
    assert sum(folded[0][1]["answered_packets"].to_pylist()) > 0


FLOW = st.fixed_dictionaries(
    {
        "received_at": st.one_of(st.sampled_from([0, 5, 10, 11, 20]), st.integers(0, 30_000)),
        "flow_end": st.one_of(st.just(0), st.sampled_from([-10_000, 10_000, 1]), st.integers(-100_000, 500)),
        "flow_start": st.one_of(st.just(0), st.sampled_from([-10_000, -20_000]), st.integers(-700_000, 20)),
        "exporter": st.integers(0, 1),
        "boundary": st.integers(-1, 1),
        "sampling_interval": st.sampled_from([0.0, 1.0, 2.5, 4096.0]),
        "src_line": st.integers(0, 2),
        "dst_line": st.integers(0, 2),
        "src_lo": st.integers(V4, V4 + 3),
        "dst_lo": st.integers(V4, V4 + 3),
        "src_port": st.sampled_from([0, 53, 123, 443, 65_535]),
        "dst_port": st.sampled_from([0, 22, 25, 53, 443, 65_535]),
        "icmp_type_code": st.integers(-1, 65_535),
        "protocol": st.sampled_from([0, 1, 6, 17, 47, 58, 255]),
        "tcp_flags": st.integers(0, 255),
        "packets": st.integers(0, 10_000),
        "octets": st.integers(0, 15_000_000),
        "fragment": st.integers(0, 1),
        "forwarding_status": st.integers(-1, 255),
        "src_inferred": st.integers(0, 1),
        "dst_inferred": st.integers(0, 1),
    }
)


@given(flows=st.lists(FLOW, min_size=1, max_size=12), cut=st.integers(0, 12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_kernel_equals_definition_on_any_flows(engine, make_windows, flows, cut):
    """Any few flows, however they are cut into batches, fold to what the definition says."""
    columns = {name: np.array([flow[name] for flow in flows]) for name in flows[0]}
    columns["received_at"] = T0 + BLOCK_MS + np.sort(columns["received_at"])
    columns["flow_end"] = columns["received_at"] + columns["flow_end"]
    columns["flow_start"] = columns["flow_end"] + columns["flow_start"]
    parts = [{name: values[part] for name, values in columns.items()} for part in (slice(cut), slice(cut, None))]
    batches = [batch_of(part) for part in parts if len(part["packets"])]
    compare(engine, make_windows, batches, active_cap_ms=[60_000, 86_400_000], lateness_ms=[75_000, 1_830_000])


def test_pairs_beyond_the_cap_are_the_ones_that_came_last(engine, make_windows):
    """1,100 targets in an order of their own: the first 1,024 have rows, the others one rest row."""
    rng = np.random.default_rng(5)
    targets = np.concatenate([rng.permutation(1_100), rng.integers(0, 1_100, 900)])
    batch = batch_of({"dst_lo": V4 + targets, "received_at": T0 + np.arange(2_000) * 9, "protocol": 6, "tcp_flags": 2})
    answers = batch_of(
        {"src_lo": V4 + targets[:1_100], "src_line": 0, "dst_line": 1, "received_at": T0 + 20_000, "protocol": 6}
    )
    windows = compare(engine, make_windows, [batch, answers], active_cap_ms=[60_000], lateness_ms=[90_000])
    ports = windows.line_target()["port"].to_pylist()
    assert len(ports) == 1_025
    assert ports.count(-1) == 1
