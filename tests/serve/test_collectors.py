"""Two collectors that receive the same, one PostgreSQL, one store: whichever of the three dies, the others go on.

The exporter sends every datagram to both. What is found stands in the database once, and no record in the store twice.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from cases.databases import Cluster, cluster
from ports import free_port
from sekisho.cases.leases import LEASE_MS
from sekisho.store.compact import Compactor
from sekisho.store.read import snapshot
from serve.test_kills import RECORDS, Exporter, begin, until_it_tells, write_config


class Site:
    """One of the two."""

    def __init__(self, folder: Path, name: str, url: str, store: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self.config = write_config(folder, self.port)
        written = self.config.read_text(encoding="utf-8")
        written = written.replace('"flows"', f'"{store}"').replace("sqlite:///cases.db", url)
        self.config.write_text(f'{written}[serve]\ncollector = "{name}"\nshares = true\n', encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        self.process = begin(self.config)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def rows_of(url: str, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def disturb(rng: random.Random, sites: list[Site], server: Cluster) -> None:
    """One of the three dies, and is there again some seconds later."""
    victim = rng.choice([*sites, server])
    victim.kill()
    time.sleep(rng.uniform(0.0, 4.0))
    if isinstance(victim, Site):
        victim.begin()
    else:
        victim.start()
    time.sleep(rng.uniform(0.0, 4.0))


@pytest.mark.parametrize("kills", [1, pytest.param(50, marks=pytest.mark.prove)])
def test_whichever_dies_the_others_go_on(tmp_path: Path, kills: int) -> None:
    """One case with one episode, which goes on to the end; no record twice, and gaps no longer than a lease."""
    rng = random.Random(kills)
    store = tmp_path / "flows"
    with cluster() as server:
        sites = [Site(tmp_path / name, name, server.url, store) for name in ("c1", "c2")]
        for site in sites:
            site.begin()
            until_it_tells(site.config, 0)
        exporter = Exporter(*(site.port for site in sites))
        exporter.start()
        try:
            time.sleep(8)
            for _ in range(kills):
                disturb(rng, sites, server)
            now_ms = time.time_ns() // 1_000_000
            for site in sites:
                until_it_tells(site.config, now_ms)
            time.sleep(8)
        finally:
            exporter.stop()
            statuses = [site.end() for site in sites]
        assert statuses == [0, 0], (sites[0].config.parent / "collector.log").read_text()
        assert rows_of(server.url, "select line_id, state from subscriber_case") == [("L5", "open")]
        found = rows_of(server.url, "select kind, extract(epoch from last_seen) from case_detection")
    assert [kind for kind, _ in found] == ["tcp_syn_flood"]
    assert time.time() - float(str(found[0][1])) < 30
    Compactor(store, clock=lambda: time.time_ns() // 1_000_000, wait_ms=0).run(everything=True)
    with snapshot(store) as stored:
        rows = sum(len(batch) for batch in stored.batches())
        assert stored.torn == stored.missing == 0
    sent = (exporter.sent - 1) * RECORDS
    most_lost = kills * (LEASE_MS / 1000 + 10) * 50 * RECORDS
    assert max(1, sent - most_lost) <= rows <= sent
