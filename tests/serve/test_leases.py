"""What a collector holds: through a database that is away, a sleep, an end."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.serve import leases as module
from sekisho.serve.leases import Leases

EXPORTERS = ("192.0.2.1",)


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "RENEW_S", 3_600.0)
    return clock


def test_a_database_that_is_away_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    """Who held goes on; who did not waits until the other has had the time to say so."""
    url = f"sqlite:///{tmp_path / 'cases.db'}"
    first, second = Leases(url, "c1", EXPORTERS), Leases(url, "c2", EXPORTERS)
    first.start()
    second.start()
    (tmp_path / "cases.db").rename(tmp_path / "away.db")
    (tmp_path / "cases.db").mkdir()
    for _ in range(20):
        clock.now_s += 3
        first._renew()
        second._renew()
    assert (first.held, second.held) == (frozenset(EXPORTERS), frozenset())
    (tmp_path / "cases.db").rmdir()
    (tmp_path / "away.db").rename(tmp_path / "cases.db")
    second._renew()
    first._renew()
    assert (first.held, second.held) == (frozenset(EXPORTERS), frozenset())
    first.close()
    clock.now_s += 20
    second._renew()
    assert second.held == frozenset(EXPORTERS)
    second.close()


def test_who_slept_holds_nothing_until_it_has_asked(tmp_path: Path, clock: Clock) -> None:
    """Another may have taken over meanwhile."""
    leases = Leases(f"sqlite:///{tmp_path / 'cases.db'}", "c1", EXPORTERS)
    leases.start()
    clock.now_s += 15
    assert leases.held == frozenset()
    leases._renew()
    assert leases.held == frozenset(EXPORTERS)
    leases.close()
