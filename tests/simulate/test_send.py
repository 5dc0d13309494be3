"""Sending in real time."""

from __future__ import annotations

import socket

import pytest

from sekisho.core.errors import InputError
from sekisho.simulate.send import Collector, send
from sekisho.simulate.simulation import Simulation
from small_scenarios import exporter, scenario


@pytest.mark.parametrize("text", ["127.0.0.1:2055", "10.1.2.3:9995", "[::1]:4739", "[fd00::1]:1"])
def test_this_machine_and_private_networks_are_fine(text):
    """Loopback and private addresses are taken."""
    assert Collector.parse(text).port == int(text.rpartition(":")[2])


@pytest.mark.parametrize(
    "text",
    [
        *("8.8.8.8:53", "[2600::1]:53", "224.0.0.5:1", "255.255.255.255:9", "10.1.2.255:9", "0.0.0.0:9", "[ff02::1]:9"),
        *("localhost:2055", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":2055"),
    ],
)
def test_the_internet_and_many_receivers_are_refused(text):
    """Global, multicast, broadcast and unspecified addresses, names and wrong ports are refused with a sentence."""
    with pytest.raises(InputError, match="expected"):
        Collector.parse(text)


def test_every_datagram_is_sent_when_it_is_due(tmp_path):
    """The collector gets the octets of the simulation in order; the sender sleeps until each is due, and never back."""
    chosen = scenario(duration_s=6, attack=[], exporter=[exporter(sampling_interval=10)])
    now = [100.0]

    def sleep(seconds):
        assert seconds > 0
        now[0] += seconds

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        collector = Collector.parse(f"127.0.0.1:{receiver.getsockname()[1]}")
        outcome = send(chosen, tmp_path, collector, clock=lambda: now[0], sleep=sleep)
        receiver.settimeout(5)
        received = [receiver.recv(65_535) for _ in range(outcome.datagrams)]
    expected = list(Simulation(chosen, seed=1).datagrams())
    assert received == [exported.octets for exported in expected]
    last = (expected[-1].at_ms - chosen.start_ms) / 1000
    assert now[0] - 100.0 == pytest.approx(last, abs=0.01)
    assert not (tmp_path / "flows.pcap").exists()
    assert (tmp_path / "truth.json").exists()
