"""Sockets, queue and shedding together, while processing is behind."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import ExitStack, closing
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ports import free_port
from sekisho.collect.exporters import Exporters
from sekisho.core.alarms import Alarms, Condition
from sekisho.core.config import Exporter
from sekisho.core.config_serve import ListenAddress, Receive
from sekisho.serve.intake import Intake
from sflow_builders import sflow

if TYPE_CHECKING:
    from collections.abc import Iterator

NOISY, *QUIET = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
QUEUE_OCTETS = 1 << 20
ROUNDS, BURST, OCTETS = 40, 50, 1000
"""Two megabytes of one exporter, some kilobytes of each of the others."""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def intake(port: int) -> Iterator[Intake]:
    exporters = Exporters([Exporter(address=address) for address in (NOISY, *QUIET)], accept_unconfigured=False)
    exporters.start()
    listen = ListenAddress(ip_address("127.0.0.1"), port)
    made = Intake(Receive(listen=(listen,), buffer_octets=4 << 20, queue_octets=QUEUE_OCTETS), exporters)
    made.open()
    made.start()
    yield made
    made.close()


def numbers(intake: Intake) -> Counter[str]:
    """Name and labels of each number, joined."""
    return Counter({" ".join((s.name, *s.labels)): int(s.value) for s in intake.samples()})


def test_one_noisy_exporter_does_not_starve_the_others(intake: Intake, port: int):
    """Nobody takes from the queue for a while: the one that sends too much is shed and named, all others are kept."""
    alarms, taken = Alarms(lambda: 0), Counter[int]()
    with ExitStack() as open_sockets:
        senders = [open_sockets.enter_context(sender(address)) for address in (NOISY, *QUIET)]
        for _ in range(ROUNDS):
            for each, count in zip(senders, (BURST, 1, 1, 1), strict=True):
                for _ in range(count):
                    each.sendto(b"\x00\x05" + bytes(OCTETS), ("127.0.0.1", port))
            # Behind, but not so far that the kernel has to drop: that would hit everybody.
            wait_until_empty(port)
    while (datagrams := intake.next(500)) is not None:
        taken.update(datagrams.exporter.tolist())
    told = numbers(intake)
    assert [taken[code] for code in (1, 2, 3)] == [ROUNDS] * 3
    assert 0 < taken[0] < ROUNDS * BURST
    assert taken[0] + told[f"shed_total {NOISY}"] + told[f"kernel_drops_total 127.0.0.1:{port}"] == ROUNDS * BURST
    intake.look(alarms)
    assert [(alarm.condition, alarm.subject) for alarm in alarms if alarm.condition is Condition.OVERLOAD] == [
        (Condition.OVERLOAD, NOISY)
    ]
    intake.look(alarms)
    assert not list(alarms)


def test_who_names_an_agent_that_it_may_not_speak_for_is_told_of(port: int):
    """The alarm has the agent's name, and ends when nobody does so any more."""
    agent = Exporter(address=QUIET[0], sent_from=(QUIET[1],))
    exporters = Exporters([agent], accept_unconfigured=False)
    exporters.start()
    listen = ListenAddress(ip_address("127.0.0.1"), port)
    intake, alarms = Intake(Receive(listen=(listen,), buffer_octets=1 << 20), exporters), Alarms(lambda: 0)
    intake.open()
    intake.start()
    with closing(intake):
        for address in (QUIET[1], NOISY, NOISY):
            with sender(address) as one:
                one.sendto(sflow(agent=QUIET[0]), ("127.0.0.1", port))
        while intake.next(500) is not None:
            pass
        assert numbers(intake)["dropped_total receive foreign_agent"] == 2
        intake.look(alarms)
        (alarm,) = alarms
        assert (alarm.condition, alarm.subject, alarm.values) == (Condition.FOREIGN_AGENT, QUIET[0], {"count": 2})
        intake.look(alarms)
        assert not list(alarms)


def wait_until_empty(port: int) -> None:
    """Until the thread has taken everything from the socket, as proc_net_udp(5) shows it."""
    for _ in range(10_000):
        rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
        if all(row[4].endswith(":00000000") for row in rows if row[1].endswith(f":{port:04X}")):
            return
        time.sleep(0.001)
    pytest.fail("nobody takes from the socket")


def sender(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    return made
