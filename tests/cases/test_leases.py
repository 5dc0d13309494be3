"""Which of several collectors reports an exporter: one at a time."""

from __future__ import annotations

from sqlalchemy import update

from sekisho.cases.database import writing
from sekisho.cases.leases import release, renew
from sekisho.cases.work_tables import EXPORTER_LEASE

BOTH = ("192.0.2.1", "192.0.2.2")


def renewed(database: str, collector: str, *exporters: str, may_take: bool = True) -> set[str]:
    with writing(database) as connection:
        return renew(connection, collector, exporters or BOTH, may_take=may_take)


def test_who_asks_first_holds_and_goes_on_holding(database: str) -> None:
    """Another gets what nobody holds."""
    assert renewed(database, "c1", "192.0.2.1") == {"192.0.2.1"}
    assert renewed(database, "c2") == {"192.0.2.2"}
    assert renewed(database, "c1") == {"192.0.2.1"}


def test_what_was_not_renewed_is_taken_by_who_may(database: str) -> None:
    """By the database's clock; whoever held it comes back as the second."""
    renewed(database, "c1")
    with writing(database) as connection:
        connection.execute(update(EXPORTER_LEASE).values(until=1))
    assert renewed(database, "c2", may_take=False) == set()
    assert renewed(database, "c2") == set(BOTH)
    assert renewed(database, "c1") == set()


def test_what_is_released_is_taken_at_once(database: str) -> None:
    """A collector that ends leaves no gap."""
    renewed(database, "c1")
    with writing(database) as connection:
        release(connection, "c1")
    assert renewed(database, "c2") == set(BOTH)
