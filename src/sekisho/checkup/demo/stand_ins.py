"""Stand-in devices for the demo and the tests: they answer as such devices do, and do nothing else.

Run as ``python -m sekisho.checkup.demo.stand_ins ROLE ADDRESS`` inside a namespace of ``lan.Lan``.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

IGD = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
WAN_IP = "urn:schemas-upnp-org:service:WANIPConnection:1"
FIREWALL = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"


@dataclass(slots=True)
class Web:
    """A web server with fixed answers: path -> (status line, headers, body)."""

    pages: dict[str, tuple[str, str, bytes]]
    requests: list[str] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        self.requests.append(f"{method} {path}")
        length = next((int(h.split(":")[1]) for h in head.splitlines() if h.lower().startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode("latin-1")
        status, headers, answer = self.answer(method, path, body)
        writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(answer)}\r\n\r\n".encode() + answer)
        await writer.drain()
        writer.close()

    def answer(self, _: str, path: str, __: str) -> tuple[str, str, bytes]:
        """The fixed answer, or 404."""
        return self.pages.get(path, ("404 Not Found", "", b"not found"))


@dataclass(slots=True)
class RouterWeb(Web):
    """A web server that also answers the IGD's reads."""

    mappings: list[dict[str, str]] = field(default_factory=list)
    external: str = "100.64.9.9"
    firewall: str = "0"

    def answer(self, method: str, path: str, body: str) -> tuple[str, str, bytes]:
        """SOAP under ``/ctl``, pages elsewhere."""
        if method != "POST":
            return self.pages.get(path, ("404 Not Found", "", b"not found"))
        if "GetExternalIPAddress" in body:
            return _soap("GetExternalIPAddress", WAN_IP, {"NewExternalIPAddress": self.external})
        if "GetFirewallStatus" in body:
            flags = {"FirewallEnabled": self.firewall, "InboundPinholeAllowed": "1"}
            return _soap("GetFirewallStatus", FIREWALL, flags)
        if "GetStatusInfo" in body:
            return _soap("GetStatusInfo", WAN_IP, {"NewConnectionStatus": "Connected", "NewUptime": "86400"})
        index = int(body.split("<NewPortMappingIndex>")[1].split("<", maxsplit=1)[0])
        if index < len(self.mappings):
            return _soap("GetGenericPortMappingEntry", WAN_IP, self.mappings[index])
        return _fault(713)


def _soap(action: str, service: str, fields: dict[str, str]) -> tuple[str, str, bytes]:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    body = f'<u:{action}Response xmlns:u="{service}">{inner}</u:{action}Response>'
    return "200 OK", "Content-Type: text/xml\r\n", _envelope(body)


def _fault(code: int) -> tuple[str, str, bytes]:
    detail = f'<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>{code}</errorCode></UPnPError>'
    body = f"<s:Fault><faultcode>s:Client</faultcode><detail>{detail}</detail></s:Fault>"
    return "500 Internal Server Error", "", _envelope(body)


def _envelope(body: str) -> bytes:
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def page(title: str, body: str) -> tuple[str, str, bytes]:
    """A page in UTF-8."""
    html = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    return "200 OK", "Content-Type: text/html; charset=utf-8\r\n", html.encode()


def root_description(address: str, maker: str, model: str) -> bytes:
    """An IGD's description."""
    services = "".join(
        f"<service><serviceType>{kind}</serviceType><controlURL>/ctl/{i}</controlURL></service>"
        for i, kind in enumerate((WAN_IP, FIREWALL))
    )
    return (
        '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>'
        f"<deviceType>{IGD}</deviceType><friendlyName>router</friendlyName><manufacturer>{maker}</manufacturer>"
        f"<modelName>{model}</modelName><UDN>uuid:{address}</UDN><serviceList>{services}</serviceList></device></root>"
    ).encode()


async def rtsp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, needs_login: bool) -> None:
    """OPTIONS and DESCRIBE; anything else would be a picture and is answered with 403."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        method = head.split(b" ", 1)[0]
        if method == b"OPTIONS":
            writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: camera\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n")
        elif method == b"DESCRIBE" and not needs_login:
            writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 6\r\n\r\nv=0\r\n\n")
        elif method == b"DESCRIBE":
            writer.write(
                b'RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Digest realm="cam", nonce="1"\r\n\r\n'
            )
        else:
            writer.write(b"RTSP/1.0 403 Forbidden\r\nCSeq: 3\r\n\r\n")
        await writer.drain()


async def telnet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, prompt: bytes) -> None:
    """Offer an option, show a prompt, and wait for what a client types."""
    writer.write(b"\xff\xfb\x01\xff\xfd\x18" + prompt)
    await writer.drain()
    await reader.read()
    writer.close()


class Discovery(asyncio.DatagramProtocol):
    """Answers a multicast question with one fixed datagram."""

    def __init__(self, marker: bytes, answer: bytes) -> None:
        self._marker, self._answer = marker, answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question of the right kind."""
        if self._marker in data and self._transport is not None:
            self._transport.sendto(self._answer, addr)


