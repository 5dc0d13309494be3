"""What each check concludes from answers; each row beside its near miss."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup.checks import check
from sekisho.checkup.credentials.pairs import Accepted, NotAccepted, Stopped, StopReason
from sekisho.checkup.data.advisory import Advisory
from sekisho.checkup.data.knowledge import Knowledge
from sekisho.checkup.data.models import Models, read
from sekisho.checkup.data.mud import Allowed, Flow, MudProfile
from sekisho.checkup.data.version import VersionRange
from sekisho.checkup.demo.stand_ins import root_description
from sekisho.checkup.device import Device, RawFact
from sekisho.checkup.jobs import Attempt, Job, Seen, Status
from sekisho.checkup.overheard import Overheard, RouterAdvertisement
from sekisho.checkup.probes.http import HttpAnswer
from sekisho.checkup.probes.mqtt import MqttAnswer
from sekisho.checkup.probes.natpmp import NatPmpAnswer
from sekisho.checkup.probes.pcp import PcpAnswer
from sekisho.checkup.probes.rtsp import RtspAnswer
from sekisho.checkup.probes.snmp import SnmpEngine
from sekisho.checkup.probes.soap import SoapAnswer
from sekisho.checkup.probes.tcp import Open
from sekisho.checkup.probes.telnet import TelnetAnswer
from sekisho.checkup.restart import Proof, Signal, Strength
from sekisho.checkup.snapshot import DeviceState, Snapshot
from sekisho.measures.order import DeviceKind
from sekisho.measures.report import DataSource, Fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.checkup.situation import Situation

HOST = "127.0.0.20"
CAMERA = Device(id="cam", addresses=(HOST,))
ROUTER = Device(id="router", addresses=("127.0.0.1",))


def seen(*answers: tuple[str, int, object], address: str = HOST) -> Seen:
    found = Seen()
    for probe, port, answer in answers:
        status = answer if isinstance(answer, Status) else Status.ANSWERED
        argument = "/" if probe == "http" else getattr(answer, "action", "") + str(len(found.attempts))
        found.add(Attempt(Job(probe, address, port, argument), status, 0, None if status is answer else answer))
    return found


def outcomes(name: str, device: Device, answers: Seen, situation: Situation) -> dict[str, dict[str, str]]:
    return {o.outcome: dict(o.evidence) for o in check(name).fold(device, answers, situation)}


def page(body: str, *, status: int = 200, realm: str = "") -> HttpAnswer:
    return HttpAnswer(status, {"www-authenticate": realm} if realm else {}, body.encode())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("http", 80, page("<h1>System Settings</h1>")), {"c1.1.open_page"}),
        (("http", 80, page("<h1>System Settings</h1><input type=password>")), {"c1.1.login_asked"}),
        (("http", 80, page("<p>printer ready</p>")), set()),
        (("http", 80, page("<script src=app.js></script>")), {"c1.1.script_page"}),
        (("http", 80, page("<script>x</script>" + "<p>words </p>" * 40)), set()),
        (("http", 80, page("", status=401)), {"c1.1.login_asked"}),
        (("http", 80, page("", status=500)), set()),
        (("rtsp", 554, RtspAnswer(200, 200, "", "")), {"c1.1.open_stream"}),
        (("rtsp", 554, RtspAnswer(200, 401, "", "")), {"c1.1.login_asked"}),
        (("rtsp", 554, RtspAnswer(200, 404, "", "")), set()),
        (("mqtt", 1883, MqttAnswer(0)), {"c1.1.open_broker"}),
        (("mqtt", 1883, MqttAnswer(5)), {"c1.1.login_asked"}),
        (("mqtt", 1883, MqttAnswer(2)), set()),
        (("telnet", 23, TelnetAnswer("#", login=False, shell=True)), {"c1.1.open_shell"}),
        (("telnet", 23, TelnetAnswer("login:", login=True, shell=False)), {"c1.1.login_asked"}),
        (("telnet", 23, TelnetAnswer("hello", login=False, shell=False)), set()),
        (("soap", 80, SoapAnswer("GetDeviceInformation", 200, {"Model": "x"})), {"c1.1.open_onvif"}),
        (("soap", 80, SoapAnswer("GetDeviceInformation", 401)), set()),
    ],
)
def test_open_without_login(situation: Callable[..., Situation], answer: Any, expected: set[str]) -> None:
    """c1.1: an open door, a locked one, and what is neither."""
    assert set(outcomes("c1.1", CAMERA, seen(answer), situation())) == expected


def test_one_open_door_is_not_outweighed_by_a_locked_one(situation: Callable[..., Situation]) -> None:
    """OK needs every service to ask for a login."""
    answers = seen(("http", 80, page("", status=401)), ("rtsp", 554, RtspAnswer(200, 200, "", "")))
    assert set(outcomes("c1.1", CAMERA, answers, situation())) == {"c1.1.open_stream"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("telnet", 23, TelnetAnswer("login:", login=True, shell=False)), {"c1.2.telnet_clear"}),
        (("telnet", 23, TelnetAnswer("hello", login=False, shell=False)), set()),
        (("http", 80, page("", status=401, realm='Basic realm="x"')), {"c1.2.basic_clear"}),
        (("http", 80, page("", status=401, realm='Digest realm="x"')), set()),
        (("tcp", 21, Open("220 ready")), {"c1.2.ftp_clear"}),
        (("tcp", 21, Open("SSH-2.0-x")), set()),
        (("tcp", 25, Open("220 mail")), set()),
    ],
)
def test_login_in_clear(situation: Callable[..., Situation], answer: Any, expected: set[str]) -> None:
    """c1.2."""
    assert set(outcomes("c1.2", CAMERA, seen(answer), situation())) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h1>初期設定ウィザード</h1>", {"c1.3.first_setup"}),
        ("Please set an administrator password", {"c1.3.first_setup"}),
        ("<input type=password>Please log in", set()),
        ("<h1>設定を保存</h1>", set()),
    ],
)
def test_first_setup(situation: Callable[..., Situation], body: str, expected: set[str]) -> None:
    """c1.3: the state of a first set-up, and pages that only look like it."""
    assert set(outcomes("c1.3", CAMERA, seen(("http", 80, page(body))), situation())) == expected


@pytest.mark.parametrize(
    ("name", "answers", "expected"),
    [
        ("c1.4", {}, "c1.4.ask"),
        ("c1.4", {"password_changed": True}, "c1.4.changed"),
        ("c1.4", {"password_changed": False}, "c1.4.unchanged"),
        ("c1.4", {"password_changed": True, "password_shared": True}, "c1.4.unchanged"),
        ("c1.5", {"password_score": 2}, "c1.5.weak"),
        ("c1.5", {"password_score": 3}, "c1.5.strong"),
        ("c1.7", {"users": ["admin", "x\x1b[31m"]}, "c1.7.users_stated"),
        ("c2.6", {}, "c2.6.ask"),
        ("c2.6", {"in_use": True}, "c2.6.in_use"),
        ("c2.6", {"in_use": False}, "c2.6.unused"),
        ("c3", {"maker": "なし"}, "c3.no_maker"),
    ],
)
def test_what_only_the_owner_knows(
    situation: Callable[..., Situation], name: str, answers: dict[str, Any], expected: str
) -> None:
    """Statements are taken as such; where none is there, it is a question."""
    found = outcomes(name, CAMERA, Seen(), situation(CAMERA, answers=answers))
    assert set(found) == {expected}
    assert "\x1b" not in str(found)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Accepted("p1", "manual"), "c1.6.accepted"),
        (NotAccepted(("p1",)), "c1.6.not_accepted"),
        (Stopped(StopReason.SHOWED_LOCK), "c1.6.showed_lock"),
        (Stopped(StopReason.NO_LOGIN_PAGE), "c1.6.no_login_page"),
        (Stopped(StopReason.UNKNOWN_LOGIN), "c1.6.unknown_login"),
        (Stopped(StopReason.HAD_TRIES), "c1.6.had_tries"),
        (Stopped(StopReason.WAS_ACCEPTED), "c1.6.was_accepted"),
    ],
)
def test_default_pairs(situation: Callable[..., Situation], result: Any, expected: str) -> None:
    """c1.6: nothing at all where it was not asked for."""
    assert set(outcomes("c1.6", CAMERA, Seen(), situation(pairs={"cam": result}))) == {expected}
    assert outcomes("c1.6", CAMERA, Seen(), situation()) == {}


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([23], {"c2.1.telnet"}),
        ([2323], {"c2.1.telnet"}),
        ([22], {"c2.1.other"}),
        ([5555], {"c2.1.debug"}),
        ([7547], {"c2.1.management"}),
        ([80, 23], {"c2.1.telnet", "c2.1.other"}),
        ([], {"c2.1.none"}),
    ],
)
def test_open_services(situation: Callable[..., Situation], ports: list[int], expected: set[str]) -> None:
    """c2.1: ports that should never be open ask for action, others for a look."""
    answers = seen(("tcp", 8000, Status.CLOSED), *(("tcp", port, Open()) for port in ports))
    assert set(outcomes("c2.1", CAMERA, answers, situation())) == expected


def test_a_service_without_connections_is_open_when_it_answered(situation: Callable[..., Situation]) -> None:
    """c2.1: UDP counts by its answers; a device with nothing but SNMP is not one with nothing open."""
    answers = seen(
        ("tcp", 80, Status.CLOSED),
        ("snmp", 161, SnmpEngine("aa", 1, 1)),
        ("mdns", 5353, Status.SILENT),
        ("natpmp", 5351, NatPmpAnswer(1, "")),
        ("pcp", 5351, PcpAnswer(1)),
    )
    found = outcomes("c2.1", CAMERA, answers, situation())
    assert found == {"c2.1.other": {"ports": "161/udp (SNMP), 5351/udp (NAT-PMP, PCP)"}}


def test_a_device_that_answers_nothing_is_not_called_closed(situation: Callable[..., Situation]) -> None:
    """Silence is CANNOT-TELL; a device that was not asked has no verdict."""
    assert set(outcomes("c2.1", CAMERA, seen(("tcp", 80, Status.SILENT)), situation())) == {"c2.1.silent"}
    assert outcomes("c2.1", CAMERA, Seen(), situation()) == {}


MAPPING = {"NewProtocol": "TCP", "NewExternalPort": "80", "NewInternalPort": "80", "NewInternalClient": HOST}


@pytest.mark.parametrize(
    ("kind", "model", "client", "expected"),
    [
        (DeviceKind.CAMERA, "x", HOST, "c2.2.opening_device"),
        (DeviceKind.RECORDER, "x", HOST, "c2.2.opening_device"),
        (DeviceKind.NAS, "x", HOST, "c2.2.opening"),
        (DeviceKind.OTHER, "x", HOST, "c2.2.opening"),
        (DeviceKind.OTHER, "", HOST, "c2.2.opening_device"),
        (DeviceKind.NAS, "x", "127.0.0.77", "c2.2.opening_unknown"),
        (DeviceKind.NAS, "x", "127.0.0.9", "c2.2.opening"),
    ],
)
def test_router_openings(
    situation: Callable[..., Situation], kind: DeviceKind, model: str, client: str, expected: str
) -> None:
    """c2.2: a camera, a recorder or an unknown device behind an opening asks for action; our own computer does not."""
    parts = {"model": Fact(value=model, source="upnp", confidence=0.8)} if model else {}
    here = situation(CAMERA, ROUTER, kinds={"cam": kind}, identities={"cam": parts})
    answer = SoapAnswer("GetGenericPortMappingEntry", 200, MAPPING | {"NewInternalClient": client})
    found = outcomes("c2.2", ROUTER, seen(("soap", 5000, answer), address="127.0.0.1"), here)
    assert set(found) == {expected}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([("soap", 5000, SoapAnswer("GetGenericPortMappingEntry", 500, {}, 713))], "c2.2.none"),
        ([("soap", 5000, SoapAnswer("GetGenericPortMappingEntry", 500, {}, 501))], "c2.2.no_answer"),
        ([], "c2.2.no_answer"),
    ],
)
def test_no_openings_only_where_the_list_ended_as_it_should(
    situation: Callable[..., Situation], answers: list[Any], expected: str
) -> None:
    """Error 713 is the end of the list; another error is no answer."""
    assert set(outcomes("c2.2", ROUTER, seen(*answers, address="127.0.0.1"), situation(ROUTER))) == {expected}


def test_a_camera_is_not_asked_about_router_openings(situation: Callable[..., Situation]) -> None:
    """Only the gateway and devices that offer an IGD."""
    for name in ("c2.2", "c2.2b", "c2.3", "c2.4", "c2.7"):
        assert outcomes(name, CAMERA, Seen(), situation(CAMERA)) == {}


def test_mappings_are_read_one_after_the_other_until_the_end(situation: Callable[..., Situation]) -> None:
    """Each answered entry asks for the next; an error ends it."""
    described = HttpAnswer(200, {}, root_description("127.0.0.1", "x", "y"))
    answers = Seen()
    answers.add(Attempt(Job("http", "127.0.0.1", 80, "/root.xml"), Status.ANSWERED, 0, described))
    state, *jobs = check("c2.2").jobs(ROUTER, answers, situation(ROUTER))
    assert state.argument.endswith("GetStatusInfo")
    for index in range(3):
        assert jobs[-1].argument.endswith(f"NewPortMappingIndex={index}")
        fields = MAPPING if index < 2 else {}
        reply = SoapAnswer("GetGenericPortMappingEntry", 200, fields, 0 if fields else 713)
        answers.add(Attempt(jobs[-1], Status.ANSWERED, 0, reply))
        _, *jobs = check("c2.2").jobs(ROUTER, answers, situation(ROUTER))
    assert jobs == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("100.64.0.1", "c2.2b.double_router"),
        ("192.0.0.2", "c2.2b.double_router"),
        ("192.0.0.8", "c2.2b.unknown"),
        ("192.168.1.5", "c2.2b.double_router"),
        ("8.8.4.4", "c2.2b.direct"),
        ("", "c2.2b.unknown"),
        ("nonsense", "c2.2b.unknown"),
    ],
)
def test_double_router(situation: Callable[..., Situation], address: str, expected: str) -> None:
    """c2.2b: by the class of the outer address, which itself is not in the evidence."""
    answers = seen(("natpmp", 5351, NatPmpAnswer(1, address)), address="127.0.0.1")
    found = outcomes("c2.2b", ROUTER, answers, situation(ROUTER))
    assert set(found) == {expected}
    assert not address or f"'{address}'" not in str(found)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"FirewallEnabled": "1", "InboundPinholeAllowed": "0"}, "c2.3.firewall_on"),
        ({"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}, "c2.3.pinholes"),
        ({"FirewallEnabled": "0", "InboundPinholeAllowed": "1"}, "c2.3.firewall_off"),
        ({"FirewallEnabled": "0"}, "c2.3.firewall_off"),
        ({}, "c2.3.unknown"),
    ],
)
def test_ipv6_firewall(situation: Callable[..., Situation], fields: dict[str, str], expected: str) -> None:
    """c2.3: no answer is never OK."""
    answers = seen(("soap", 80, SoapAnswer("GetFirewallStatus", 200, fields)), address="127.0.0.1")
    assert set(outcomes("c2.3", ROUTER, answers, situation(ROUTER))) == {expected}


def test_devices_that_only_the_firewall_stands_before_are_counted(situation: Callable[..., Situation]) -> None:
    """c2.3: those with a global IPv6 address; a unique local one is not reached from outside."""
    answers = seen(("soap", 80, SoapAnswer("GetFirewallStatus", 200, {"FirewallEnabled": "0"})), address="127.0.0.1")
    reached = Device(id="a", addresses=(HOST, "2606:4700::1"))
    local = Device(id="b", addresses=("127.0.0.21", "fd00::1", "fe80::1"))
    found = outcomes("c2.3", ROUTER, answers, situation(ROUTER, reached, local))
    assert found["c2.3.firewall_off"]["devices"] == "1"


def test_stated_needs(situation: Callable[..., Situation]) -> None:
    """c2.5: an extra destination is a question, all stated is OK, nothing to compare is CANNOT-TELL."""
    profile = MudProfile(
        url="https://maker.example/mud",
        system_info="",
        last_update="",
        is_supported=True,
        maker="",
        model="",
        firmware="",
        documentation="",
        allowed=(Allowed(protocol=6, port=443, name="cloud.example"),),
    )
    stated, extra = Flow("203.0.113.1", 6, 443, "cloud.example"), Flow("203.0.113.9", 6, 23)
    both = situation(profiles={HOST: profile}, flows={HOST: (stated, extra)})
    assert outcomes("c2.5", CAMERA, Seen(), both) == {"c2.5.extra": {"flows": "203.0.113.9 tcp/23"}}
    assert set(outcomes("c2.5", CAMERA, Seen(), situation(profiles={HOST: profile}, flows={HOST: (stated,)}))) == {
        "c2.5.as_stated"
    }
    assert set(outcomes("c2.5", CAMERA, Seen(), situation(flows={HOST: (stated,)}))) == {"c2.5.not_seen"}


def test_a_profile_that_a_device_offers_is_named_and_not_fetched(situation: Callable[..., Situation]) -> None:
    """c2.5: the URL stands on the Internet; the person decides about it."""
    offering = Device(id="cam", addresses=(HOST,), facts=(RawFact("dhcp", "mud_url", "https://maker.example/m.json"),))
    found = outcomes("c2.5", offering, Seen(), situation())
    assert found == {"c2.5.profile_offered": {"url": "https://maker.example/m.json"}}
    assert list(check("c2.5").jobs(offering, Seen(), situation())) == []


def test_a_profile_that_withdraws_support_is_an_end_of_support(situation: Callable[..., Situation]) -> None:
    """c3: the maker's own statement (RFC 8520 section 3.6), before any table."""
    gone = MudProfile(
        url="https://maker.example/mud",
        system_info="",
        last_update="2026-05-01T00:00:00Z",
        is_supported=False,
        maker="",
        model="",
        firmware="",
        documentation="",
        allowed=(),
    )
    here = situation(CAMERA, profiles={HOST: gone}, knowledge=knowledge(), identities={"cam": identity("EX-9")})
    found = outcomes("c3", CAMERA, Seen(), here)
    assert found["c3.support_withdrawn"] == {"page": "https://maker.example/mud", "date": "2026-05-01"}


