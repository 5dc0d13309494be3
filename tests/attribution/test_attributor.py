"""Both sides of records, single questions, and what an attributor says about itself."""

from __future__ import annotations

from ipaddress import ip_network

import numpy as np
import pytest

from attribution.network import HEADER, NOON_MS, ask, flows, loaded
from sekisho.attribution import keys, lookup
from sekisho.attribution.attributor import Attributor
from sekisho.attribution.outcome import Attributed, Unattributed
from sekisho.core.config import Network
from sekisho.core.reasons import UnattributedReason as Reason
from sekisho.schema.batch import FlowBatch

RULES = """
[[rule]]
name = "one"
ipv6_prefix = "2001:db8::/40"
ipv4_prefix = "192.0.2.0/24"
ea_bits = 16
psid_offset = 6
"""


def test_both_sides_get_their_lines(tmp_path):
    """A flow between two of our lines gets both; each cell of both sides is written, also over an old batch."""
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,", "B,2001:db8:1::/56,,,,")
    batch = flows({"src": "203.0.113.1", "dst": "203.0.113.2"}, {"src": "2001:db8:1::9", "dst": "203.0.113.1"})
    for name in ("src_line", "dst_line", "src_unattributed", "dst_unattributed", "src_inferred", "dst_inferred"):
        batch.column(name)[:] = 7
    attributor.attribute(batch)
    a, b = keys.line_keys(["A", "B"], keys.UNKEYED).tolist()
    assert batch.column("src_line").tolist() == [a, b]
    assert batch.column("dst_line").tolist() == [0, a]
    assert batch.column("src_unattributed").tolist() == [0, 0]
    assert batch.column("dst_unattributed").tolist() == [Reason.NO_ASSIGNMENT, 0]
    assert batch.column("src_inferred").tolist() == batch.column("dst_inferred").tolist() == [0, 0]
    assert batch.column("dst_assignment").tolist()[0] == -1
    assert attributor.assignment(int(batch.column("src_assignment")[1])).prefix == ip_network("2001:db8:1::/56")
    assert [attributor.line_id(key) for key in (a, b)] == ["A", "B"]


def test_a_record_without_a_line_counts_once_by_the_closer_side(tmp_path):
    """``unattributed`` counts records of which neither side has a line, by the reason nearer to one."""
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,", "C,203.0.113.9,1024,2047,,")
    attributor.attribute(
        flows(
            {"src": "203.0.113.1", "dst": "198.51.100.1"},
            {"src": "203.0.113.7", "dst": "198.51.100.1"},
            {"src": "198.51.100.1", "dst": "203.0.113.9", "protocol": 1},
            {"src": "198.51.100.1", "dst": "198.51.100.2"},
        )
    )
    assert attributor.unattributed == {Reason.NO_ASSIGNMENT: 1, Reason.NEEDS_PORT: 1, Reason.NOT_OURS: 1}


@pytest.mark.parametrize("protocol", [6, 17, 33, 132])
def test_ports_tell_lines_apart(tmp_path, protocol):
    """TCP, UDP, DCCP and SCTP ports resolve behind a shared address, first and last port of a block included."""
    attributor = loaded(tmp_path, "A,203.0.113.9,1024,2047,,", "B,203.0.113.9,2048,3071,,")
    lines = [ask(attributor, "203.0.113.9", port=port, protocol=protocol) for port in (1024, 2047, 2048, 3071)]
    assert [line.line_id for line in lines] == ["A", "A", "B", "B"]
    outside = [ask(attributor, "203.0.113.9", port=port, protocol=protocol) for port in (1023, 3072)]
    assert [answer.reason for answer in outside] == [Reason.PORT_OUTSIDE_SET] * 2


@pytest.mark.parametrize(
    "record",
    [{"protocol": 1}, {"protocol": 47}, {"protocol": 50}, {"fragment": 1}, {"src_port": 0}, {"src_port": 65536 + 1100}],
)
def test_without_a_usable_port_a_shared_address_is_nobody(tmp_path, record):
    """ICMP, GRE, ESP, later fragments, port 0 and a number that is no port need a port."""
    attributor = loaded(tmp_path, "A,203.0.113.9,0,2047,,")
    batch = flows({"src": "203.0.113.9", "dst": "198.51.100.1", "src_port": 1100, **record})
    attributor.attribute(batch)
    assert batch.column("src_unattributed").tolist() == [Reason.NEEDS_PORT]


def test_port_zero_is_not_psid_zero(tmp_path):
    """With PSID offset 0 the arithmetic would give port 0 to PSID 0; it is no port."""
    attributor = loaded(tmp_path, "A,2001:db8:12::/56,,,,", map_e=RULES.replace("psid_offset = 6", "psid_offset = 0"))
    assert ask(attributor, "192.0.2.18", port=0).reason is Reason.NEEDS_PORT
    assert ask(attributor, "192.0.2.18", port=1).line_id == "A"


