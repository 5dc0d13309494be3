"""A session stays on the network and within the time that the consent was given for."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from sekisho.checkup import session as sessions
from sekisho.checkup.consent import Consent, OutOfScope
from sekisho.checkup.data.knowledge import Knowledge
from sekisho.checkup.device import Device
from sekisho.checkup.session import IDENTITY_HOLDS_MS, Inputs, Session
from sekisho.checkup.system import Gateway, Neighbour

if TYPE_CHECKING:
    from pathlib import Path

    from sekisho.checkup.network import LocalNetwork

NOW_MS = 1_790_000_000_000


class Tables:
    """An operating system whose tables the test sets."""

    def __init__(self) -> None:
        self.router: str | None = "127.0.0.1"
        self.mac = "00:00:5e:00:53:01"
        self.reads = 0

    def gateway(self, interface: str | None) -> Gateway | None:
        self.reads += 1
        return Gateway(interface or "lo", ip_address(self.router)) if self.router else None

    def neighbours(self, _: str) -> list[Neighbour]:
        return [Neighbour(ip_address("127.0.0.1"), self.mac)] if self.mac else []

    def resolvers(self) -> list[str]:
        return []


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def clock() -> list[int]:
    return [NOW_MS]


@pytest.fixture
def session(tables: Tables, network: LocalNetwork, consent: Consent, tmp_path: Path, clock: list[int]) -> Session:
    return Session(tables, network, consent, directory=tmp_path, now_ms=lambda: clock[0])


def test_here_means_the_same_gateway(session: Session) -> None:
    """Nothing changed: go on."""
    session.still_here()


@pytest.mark.parametrize(("router", "mac"), [("127.0.0.2", None), (None, None), ("127.0.0.1", "00:00:5e:00:53:77")])
def test_another_gateway_no_gateway_or_another_mac_ends_it(
    session: Session, tables: Tables, router: str | None, mac: str | None
) -> None:
    """The computer was carried to another network, or somebody else answers for the router."""
    tables.router, tables.mac = router, mac or tables.mac
    with pytest.raises(OutOfScope):
        session.still_here()


def test_a_router_that_is_switched_off_for_its_restart_is_still_the_network(session: Session, tables: Tables) -> None:
    """The neighbour table holds no MAC for a while; only another MAC is another network."""
    tables.mac = ""
    session.still_here()


def test_a_move_is_noticed_by_the_look_beside_the_run(
    session: Session, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a run goes on the tables are looked at beside it; the next packet is refused."""
    monkeypatch.setattr(sessions, "LOOK_EVERY_S", 0)

    async def carried_away() -> None:
        async with session.looking():
            session.still_here()
            tables.router = "127.0.0.2"
            while not session._moved:  # noqa: ASYNC110 # the look happens in a thread
                await asyncio.sleep(0)
            session.still_here()

    with pytest.raises(OutOfScope, match="no longer"):
        asyncio.run(asyncio.wait_for(carried_away(), 10))


def test_the_tables_are_read_again_after_a_while(session: Session, tables: Tables, clock: list[int]) -> None:
    """Where nobody looks beside; they cost a process on some systems, and a change is still noticed."""
    session.still_here()
    tables.mac = "00:00:5e:00:53:77"
    clock[0] += IDENTITY_HOLDS_MS - 1
    session.still_here()
    clock[0] += 1
    with pytest.raises(OutOfScope):
        session.still_here()
    assert tables.reads == 2


def test_devices_that_are_only_to_be_listed_are_never_asked(session: Session) -> None:
    """Medical and industrial gear; and with `only`, nothing but that."""
    devices = [Device(id=name, addresses=(f"127.0.0.{n}",)) for n, name in enumerate("abc", 20)]
    inputs = Inputs(knowledge=Knowledge(), list_only=frozenset({"127.0.0.21"}))
    assert [d.id for d in session._to_ask(devices, inputs, frozenset())] == ["a", "c"]
    assert [d.id for d in session._to_ask(devices, inputs, frozenset({"127.0.0.20"}))] == ["a"]


def test_the_end_of_the_consent_is_noticed_at_once(session: Session, clock: list[int]) -> None:
    """Whatever the tables say."""
    clock[0] += 86_400_000
    with pytest.raises(OutOfScope):
        session.still_here()