REPLY = {
    "date": "2026-09-20",
    "source": "mail from the maker",
    "support_until": "2028-03",
    "latest_firmware": "1.4",
    "contact": "support@maker.example",
    "settings": True,
}


def test_the_makers_reply_closes_what_was_asked(situation: Callable[..., Situation]) -> None:
    """A dated source like any other: support end, newest firmware and contact come from it and are asked no more."""
    here = situation(CAMERA, answers={"reply": REPLY}, knowledge=knowledge(), identities={"cam": identity("EX-9")})
    found = outcomes("c3", CAMERA, Seen(), here)
    assert found["c3.supported"] == {"until": "2028-03", "page": "mail from the maker", "date": "2026-09-20"}
    assert found["c3.firmware_old"]["latest"] == "1.4"
    assert found["c3.contact"]["page"] == "support@maker.example"
    assert outcomes("maker", CAMERA, Seen(), here)["maker.sheet"]["questions"] == "ask_communications"


def test_when_a_device_was_first_seen_is_told(situation: Callable[..., Situation]) -> None:
    """c2.6: a device that nobody remembers may have a date."""
    here = situation(CAMERA, first_seen={"cam": 0})
    assert outcomes("c2.6", CAMERA, Seen(), here)["c2.6.ask"]["first_seen"] == "1970-01-01"


