"""SOAP reads with the owner's own login (TR-064, ONVIF): in TLS only, with the challenge of an unauthenticated request.

What is not in ``READ_ONLY`` cannot be sent. A password in an answer is not read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.checkup.consent import CheckClass, OutOfScope
from sekisho.checkup.jobs import Job, NoAnswer, Status
from sekisho.checkup.probes import soap
from sekisho.checkup.probes.authorization import authorization
from sekisho.checkup.probes.http import decode, read_answer
from sekisho.checkup.probes.text import printable
from sekisho.checkup.probes.tls import any_peer
from sekisho.checkup.probes.xml import each, first_text, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.checkup.gate import Gate

TR064_DEVICE = "urn:dslforum-org:service:DeviceInfo:1"
READ_ONLY = frozenset({"GetInfo", "GetUsers"})
"""GetInfo of TR-064 (maker, model, firmware), GetUsers of ONVIF (names and levels)."""

_USERS = 64
_CHALLENGE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class OwnedAnswer:
    """What the device told its owner.

    Attributes:
        status: HTTP status; 401 together with a challenge is what the first request gets.
        users: (name, level) of each user.
    """

    action: str
    status: int
    challenge: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    users: tuple[tuple[str, str], ...] = ()


def owned_job(address: str, port: int, path: str, service: str, action: str, challenge: str = "") -> Job:
    """A read; without the challenge of an earlier answer it carries no login."""
    more = [("challenge", challenge)] if challenge else []
    return Job("owned", address, port, soap.call(path, service, action, *more))


async def run(job: Job, gate: Gate) -> OwnedAnswer:
    """POST one action in TLS.

    Raises:
        OutOfScope: the action is no read, or there is no login of the owner's for this address (any more).
    """
    path, service, action, *more = job.argument.split("\n")
    if action not in READ_ONLY:
        raise OutOfScope(f"{action} is not a read that the check-up makes")
    challenge = more[0].partition("=")[2] if more else ""
    header = _login(job, gate, path, challenge) if challenge else ""
    async with gate.connect(job.address, job.port, tls=any_peer(), check_class=CheckClass.OWNER_LOGIN) as stream:
        stream.write(soap.request(job, path, service, action, authorization=header))
        answer = decode(await read_answer(stream))
    if challenge and 200 <= answer.status < 300:
        gate.logins.accepted(job.address)
    return decode_answer(action, answer.status, answer.headers.get("www-authenticate", ""), answer.body)


def decode_answer(action: str, status: int, challenge: str, body: bytes) -> OwnedAnswer:
    """Fields and users of a response; any other status stands for itself.

    Raises:
        NoAnswer: a body that should be XML and is not.
    """
    if not 200 <= status < 300:
        return OwnedAnswer(action, status, printable(challenge, _CHALLENGE_LENGTH))
    root = parse(body)
    users = [(first_text(user, "Username", 40), first_text(user, "UserLevel", 40)) for user in each(root, "User")]
    response = next(each(root, f"{action}Response"), None)
    if response is None:
        raise NoAnswer(Status.GARBLED, "no response element")
    return OwnedAnswer(action, status, "", soap.fields_of(response), tuple(users[:_USERS]))


def _login(job: Job, gate: Gate, path: str, challenge: str) -> str:
    login = gate.logins.begin(job.address)
    header = authorization(challenge, login.username, login.password, method="POST", path=path)
    if header is None:
        raise NoAnswer(Status.REFUSED, "a kind of login that is not spoken here")
    return header