def test_map_e_leads_to_whoever_holds_a_part_of_the_prefix(tmp_path):
    """A /64 inside the /56 of the rule is the line; two lines inside are an overlap; none is no assignment."""
    attributor = loaded(
        tmp_path,
        "A,2001:db8:12:3400::/64,,,,",
        "B,2001:db8:12:3501::/64,,,,",
        "C,2001:db8:12:3502::/64,,,,",
        map_e=RULES,
    )
    answer = ask(attributor, "192.0.2.18", port=1232)
    assert isinstance(answer, Attributed)
    assert (answer.line_id, answer.assignment.method) == ("A", "map_e")
    assert answer.assignment.prefix == ip_network("2001:db8:12:3400::/64")
    assert ask(attributor, "192.0.2.18", port=1236).reason is Reason.OVERLAP
    assert ask(attributor, "192.0.2.18", port=1240).reason is Reason.NO_ASSIGNMENT
    assert ask(attributor, "192.0.2.18", port=1000).reason is Reason.PORT_OUTSIDE_SET


def test_rules_of_several_files_count_together(tmp_path):
    """Every MAP-E file that is given is used."""
    files = [tmp_path / "one.toml", tmp_path / "two.toml"]
    files[0].write_text(RULES)
    files[1].write_text(RULES.replace("192.0.2.0", "198.51.100.0").replace("2001:db8::", "2001:db8:4000::"))
    lines = tmp_path / "lines.csv"
    lines.write_text(HEADER + "A,2001:db8:12:3400::/56,,,,,\nB,2001:db8:4012:3400::/56,,,,,\n")
    attributor = Attributor.load(lines=[lines], map_e=files, network=Network(), realms=[])
    attributor.start()
    answers = [ask(attributor, address, port=1232) for address in ("192.0.2.18", "198.51.100.18")]
    assert [answer.line_id for answer in answers] == ["A", "B"]


def test_the_clock_margin_decides_at_a_handover(tmp_path):
    """Within the margin of a hand-over nobody is named, just outside of it both are."""
    attributor = loaded(
        tmp_path,
        "A,203.0.113.1,,,2026-11-24T11:00:00Z,2026-11-24T12:00:00Z",
        "B,203.0.113.1,,,2026-11-24T12:00:00Z,",
        clock_margin_ms=2000,
    )
    assert ask(attributor, "203.0.113.1", at_ms=NOON_MS - 2001).line_id == "A"
    assert ask(attributor, "203.0.113.1", at_ms=NOON_MS - 2000).reason is Reason.CLOCK_MARGIN
    assert ask(attributor, "203.0.113.1", at_ms=NOON_MS + 1999).reason is Reason.CLOCK_MARGIN
    assert ask(attributor, "203.0.113.1", at_ms=NOON_MS + 2000).line_id == "B"
    across = ask(attributor, "203.0.113.1", at_ms=(NOON_MS - 60_000, NOON_MS + 60_000))
    assert isinstance(across, Unattributed)
    assert (across.reason, across.candidate_lines) == (Reason.CLOCK_MARGIN, 2)


def test_a_renewal_of_the_same_line_is_no_change(tmp_path):
    """Contiguous and overlapping assignments of one line cover together."""
    attributor = loaded(
        tmp_path,
        "A,203.0.113.1,,,2026-11-24T11:00:00Z,2026-11-24T12:00:00Z",
        "A,203.0.113.1,,,2026-11-24T12:00:00Z,2026-11-24T13:00:00Z",
        "A,203.0.113.1,,,2026-11-24T12:59:00Z,",
    )
    assert ask(attributor, "203.0.113.1", at_ms=(NOON_MS - 60_000, NOON_MS + 7_200_000)).line_id == "A"
    assert attributor.overlapping == 0


def test_two_lines_at_once_are_an_overlap_and_are_counted(tmp_path):
    """Files may contradict each other: nobody is named, and the number of contradictions is known."""
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,", "B,203.0.113.1,,,2026-11-24T11:00:00Z,", "C,203.0.113.2,,,,")
    assert ask(attributor, "203.0.113.1").reason is Reason.OVERLAP
    assert ask(attributor, "203.0.113.1", at_ms=NOON_MS - 7_200_000).line_id == "A"
    assert attributor.overlapping == 1


