"""Exporters of other makers meter known packets on a veth pair: what they report is what was sent.

The traffic runs between two hosts in network namespaces; the exporter meters the interface of one of them and exports
over that host's loopback to the receiver, which listens there. A replay of what another collector stored comes last.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from namespaces import inside, needs_namespaces
from sekisho.checkup.demo.lan import Lan
from sekisho.collect.exporters import Exporters
from sekisho.collect.receive import Receiver
from sekisho.core.address import text_of_words
from sekisho.core.config import Exporter
from sekisho.core.config_serve import ListenAddress
from sekisho.simulate.cell import cell
from sekisho.simulate.simulation import Simulation
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.decoder import Decoder
from tools import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sekisho.checkup.demo.lan import Host

LOOPBACK = "127.0.0.1"
WAIT_S = 15.0
"""An exporter has this long to become ready, and to report everything."""

QUIET_MS = 500
"""Nothing comes any more."""

IPV4_OCTETS, UDP_OCTETS, ICMP_OCTETS = 20, 8, 8
ICMP_ECHO, ICMP_ECHO_REPLY = 0x0800, 0
PUSHED_PORT, PUSHED_OCTETS = 5009, 1400
PCAP_BLOCKS_OCTETS = 1 << 19
"""Two blocks of libpcap's buffer. softflowd 1.1.0 opens its capture without a time limit (irino/softflowd, pull request
71): it sees packets only once a block of them is full, on a quiet link never."""


class Flow(NamedTuple):
    """Which packets belong together; ``port`` is the destination's, or ICMP type and code."""

    source: str
    destination: str
    protocol: int
    port: int


class Volume(NamedTuple):
    """How much that was, at the IP layer."""

    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Collector:
    """Receiver and decoder, as the live path has them."""

    receiver: Receiver
    decoder: Decoder

    def take(self, sent: dict[Flow, Volume], push: Callable[[], None]) -> dict[Flow, Volume]:
        """What came until nothing comes any more and what was sent is there, or the time is over.

        Args:
            sent: what is waited for.
            push: called when nothing comes, so that an exporter lets go of what it has.
        """
        found: dict[Flow, Volume] = {}
        end_s = time.monotonic() + WAIT_S
        while time.monotonic() < end_s:
            datagrams = self.receiver.receive(QUIET_MS)
            if datagrams is not None:
                add(found, self.decoder, datagrams)
            elif sent.items() <= found.items():
                break
            else:
                push()
        return {flow: volume for flow, volume in found.items() if flow.port != PUSHED_PORT}


def add(found: dict[Flow, Volume], decoder: Decoder, datagrams: Datagrams) -> None:
    """Sum up the records of some datagrams."""
    names = ("src_hi", "src_lo", "dst_hi", "dst_lo", "protocol", "dst_port", "icmp_type_code", "packets", "octets")
    for batch in decoder.decode(datagrams):
        for row in zip(*(batch.column(name).tolist() for name in names), strict=True):
            protocol, port, icmp, packets, octets = row[4:]
            is_icmp = protocol == socket.IPPROTO_ICMP
            flow = Flow(text_of_words(*row[:2]), text_of_words(*row[2:4]), protocol, icmp if is_icmp else port)
            before = found.get(flow, Volume(0, 0))
            found[flow] = Volume(before.packets + packets, before.octets + octets)


def decoder_of(exporters: Exporters) -> Decoder:
    decoder = Decoder(exporters=exporters.texts, realms=[""])
    decoder.start()
    return decoder


