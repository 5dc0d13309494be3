"""The owner's own logins: read only, in TLS, never shown, and never so often that a device locks its owner out."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup.checks import check
from sekisho.checkup.consent import CheckClass, Consent, OutOfScope, Scope
from sekisho.checkup.credentials.ledger import DAY_MS, AttemptLedger
from sekisho.checkup.credentials.owner import Login, OwnerLogins, read_logins
from sekisho.checkup.demo.stand_ins import _soap
from sekisho.checkup.device import Device, RawFact
from sekisho.checkup.gate import Gate
from sekisho.checkup.identify.facts import sightings
from sekisho.checkup.identify.match import identify
from sekisho.checkup.jobs import Attempt, Job, Seen, Status
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.owned import TR064_DEVICE, OwnedAnswer, owned_job
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.runner import attempt_job
from sekisho.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from sekisho.checkup.limits import Limits
    from sekisho.checkup.network import LocalNetwork
    from sekisho.checkup.situation import Situation

HOST = "127.0.0.20"
NOW_MS = 1_790_000_000_000
USER, PASSWORD = "home-owner-name", "Zq-secret-7"
INFO = {"NewManufacturerName": "AVM", "NewModelName": "FRITZ!Box 7590", "NewSoftwareVersion": "154.07.29"}
DESCRIPTION = (
    '<root xmlns="urn:dslforum-org:device-1-0"><device><manufacturer>AVM</manufacturer><serviceList><service>'
    f"<serviceType>{TR064_DEVICE}</serviceType><controlURL>/upnp/control/deviceinfo</controlURL>"
    "</service></serviceList></device></root>"
).encode()


class Router:
    """A TR-064 router in TLS: challenges, tells its owner what it is, and would lock at the third failure."""

    def __init__(self, *, accepts: str = PASSWORD) -> None:
        self.accepts, self.failures, self.requests = accepts, 0, list[str]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        status, headers, body = self.answer(head)
        writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    def answer(self, head: str) -> tuple[str, str, bytes]:
        from sekisho.checkup.probes.authorization import authorization

        challenge = 'Digest realm="F!Box SOAP-Auth", nonce="A1B2"'
        path = head.split(" ", 2)[1]
        expected = authorization(challenge, USER, self.accepts, method="POST", path=path)
        given = re.search(r"Authorization: (.*)\r", head)
        if given is not None and given[1] == expected:
            return _soap("GetInfo", TR064_DEVICE, INFO)
        self.failures += given is not None
        return "401 Unauthorized", f"WWW-Authenticate: {challenge}\r\n", b""


@pytest.fixture
def owners(network: LocalNetwork, consent: Consent, fast_limits: Limits, tmp_path: Path) -> Callable[..., Gate]:
    def gate(login: Login, *, now_ms: int = NOW_MS) -> Gate:
        ledger = AttemptLedger(tmp_path / "attempts.jsonl", fast_limits)
        logins = OwnerLogins({HOST: login}, ledger, lambda: now_ms)
        return Gate(Scope(network, consent), fast_limits, still_here=lambda: None, logins=logins)

    return gate


def tell(gate: Gate, router: Router, context: ssl.SSLContext, situation: Situation) -> Seen:
    """What a run of the check asks a router that announced itself, round after round."""

    async def use() -> Seen:
        server = await asyncio.start_server(router, HOST, 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        device, seen = Device(id="r", addresses=(HOST,)), Seen()
        described = Job("http", HOST, 49000, "/tr64desc.xml")
        seen.add(Attempt(described, Status.ANSWERED, 0, HttpAnswer(200, {}, DESCRIPTION)))
        while fresh := [job for job in check("c2.2").jobs(device, seen, situation) if job not in seen.attempts]:
            for job in fresh:
                if job.probe == "owned":
                    seen.add(await attempt_job(job, gate, lambda: NOW_MS))
                else:
                    answer = SoapAnswer("GetSecurityPort", 200, {"NewSecurityPort": str(port)})
                    seen.add(Attempt(job, Status.ANSWERED, 0, answer))
        server.close()
        return seen

    return asyncio.run(use())


def test_a_router_tells_its_owner_what_it_is(
    owners: Callable[..., Gate], tls_server: tuple[ssl.SSLContext, str], situation: Callable[..., Situation]
) -> None:
    """First without the login, then with it; maker, model and firmware come from there."""
    router = Router()
    seen = tell(
        owners(Login(username=USER, password=PASSWORD)), router, tls_server[0], situation(login_at=frozenset({HOST}))
    )
    assert [("Authorization" in request) for request in router.requests] == [False, True]
    (found,) = [s for s in sightings([HOST], seen) if s.facts and s.facts[0].source == "tr064"]
    device = Device(id="r", addresses=(HOST,), facts=found.facts)
    parts = identify(device, {}, (), gateway=True).parts
    assert {name: fact.value for name, fact in parts.items()} == {
        "maker": "AVM",
        "model": "FRITZ!Box 7590",
        "firmware": "154.07.29",
    }


def test_without_a_login_nothing_is_asked(
    owners: Callable[..., Gate], tls_server: tuple[ssl.SSLContext, str], situation: Callable[..., Situation]
) -> None:
    """The check asks for no port and no information where the owner gave nothing."""
    router = Router()
    seen = tell(owners(Login(community="c")), router, tls_server[0], situation())
    assert router.requests == []
    assert [job.probe for job in seen.attempts] == ["http"]


def test_a_wrong_login_is_not_tried_until_the_device_locks(
    owners: Callable[..., Gate], tls_server: tuple[ssl.SSLContext, str], situation: Callable[..., Situation]
) -> None:
    """Ten runs in a day, each a new process with the same ledger: two failures; the day after there may be more."""
    router, wrong = Router(), Login(username=USER, password="mistyped")
    for _ in range(10):
        tell(owners(wrong), router, tls_server[0], situation(login_at=frozenset({HOST})))
    assert router.failures == 2
    tell(owners(wrong, now_ms=NOW_MS + DAY_MS), router, tls_server[0], situation(login_at=frozenset({HOST})))
    assert router.failures == 3


def test_a_login_that_works_may_be_used_as_often_as_needed(
    owners: Callable[..., Gate], tls_server: tuple[ssl.SSLContext, str], situation: Callable[..., Situation]
) -> None:
    """Only failures count."""
    router = Router()
    for _ in range(5):
        tell(
            owners(Login(username=USER, password=PASSWORD)),
            router,
            tls_server[0],
            situation(login_at=frozenset({HOST})),
        )
    assert (router.failures, len(router.requests)) == (0, 10)


def test_failures_of_the_owner_count_for_the_documented_pairs_too(tmp_path: Path, fast_limits: Limits) -> None:
    """The device does not know who typed."""
    from sekisho.checkup.credentials.pairs import Pair
    from sekisho.core.errors import Refused

    ledger = AttemptLedger(tmp_path / "a.jsonl", fast_limits)
    pair = Pair(id="p", maker="m", model="m", username="u", password="p", source="s")
    ledger.begin_own(HOST, NOW_MS)
    ledger.begin_own(HOST, NOW_MS)
    ledger.begin(Device(id="d", addresses=(HOST,)), pair, NOW_MS)
    with pytest.raises(Refused, match="had_tries"):
        ledger.begin(Device(id="d", addresses=(HOST,)), pair, NOW_MS)


def test_the_login_stands_nowhere(
    owners: Callable[..., Gate],
    tls_server: tuple[ssl.SSLContext, str],
    situation: Callable[..., Situation],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not in jobs, answers, ledger or output; nor does any value show it."""
    gate = owners(Login(username=USER, password=PASSWORD))
    seen = tell(gate, Router(), tls_server[0], situation(login_at=frozenset({HOST})))
    out, err = capfd.readouterr()
    shown = (repr(seen), (tmp_path / "attempts.jsonl").read_text(), out, err, repr(Login(password=PASSWORD)))
    for text in shown:
        assert PASSWORD not in text
        assert USER not in text


