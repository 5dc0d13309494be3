"""A LAN of real daemons in network namespaces: what is found there, what is not, and what was sent to find it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sekisho.checkup.demo.lan import Host, Lan
from sekisho.measures.report import schema
from tools import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAND_INS = "sekisho.checkup.demo.stand_ins"
RUN = "from sekisho.cli.checkup import app; app()"

OUTSIDE = "11.22.33.44"
"""miniupnpd opens no port behind an address that is not global; this one exists inside the namespace only."""

TRUTH: dict[str, set[str]] = {
    "router": {"c2.2.opening_device"},
    "camera": {"c1.1.open_page", "c1.1.open_stream"},
    "recorder": {"c1.2.telnet_clear", "c2.1.telnet"},
    "nas": set(),
    "printer": set(),
    "snmp": set(),
    "ssh": set(),
    "broker": {"c1.1.open_broker"},
    "closed_broker": set(),
    "quiet": set(),
}
"""Host -> every outcome with the verdict ACTION; no other may be there."""


@dataclass(frozen=True, slots=True)
class Packet:
    at_s: float
    source: str
    destination: str
    hops: int
    tcp_port: int
    source_port: int
    new_connection: bool
    udp_port: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """One run on the LAN: the report, and every packet that the computer sent."""

    report: dict[str, Any]
    hosts: dict[str, Host]
    sent: list[Packet]
    printed: bytes
    prefix: str
    lan: Lan
    computer: Host

    def outcomes(self, name: str, verdict: str) -> set[str]:
        device = next(d for d in self.report["devices"] if self.hosts[name].address in d["addresses"])
        return {f"{f['check']}.{f['outcome']}" for f in device["findings"] if f["verdict"] == verdict}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    for program in ("ip", "miniupnpd", "lighttpd", "inetd", "telnetd", "smbd", "avahi-daemon", "minidlnad", "snmpd"):
        needs(program)
    for program in ("dropbear", "mosquitto", "tcpdump", "tshark"):
        needs(program)
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    directory = tmp_path_factory.mktemp("lan")
    with Lan(prefix="192.168.79", length=27) as lan:
        yield _check(lan, directory)


def _check(lan: Lan, directory: Path) -> Checked:
    hosts = {name: lan.add(name, number) for number, name in enumerate(TRUTH, 1)}
    computer = lan.add("computer", 30)
    for start in (_router, _camera, _recorder, _nas, _printer, _snmp, _ssh, _brokers, _rogue):
        start(lan, hosts, directory)
    _wait_for_ports(lan, computer, hosts)
    _open_port_for_camera(lan, hosts)
    capture = directory / "sent.pcap"
    tcpdump = lan.start(computer, "tcpdump", "-i", "eth0", "-U", "-Q", "out", "-w", str(capture))
    _until(capture.exists)
    words = ("run", "--consent", "tester", "--state", str(directory / "state"), "--format", "json")
    done = lan.run(computer, sys.executable, "-c", RUN, *words)
    (directory / "report.json").write_bytes(done.stdout)
    assert done.returncode == 0, done.stderr.decode()
    tcpdump.terminate()
    tcpdump.wait(5)
    printed = (directory / "printed").read_bytes()
    return Checked(json.loads(done.stdout), hosts, _packets(capture), printed, "192.168.79.0/27", lan, computer)


def _router(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    router = hosts["router"].namespace
    for words in (
        ("link", "add", "wan0", "type", "veth", "peer", "name", "wan1"),
        ("addr", "add", OUTSIDE + "/24", "dev", "wan0"),
        ("link", "set", "wan0", "up"),
        ("link", "set", "wan1", "up"),
    ):
        subprocess.run(["ip", "-n", router, *words], check=True)
    configuration = directory / "miniupnpd.conf"
    configuration.write_text(
        "ext_ifname=wan0\nlistening_ip=eth0\nhttp_port=5000\nenable_upnp=yes\nenable_natpmp=yes\n"
        "secure_mode=no\nuuid=00000000-0000-4000-8000-000000000001\n"
        "friendly_name=router\nmanufacturer_name=ExampleMaker\nmodel_name=EX-1000\nmodel_number=1\n"
        f"lease_file={directory}/leases\nallow 1-65535 192.168.79.0/27 1-65535\n"
    )
    rules = directory / "rules.nft"
    rules.write_text(NFTABLES)
    assert lan.run(hosts["router"], needs("nft"), "-f", str(rules)).returncode == 0
    lan.start(hosts["router"], needs("miniupnpd"), "-d", "-f", str(configuration), "-P", f"{directory}/upnp.pid")


NFTABLES = """
table inet filter {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; }
}
"""


def _camera(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    pages = directory / "camera"
    pages.mkdir()
    (pages / "index.html").write_text("<html><title>IPCAM</title><body><h1>Camera Settings</h1>Live View</body></html>")
    configuration = directory / "lighttpd.conf"
    configuration.write_text(
        f'server.document-root = "{pages}"\nserver.port = 80\nindex-file.names = ("index.html")\n'
        'mimetype.assign = (".html" => "text/html")\n'
    )
    lan.start(hosts["camera"], needs("lighttpd"), "-D", "-f", str(configuration))
    lan.start(hosts["camera"], sys.executable, "-m", STAND_INS, "streams", hosts["camera"].address)


def _recorder(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    configuration = directory / "inetd.conf"
    configuration.write_text(f"telnet stream tcp nowait root {needs('telnetd')} telnetd\n")
    # telnetd looks its client's name up before it says anything; without a resolver that takes longer than we wait.
    names = directory / "hosts"
    own = f"127.0.0.1 localhost {socket.gethostname()}\n{hosts['recorder'].address} recorder\n"
    names.write_text(f"{own}{lan.prefix}.30 computer\n")
    command = f"mount --bind {names} /etc/hosts && exec {needs('inetd')} -d {configuration}"
    lan.start(hosts["recorder"], needs("unshare"), "--mount", "sh", "-c", command)


def _nas(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    state = directory / "samba"
    state.mkdir()
    smb = directory / "smb.conf"
    places = "".join(
        f"{name} directory = {state}\n" for name in ("private", "lock", "state", "cache", "pid", "ncalrpc")
    )
    smb.write_text(f"[global]\n{places}log file = {state}/log\nserver role = standalone server\n")
    lan.start(hosts["nas"], needs("smbd"), "-F", "--no-process-group", "-s", str(smb))
    avahi = directory / "avahi.conf"
    avahi.write_text(
        "[server]\nhost-name=nas\nuse-ipv6=no\nenable-dbus=no\nallow-interfaces=eth0\n[publish]\npublish-workstation=yes\n"
    )
    lan.start(hosts["nas"], needs("avahi-daemon"), "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", str(avahi))
    media = directory / "media"
    media.mkdir()
    dlna = directory / "minidlna.conf"
    dlna.write_text(
        f"port=8200\nmedia_dir={media}\ndb_dir={directory}/dlna\nlog_dir={directory}\nfriendly_name=nas\nnetwork_interface=eth0\n"
    )
    lan.start(hosts["nas"], needs("minidlnad"), "-S", "-f", str(dlna), "-P", f"{directory}/dlna.pid")


def _printer(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    """A 9100 listener that keeps every octet that it would print."""
    script = (
        "import socket,sys\n"
        f"s=socket.create_server(('{hosts['printer'].address}', 9100))\n"
        f"f=open('{directory}/printed','ab',buffering=0)\n"
        "while True:\n c,_=s.accept()\n c.settimeout(3)\n"
        " try:\n  while d:=c.recv(4096): f.write(d)\n except OSError: pass\n c.close()\n"
    )
    lan.start(hosts["printer"], sys.executable, "-c", script)


def _snmp(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    configuration = directory / "snmpd.conf"
    configuration.write_text(f"agentAddress udp:161\nrocommunity reader {lan.prefix}.0/27\n")
    lan.start(hosts["snmp"], needs("snmpd"), "-f", "-C", "-c", str(configuration), "-Lf", "/dev/null")


def _ssh(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    key = directory / "hostkey"
    subprocess.run([needs("dropbearkey"), "-t", "ed25519", "-f", str(key)], check=True, capture_output=True)
    lan.start(hosts["ssh"], needs("dropbear"), "-F", "-E", "-r", str(key), "-p", "22", "-P", f"{directory}/ssh.pid")


def _brokers(lan: Lan, hosts: dict[str, Host], directory: Path) -> None:
    passwords = directory / "passwords"
    passwords.write_text("")
    for name, rule in (("broker", "allow_anonymous true"), ("closed_broker", f"password_file {passwords}")):
        configuration = directory / f"{name}.conf"
        configuration.write_text(f"listener 1883 {hosts[name].address}\n{rule}\nuser root\n")
        lan.start(hosts[name], needs("mosquitto"), "-c", str(configuration))


def _rogue(lan: Lan, hosts: dict[str, Host], _: Path) -> None:
    """A device that was given its address by a second DHCP server, itself, and says so in a request every second."""
    address = hosts["quiet"].address
    script = (
        "import socket,struct,time\n"
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
        "s.setsockopt(socket.SOL_SOCKET,socket.SO_BROADCAST,1)\n"
        f"a=socket.inet_aton('{address}')\n"
        "m=struct.pack('!BBBB',1,1,6,0)+bytes(8)+a+bytes(12)+bytes(6)+bytes(202)+b'\\x63\\x82\\x53\\x63'\n"
        "m+=b'\\x35\\x01\\x03\\x36\\x04'+a+b'\\xff'\n"
        "while True: s.sendto(m,('255.255.255.255',67)); time.sleep(1)\n"
    )
    lan.start(hosts["quiet"], sys.executable, "-c", script)


PORTS = {"router": 5000, "camera": 80, "recorder": 23, "nas": 445, "printer": 9100, "ssh": 22, "broker": 1883}


def _wait_for_ports(lan: Lan, computer: Host, hosts: dict[str, Host]) -> None:
    places = [(hosts[name].address, port) for name, port in (PORTS | {"closed_broker": 1883}).items()]
    script = (
        "import socket,sys,time\nend=time.monotonic()+20\n"
        f"for place in {places!r}:\n"
        " while True:\n"
        "  try: socket.create_connection(place, 1).close(); break\n"
        "  except OSError:\n"
        "   if time.monotonic() > end: sys.exit(f'{place} does not listen')\n"
        "   time.sleep(0.1)\n"
    )
    done = lan.run(computer, sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr.decode()


def _open_port_for_camera(lan: Lan, hosts: dict[str, Host]) -> None:
    """What a camera does by itself when UPnP is on; the test does it, the check-up never does."""
    arguments = (
        "<NewRemoteHost></NewRemoteHost><NewExternalPort>8080</NewExternalPort><NewProtocol>TCP</NewProtocol>"
        f"<NewInternalPort>80</NewInternalPort><NewInternalClient>{hosts['camera'].address}</NewInternalClient>"
        "<NewEnabled>1</NewEnabled><NewPortMappingDescription>cam</NewPortMappingDescription>"
        "<NewLeaseDuration>0</NewLeaseDuration>"
    )
    service = "urn:schemas-upnp-org:service:WANIPConnection:1"
    body = (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:AddPortMapping xmlns:u="{service}">{arguments}</u:AddPortMapping></s:Body></s:Envelope>'
    )
    url = f"http://{hosts['router'].address}:5000/ctl/IPConn"
    done = lan.run(
        hosts["camera"],
        *("curl", "-s", "-H", f'SOAPAction: "{service}#AddPortMapping"', "-H", "Content-Type: text/xml"),
        *("--data", body, url),
    )
    assert b"AddPortMappingResponse" in done.stdout, done.stdout


def _until(condition: Any) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


FIELDS = (
    *("frame.time_epoch", "ip.src", "ip.dst", "ip.ttl", "tcp.dstport", "tcp.srcport", "tcp.flags.syn", "tcp.flags.ack"),
    *("udp.dstport", "tcp.payload"),
)


def _packets(capture: Path) -> list[Packet]:
    columns = [word for name in FIELDS for word in ("-e", name)]
    command = ["tshark", "-n", "-r", str(capture), "-Y", "ip", "-T", "fields", "-E", "occurrence=f", *columns]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [_packet(line.split("\t")) for line in text.splitlines()]


def _packet(row: list[str]) -> Packet:
    at_s, source, destination, hops, tcp_port, source_port, syn, ack, udp_port, payload = row
    return Packet(
        float(at_s),
        source,
        destination,
        int(hops or 0),
        int(tcp_port or 0),
        int(source_port or 0),
        syn in ("1", "True") and ack in ("0", "False"),
        int(udp_port or 0),
        bytes.fromhex(payload.replace(":", "")),
    )


def _new_connections(sent: list[Packet]) -> dict[tuple[str, int, int], float]:
    """First SYN of each connection; the kernel's repetitions of one that is not answered are no new connection."""
    first: dict[tuple[str, int, int], float] = {}
    for packet in sent:
        if packet.new_connection:
            first.setdefault((packet.destination, packet.tcp_port, packet.source_port), packet.at_s)
    return first


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_every_action_is_found_and_none_is_invented(checked: Checked, name: str) -> None:
    """Ground truth per device: exactly these outcomes ask for action."""
    assert checked.outcomes(name, "ACTION") == TRUTH[name]


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_without_maker_and_model_nothing_is_said_about_vulnerabilities(checked: Checked, name: str) -> None:
    """CANNOT-TELL where it must be; the router alone says who made it, and no data was given for it."""
    expected = {"c3.no_data"} if name in ("router", "camera", "nas") else {"c3.identity_unknown", "c3.nothing_known"}
    assert expected & checked.outcomes(name, "CANNOT-TELL")