def test_the_more_specific_prefix_decides(tmp_path):
    """A /64 inside a /56 and an address inside a business prefix belong to their own lines."""
    attributor = loaded(
        tmp_path, "A,2001:db8:1::/56,,,,", "B,2001:db8:1:1::/64,,,,", "C,203.0.113.0/29,,,,", "D,203.0.113.2,,,,"
    )
    answers = [
        ask(attributor, address) for address in ("2001:db8:1::1", "2001:db8:1:1::1", "203.0.113.1", "203.0.113.2")
    ]
    assert [answer.line_id for answer in answers] == ["A", "B", "C", "D"]


def test_shared_addresses_need_their_realm(tmp_path):
    """With two realms a reused address is one line in each and unknown in none; a global one falls back."""
    attributor = loaded(
        tmp_path,
        "A,100.64.0.1,,,,,",
        "B,100.64.0.1,,,,,bng-1",
        "C,203.0.113.1,,,,,",
        realms=["", "bng-1"],
    )
    assert not attributor.single_realm
    assert ask(attributor, "100.64.0.1").reason is Reason.REALM_UNKNOWN
    assert ask(attributor, "100.64.0.1", realm="bng-1").line_id == "B"
    assert ask(attributor, "100.64.0.1", realm="bng-2").reason is Reason.NO_ASSIGNMENT
    assert ask(attributor, "203.0.113.1", realm="bng-1").line_id == "C"
    assert ask(attributor, "203.0.113.1", realm="bng-2").line_id == "C"


def test_a_realm_in_the_assignments_alone_counts_as_configured(tmp_path):
    """A realm that no exporter maps to still means that the empty realm does not settle a reused address."""
    attributor = loaded(tmp_path, "A,100.64.0.1,,,,,", "B,100.64.0.1,,,,,bng-1")
    assert ask(attributor, "100.64.0.1").reason is Reason.REALM_UNKNOWN


def test_a_single_realm_resolves_special_use_addresses(tmp_path):
    """A home or one exporter: private and shared addresses are lines, and the attributor says that it did so."""
    attributor = loaded(tmp_path, "A,100.64.0.1,,,,", "B,192.168.1.7,,,,")
    assert attributor.single_realm
    assert [ask(attributor, address).line_id for address in ("100.64.0.1", "192.168.1.7")] == ["A", "B"]


def test_realms_of_a_batch_are_known_by_name(tmp_path):
    """The batch's realm codes need not be the attributor's, and a realm may appear while it runs."""
    attributor = loaded(tmp_path, "A,100.64.0.1,,,,,bng-1", "B,100.64.0.1,,,,,bng-2", realms=["bng-2", "bng-1"])
    names = ["", "bng-1"]
    batch = flows({"src": "100.64.0.1", "dst": "198.51.100.1", "realm": 1}, realms=names)
    attributor.attribute(batch)
    assert attributor.line_id(int(batch.column("src_line")[0])) == "A"
    names.append("bng-2")
    batch.column("realm")[:] = 2
    attributor.attribute(batch)
    assert attributor.line_id(int(batch.column("src_line")[0])) == "B"


def test_the_outer_source_of_a_tunnel_decides(tmp_path):
    """4in6: the line comes from the outer source, also where the inner one is private or somebody else's."""
    attributor = loaded(
        tmp_path,
        "A,2001:db8:1::/56,,,,",
        "B,203.0.113.1,,,,",
        "C,2001:db8:2::/56,,,,2026-11-24T12:00:00Z",
        "D,2001:db8:2::/56,,,2026-11-24T12:00:00Z,",
        "E,2001:db8:ffff::/48,,,,",
        endpoints=["2001:db8:ffff::1"],
    )
    inner = {"src": "203.0.113.1", "dst": "198.51.100.1", "tunnel_kind": 1}
    batch = flows(
        inner | {"tunnel_src": "2001:db8:1::1"},
        inner | {"tunnel_src": "2001:db8:ffff::1"},
        inner | {"tunnel_src": "2001:db8:2::1"},
        inner | {"tunnel_src": "3fff::1"},
        {"src": "2001:db8:ffff::1", "dst": "198.51.100.1"},
    )
    attributor.attribute(batch)
    lines = [attributor.line_id(int(key)) if key else None for key in batch.column("src_line")]
    assert lines == ["A", "B", None, "B", None]
    assert batch.column("src_unattributed").tolist()[2:] == [Reason.CLOCK_MARGIN, 0, Reason.NO_ASSIGNMENT]