def test_without_this_class_of_consent_nothing_leaves(
    network: LocalNetwork, consent: Consent, fast_limits: Limits, tmp_path: Path
) -> None:
    """Refused before a packet, though a login is there."""
    from dataclasses import replace

    narrower = replace(consent, classes=consent.classes - {CheckClass.OWNER_LOGIN})
    logins = OwnerLogins({HOST: Login(password="x", community="c")}, AttemptLedger(tmp_path / "a", fast_limits), int)
    gate = Gate(Scope(network, narrower), fast_limits, still_here=lambda: None, logins=logins)
    for job in (owned_job(HOST, 443, "/x", TR064_DEVICE, "GetInfo"), Job("snmp_read", HOST, 161)):
        assert asyncio.run(attempt_job(job, gate, lambda: NOW_MS)).status is Status.REFUSED
    assert gate.sent.total() == 0


@pytest.mark.parametrize("action", ["SetUser", "Reboot", "GetSnapshotUri", "X_AVM-DE_GetConfigFile"])
def test_with_a_login_too_only_reads_are_sent(owners: Callable[..., Gate], action: str) -> None:
    """The closed list decides, whoever asks."""
    from sekisho.checkup.probes import owned

    gate = owners(Login(username=USER, password=PASSWORD))
    with pytest.raises(OutOfScope):
        asyncio.run(owned.run(owned_job(HOST, 443, "/x", TR064_DEVICE, action), gate))
    assert gate.sent.total() == 0


