"""What each operating system prints, read from recorded output."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from sekisho.checkup.system import SYSTEMS, Gateway, Neighbour, darwin, mac_of, normal_mac, off_this_computer, windows
from sekisho.checkup.system.linux import Linux

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
10.0.0.1         0x1         0x2         00:00:5E:00:53:01     *        eth0
10.0.0.7         0x1         0x0         00:00:00:00:00:00     *        eth0
192.168.1.1      0x1         0x2         00:00:5e:00:53:02     *        wlan0
"""


@pytest.fixture
def linux(tmp_path: Path) -> Linux:
    (tmp_path / "route").write_text(ROUTE)
    (tmp_path / "arp").write_text(ARP)
    (tmp_path / "resolv.conf").write_text("# by dhcp\nsearch lan\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n")
    return Linux(proc=tmp_path, resolv=tmp_path / "resolv.conf")


def test_linux_takes_the_default_route_with_the_lowest_metric(linux: Linux) -> None:
    """And that of one interface where it is named."""
    assert linux.gateway(None) == Gateway("eth0", ip_address("10.0.0.1"))
    assert linux.gateway("wlan0") == Gateway("wlan0", ip_address("192.168.1.1"))
    assert linux.gateway("tun0") is None


def test_linux_lists_complete_neighbours_of_the_interface_only(linux: Linux) -> None:
    """An incomplete entry has no MAC."""
    rows = [n for n in linux.neighbours("eth0") if n.address.version == 4]
    assert rows == [Neighbour(ip_address("10.0.0.1"), "00:00:5e:00:53:01")]


def test_linux_reads_the_resolvers(linux: Linux) -> None:
    """In their order."""
    assert linux.resolvers() == ["10.0.0.1", "10.0.0.2"]


def test_macos_route_arp_and_ndp_are_read() -> None:
    """MACs come without leading zeros; incomplete entries are none."""
    route = "   route to: default\ndestination: default\n    gateway: 192.168.1.1\n  interface: en0\n"
    assert darwin.parse_route(route, None) == Gateway("en0", ip_address("192.168.1.1"))
    assert darwin.parse_route(route, "en1") is None
    assert darwin.parse_route("route: writing to routing socket: not in table", None) is None
    table = (
        "? (192.168.1.1) at 0:0:5e:0:53:1 on en0 ifscope [ethernet]\n"
        "? (192.168.1.9) at (incomplete) on en0 ifscope [ethernet]\n"
        "Neighbor                        Linklayer Address  Netif Expire    St Flgs Prbs\n"
        "fe80::1%en0                     0:0:5e:0:53:1      en0   23h59m   S  R\n"
    )
    rows = darwin.parse_neighbours(table, "en0")
    assert rows == [
        Neighbour(ip_address("192.168.1.1"), "00:00:5e:00:53:01"),
        Neighbour(ip_address("fe80::1"), "00:00:5e:00:53:01"),
    ]


def test_windows_cmdlets_are_read() -> None:
    """Multicast rows and unreachable ones are no devices."""
    routes = [
        {
            "InterfaceAlias": "Wi-Fi",
            "InterfaceIndex": 12,
            "NextHop": "192.168.1.1",
            "RouteMetric": 0,
            "InterfaceMetric": 35,
        },
        {
            "InterfaceAlias": "Ethernet",
            "InterfaceIndex": 4,
            "NextHop": "10.0.0.1",
            "RouteMetric": 0,
            "InterfaceMetric": 25,
        },
    ]
    assert windows.parse_routes(routes, None) == Gateway("Ethernet", ip_address("10.0.0.1"), 4)
    assert windows.parse_routes([], None) is None
    row = {"InterfaceAlias": "Wi-Fi", "LinkLayerAddress": "00-00-5E-00-53-01", "State": 5}
    rows = [
        row | {"IPAddress": "192.168.1.1"},
        row | {"IPAddress": "239.255.255.250"},
        row | {"IPAddress": "192.168.1.8", "State": 0},
        row | {"IPAddress": "192.168.1.9", "LinkLayerAddress": ""},
        row | {"IPAddress": "10.0.0.1", "InterfaceAlias": "Ethernet"},
    ]
    found = windows.parse_neighbours(rows, "Wi-Fi")
    assert found == [Neighbour(ip_address("192.168.1.1"), "00:00:5e:00:53:01")]
    assert mac_of(Gateway("Wi-Fi", ip_address("192.168.1.1")), found) == "00:00:5e:00:53:01"


@pytest.mark.parametrize("text", ["", "00:00:5e:00:53", "zz:00:5e:00:53:01", "00:00:5e:00:53:01:02", "1ff:0:0:0:0:0"])
def test_what_is_no_mac_is_refused(text: str) -> None:
    """A wrong MAC would make another network of this one."""
    with pytest.raises(ValueError, match=r"MAC|invalid literal"):
        normal_mac(text)


def test_every_system_has_a_module() -> None:
    """Each row of the table can be imported on any system, since none does work at import."""
    from importlib import import_module

    for module in SYSTEMS.values():
        assert import_module(module).SYSTEM.gateway


def test_the_name_servers_behind_a_stub_count(tmp_path: Path) -> None:
    """Where this computer asks itself, the network's name servers stand elsewhere; where they do not, none is known."""
    stub, behind = tmp_path / "resolv.conf", tmp_path / "behind.conf"
    stub.write_text("nameserver 127.0.0.53\noptions edns0\n")
    system = Linux(resolv=stub, behind_stub=behind)
    assert system.resolvers() == []
    behind.write_text("nameserver 192.168.1.1\nnameserver 2001:db8::1\n")
    assert system.resolvers() == ["192.168.1.1", "2001:db8::1"]
    stub.write_text("nameserver 203.0.113.53\n")
    assert system.resolvers() == ["203.0.113.53"]


def test_addresses_that_tell_nothing_about_the_network_are_no_resolvers() -> None:
    """Loopback stubs, and the site-local ones that Windows lists for interfaces without any."""
    listed = ["127.0.0.1", "::1", "fec0:0:0:ffff::1%1", "192.168.1.1", "fe80::1%en0", "192.168.1.1"]
    assert off_this_computer(listed) == ["192.168.1.1", "fe80::1"]
