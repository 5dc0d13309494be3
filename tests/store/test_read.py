"""Reading: in order of reception, alike for every engine, and never in the way of others."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.errors import InputError
from sekisho.schema.flow import FLOW
from sekisho.store.compact import Compactor
from sekisho.store.layout import HOUR_MS
from sekisho.store.read import replay, snapshot
from sekisho.store.segments import Segments
from sekisho.store.space import SpaceFloor
from sekisho.store.view import create_views
from store.flows import EXPORTERS, REALMS, T0, Clock, numbered


def write(root, *batches):
    writer = Segments(root, collector="c1", clock=Clock(), space=SpaceFloor(root, 1, measure=lambda _: 1 << 40))
    writer.start()
    for batch in batches:
        writer.append(batch)
    writer.close()


STEP_MS = 5_000


def replayed(root, **bounds):
    exporters, realms = [], [""]
    batches = [
        (batch.column("received_at").copy(), batch.column("octets").copy(), batch.column("exporter").copy())
        for batch in replay(root, exporters=exporters, realms=realms, step_ms=STEP_MS, **bounds)
    ]
    for times, _, _ in batches:
        assert len(np.unique(-(-times // STEP_MS))) == 1, "one step a batch"
    received, numbers, codes = (np.concatenate([np.zeros(0, np.int64), *part]) for part in zip(*batches, strict=True))
    return received, numbers, [exporters[code] for code in codes]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(-50_000, 50_000), st.booleans()), min_size=1, max_size=8))
def test_replay_is_in_order_of_reception(tmp_path_factory, steps):
    """However batches arrived and were compacted, the flows come back by time of reception, each once."""
    root = tmp_path_factory.mktemp("replay")
    for number, (offset_ms, is_compacted) in enumerate(steps):
        received = T0 + HOUR_MS + offset_ms + np.arange(20) * 1_000
        write(root, numbered(number * 20, 20, received_ms=received))
        if is_compacted:
            Compactor(root, clock=Clock()).run(everything=True)
    received, numbers, _ = replayed(root)
    assert (np.diff(received) >= 0).all()
    assert np.sort(numbers).tolist() == list(range(20 * len(steps)))


def test_a_period_is_cut_to_the_millisecond(tmp_path):
    """Of a period come the flows received from its first millisecond to the one before its end."""
    write(tmp_path, numbered(0, 100, received_ms=T0 + np.arange(100)))
    for _ in range(2):
        received, numbers, _ = replayed(tmp_path, from_ms=T0 + 10, until_ms=T0 + 20)
        assert numbers.tolist() == list(range(10, 20))
        assert received.tolist() == list(range(T0 + 10, T0 + 20))
        Compactor(tmp_path, clock=Clock()).run(everything=True)


def test_codes_stand_for_the_same_exporters(tmp_path):
    """Exporters of segments and files have one list of codes between them."""
    write(tmp_path, numbered(0, 4))
    Compactor(tmp_path, clock=Clock()).run(everything=True)
    write(tmp_path, numbered(4, 4, exporters=["203.0.113.9", *EXPORTERS], exporter=[0, 1, 2, 0]))
    _, numbers, exporters = replayed(tmp_path)
    by_number = dict(zip(numbers.tolist(), exporters, strict=True))
    assert by_number == {
        0: EXPORTERS[0], 1: EXPORTERS[1], 2: EXPORTERS[0], 3: EXPORTERS[1],
        4: "203.0.113.9", 5: EXPORTERS[0], 6: EXPORTERS[1], 7: "203.0.113.9",
    }  # fmt: skip


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    """A folder of something else, or none, is named in one sentence."""
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(InputError, match="expected the folder of a flow store"), snapshot(path):
            pass


def test_duckdb_sees_the_contract(tmp_path):
    """The views have the columns and types of the contract, and the values that were written."""
    write(tmp_path, numbered(0, 10, realm=1))
    Compactor(tmp_path, clock=Clock()).run(everything=True)
    with duckdb.connect() as connection, snapshot(tmp_path) as found:
        create_views(connection, found)
        described = connection.execute("describe flow").fetchall()
        assert [(name, kind) for name, kind, *_ in described] == [(c.name, c.type.duckdb) for c in FLOW.columns]
        totals = "select count(*), sum(octets), min(realm), count(distinct exporter) from flow"
        assert connection.execute(totals).fetchone() == (10, 45, REALMS[1], 2)
        times = "select min(received_ms), max(start_ms), max(end_ms) from flow_ms"
        assert connection.execute(times).fetchone() == (T0, T0 - 5_000, T0 - 1_000)


def test_duckdb_sees_an_empty_store(tmp_path):
    """A store without compacted flows has the same views, without rows."""
    write(tmp_path)
    with duckdb.connect() as connection, snapshot(tmp_path) as found:
        create_views(connection, found)
        described = connection.execute("describe flow").fetchall()
        assert [(name, kind) for name, kind, *_ in described] == [(c.name, c.type.duckdb) for c in FLOW.columns]
        assert connection.execute("select count(*) from flow_ms").fetchone() == (0,)