CAMERA = Device(id="cam", addresses=(HOST,), facts=(RawFact("wsd", "x_addr", f"http://{HOST}/onvif/device_service"),))


@pytest.mark.parametrize(
    ("open_ports", "x_addr", "expected"),
    [
        ((80,), "http", []),
        ((80, 443), "http", [443]),
        ((8443,), "https", [8443]),
    ],
)
def test_users_are_asked_for_in_tls_alone(
    situation: Callable[..., Situation], open_ports: tuple[int, ...], x_addr: str, expected: list[int]
) -> None:
    """c1.7: a camera without TLS is asked nothing, for the password would travel in the clear."""
    url = f"{x_addr}://{HOST}{':8443' if x_addr == 'https' else ''}/onvif/device_service"
    device = Device(id="cam", addresses=(HOST,), facts=(RawFact("wsd", "x_addr", url),))
    seen = Seen()
    for port in open_ports:
        seen.add(Attempt(Job("tcp", HOST, port), Status.ANSWERED, 0, Open()))
    jobs = list(check("c1.7").jobs(device, seen, situation(login_at=frozenset({HOST}))))
    assert [(job.probe, job.port) for job in jobs] == [("owned", port) for port in expected]
    assert list(check("c1.7").jobs(device, seen, situation())) == []


def test_the_users_that_a_camera_tells_are_listed_without_their_passwords(situation: Callable[..., Situation]) -> None:
    """Names and levels; what else stands in the answer is not read."""
    from sekisho.checkup.probes import owned

    rows = "".join(
        f"<User><Username>{name}</Username><Password>{PASSWORD}</Password><UserLevel>{level}</UserLevel></User>"
        for name, level in (("admin", "Administrator"), ("guest", "User"))
    )
    body = f"<e><GetUsersResponse>{rows}</GetUsersResponse></e>".encode()
    answer = owned.decode_answer("GetUsers", 200, "", body)
    assert isinstance(answer, OwnedAnswer)
    assert PASSWORD not in repr(answer)
    seen = Seen()
    seen.add(Attempt(owned_job(HOST, 443, "/x", "s", "GetUsers", "c"), Status.ANSWERED, 0, answer))
    (observed,) = check("c1.7").fold(CAMERA, seen, situation())
    assert (observed.outcome, observed.evidence["users"]) == ("c1.7.users", "admin (Administrator), guest (User)")


def test_logins_are_read_and_mistakes_named_without_values(tmp_path: Path) -> None:
    """By address; the sentence names the key, and repeats no value."""
    path = tmp_path / "logins.toml"
    path.write_text(f'[device."192.0.2.9"]\nusername = "u"\npassword = "{PASSWORD}"\n')
    assert read_logins(path)["192.0.2.9"].password == PASSWORD
    mistakes: dict[str, Any] = {
        f'[device."192.0.2.9"]\npasword = "{PASSWORD}"\n': ConfigError,
        '[device."192.0.2.9"]\npassword = 7\n': ConfigError,
        f'[device."192.0.2.9"]\npassword = "{PASSWORD * 9}"\n': ConfigError,
        f'[device."192.0.2.9"]\nusername = "a\\r\\nX: {PASSWORD}"\n': ConfigError,
        f'[device.camera]\npassword = "{PASSWORD}"\n': InputError,
        f'[device."192.0.2.9"\npassword = "{PASSWORD}"\n': InputError,
    }
    for text, kind in mistakes.items():
        path.write_text(text)
        with pytest.raises(kind, match=r"logins\.toml") as raised:
            read_logins(path)
        assert PASSWORD not in str(raised.value)