def test_a_broker_that_wants_a_password_is_ok_and_a_quiet_device_has_nothing_open(checked: Checked) -> None:
    """OK is said where something was really looked at."""
    assert "c1.1.login_asked" in checked.outcomes("closed_broker", "OK")
    assert "c2.1.none" in checked.outcomes("quiet", "OK")


def test_the_outer_address_is_seen_by_its_class_only(checked: Checked) -> None:
    """That the router stands on the Internet is told; its address there is in no report."""
    assert "c2.2b.direct" in checked.outcomes("router", "OK")
    assert OUTSIDE not in json.dumps(checked.report)


def test_devices_are_named_by_keys_and_services(checked: Checked) -> None:
    """Kinds come from what the devices announce; the SSH device is recognised by its host key."""
    kinds = {d["addresses"][0]: d["kind"] for d in checked.report["devices"]}
    assert kinds[checked.hosts["router"].address] == "router"
    assert kinds[checked.hosts["camera"].address] == "camera"
    assert kinds[checked.hosts["nas"].address] == "nas"
    assert len(checked.report["devices"]) == len(TRUTH)


def test_a_second_dhcp_server_is_heard(checked: Checked) -> None:
    """From the broadcast of the device that chose it; a question at the router."""
    assert "c4.second_server" in checked.outcomes("router", "ASK")
    assert "this system does not let" not in json.dumps(checked.report["unreachable"])


