"""What the link says by itself: DHCP and router advertisements."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.checkup import overheard
from sekisho.checkup.checks import check
from sekisho.checkup.device import Device
from sekisho.checkup.jobs import Seen
from sekisho.checkup.overheard import Overheard, RouterAdvertisement, decode_advertisement, decode_dhcp, listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.checkup.network import LocalNetwork
    from sekisho.checkup.situation import Situation


def dhcp(**options: bytes) -> bytes:
    head = struct.pack("!BBBB", 1, 1, 6, 0) + bytes(8) + socket.inet_aton("127.0.0.20") + bytes(12)
    head += bytes.fromhex("00005e005309") + bytes(202) + b"\x63\x82\x53\x63"
    body = b"\x00" + b"".join(bytes([int(n[1:]), len(v)]) + v for n, v in options.items())
    return head + body + b"\xff"


MESSAGE = dhcp(
    o53=b"\x03",
    o54=socket.inet_aton("127.0.0.66"),
    o6=socket.inet_aton("127.0.0.66") * 2,
    o12=b"cam\x1b",
    o60=b"AXIS,Network Camera",
    o161=b"https://maker.example/mud",
)


def test_a_request_names_server_resolvers_and_the_device() -> None:
    """Options 6, 12, 54, 60 and 161 (RFC 2132, RFC 8520)."""
    message = decode_dhcp(MESSAGE)
    assert message is not None
    assert (message.client, message.client_mac, message.server) == ("127.0.0.20", "00:00:5e:00:53:09", "127.0.0.66")
    assert message.resolvers == ("127.0.0.66", "127.0.0.66")
    assert (message.host_name, message.mud_url) == ("cam", "https://maker.example/mud")


def test_an_advertisement_names_router_and_resolvers() -> None:
    """RFC 8106: option 25; an option of length 0 ends it."""
    rdnss = struct.pack("!BBHI", 25, 3, 0, 600) + bytes(15) + b"\x01"
    octets = bytes([134]) + bytes(15)
    assert decode_advertisement(octets + rdnss, "fe80::1%eth0") == RouterAdvertisement("fe80::1", ("::1",))
    assert decode_advertisement(octets + b"\x19\x00", "fe80::1") == RouterAdvertisement("fe80::1", ())
    assert decode_advertisement(b"\x88" + bytes(20), "fe80::1") is None


@given(octets=st.one_of(st.binary(max_size=300), st.binary(max_size=80).map(lambda t: MESSAGE[:240] + t)))
def test_any_octets_decode_or_are_nothing(octets: bytes) -> None:
    """Any bytes decode or give None, in bounded time."""
    decode_dhcp(octets)
    decode_advertisement(b"\x86" + octets, "fe80::1")


def test_a_second_server_or_router_is_a_question(situation: Callable[..., Situation], network: LocalNetwork) -> None:
    """The gateway and a single IPv6 router are as they should be; the gateway's own address is never accused."""
    router = Device(id="r", addresses=(str(network.gateway),))
    message = decode_dhcp(MESSAGE)
    assert message is not None
    fine = decode_dhcp(dhcp(o54=socket.inet_aton("127.0.0.1")))
    assert fine is not None
    first, second = RouterAdvertisement("fe80::1", ()), RouterAdvertisement("fe80::2", ())
    known = Device(id="r", addresses=(str(network.gateway), "fe80::2"))
    two = Overheard(dhcp=[fine, message], advertisements=[second, first])
    for gateway, heard, places in (
        (router, Overheard(dhcp=[fine], advertisements=[first, first]), []),
        (router, two, ["127.0.0.66", "fe80::1", "fe80::2"]),
        (known, two, ["127.0.0.66", "fe80::1"]),
        (known, Overheard(advertisements=[second]), []),
        (known, Overheard(advertisements=[first]), []),
    ):
        found = check("c4").fold(gateway, Seen(), situation(gateway, heard=heard))
        assert [o.evidence["place"] for o in found if o.outcome == "c4.second_server"] == places


def test_a_device_tells_its_mud_url_and_maker() -> None:
    """Facts of the address that it asked for."""
    message = decode_dhcp(MESSAGE)
    assert message is not None
    (sighting,) = Overheard(dhcp=[message]).sightings()
    assert sighting.address == "127.0.0.20"
    assert {fact.name for fact in sighting.facts} == {"host", "vendor", "mud_url"}


def test_messages_are_heard_while_the_block_runs_and_never_more_than_the_limit(
    network: LocalNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a socket of the test's own; a flood ends the listening, not the memory."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    monkeypatch.setattr(overheard, "_dhcp_socket", lambda _: ours)
    monkeypatch.setattr(overheard, "_advertisement_socket", lambda _: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(overheard, "HEARD_LIMIT", 3)

    async def hear() -> Overheard:
        async with listening(network) as heard:
            for _ in range(5):
                theirs.send(MESSAGE)
                await asyncio.sleep(0)
            while len(heard.dhcp) < 3:  # noqa: ASYNC110 # the list is filled by the task that is under test
                await asyncio.sleep(0)
        return heard

    with theirs:
        heard = asyncio.run(hear())
    assert heard.permitted
    assert len(heard.dhcp) == 3


def test_where_listening_is_forbidden_the_run_goes_on(network: LocalNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is heard, and the report can say so."""

    def forbidden(_: str) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr(overheard, "_dhcp_socket", forbidden)
    monkeypatch.setattr(overheard, "_advertisement_socket", forbidden)

    async def hear() -> Overheard:
        async with listening(network) as heard:
            return heard

    assert asyncio.run(hear()).permitted is False