def test_ours_is_given_or_derived(tmp_path):
    """Given prefixes are taken as they are; without them the /24 or /48 around an assignment is ours."""
    given = loaded(tmp_path, "A,203.0.113.1,,,,", prefixes=["203.0.113.0/29", "198.51.100.0/24"])
    assert not given.derived_prefixes
    reasons = [ask(given, a).reason for a in ("203.0.113.7", "203.0.113.8", "198.51.100.255", "198.51.101.0")]
    assert reasons == [Reason.NO_ASSIGNMENT, Reason.NOT_OURS, Reason.NO_ASSIGNMENT, Reason.NOT_OURS]
    derived = loaded(tmp_path, "A,203.0.113.1,,,,", "B,2001:db8:1::/56,,,,", "C,198.18.0.0/15,,,,", map_e=RULES)
    assert derived.derived_prefixes
    near, far = ("203.0.113.8", "2001:db8:1:ff00::", "192.0.2.1", "2001:db8:ff::"), ("203.0.114.1", "2001:db8:100::")
    assert {ask(derived, a, port=2000).reason for a in near} == {Reason.NO_ASSIGNMENT}
    assert {ask(derived, a).reason for a in far} == {Reason.NOT_OURS}
    assert ask(derived, "198.19.255.255").line_id == "C"


def test_candidate_lines_of_a_shared_address(tmp_path):
    """An address that needs a port says how many lines it may have been, by blocks and by MAP-E."""
    attributor = loaded(
        tmp_path,
        "A,203.0.113.9,1024,2047,,",
        "B,203.0.113.9,2048,3071,,",
        "B,203.0.113.9,3072,4095,,",
        "C,203.0.113.9,4096,5119,,2026-11-24T11:00:00Z",
        "D,2001:db8:12:3400::/56,,,,",
        "E,2001:db8:12:3500::/64,,,,",
        "F,2001:db8:13:3500::/64,,,,",
        map_e=RULES,
    )
    assert ask(attributor, "203.0.113.9", protocol=1).candidate_lines == 2
    assert ask(attributor, "192.0.2.18", protocol=1).candidate_lines == 2
    assert ask(attributor, "198.51.100.1").candidate_lines == 0


def test_a_key_collision_names_nobody(tmp_path, monkeypatch):
    """Two line identifiers with one key resolve to ``key_collision``; others are not touched."""
    real = keys.line_keys

    def colliding(line_ids, key):
        line_ids = list(line_ids)
        return np.where([name in {"A", "B"} for name in line_ids], 42, real(line_ids, key))

    monkeypatch.setattr("sekisho.attribution.assignments.line_keys", colliding)
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,", "B,203.0.113.2,,,,", "C,203.0.113.3,,,,")
    assert [ask(attributor, f"203.0.113.{n}").reason for n in (1, 2)] == [Reason.KEY_COLLISION] * 2
    assert ask(attributor, "203.0.113.3").line_id == "C"
    with pytest.raises(KeyError):
        attributor.line_id(42)


def test_nothing_is_written_to_the_index(tmp_path):
    """The index is read-only, and the lookup takes it as such: one process can hand it to several threads."""
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,")
    memory = attributor._memory
    assert not memory.flags.writeable
    assert len(lookup.attribute.signatures) == 1
    with pytest.raises(ValueError, match="read-only"):
        memory[0] = 1


def test_without_assignments_everything_is_somebody_elses():
    """No files: every record is counted, none resolves, and nothing breaks."""
    attributor = Attributor.load(lines=[], map_e=None, network=Network(), realms=[])
    attributor.start()
    attributor.attribute(flows({"src": "203.0.113.1", "dst": "198.51.100.1"}))
    attributor.attribute(FlowBatch())
    assert attributor.unattributed == {Reason.NOT_OURS: 1}
    assert len(attributor) == 0


def test_reversed_times_are_taken_as_one_interval(tmp_path):
    """An exporter whose flow ends before it starts is asked about the time between."""
    attributor = loaded(tmp_path, "A,203.0.113.1,,,,2026-11-24T12:00:00Z", "B,203.0.113.1,,,2026-11-24T12:00:00Z,")
    batch = flows(
        {"src": "203.0.113.1", "dst": "198.51.100.1", "flow_start": NOON_MS + 60_000, "flow_end": NOON_MS - 60_000}
    )
    attributor.attribute(batch)
    assert batch.column("src_unattributed").tolist() == [Reason.CLOCK_MARGIN]


def test_an_assignment_tells_what_it_is(tmp_path):
    """Open ends are None; ports, realm and times are as in the file."""
    attributor = loaded(tmp_path, "A,203.0.113.9,1024,2047,2026-11-24T12:00:00+09:00,,bng-1", realms=["bng-1"])
    assignment = ask(attributor, "203.0.113.9", port=1500, realm="bng-1").assignment
    assert (assignment.port_first, assignment.port_last, assignment.realm) == (1024, 2047, "bng-1")
    assert (assignment.valid_from_ms, assignment.valid_to_ms) == (NOON_MS - 9 * 3_600_000, None)
    assert (assignment.prefix, assignment.method) == (ip_network("203.0.113.9/32"), "assignment")
    with pytest.raises(IndexError):
        attributor.assignment(-1)