COUNTERS = """
import socket, sys
from ipaddress import IPv4Address
from sekisho.checkup.probes import natpmp, pcp, snmp, snmp_read, ssdp
prefix = sys.argv[1]
def ask(number, port, question):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(question, (f"{prefix}.{number}", port))
        return sock.recv(4096)
engine = snmp.decode(ask(6, 161, snmp.discovery()))
assert len(engine.engine_id) >= 10 and engine.boots >= 1, engine
system = snmp_read.decode(ask(6, 161, snmp_read.question("reader")))
assert system.description.startswith("Linux") and system.up_s >= 0, system
announced = pcp.decode(ask(1, 5351, pcp.announce(IPv4Address(f"{prefix}.30"))))
assert announced.epoch_s >= 0, announced
clock = natpmp.decode(ask(1, 5351, natpmp.EXTERNAL_ADDRESS_REQUEST))
assert clock.external_address and clock.epoch_s >= 0, clock
boot = ssdp.decode(ask(1, 1900, ssdp.search("upnp:rootdevice")))
assert boot.boot_id > 0, boot
"""


def test_real_daemons_give_the_counters_that_prove_a_restart(checked: Checked) -> None:
    """net-snmp's engine boots and, to its community, sysUpTime; miniupnpd's NAT-PMP and PCP epochs and SSDP boot id."""
    done = checked.lan.run(checked.computer, sys.executable, "-c", COUNTERS, checked.lan.prefix)
    assert done.returncode == 0, done.stderr.decode()


