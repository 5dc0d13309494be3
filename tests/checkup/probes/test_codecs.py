"""Codecs of the probes: real messages read right, anything else refused in bounded time."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.checkup.jobs import NoAnswer
from sekisho.checkup.probes import (
    PROBES,
    ber,
    http,
    icon,
    mdns,
    mqtt,
    natpmp,
    owned,
    pcp,
    probe,
    snmp,
    snmp_read,
    soap,
    ssdp,
    ssh,
    telnet,
    upnp,
    wsd,
    xml,
)
from sekisho.checkup.probes.text import printable

PAGE = b"HTTP/1.1 200 OK\r\nServer: mini\r\nContent-Type: text/html\r\n\r\n<title> My\n Camera </title>"


def test_every_probe_of_the_table_can_be_run() -> None:
    """A probe that is not in the table cannot be a job."""
    for name in PROBES:
        assert callable(probe(name))
    with pytest.raises(KeyError):
        probe("exploit")


def test_http_status_headers_title() -> None:
    """Header names in lower case, white space of a title folded."""
    answer = http.decode(PAGE)
    assert (answer.status, answer.headers["server"], answer.title) == (200, "mini", "My Camera")


def test_http_chunks_are_joined_and_a_torn_one_is_kept_as_far_as_it_came() -> None:
    """RFC 9112, section 7.1."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert http.decode(head + b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body == b"abcde"
    assert http.decode(head + b"3\r\nabc\r\n9\r\nde").body == b"abcde"
    assert http.decode(head + b"zz\r\nabc").body == b""