def test_needs_that_the_owner_copied_from_the_manual_count_too(situation: Callable[..., Situation]) -> None:
    """Where there is no MUD file; the source is the owner."""
    flows = {HOST: (Flow("203.0.113.9", 6, 23),)}
    here = situation(CAMERA, answers={"communications": ["cloud.example tcp/443"]}, flows=flows)
    (found,) = check("c2.5").fold(CAMERA, Seen(), here)
    assert (found.outcome, found.source) == ("c2.5.extra", "stated by the owner")


def test_automatic_updates_are_as_the_owner_states(situation: Callable[..., Situation]) -> None:
    """They can be read on the device's own page only."""
    for stated, there in (({"auto_update": True}, True), ({"auto_update": False}, False), ({}, False)):
        here = situation(CAMERA, answers=stated, knowledge=knowledge(), identities={"cam": identity("EX-9")})
        found = set(outcomes("c3", CAMERA, Seen(), here)) & {"c3.auto_update_on", "c3.auto_update_ask"}
        assert found == {"c3.auto_update_on" if there else "c3.auto_update_ask"}


def knowledge(*rows: dict[str, Any]) -> Knowledge:
    advisories = (
        Advisory(cve="CVE-1", maker="Example", product="EX-1000", source="kev", exploited=True),
        Advisory(cve="CVE-2", maker="Example", product="EX-2000", source="nvd", ranges=(VersionRange(end="1.4"),)),
        Advisory(cve="JVN-3", maker="Example", product="EX-3000", source="jvn"),
    )
    base = {"maker": "Example", "source": "the maker's page", "recorded": "2026-09-01"}
    sources = (DataSource(name="kev", date="2026-08-01", age_days=51),)
    return Knowledge(advisories=advisories, models=Models(read({"models": [base | r for r in rows]})), sources=sources)