def test_the_report_follows_its_schema(checked: Checked) -> None:
    """What the tool writes is what the schema promises."""
    jsonschema.Draft202012Validator(schema()).validate(checked.report)


def test_nothing_is_printed(checked: Checked) -> None:
    """Printer ports are connected to at most: not one octet arrives, and none leaves."""
    assert checked.printed == b""
    assert any(p.tcp_port == 9100 for p in checked.sent)
    assert not [p for p in checked.sent if 9100 <= p.tcp_port <= 9107 and p.payload]


def test_nothing_leaves_the_link(checked: Checked) -> None:
    """Every destination is a host of the prefix or a link multicast group, and no packet survives a router."""
    host = checked.prefix.rpartition(".")[0] + "."
    groups = {"239.255.255.250", "224.0.0.251", "224.0.0.22"}
    assert {p.destination for p in checked.sent if not p.destination.startswith(host)} <= groups
    ours = [p for p in checked.sent if p.new_connection or p.payload or p.udp_port]
    assert {p.hops for p in ours} == {1}


FORBIDDEN = (
    *(b"AddPortMapping", b"DeletePortMapping", b"AddAnyPortMapping", b"ForceTermination", b"AddPinhole"),
    *(b"SystemReboot", b"SetUser", b"SetSystem", b"SETUP ", b"PLAY ", b"GetSnapshotUri", b"GetStreamUri"),
    *(b"Authorization:", b"PUT ", b"DELETE "),
)