def test_http_from_a_sloppy_device() -> None:
    """Bare newlines, a header without a colon, Shift_JIS: still an answer."""
    answer = http.decode("HTTP/1.0 200\nfoo\nServer: x\n\n設定を保存".encode("cp932"))
    assert answer.headers == {"server": "x"}
    assert answer.text == "設定を保存"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://192.0.2.7/x?y=1", (80, "/x?y=1")),
        ("https://192.0.2.7", (443, "/")),
        ("http://192.0.2.7:8080/a", (8080, "/a")),
        ("http://192.0.2.8/x", None),
        ("http://camera.example/x", None),
        ("ftp://192.0.2.7/x", None),
        ("http://192.0.2.7:99999/", None),
        ("http://192.0.2.7/a\r\nHost: evil", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_only_urls_of_the_same_device_are_followed(location: str, expected: tuple[int, str] | None) -> None:
    """A redirect never leads the check-up to another address, nor a header into a request."""
    assert http.local_path(location, "192.0.2.7") == expected


def test_ssdp_answer() -> None:
    """Location, USN and the boot id; a missing one is -1."""
    answer = ssdp.decode(
        b"HTTP/1.1 200 OK\r\nLocation: http://192.0.2.1:5000/d.xml\r\nUSN: uuid:a::upnp:rootdevice\r\n"
        b"ST: upnp:rootdevice\r\nBOOTID.UPNP.ORG: 12\r\n\r\n"
    )
    assert (answer.location, answer.boot_id, answer.config_id) == ("http://192.0.2.1:5000/d.xml", 12, -1)


def test_wsd_probe_match_names_the_camera() -> None:
    """Scopes carry hardware and name; InstanceId is the restart signal."""
    from sekisho.checkup.demo.stand_ins import wsd_answer

    answer = wsd.decode(wsd_answer("192.0.2.9", "HIKVISION", "DS-1", 41))
    assert (answer.scope("hardware"), answer.scope("name"), answer.instance_id) == ("DS-1", "HIKVISION DS-1", 41)
    assert answer.x_addrs == ("http://192.0.2.9/onvif/device_service",)


def test_wsd_question_is_well_formed_and_repeatable() -> None:
    """The same name gives the same octets."""
    assert xml.local(xml.parse(wsd.question("a"))) == "Envelope"
    assert wsd.question("a") == wsd.question("a") != wsd.question("b")


def test_mdns_question_and_text_record() -> None:
    """The question asks PTR; TXT pairs come without control characters and the first of a key counts."""
    assert b"\x05local\x00\x00\x0c" in mdns.question(mdns.SERVICES)
    pairs = b"".join(bytes([len(p)]) + p for p in (b"model=DS220j", b"model=other", b"flag", b"x=\x1b[31m"))
    assert mdns.text_facts(pairs) == {"model": "DS220j", "x": "[31m"}


def test_snmp_discovery_and_report() -> None:
    """The report of a net-snmp agent: engine id, boots, time (RFC 3414, section 4)."""
    report = bytes.fromhex(
        "306b020103300e02025e1502030100000401000201033022042030"
        "1e040d80001f8880aabbccdd0011223302010702020fa0040004000400"
        "3032040d80001f8880aabbccdd00112233" + "0400a81f02025e15020100020100301330110609"
    )
    engine = snmp.decode(_message(b"\x80\x00\x1f\x88\x01", 7, 4000))
    assert (engine.engine_id, engine.boots, engine.time_s) == ("80001f8801", 7, 4000)
    with pytest.raises(NoAnswer):
        snmp.decode(report[:40])
    assert snmp.discovery()[0] == 0x30


def _message(engine: bytes, boots: int, time_s: int) -> bytes:
    def tlv(tag: int, value: bytes) -> bytes:
        return bytes([tag, 0x82]) + struct.pack("!H", len(value)) + value

    def number(value: int) -> bytes:
        return tlv(2, value.to_bytes(4, "big"))

    security = tlv(0x30, tlv(4, engine) + number(boots) + number(time_s) + tlv(4, b"") * 3)
    header = tlv(0x30, number(1) + number(65_507) + tlv(4, b"\0") + number(3))
    return tlv(0x30, number(3) + header + tlv(4, security) + tlv(0x30, b""))


def test_snmp_reads_what_a_device_is_and_since_when_it_runs() -> None:
    """RFC 3418: sysDescr and sysUpTime in hundredths of a second; the answer must be one to our request."""

    def tlv(tag: int, value: bytes) -> bytes:
        return bytes([tag, 0x81, len(value)]) + value

    def response(request_id: int, error: int = 0, up: bytes = tlv(0x43, (12_345).to_bytes(2, "big"))) -> bytes:
        rows = tlv(0x30, bytes.fromhex("06082b06010201010100") + tlv(4, b"Example\x1b[31m EX-1"))
        rows += tlv(0x30, bytes.fromhex("06082b06010201010300") + up)
        numbers = tlv(2, request_id.to_bytes(2, "big")) + tlv(2, bytes([error])) + tlv(2, b"\0")
        return tlv(0x30, tlv(2, b"\1") + tlv(4, b"reader") + tlv(0xA2, numbers + tlv(0x30, rows)))

    assert snmp_read.decode(response(0x5E15)) == snmp_read.SnmpSystem("Example [31m EX-1", 123)
    assert snmp_read.decode(response(0x5E15, up=tlv(0x80, b""))).up_s == -1
    for broken in (response(1), response(0x5E15, error=5), response(0x5E15)[:-1], b""):
        with pytest.raises(NoAnswer):
            snmp_read.decode(broken)
    question = snmp_read.question("reader")
    assert bytes.fromhex("06082b06010201010300") in question
    assert b"\x04\x06reader" in question


def test_ber_elements_have_lengths_and_numbers_of_any_size() -> None:
    """X.690 sections 8.1.3 and 8.19: 127 octets in the short form, 128 in the long one; arcs above 127 in groups."""
    assert ber.element(4, bytes(127))[:2] == bytes([4, 127])
    assert ber.element(4, bytes(128))[:3] == bytes([4, 0x81, 128])
    assert ber.element(4, bytes(300))[:4] == bytes([4, 0x82, 1, 44])
    assert ber.identifier("1.3.6.1.4.1.8072") == bytes.fromhex("06072b06010401bf08")
    assert list(ber.items(ber.number(127) + ber.number(128))) == [(2, b"\x7f"), (2, b"\x00\x80")]


def test_pcp_answer() -> None:
    """RFC 6887 section 8.5: the clock of a success; a NAT-PMP router's answer and a refusal are none."""
    success = bytes.fromhex("02800000" + "00000000" + "00000064" + "00" * 12)
    assert pcp.decode(success) == pcp.PcpAnswer(100)
    for broken in (
        success[:23],
        b"\0" + success[1:],
        success[:3] + b"\x0c" + success[4:],
        success[:1] + b"\x81" + success[2:],
    ):
        with pytest.raises(NoAnswer):
            pcp.decode(broken)
    question = pcp.announce(IPv4Address("192.0.2.9"))
    assert question == bytes.fromhex("02000000" + "00000000" + "00" * 10 + "ffff" + "c0000209")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("hello", 0x248BFA47),
        ("hello, world", 0x149BBB7F),
        ("The quick brown fox jumps over the lazy dog", 0x2E4FF723),
    ],
)
def test_the_icons_number_is_murmur3(text: str, number: int) -> None:
    """Published test values of MurmurHash3_x86_32 with seed 0: every length of the tail."""
    assert icon.murmur3(text.encode()) == number


def test_natpmp_answer() -> None:
    """RFC 6886, section 3.2; a failed request still carries the clock."""
    assert natpmp.decode(bytes.fromhex("00800000000000640b16212c")) == natpmp.NatPmpAnswer(100, "11.22.33.44")
    assert natpmp.decode(bytes.fromhex("0080000300000064")).external_address == ""
    with pytest.raises(NoAnswer):
        natpmp.decode(b"\x00\x81\x00\x00\x00\x00\x00\x64")


def test_mqtt_connect_is_a_clean_session_without_user() -> None:
    """MQTT 3.1.1, section 3.1: the flags octet says so."""
    assert mqtt.CONNECT[:2] == bytes([0x10, len(mqtt.CONNECT) - 2])
    assert mqtt.CONNECT[9] == 0x02