def identity(model: str, firmware: str = "1.3") -> dict[str, Fact]:
    parts = {"maker": "Example", "model": model, "firmware": firmware}
    return {name: Fact(value=value, source="label", confidence=1.0) for name, value in parts.items() if value}


@pytest.mark.parametrize(
    ("model", "firmware", "expected"),
    [
        ("EX-1000", "", "c3.known_exploited"),
        ("EX-2000", "1.3", "c3.affected"),
        ("EX-2000", "1.4", "c3.no_match"),
        ("EX-2000", "", "c3.listed"),
        ("EX-3000", "1.3", "c3.listed"),
        ("EX-4000", "1.3", "c3.no_match"),
    ],
)
def test_known_vulnerabilities(situation: Callable[..., Situation], model: str, firmware: str, expected: str) -> None:
    """c3: known attacks without a version, a range that holds, one that does not, and a list without versions."""
    here = situation(CAMERA, knowledge=knowledge(), identities={"cam": identity(model, firmware)})
    found = set(outcomes("c3", CAMERA, Seen(), here))
    assert expected in found
    assert len(found & {"c3.known_exploited", "c3.affected", "c3.listed", "c3.no_match"}) == 1


def test_without_maker_and_model_nothing_is_looked_up(situation: Callable[..., Situation]) -> None:
    """One CANNOT-TELL and nothing else."""
    parts = {"model": Fact(value="EX-1000", source="wsd", confidence=0.8)}
    here = situation(CAMERA, knowledge=knowledge(), identities={"cam": parts})
    assert set(outcomes("c3", CAMERA, Seen(), here)) == {"c3.identity_unknown"}