@contextmanager
def collector(namespace: str | None = None) -> Iterator[Collector]:
    """A collector on the loopback of a namespace, or on that of the test."""
    exporters = Exporters([Exporter(address=ip_address(LOOPBACK))], accept_unconfigured=False)
    exporters.start()
    receiver = Receiver(ListenAddress(ip_address(LOOPBACK), 0), exporters=exporters, buffer_octets=1 << 20)
    if namespace is None:
        receiver.start()
    else:
        inside(namespace, receiver.start)
    with closing(receiver):
        yield Collector(receiver, decoder_of(exporters))


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something, or fail with its name."""
    end_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end_s, what
        time.sleep(0.02)


@pytest.fixture
def lan() -> Iterator[Lan]:
    needs_namespaces()
    with Lan(prefix="192.168.83") as made:
        yield made


@pytest.fixture
def near(lan: Lan) -> Host:
    return lan.add("near", 1, gateway=None)


@pytest.fixture
def far(lan: Lan) -> Host:
    return lan.add("far", 2, gateway=None)


def exchange(near: Host, far: Host) -> dict[Flow, Volume]:
    """Send UDP both ways and ICMP echo requests, which the far kernel answers; what went over the wire."""
    forth, back = ((near, far, 5001, 400, 40), (far, near, 5002, 250, 1200))
    sent: dict[Flow, Volume] = {}
    for source, destination, port, packets, octets in (forth, back):
        # The far side listens: a closed port would answer with ICMP errors, at the kernel's own rate.
        with udp(destination, port), udp(source, 0) as sender:
            for _ in range(packets):
                sender.sendto(bytes(octets), (destination.address, port))
        flow = Flow(source.address, destination.address, socket.IPPROTO_UDP, port)
        sent[flow] = Volume(packets, packets * (IPV4_OCTETS + UDP_OCTETS + octets))
    echoes, octets = 30, 56
    ping(near, far, echoes, octets)
    for source, destination, kind in ((near, far, ICMP_ECHO), (far, near, ICMP_ECHO_REPLY)):
        flow = Flow(source.address, destination.address, socket.IPPROTO_ICMP, kind)
        sent[flow] = Volume(echoes, echoes * (IPV4_OCTETS + ICMP_OCTETS + octets))
    return sent


def udp(host: Host, port: int) -> socket.socket:
    made = inside(host.namespace, partial(socket.socket, socket.AF_INET, socket.SOCK_DGRAM))
    made.bind((host.address, port))
    return made


def ping(near: Host, far: Host, echoes: int, octets: int) -> None:
    """Echo requests, each answered before the next."""
    make = partial(socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with inside(near.namespace, make) as raw:
        raw.settimeout(WAIT_S)
        for number in range(echoes):
            head = struct.pack(">BBHHH", 8, 0, 0, 7, number)
            checksum = 0xFFFF - sum(struct.unpack(">4H", head)) % 0xFFFF
            raw.sendto(struct.pack(">BBHHH", 8, 0, checksum, 7, number) + bytes(octets), (far.address, 0))
            raw.recv(2048)


def push(near: Host, far: Host, packets: int) -> None:
    """Send more, which nobody counts."""
    with udp(far, PUSHED_PORT), udp(near, 0) as sender:
        for _ in range(packets):
            sender.sendto(bytes(PUSHED_OCTETS), (far.address, PUSHED_PORT))


@pytest.mark.parametrize("version", [5, 9, 10])
def test_softflowd_reports_what_was_sent(tmp_path: Path, lan: Lan, near: Host, far: Host, version: int):
    """NetFlow v5, v9 and IPFIX: packets and octets of every flow, and no gap in the sequence."""
    control, log = tmp_path / "control", tmp_path / "log"
    with collector(near.namespace) as collecting:
        to = f"{LOOPBACK}:{collecting.receiver.port}"
        files = ("-c", str(control), "-p", str(tmp_path / "pid"))
        timeouts = [word for name in ("udp", "icmp", "expint") for word in ("-t", f"{name}=1")]
        command = [needs("softflowd"), "-d", "-i", "eth0", "-v", str(version), "-n", to, *files, *timeouts]
        command += ["-C", "1514"]
        lan.start(near, *command, "udp or icmp", log=log)
        # Its control socket is opened once it captures.
        until(control.exists, "softflowd does not start")
        sent = exchange(near, far)
        found = collecting.take(sent, partial(push, near, far, PCAP_BLOCKS_OCTETS // PUSHED_OCTETS))
        assert found == sent, log.read_text()
        assert not collecting.decoder.drops
        assert [loss.lost_units for loss in collecting.decoder.losses()] == [0]


def test_sfprobe_reports_what_was_sent(tmp_path: Path, lan: Lan, near: Host, far: Host):
    """A sample of every packet: each is a row of one packet with the octets of the IP layer."""
    log, configuration = tmp_path / "log", tmp_path / "pmacctd.conf"
    with collector(near.namespace) as collecting:
        configuration.write_text(
            "daemonize: false\n"
            "pcap_interface: eth0\n"
            "pcap_filter: udp or icmp\n"
            "plugins: sfprobe\n"
            "sampling_rate: 1\n"
            f"sfprobe_agentip: {LOOPBACK}\n"
            f"sfprobe_receiver: {LOOPBACK}:{collecting.receiver.port}\n"
        )
        lan.start(near, needs("pmacctd"), "-f", str(configuration), log=log)
        until(
            lambda: "Sampling at: 1/1" in log.read_text() and "link type" in log.read_text(), "pmacctd does not start"
        )
        sent = exchange(near, far)
        # The last packets may stay in the pipe of pmacct 1.7.7 until another one wakes the plugin.
        assert collecting.take(sent, partial(push, near, far, 1)) == sent, log.read_text()
        assert not collecting.decoder.drops


RECORD = (
    "ip_version",
    *("src_hi", "src_lo", "dst_hi", "dst_lo"),
    *("protocol", "src_port", "dst_port", "icmp_type_code", "tcp_flags"),
    *("packets", "octets", "ingress_if", "egress_if"),
)
"""What a record is known by. nfreplay announces no sampling and gives its exporter another clock."""


def records(collecting: Collector) -> Counter[tuple[int, ...]]:
    """All records that wait, with their durations in milliseconds."""
    found: Counter[tuple[int, ...]] = Counter()
    while (datagrams := collecting.receiver.receive(QUIET_MS)) is not None:
        for batch in collecting.decoder.decode(datagrams):
            duration_ms = batch.column("flow_end") - batch.column("flow_start")
            columns = [batch.column(name).tolist() for name in RECORD]
            found.update(zip(*columns, duration_ms.tolist(), strict=True))
    return found


@contextmanager
def nfcapd(folder: Path) -> Iterator[int]:
    """A collector of nfdump that stores in a folder; the port at which it listens on loopback."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as one:
        one.bind((LOOPBACK, 0))
        port = int(one.getsockname()[1])
    command = [needs("nfcapd"), "-b", LOOPBACK, "-p", str(port), "-w", str(folder), "-P", str(folder / "pid")]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until(lambda: waiting_octets(port) == 0, "nfcapd does not start")
        yield port
        until(lambda: waiting_octets(port) == 0, "nfcapd does not read")
    finally:
        running.terminate()
        running.wait()