@pytest.mark.parametrize(
    ("text", "login", "shell"),
    [
        (b"dvr login: ", True, False),
        (b"Welcome\r\nUsername: ", True, False),
        (b"Password: ", True, False),
        (b"BusyBox v1.1\r\n\r\n# ", False, True),
        (b"\r\n/ # ", False, True),
        (b"root@cam:~$ ", False, True),
        (b"*** #1 camera ***\r\n", False, False),
        (b"Welcome to device #3\r\nlogin: ", True, False),
        (b"", False, False),
    ],
)
def test_a_prompt_is_told_from_a_banner(text: bytes, login: bool, shell: bool) -> None:
    """A "#" inside a banner is no shell."""
    prompt = telnet.read_prompt(text)
    assert (prompt.login, prompt.shell) == (login, shell)


def test_telnet_options_are_refused() -> None:
    """RFC 854: DO is answered by WONT, WILL by DONT; subnegotiation and doubled IAC are passed over."""
    text, answer = telnet.split_options(b"\xff\xfb\x01\xff\xfd\x18a\xff\xfa\x18\x01\xff\xf0b\xff\xfc\x05c")
    assert text == b"abc"
    assert answer == b"\xff\xfe\x01\xff\xfc\x18"


def test_ssh_packets_are_padded_to_eight() -> None:
    """RFC 4253, section 6: at least four octets of padding."""
    for size in range(40):
        octets = ssh.packet(b"x" * size)
        assert len(octets) % 8 == 0
        assert octets[4] >= 4


def test_ssh_host_key_length_is_checked() -> None:
    """A length beyond the packet is garbage."""
    assert ssh.host_key_of(b"\x1f\x00\x00\x00\x03keyrest") == b"key"
    for octets in (b"", b"\x1f\x00\x00\x00\xff", b"\x1f\x00\x00\x00\x00", b"\x14\x00\x00\x00\x01k"):
        with pytest.raises(NoAnswer):
            ssh.host_key_of(octets)


def test_upnp_description() -> None:
    """Control URLs are made whole from the location."""
    from sekisho.checkup.demo.stand_ins import WAN_IP, root_description

    found = upnp.decode(root_description("192.0.2.1", "BUFFALO INC.", "W1"), "http://192.0.2.1:80/root.xml")
    assert (found.manufacturer, found.model_name) == ("BUFFALO INC.", "W1")
    assert found.services[0] == upnp.UpnpService(WAN_IP, "http://192.0.2.1:80/ctl/0")


def test_soap_answers() -> None:
    """Fields, UPnP error codes, and a refusal without XML."""
    from sekisho.checkup.demo.stand_ins import _fault, _soap

    body = _soap("GetStatusInfo", "urn:x", {"NewUptime": "5"})[2]
    assert soap.decode_answer("GetStatusInfo", 200, body).fields == {"NewUptime": "5"}
    assert soap.decode_answer("GetStatusInfo", 500, _fault(713)[2]).error_code == 713
    assert soap.decode_answer("GetDeviceInformation", 401, b"").fields == {}


def test_only_reads_are_in_the_list_of_actions() -> None:
    """The closed lists of what may be sent hold nothing but Get actions."""
    assert all(action.startswith("Get") for action in {*soap.READ_ONLY, *owned.READ_ONLY})


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;&b;</x>'
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


@pytest.mark.parametrize(
    "octets", [BOMB, EXTERNAL, b"<a>", b"", b"\xff\xfe", b"<?xml version='1.0' encoding='nope'?><a/>"]
)
def test_xml_bombs_and_broken_xml_are_refused(octets: bytes) -> None:
    """No document type is read at all: no device needs one."""
    with pytest.raises(NoAnswer):
        xml.parse(octets)


DECODERS = (
    http.decode,
    ssdp.decode,
    wsd.decode,
    mdns.decode,
    snmp.decode,
    natpmp.decode,
    snmp_read.decode,
    pcp.decode,
    lambda octets: owned.decode_answer("GetUsers", 200, "", octets),
    ssh.host_key_of,
    lambda octets: upnp.decode(octets, "http://192.0.2.1/"),
    lambda octets: soap.decode_answer("GetStatusInfo", 200, octets),
)


@pytest.mark.parametrize("decode", DECODERS)
@given(octets=st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda tail: PAGE[:30] + tail)))
def test_any_octets_decode_or_are_no_answer(decode: object, octets: bytes) -> None:
    """Any bytes decode or raise NoAnswer, in bounded time and memory."""
    assert callable(decode)
    try:
        decode(octets)
    except NoAnswer:
        return


@given(octets=st.binary(max_size=400))
def test_printable_text_holds_no_control_character(octets: bytes) -> None:
    """Nothing that a terminal could act on comes through, and never more than the limit."""
    text = printable(octets)
    assert len(text) <= 200
    assert text == "" or text.isprintable()


@given(octets=st.binary(max_size=200))
def test_telnet_refusals_end(octets: bytes) -> None:
    """Any octets split into text and refusals; an answer is never longer than the question."""
    text, answer = telnet.split_options(octets)
    assert len(text) + len(answer) <= 2 * len(octets)