SUPPORT = {"end_of_life": "tba", "last_updated": "2026-09-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"support": SUPPORT | {"end_of_security_support": "2026-09-20T00:00:00Z"}}, "c3.support_ended"),
        ({"support": SUPPORT | {"end_of_security_support": "2026-09-22T00:00:00Z"}}, "c3.supported"),
        ({"support": SUPPORT}, "c3.support_unknown"),
        ({"latest_firmware": "1.4"}, "c3.firmware_old"),
        ({"latest_firmware": "1.3"}, "c3.firmware_current"),
        ({"latest_firmware": "odd/name"}, "c3.firmware_unknown"),
        ({"latest_firmware": "odd/name", "firmware_page": "https://maker.example/fw"}, "c3.firmware_ask"),
        ({"contact": "https://maker.example/support"}, "c3.contact"),
        ({}, "c3.contact_unknown"),
    ],
)
def test_support_firmware_and_contact(situation: Callable[..., Situation], row: dict[str, Any], expected: str) -> None:
    """c3: from the open table, a day before and after the end; what it does not hold is a question."""
    here = situation(CAMERA, knowledge=knowledge({"model": "EX-9"} | row), identities={"cam": identity("EX-9")})
    assert datetime(2026, 9, 21, tzinfo=UTC).date() == datetime.fromtimestamp(here.now_ms / 1000, tz=UTC).date()
    assert expected in outcomes("c3", CAMERA, Seen(), here)


