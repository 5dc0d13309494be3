"""c1.1: what opens without a login: settings page, video stream, message broker, shell, camera details.

Known look-alikes: a page for everybody (a printer's status) is no settings page; a page drawn by scripts cannot be
read; RTSP servers that answer 404 for the bare path say nothing about the real one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.checks.pages import PageKind, classify, page_jobs, pages, place, visible
from sekisho.checkup.checks.services import TELNET_PORTS
from sekisho.checkup.jobs import Job
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.mqtt import MqttAnswer
from sekisho.checkup.probes.rtsp import RtspAnswer
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.telnet import TelnetAnswer
from sekisho.checkup.probes.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Seen
    from sekisho.checkup.situation import Situation

PROTOCOLS = {554: "rtsp", 8554: "rtsp", 1883: "mqtt", 8883: "mqtt"} | dict.fromkeys(TELNET_PORTS, "telnet")
"""Open port -> probe that asks the service whether it wants a login."""


def jobs(device: Device, seen: Seen, _: Situation) -> Iterator[Job]:
    """Pages of web ports, and the protocol's own question where another service is open."""
    yield from page_jobs(device, seen)
    for job, _answer in seen.answers(device.targets, Open):
        if job.port in PROTOCOLS:
            yield Job(PROTOCOLS[job.port], job.address, job.port)


def fold(device: Device, seen: Seen, _: Situation) -> Iterator[Observation]:
    """One finding per open door; OK only where at least one service asked for a login and none did without."""
    opened = [*_pages(device, seen), *_services(device, seen)]
    yield from opened
    asked = list(dict.fromkeys(_asked(device, seen)))
    if asked and not opened:
        yield Observation("c1.1.login_asked", {"place": ", ".join(asked)}, "http, rtsp, mqtt, telnet")


def _pages(device: Device, seen: Seen) -> Iterator[Observation]:
    for where, answer in pages(device, seen):
        kind, rule = classify(answer)
        evidence = {
            "place": where,
            "status": str(answer.status),
            "rule": rule,
            "title": printable(answer.title),
            "text": printable(visible(answer.text)),
        }
        if kind is PageKind.SETTINGS:
            yield Observation("c1.1.open_page", evidence, "http")
        elif kind is PageKind.SCRIPT:
            yield Observation("c1.1.script_page", evidence, "http")


def _services(device: Device, seen: Seen) -> Iterator[Observation]:
    for job, rtsp in seen.answers(device.targets, RtspAnswer):
        if rtsp.describe == 200:
            yield Observation("c1.1.open_stream", {"place": place(job), "server": rtsp.server}, "rtsp")
    for job, mqtt in seen.answers(device.targets, MqttAnswer):
        if mqtt.return_code == 0:
            yield Observation("c1.1.open_broker", {"place": place(job)}, "mqtt")
    for job, telnet in seen.answers(device.targets, TelnetAnswer):
        if telnet.shell:
            yield Observation("c1.1.open_shell", {"place": place(job), "text": telnet.text}, "telnet")
    for job, soap in seen.answers(device.targets, SoapAnswer):
        if soap.action == "GetDeviceInformation" and soap.fields:
            yield Observation("c1.1.open_onvif", {"place": place(job)}, "onvif")


def _asked(device: Device, seen: Seen) -> Iterator[str]:
    for where, answer in pages(device, seen):
        if classify(answer)[0] is PageKind.LOGIN:
            yield where
    yield from (place(job) for job, rtsp in seen.answers(device.targets, RtspAnswer) if rtsp.describe == 401)
    yield from (place(job) for job, mqtt in seen.answers(device.targets, MqttAnswer) if mqtt.return_code in (4, 5))
    yield from (place(job) for job, telnet in seen.answers(device.targets, TelnetAnswer) if telnet.login)