def test_no_call_changes_anything_and_no_picture_is_fetched(checked: Checked) -> None:
    """Captured payloads hold no mutating call, no media request, no login."""
    found = [word for word in FORBIDDEN for p in checked.sent if word in p.payload]
    assert not found


def test_the_broker_is_not_listened_to(checked: Checked) -> None:
    """CONNECT and DISCONNECT only; a SUBSCRIBE begins with 0x82."""
    to_brokers = [p.payload[0] for p in checked.sent if p.tcp_port == 1883 and p.payload]
    assert set(to_brokers) == {0x10, 0xE0}


def test_connections_keep_the_pace(checked: Checked) -> None:
    """Never more than 20 new connections a second, nor two to one device; a tenth is allowed for timer jitter."""
    by_device: defaultdict[str, list[float]] = defaultdict(list)
    for (device, _, _), at_s in _new_connections(checked.sent).items():
        by_device[device].append(at_s)
    for times in by_device.values():
        times.sort()
        assert min((b - a for a, b in pairwise(times)), default=1) > 0.45
    everyone = sorted(at_s for times in by_device.values() for at_s in times)
    assert max(sum(start <= t < start + 0.9 for t in everyone) for start in everyone) <= 20


def test_one_connection_is_no_login(checked: Checked) -> None:
    """To telnet only refusals of options leave: every octet belongs to an IAC command."""
    to_telnet = b"".join(p.payload for p in checked.sent if p.tcp_port == 23)
    assert to_telnet
    assert all(to_telnet[i] == 255 and to_telnet[i + 1] in (252, 254) for i in range(0, len(to_telnet), 3))