def snapshot(services: dict[str, str]) -> Snapshot:
    state = DeviceState(name="cam", lasting=True, services=services)
    return Snapshot(at_ms=0, gateway_mac="m", prefix="p", resolvers=(), devices={"cam": state})


@pytest.mark.parametrize(
    ("services", "answers", "expected"),
    [
        ({"80": ""}, {}, "c4.unchanged"),
        ({}, {}, "c4.port_opened"),
        ({}, {"expected_change": True}, "c4.expected"),
        ({"80": "", "23": ""}, {}, "c4.port_closed"),
    ],
)
def test_drift_against_the_baseline(
    situation: Callable[..., Situation], services: dict[str, str], answers: dict[str, Any], expected: str
) -> None:
    """c4: what the owner confirmed is expected."""
    here = situation(CAMERA, answers=answers, baseline=snapshot(services))
    assert set(outcomes("c4", CAMERA, seen(("tcp", 80, Open())), here)) == {expected}


def test_a_device_that_was_only_listed_is_not_compared(situation: Callable[..., Situation]) -> None:
    """No answer is no closed port, and no proof that nothing changed."""
    here = situation(CAMERA, baseline=snapshot({"80": "", "22": ""}))
    assert outcomes("c4", CAMERA, Seen(), here) == {}


@pytest.mark.parametrize(
    ("resolvers", "expected"),
    [
        (("127.0.0.1",), "c4.resolver_ok"),
        (("127.0.0.1", "203.0.113.5"), "c4.resolver_other"),
        ((), "c4.resolver_unknown"),
    ],
)
def test_resolvers(situation: Callable[..., Situation], resolvers: tuple[str, ...], expected: str) -> None:
    """The router itself is fine; any other that the provider does not publish is a question; none is no verdict."""
    found = set(outcomes("c4", ROUTER, Seen(), situation(ROUTER, resolvers=resolvers)))
    assert found == {"c4.no_baseline", expected}


