"""SOAP reads of routers (UPnP IGD) and cameras (ONVIF). What is not in ``READ_ONLY`` cannot be sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass, OutOfScope
from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes.http import decode, host, read_answer
from sekisho.checkup.probes.tls import TLS_PORTS, any_peer
from sekisho.checkup.probes.xml import first_text, local, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

    from sekisho.checkup.gate import Gate

ONVIF_DEVICE = "http://www.onvif.org/ver10/device/wsdl"
READ_ONLY: Mapping[str, CheckClass] = {
    "GetGenericPortMappingEntry": CheckClass.ROUTER,
    "GetExternalIPAddress": CheckClass.ROUTER,
    "GetStatusInfo": CheckClass.ROUTER,
    "GetFirewallStatus": CheckClass.ROUTER,
    "GetSecurityPort": CheckClass.ROUTER,
    "GetDeviceInformation": CheckClass.SERVICES,
}
"""Every action that may be sent, and the class of consent that it needs; all of them only read."""

_ENCODING_STYLE = ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"'
_SERVICE = re.compile(r"[A-Za-z0-9:/._-]{1,200}")
_FIELDS = 64


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """Fields of the response, or the UPnP error code of the fault (0 where it was none).

    Attributes:
        status: HTTP status.
    """

    action: str
    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    error_code: int = 0


def call(path: str, service: str, action: str, *arguments: tuple[str, str]) -> str:
    """Argument of a SOAP job: path, service type, action and its arguments, one a line."""
    return "\n".join([path, service, action, *(f"{name}={value}" for name, value in arguments)])


def igd_job(address: str, port: int, path: str, service: str, action: str, *arguments: tuple[str, str]) -> Job:
    """A read of one UPnP service."""
    return Job("soap", address, port, call(path, service, action, *arguments))


async def run(job: Job, gate: Gate) -> SoapAnswer:
    """POST one action and read its answer.

    Raises:
        OutOfScope: the action is not one of ``READ_ONLY``; nothing was sent.
    """
    path, service, action, *arguments = job.argument.split("\n")
    if action not in READ_ONLY or not _SERVICE.fullmatch(service):
        raise OutOfScope(f"{action} is not a read that the check-up makes")
    tls = any_peer() if job.port in TLS_PORTS else None
    async with gate.connect(job.address, job.port, tls=tls, check_class=READ_ONLY[action]) as stream:
        stream.write(request(job, path, service, action, arguments))
        answer = decode(await read_answer(stream))
    return decode_answer(action, answer.status, answer.body)


def decode_answer(action: str, status: int, body: bytes) -> SoapAnswer:
    """Fields or fault of a response; a refusal without XML (401) is an answer too.

    Raises:
        NoAnswer: a body that should be XML and is not.
    """
    if status in (401, 403):
        return SoapAnswer(action, status)
    root = parse(body)
    code = first_text(root, "errorCode")
    if code.isdecimal():
        return SoapAnswer(action, status, {}, int(code))
    response = next((e for e in root.iter() if local(e) == f"{action}Response"), None)
    if response is None:
        raise NoAnswer(Status.GARBLED, "no response element")
    return SoapAnswer(action, status, fields_of(response))


def fields_of(response: Element) -> dict[str, str]:
    """Printable text of the elements of a response."""
    return {local(e): first_text(e, local(e)) for e in list(response)[:_FIELDS]}


def request(
    job: Job, path: str, service: str, action: str, arguments: Iterable[str] = (), *, authorization: str = ""
) -> bytes:
    """The whole request; an argument is ``name=number``."""
    pairs = [argument.partition("=") for argument in arguments]
    inner = "".join(f"<{name}>{int(value)}</{name}>" for name, _, value in pairs)
    onvif = service == ONVIF_DEVICE
    envelope = "http://www.w3.org/2003/05/soap-envelope" if onvif else "http://schemas.xmlsoap.org/soap/envelope/"
    body = (
        f'<?xml version="1.0"?><s:Envelope xmlns:s="{envelope}"'
        f'{"" if onvif else _ENCODING_STYLE}><s:Body><u:{action} xmlns:u="{service}">{inner}</u:{action}>'
        "</s:Body></s:Envelope>"
    ).encode()
    kind = "application/soap+xml; charset=utf-8" if onvif else 'text/xml; charset="utf-8"'
    login = f"Authorization: {authorization}\r\n" if authorization else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host(job)}\r\nContent-Type: {kind}\r\n{login}"
        f'SOAPAction: "{service}#{action}"\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n'
    )
    return head.encode() + body