def waiting_octets(port: int) -> int | None:
    """What a socket on loopback has not read yet, as proc_net_udp(5) shows it; None without such a socket."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        address, queues = line.split()[1], line.split()[4]
        if address == f"0100007F:{port:04X}":
            return int(queues.split(":")[1], 16)
    return None


def test_nfreplay_sends_the_records_that_nfcapd_stored(tmp_path: Path):
    """Our datagrams through nfdump and back: another reader and writer of NetFlow v9 changes no record."""
    nfreplay = needs("nfreplay")
    exported = Simulation(cell("replay", sampling_interval=1, lines_each=10, duration_s=20), seed=3).datagrams()
    with collector() as direct, collector() as replayed:
        with nfcapd(tmp_path) as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for each in exported:
                for to in (port, direct.receiver.port):
                    sender.sendto(each.octets, (LOOPBACK, to))
        to = ("-H", LOOPBACK, "-p", str(replayed.receiver.port))
        # One file, or two where it began another meanwhile.
        for stored in sorted(tmp_path.glob("nfcapd.*")):
            subprocess.run([nfreplay, "-r", stored, *to, "-v", "9", "-d", "100"], check=True)
        expected = records(direct)
        assert records(replayed) == expected
        assert {row[0] for row in expected} == {4, 6}
