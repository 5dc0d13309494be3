"""c1.2: logins that travel in the clear: telnet, FTP, HTTP Basic without TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.checkup.checks.pages import HTTP_PORTS, place
from sekisho.checkup.outcomes import Observation
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.telnet import TelnetAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Job, Seen
    from sekisho.checkup.situation import Situation


def jobs(_: Device, __: Seen, ___: Situation) -> Iterable[Job]:
    """Nothing more than c1.1 and c2.1 ask."""
    return ()


def fold(device: Device, seen: Seen, _: Situation) -> Iterator[Observation]:
    """One finding per service that takes a password without encryption."""
    for job, telnet in seen.answers(device.targets, TelnetAnswer):
        if telnet.login:
            yield Observation("c1.2.telnet_clear", {"place": place(job), "banner": telnet.text}, "telnet")
    for job, answer in seen.answers(device.targets, HttpAnswer):
        realm = answer.headers.get("www-authenticate", "")
        if job.port in HTTP_PORTS and answer.tls is None and realm.lower().startswith("basic"):
            yield Observation("c1.2.basic_clear", {"place": place(job), "realm": realm[:100]}, "http")
    for job, opened in seen.answers(device.targets, Open):
        if job.port == 21 and opened.banner.startswith("220"):
            yield Observation("c1.2.ftp_clear", {"place": place(job), "banner": opened.banner}, "ftp")