def test_resolvers_that_a_router_advertises_count(situation: Callable[..., Situation]) -> None:
    """RFC 8106 section 5.1: every device of the link may take them, whatever this computer was given."""
    heard = Overheard(advertisements=[RouterAdvertisement("fe80::1", ("2001:db8::53",))])
    found = outcomes("c4", ROUTER, Seen(), situation(ROUTER, resolvers=("127.0.0.1",), heard=heard))
    assert found["c4.resolver_other"] == {"resolvers": "127.0.0.1, 2001:db8::53"}
    own = Device(id="router", addresses=("127.0.0.1", "2001:db8::53"))
    assert "c4.resolver_ok" in outcomes("c4", own, Seen(), situation(own, heard=heard))


@pytest.mark.parametrize(
    ("strength", "answers", "expected"),
    [
        (Strength.STRONG, {}, "c5.proven"),
        (Strength.MEDIUM, {}, "c5.proven"),
        (Strength.WEAK, {}, "c5.not_proven"),
        (Strength.NONE, {}, "c5.not_proven"),
        (Strength.NONE, {"restarted": True}, "c5.stated"),
    ],
)
def test_restart(
    situation: Callable[..., Situation], strength: Strength, answers: dict[str, Any], expected: str
) -> None:
    """c5: proven by a signal, or stated by the owner, and told apart."""
    proof = Proof(strength, (Signal("ssdp_boot_id", strength, "1", "2"),))
    assert set(outcomes("c5", CAMERA, Seen(), situation(CAMERA, answers=answers, restarts={"cam": proof}))) == {
        expected
    }


def test_upnp_on_is_a_question_unless_it_is_needed(situation: Callable[..., Situation]) -> None:
    """c2.4."""
    device = Device(id="router", addresses=("127.0.0.1",), facts=(RawFact("ssdp", "server", "x"),))
    answers = Seen()
    described = HttpAnswer(200, {}, root_description("127.0.0.1", "x", "y"))
    answers.add(Attempt(Job("http", "127.0.0.1", 80, "/root.xml"), Status.ANSWERED, 0, described))
    assert set(outcomes("c2.4", device, answers, situation(device))) == {"c2.4.upnp_on"}


def test_the_makers_sheet_leaves_out_what_is_known(situation: Callable[..., Situation]) -> None:
    """Questions that the table answers are not asked again."""
    row = {"model": "EX-9", "support": SUPPORT | {"end_of_security_support": "2027-01-01T00:00:00Z"}}
    here = situation(CAMERA, knowledge=knowledge(row), identities={"cam": identity("EX-9")})
    questions = outcomes("maker", CAMERA, Seen(), here)["maker.sheet"]["questions"]
    assert "ask_support_end" not in questions
    assert "ask_firmware" in questions
