"""Real sockets on loopback: what is sent arrives, what does not is counted."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from sekisho.collect.exporters import Exporters
from sekisho.collect.receive import Receiver
from sekisho.core.config import Exporter
from sekisho.core.config_serve import ListenAddress
from sekisho.core.errors import InputError
from sflow_builders import sflow

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOAD = b"\x00\x05" + bytes(100)


def exporters(*addresses: str) -> Exporters:
    made = Exporters([Exporter(address=ip_address(each)) for each in addresses], accept_unconfigured=False)
    made.start()
    return made


def receiver(*allowed: str, at: str = "127.0.0.1", port: int = 0, **options: int) -> Receiver:
    listen = ListenAddress(ip_address(at), port)
    made = Receiver(listen, exporters=exporters(*allowed), buffer_octets=options.pop("buffer", 1 << 20), **options)
    made.start()
    return made


@pytest.fixture
def v4() -> Iterator[Receiver]:
    made = receiver("127.0.0.1", "127.0.0.2")
    yield made
    made.close()


def sender(address: str, port: int = 0) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, port))
    return made


def everything(from_: Receiver) -> list[tuple[int, int, bytes]]:
    """(exporter code, source port, payload) of all that waits."""
    found: list[tuple[int, int, bytes]] = []
    while (datagrams := from_.receive(50)) is not None:
        for i in range(len(datagrams)):
            start, end = datagrams.offset[i], datagrams.offset[i] + datagrams.length[i]
            octets = datagrams.payload[start:end].tobytes()
            found.append((int(datagrams.exporter[i]), int(datagrams.source_port[i]), octets))
    return found


def test_datagrams_arrive_with_exporter_port_and_time(v4: Receiver):
    """Each as it was sent, under the code of its source address, at the time at which the kernel had it."""
    before_ms = time.time_ns() // 1_000_000
    with sender("127.0.0.1") as one, sender("127.0.0.2") as two:
        for number, each in enumerate((one, two, one)):
            each.sendto(PAYLOAD + bytes([number]), ("127.0.0.1", v4.port))
        datagrams = v4.receive(1000)
        ports = [each.getsockname()[1] for each in (one, two, one)]
    assert datagrams is not None
    assert datagrams.exporter.tolist() == [0, 1, 0]
    assert datagrams.source_port.tolist() == ports
    assert datagrams.length.tolist() == [len(PAYLOAD) + 1] * 3
    ends = (datagrams.offset + datagrams.length - 1).tolist()
    assert [int(datagrams.payload[end]) for end in ends] == [0, 1, 2]
    after_ms = time.time_ns() // 1_000_000
    assert all(before_ms <= ms <= after_ms for ms in datagrams.received_at.tolist())


def test_ipv6(v4: Receiver):
    """An IPv6 socket takes IPv6 alone, so that both can have the same port."""
    v6 = receiver("::1", at="::1", port=v4.port)
    with sender("::1") as one:
        one.sendto(PAYLOAD, ("::1", v6.port))
    assert [found[0] for found in everything(v6)] == [0]
    v6.close()


def test_strangers_are_refused_and_counted(v4: Receiver):
    """Only configured addresses are exporters; the others cost a count."""
    with sender("127.0.0.1") as known, sender("127.0.0.9") as stranger:
        for each in (stranger, known, stranger):
            each.sendto(PAYLOAD, ("127.0.0.1", v4.port))
    assert [found[0] for found in everything(v4)] == [0]
    assert (v4.unknown_exporter, v4.received) == (2, 3)


def test_the_largest_datagram_is_whole_and_an_empty_one_is_one(v4: Receiver):
    """Nothing is cut: a slot holds what UDP can carry."""
    with sender("127.0.0.1") as one:
        for octets in (bytes(65_507), b"", b"\x01"):
            one.sendto(octets, ("127.0.0.1", v4.port))
    assert [len(found[2]) for found in everything(v4)] == [65_507, 0, 1]


def test_more_datagrams_than_slots_keep_their_order():
    """The ring is used again and again."""
    small = receiver("127.0.0.1", slots=7)
    with sender("127.0.0.1") as one:
        for number in range(50):
            one.sendto(number.to_bytes(2, "big"), ("127.0.0.1", small.port))
    assert [int.from_bytes(found[2], "big") for found in everything(small)] == list(range(50))
    small.close()


def test_what_the_kernel_drops_is_counted_to_the_datagram():
    """Sent = received + dropped, once a later datagram has brought the count."""
    small = receiver("127.0.0.1", buffer=1 << 16)
    sent = 2000
    with sender("127.0.0.1") as one:
        for _ in range(sent):
            one.sendto(bytes(1000), ("127.0.0.1", small.port))
        received = len(everything(small))
        one.sendto(PAYLOAD, ("127.0.0.1", small.port))
        received += len(everything(small))
    assert 0 < received < sent
    assert received + small.kernel_drops == sent + 1
    small.close()


def test_sockets_that_share_an_address_are_chosen_by_the_source_address():
    """All datagrams of an exporter come from one socket, whatever ports it sends from; both sockets are used."""
    sources = [f"127.0.1.{number}" for number in range(1, 25)]
    first = receiver(*sources, shares=2)
    second = receiver(*sources, shares=2, port=first.port)
    for source in sources:
        for _ in range(4):
            with sender(source) as one:
                one.sendto(PAYLOAD, ("127.0.0.1", first.port))
    codes = [{found[0] for found in everything(each)} for each in (first, second)]
    assert not codes[0] & codes[1]
    assert len(codes[0] | codes[1]) == len(sources)
    assert all(len(found) > 3 for found in codes)
    first.close()
    second.close()


def test_the_granted_buffer_is_told(v4: Receiver):
    """What the kernel gives is what it says it gave, never more than was asked for."""
    assert v4.buffer_octets <= v4.buffer_asked == 1 << 20


def test_an_address_that_cannot_be_listened_at_is_one_sentence(v4: Receiver):
    """The address is named."""
    with pytest.raises(InputError, match=rf"127\.0\.0\.1:{v4.port}: expected an address to listen at"):
        receiver("127.0.0.1", port=v4.port)


def test_an_sflow_datagram_is_its_agents(v4: Receiver):
    """The agent address names the exporter (contract); an agent that is not configured is refused."""
    head = (5).to_bytes(4, "big") + (1).to_bytes(4, "big")
    with sender("127.0.0.9") as forwarder:
        for agent in ("127.0.0.2", "192.0.2.77"):
            forwarder.sendto(head + ip_address(agent).packed + bytes(16), ("127.0.0.1", v4.port))
    assert [found[0] for found in everything(v4)] == [1]
    assert v4.unknown_exporter == 1


def test_who_may_speak_for_an_agent():
    """With `sent_from`, an agent's datagrams come from it or from those; others are refused and counted for it."""
    listen = ListenAddress(ip_address("127.0.0.1"), 0)
    agent = Exporter(address="127.0.0.2", sent_from=("127.0.0.8", "2001:db8::8"))
    known = Exporters([Exporter(address="127.0.0.1"), agent], accept_unconfigured=False)
    known.start()
    made = Receiver(listen, exporters=known, buffer_octets=1 << 20)
    made.start()
    octets = sflow(agent="127.0.0.2")
    for source in ("127.0.0.8", "127.0.0.2", "127.0.0.9", "127.0.0.1"):
        with sender(source) as one:
            one.sendto(octets, ("127.0.0.1", made.port))
    with sender("127.0.0.2") as one:
        one.sendto(PAYLOAD, ("127.0.0.1", made.port))
    assert [found[0] for found in everything(made)] == [1, 1, 1]
    assert (made.unknown_exporter, made.foreign_agents, made.received) == (0, {1: 2}, 5)
    made.close()