async def answer_group(address: str, group: str, port: int, marker: bytes, answer: bytes) -> None:
    """Join a group on the interface of an address and answer there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    membership = struct.pack("=4s4s", socket.inet_aton(group), socket.inet_aton(address))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Discovery(marker, answer), sock=sock)


def ssdp_answer(location: str, target: str, udn: str, boot_id: int) -> bytes:
    """An answer to M-SEARCH."""
    return (
        f"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: {location}\r\n"
        f"SERVER: Linux/4.4 UPnP/1.1 stand-in/1.0\r\nST: {target}\r\nUSN: {udn}::{target}\r\n"
        f"BOOTID.UPNP.ORG: {boot_id}\r\nCONFIGID.UPNP.ORG: 1\r\n\r\n"
    ).encode()


def wsd_answer(address: str, maker: str, model: str, instance_id: int) -> bytes:
    """A ProbeMatch of a camera."""
    scopes = f"onvif://www.onvif.org/name/{maker}%20{model} onvif://www.onvif.org/hardware/{model}"
    return (
        '<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header>'
        f'<d:AppSequence InstanceId="{instance_id}" MessageNumber="1"/></e:Header>'
        "<e:Body><d:ProbeMatches><d:ProbeMatch>"
        f"<w:EndpointReference><w:Address>urn:uuid:camera-{address}</w:Address></w:EndpointReference>"
        f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes>"
        f"<d:XAddrs>http://{address}/onvif/device_service</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
        "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
    ).encode()


async def listen(address: str, port: int, handler: Callable[..., Awaitable[None]], **options: object) -> None:
    """A TCP service; a client that leaves early is normal."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer, **options)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    await asyncio.start_server(serve, address, port)


async def router(address: str) -> None:
    """A router with UPnP on, its IPv6 firewall off, an opening to the camera, and another router in front."""
    camera = f"{address.rpartition('.')[0]}.20"
    mapping = {
        "NewProtocol": "TCP",
        "NewExternalPort": "8080",
        "NewInternalPort": "80",
        "NewInternalClient": camera,
        "NewPortMappingDescription": "camera",
        "NewLeaseDuration": "0",
    }
    pages = {
        "/": ("401 Unauthorized", 'WWW-Authenticate: Basic realm="router"\r\n', b""),
        "/root.xml": ("200 OK", "", root_description(address, "BUFFALO INC.", "WXR-5950AX12")),
    }
    await listen(address, 80, RouterWeb(pages, mappings=[mapping]))
    answer = ssdp_answer(f"http://{address}:80/root.xml", IGD, f"uuid:{address}", boot_id=7)
    await answer_group(address, "239.255.255.250", 1900, b"M-SEARCH", answer)


async def camera(address: str) -> None:
    """A camera whose settings and stream open without a login."""
    await listen(address, 80, Web({"/": page("IP Camera", "<h1>Camera Settings</h1><a href=live>Live View</a>")}))
    await streams(address)


async def streams(address: str) -> None:
    """The camera's stream and discovery alone, beside a web server of another program."""
    await listen(address, 554, rtsp, needs_login=False)
    answer = wsd_answer(address, "HIKVISION", "DS-2CD2032-I", instance_id=100)
    await answer_group(address, "239.255.255.250", 3702, b"discovery/Probe", answer)


async def recorder(address: str) -> None:
    """A recorder with telnet behind a login, and a login page."""
    await listen(address, 23, telnet, prompt=b"dvr login: ")
    await listen(address, 80, Web({"/": page("Login", '<form><input type="password" name="p"></form>')}))


async def fresh(address: str) -> None:
    """A device that was never set up."""
    await listen(
        address, 80, Web({"/": page("初期設定", "<h1>初期設定ウィザード</h1><p>パスワードを設定してください</p>")})
    )


async def infected(address: str) -> None:
    """A camera with an open settings page, and what came in through it: a shell in memory that calls home, locally."""
    await listen(address, 2323, telnet, prompt=b"# ")
    await open_page(address)
    asyncio.create_task(_call_home(f"{address.rpartition('.')[0]}.1"))  # noqa: RUF006 # it lives as long as the process


async def _call_home(address: str) -> None:
    """A datagram a second to a port of the router that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        while True:
            sock.sendto(b"ping", (address, 6667))
            await asyncio.sleep(1)


async def open_page(address: str) -> None:
    """The same camera after a restart: the shell is gone, the way in is not."""
    await listen(address, 80, Web({"/": page("IP Camera", "<h1>Camera Settings</h1>")}))


async def closed_page(address: str) -> None:
    """The same camera with a password."""
    await listen(address, 80, Web({"/": page("Login", '<form><input type="password" name="p"></form>')}))


async def quiet(address: str) -> None:
    """A device that offers nothing."""
    del address


ROLES: dict[str, Callable[[str], Awaitable[None]]] = {
    "router": router,
    "camera": camera,
    "streams": streams,
    "recorder": recorder,
    "fresh": fresh,
    "infected": infected,
    "open_page": open_page,
    "closed_page": closed_page,
    "quiet": quiet,
}


async def _main(role: str, address: str) -> None:
    await ROLES[role](address)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
