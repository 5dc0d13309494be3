"""Files of indicators: what is taken, what is left out and under which reason."""

from __future__ import annotations

import json
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.address import IPNetwork, to_words
from sekisho.core.errors import InputError
from sekisho.detect.indicators import stix as stix_format
from sekisho.detect.indicators.model import (
    ALWAYS_FROM_MS,
    ALWAYS_UNTIL_MS,
    SEEN_AFTER_MS,
    SEEN_BEFORE_MS,
    Indicator,
    Skipped,
    SkipReason,
)
from sekisho.detect.indicators.read import Indicators, read_indicators
from sekisho.detect.indicators.refusal import public_services

OURS = ip_network("198.51.100.0/24")
C2_ONE, C2_TWO = "203.0.113.7", "203.0.113.8"
NEW_YEAR_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def is_ours(network: IPNetwork) -> bool:
    return network.version == 4 and network.subnet_of(OURS)


def read(tmp_path: Path, content: object, name: str = "feed.txt") -> Indicators:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_indicators([path], is_ours=is_ours)


def rows(found: Indicators) -> list[dict[str, object]]:
    return found.table.to_pylist()


def holds(row: dict[str, object], address: str) -> bool:
    """The comparison that the detector's SQL makes."""
    hi, lo = to_words(ip_address(address))
    return row["hi_first"] <= hi <= row["hi_last"] and row["lo_first"] <= lo <= row["lo_last"]


def ports(found: Indicators) -> list[tuple[str, object, object]]:
    """(address, port, protocol) of indicators that are one address each."""
    addresses = (C2_ONE, C2_TWO, "2001:db8:f::1")
    return [
        (address, row["port"], row["protocol"]) for row in rows(found) for address in addresses if holds(row, address)
    ]


def test_plain_lists_take_addresses_prefixes_and_ports(tmp_path: Path):
    """Both versions, a port in the usual notations, comments behind # and ;, a comment as the label."""
    found = read(
        tmp_path,
        f"# list of today\n{C2_ONE}\n{C2_ONE}:8080\n{C2_TWO} 23 # Mirai C2\n{C2_TWO},81\n"
        "203.0.113.128/25 ; netblock\n2001:db8:f::1\n[2001:db8:f::1]:6667\n\n",
    )
    assert ports(found) == [
        (C2_ONE, 0, 0),
        (C2_ONE, 8080, 0),
        (C2_TWO, 23, 0),
        (C2_TWO, 81, 0),
        ("2001:db8:f::1", 0, 0),
        ("2001:db8:f::1", 6667, 0),
    ]
    assert rows(found)[2]["label"] == "Mirai C2"
    assert rows(found)[0]["label"] == "feed.txt"
    assert rows(found)[2]["source"] == "feed.txt, line 4"
    assert (rows(found)[0]["valid_from_ms"], rows(found)[0]["valid_until_ms"]) == (ALWAYS_FROM_MS, ALWAYS_UNTIL_MS)


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("203.0.113.128/25", ["203.0.113.128", "203.0.113.255"], ["203.0.113.127", "203.0.114.0"]),
        ("203.0.113.7/32", ["203.0.113.7"], ["203.0.113.6", "203.0.113.8"]),
        ("2001:db8::/48", ["2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff"], ["2001:db8:1::"]),
        ("2001:db8:0:8000::/49", ["2001:db8:0:ffff::1"], ["2001:db8:0:7fff::1"]),
        ("2001:db8::/64", ["2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"], ["2001:db8:0:1::"]),
        ("2001:db8::8000:0:0:0/65", ["2001:db8::8000:0:0:1", "2001:db8::ffff:0:0:0"], ["2001:db8::7fff:0:0:0"]),
        ("2001:db8::/127", ["2001:db8::1"], ["2001:db8::2", "2001:db8::ffff:0:0:1"]),
    ],
)
def test_a_prefix_holds_its_own_addresses_and_no_others(
    tmp_path: Path, prefix: str, inside: list[str], outside: list[str]
):
    """First, last and neighbours, also where a word's sign changes within the prefix."""
    (row,) = rows(read(tmp_path, prefix))
    assert [holds(row, address) for address in inside] == [True] * len(inside)
    assert [holds(row, address) for address in outside] == [False] * len(outside)


def test_csv_columns_are_found_by_their_names(tmp_path: Path):
    """A public feed's header behind #, quotes, times without zone in a column that says UTC, a role."""
    found = read(
        tmp_path,
        '# feed of botnet controllers\n# "first_seen_utc","dst_ip","dst_port","last_online","malware","role"\n'
        f'"2026-01-01 00:00:00","{C2_ONE}","447","2026-01-01T00:00:00Z","TrickBot","c2"\n'
        f'"","{C2_TWO}","","","Mozi","sinkhole"\n',
        "feed.csv",
    )
    one, two = rows(found)
    assert ports(found) == [(C2_ONE, 447, 0), (C2_TWO, 0, 0)]
    assert (one["valid_from_ms"], one["valid_until_ms"]) == (NEW_YEAR_MS - SEEN_BEFORE_MS, NEW_YEAR_MS + SEEN_AFTER_MS)
    assert (one["label"], one["sinkhole"], two["sinkhole"]) == ("TrickBot", 0, 1)
    assert one["source"] == "feed.csv, line 3"


def test_the_file_of_a_simulation_is_read(tmp_path: Path):
    """address,port,protocol,name: what ``sekisho simulate`` writes."""
    found = read(tmp_path, f"address,port,protocol,name\n{C2_ONE},48101,tcp,c2\n2001:db8:f::1,48101,tcp,c2\n", "i.csv")
    assert ports(found) == [(C2_ONE, 48101, 6), ("2001:db8:f::1", 48101, 6)]


def misp_attribute(value: str, kind: str = "ip-dst", **fields: object) -> dict[str, object]:
    return {"uuid": f"u-{value}", "type": kind, "value": value, "to_ids": True} | fields


def misp_event(*attributes: dict[str, object], **fields: object) -> dict[str, object]:
    return {"Event": {"info": "Mirai variant", "Attribute": list(attributes)} | fields}


def test_misp_attributes_count_only_where_they_are_for_detection(tmp_path: Path):
    """ip-dst, ip-dst|port, ip-src with to_ids; no deleted ones, no domains."""
    found = read(
        tmp_path,
        misp_event(
            misp_attribute(C2_ONE, comment="loader"),
            misp_attribute(f"{C2_TWO}|8443", "ip-dst|port"),
            misp_attribute("2001:db8:f::1", "ip-src", Tag=[{"name": "Sinkhole:shadow"}]),
            misp_attribute("203.0.113.9", to_ids=False),
            misp_attribute("203.0.113.10", deleted=True),
            misp_attribute("c2.example", "domain"),
        ),
        "event.json",
    )
    assert ports(found) == [(C2_ONE, 0, 0), (C2_TWO, 8443, 0), ("2001:db8:f::1", 0, 0)]
    assert [row["label"] for row in rows(found)] == ["loader", "Mirai variant", "Mirai variant"]
    assert [row["sinkhole"] for row in rows(found)] == [0, 0, 1]
    assert found.reports[0].skipped == {SkipReason.NOT_FOR_DETECTION: 2, SkipReason.OTHER_KIND: 1}


def test_an_object_of_misp_gives_its_port_to_its_addresses(tmp_path: Path):
    """The object ip-port holds address and destination port as two attributes."""
    attributes = [misp_attribute(C2_ONE), misp_attribute("6667", "port", object_relation="dst-port")]
    found = read(tmp_path, {"response": [misp_event(Object=[{"name": "ip-port", "Attribute": attributes}])]}, "s.json")
    assert ports(found) == [(C2_ONE, 6667, 0)]


def test_a_feed_of_misp_is_read_from_its_manifest(tmp_path: Path):
    """The manifest names the events, which lie beside it."""
    (tmp_path / "aa-1.json").write_text(json.dumps(misp_event(misp_attribute(C2_ONE))), encoding="utf-8")
    found = read(tmp_path, {"aa-1": {"info": "Mirai variant", "timestamp": "1"}}, "manifest.json")
    assert ports(found) == [(C2_ONE, 0, 0)]
    assert rows(found)[0]["source"].startswith("aa-1.json")
    with pytest.raises(InputError, match=r"identifiers of events, found '\.\./x'"):
        read(tmp_path, {"../x": {"info": "", "timestamp": "1"}}, "manifest.json")


def stix(*patterns: str, **fields: object) -> dict[str, object]:
    head = {"type": "indicator", "spec_version": "2.1", "pattern_type": "stix", "name": "Mozi"}
    objects = [{**head, "id": f"indicator--{k}", "pattern": p, **fields} for k, p in enumerate(patterns)]
    return {"type": "bundle", "id": "bundle--1", "objects": [*objects, {"type": "malware", "id": "malware--1"}]}


TRAFFIC = "network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value"


def test_stix_patterns_that_addresses_say_in_full_are_taken(tmp_path: Path):
    """Equality, IN, ISSUBSET, OR, destination with port and protocol."""
    found = read(
        tmp_path,
        stix(
            f"[ipv4-addr:value = '{C2_ONE}' OR ipv6-addr:value = '2001:db8:f::1']",
            f"[ipv4-addr:value IN ('{C2_ONE}', '{C2_TWO}')] OR [ipv4-addr:value ISSUBSET '203.0.113.128/25']",
            f"[{TRAFFIC} = '{C2_TWO}' AND network-traffic:dst_port = 81 AND network-traffic:protocols[*] = 'tcp']",
            valid_from="2026-01-01T00:00:00Z",
            valid_until="2026-01-01T00:00:01.5Z",
        ),
        "bundle.json",
    )
    assert ports(found) == [
        (C2_ONE, 0, 0),
        ("2001:db8:f::1", 0, 0),
        (C2_ONE, 0, 0),
        (C2_TWO, 0, 0),
        (C2_TWO, 81, 6),
    ]
    times = {(row["valid_from_ms"], row["valid_until_ms"]) for row in rows(found)}
    assert times == {(NEW_YEAR_MS, NEW_YEAR_MS + 1500)}
    assert rows(found)[0]["source"] == "bundle.json, indicator--0"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (f"[ipv4-addr:value = '{C2_ONE}'] AND [file:name = 'x']", SkipReason.UNSUPPORTED_PATTERN),
        (f"[ipv4-addr:value = '{C2_ONE}' AND file:name = 'x']", SkipReason.UNSUPPORTED_PATTERN),
        (f"[ipv4-addr:value = '{C2_ONE}'] FOLLOWEDBY [ipv4-addr:value = '{C2_TWO}']", SkipReason.UNSUPPORTED_PATTERN),
        (f"[ipv4-addr:value = '{C2_ONE}'] REPEATS 5 TIMES", SkipReason.UNSUPPORTED_PATTERN),
        (f"[ipv4-addr:value != '{C2_ONE}']", SkipReason.UNSUPPORTED_PATTERN),
        (f"[NOT ipv4-addr:value = '{C2_ONE}']", SkipReason.BAD_PATTERN),
        ("[ipv4-addr:value LIKE '203.0.113.%']", SkipReason.UNSUPPORTED_PATTERN),
        (f"[network-traffic:src_ref.value = '{C2_ONE}']", SkipReason.OTHER_KIND),
        ("[domain-name:value = 'c2.example']", SkipReason.OTHER_KIND),
        (f"[ipv4-addr:value = '{C2_ONE}'", SkipReason.BAD_PATTERN),
        (f"[{TRAFFIC} = '{C2_ONE}' AND network-traffic:dst_port = 99999]", SkipReason.BAD_PORT),
        ("[ipv4-addr:value = '203.0.113']", SkipReason.NOT_AN_ADDRESS),
        (f"{'(' * 4000}[ipv4-addr:value = '{C2_ONE}']{')' * 4000}", SkipReason.BAD_PATTERN),
    ],
)
def test_stix_patterns_that_ask_for_more_are_left_out(tmp_path: Path, pattern: str, reason: SkipReason):
    """Taking the address alone would accuse lines that the author did not mean."""
    found = read(tmp_path, stix(f"[ipv4-addr:value = '{C2_TWO}']", pattern), "bundle.json")
    assert ports(found) == [(C2_TWO, 0, 0)]
    assert found.reports[0].skipped == {reason: 1}


def test_a_pattern_may_join_thousands_of_addresses(tmp_path: Path):
    """Feeds put a whole list into one indicator."""
    addresses = [f"203.0.{k // 250 + 1}.{k % 250}" for k in range(2000)]
    pattern = "[" + " OR ".join(f"ipv4-addr:value = '{address}'" for address in addresses) + "]"
    assert len(read(tmp_path, stix(pattern), "bundle.json")) == 2000


def test_revoked_indicators_and_other_pattern_types_do_not_count(tmp_path: Path):
    """A revoked indicator was a mistake, and Snort rules are not STIX patterns."""
    bundle = stix(f"[ipv4-addr:value = '{C2_ONE}']", f"[ipv4-addr:value = '{C2_TWO}']", "alert tcp any")
    bundle["objects"][0]["revoked"] = True
    bundle["objects"][2]["pattern_type"] = "snort"
    found = read(tmp_path, bundle, "bundle.json")
    assert ports(found) == [(C2_TWO, 0, 0)]
    assert found.reports[0].skipped == {SkipReason.NOT_FOR_DETECTION: 1, SkipReason.OTHER_KIND: 1}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("0.0.0.0/0", SkipReason.TOO_WIDE),
        ("203.0.112.0/23", SkipReason.TOO_WIDE),
        ("2001:db8::/47", SkipReason.TOO_WIDE),
        ("192.168.1.1", SkipReason.SPECIAL_USE),
        ("100.64.0.1", SkipReason.SPECIAL_USE),
        ("224.0.0.251", SkipReason.SPECIAL_USE),
        ("fe80::1", SkipReason.SPECIAL_USE),
        ("198.51.100.9", SkipReason.OURS),
        ("8.8.8.8", SkipReason.PUBLIC_SERVICE),
        ("8.8.8.0/24", SkipReason.PUBLIC_SERVICE),
        ("1.1.1.1:53", SkipReason.PUBLIC_SERVICE),
        ("104.16.132.229", SkipReason.PUBLIC_SERVICE),
        ("151.101.1.57", SkipReason.PUBLIC_SERVICE),
        ("2606:4700:4700::1111", SkipReason.PUBLIC_SERVICE),
        ("203.0.113.1/24", SkipReason.NOT_AN_ADDRESS),
        ("c2.example", SkipReason.NOT_AN_ADDRESS),
        ("203.0.113.9:70000", SkipReason.BAD_PORT),
        ("203.0.113.9:0", SkipReason.BAD_PORT),
    ],
)
def test_what_would_accuse_everybody_is_refused_with_its_reason(tmp_path: Path, entry: str, reason: SkipReason):
    """Whoever lists it: too wide, special, ours, a resolver, a content network; and what is no address."""
    found = read(tmp_path, f"{C2_ONE}\n{entry}\n")
    assert ports(found) == [(C2_ONE, 0, 0)]
    assert found.reports[0].skipped == {reason: 1}
    assert found.reports[0].example.place == "feed.txt, line 2"


def test_the_example_is_one_sentence_with_place_expected_and_found(tmp_path: Path):
    """What a person needs to mend the file."""
    report = read(tmp_path, f"{C2_ONE}\n203.0.113.1/24\nx\n").reports[0]
    assert (report.taken, report.skipped) == (1, {SkipReason.NOT_AN_ADDRESS: 2})
    expected = "feed.txt, line 2: expected an address, or a prefix without host bits, found '203.0.113.1/24'"
    assert str(report.example) == expected


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.txt", "# nothing today\n", "found no usable indicator (no entry at all)"),
        ("wide.txt", "0.0.0.0/0\n", "found no usable indicator (1 too_wide; wide.txt, line 1: expected a prefix of"),
        ("x.json", "{]", "x.json, line 1: expected JSON"),
        ("x.json", '{"hits": []}', "found other JSON"),
        ("x.csv", "address,port\n", "no entry at all"),
        (
            "x.csv",
            f"address,first_seen\n{C2_ONE},2026-01-01 00:00\n",
            "1 bad_time; x.csv, line 2: expected a time with",
        ),
        ("x.csv", f"port,address\n{C2_ONE}\n", "1 bad_row; x.csv, line 2: expected 2 columns or more, found '1'"),
        ("x.csv", f"address,protocol\n{C2_ONE},icmp\n", "1 bad_protocol"),
        ("x.csv", f"address\n{'1' * 200_000}\n", "1 not_an_address"),
        ("deep.json", "[" * 100_000, "brackets in brackets"),
    ],
)
def test_a_file_without_a_usable_entry_is_an_error(tmp_path: Path, name: str, content: str, sentence: str):
    """An empty feed is never taken for a quiet day."""
    with pytest.raises(InputError) as error:
        read(tmp_path, content, name)
    assert sentence in str(error.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path):
    """One sentence with the file."""
    with pytest.raises(InputError, match="No such file"):
        read_indicators([tmp_path / "no.txt"], is_ours=is_ours)


def test_labels_are_fit_for_one_line(tmp_path: Path):
    """A feed's words reach terminals and pages: no control characters, not endless."""
    (row,) = rows(read(tmp_path, f"{C2_ONE} # evil\x1b[2J\x07 {'x' * 500}\n"))
    assert row["label"].startswith("evil [2J x")
    assert len(row["label"]) == 80


def test_public_services_are_dated_and_named():
    """The list of what is refused says where each entry comes from."""
    services = public_services()
    assert {"Google Public DNS", "Quad9", "Cloudflare", "Fastly"} <= set(services)
    assert all(services.values())


def test_the_guide_names_every_reason():
    """What is left out is explained where the formats are."""
    guide = (Path(__file__).parents[3] / "docs" / "how-to" / "indicators.md").read_text(encoding="utf-8")
    assert [reason.value for reason in SkipReason if f"`{reason.value}`" not in guide] == []


PUNCTUATION = ('"', ",", "\n", "#", ":", "[", "]", "{", "}", "(", "'", "\\", "\x00", "|", "::1", "1")
WORDS = ("ipv4-addr:value", " = ", " OR ", " AND ", " IN ", "NOT ", "address", "ip,port\n", '"Event":', '"objects":')
PIECES = st.sampled_from((C2_ONE, "203.0.113.0/24", *PUNCTUATION, *WORDS))


@settings(max_examples=300, deadline=None)
@given(text=st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str):
    """Any text gives indicators that are addresses, counts what is not one, or is refused in one sentence."""
    path = tmp_path_factory.mktemp("any") / "feed.txt"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with suppress(InputError):
        assert len(read_indicators([path], is_ours=is_ours)) > 0


@settings(max_examples=300, deadline=None)
@given(pattern=st.lists(PIECES | st.text(max_size=3), max_size=25).map(" ".join))
def test_any_pattern_is_taken_or_refused(pattern: str):
    """Any pattern is told apart into addresses, or refused with a reason."""
    entries = list(stix_format.read({"objects": [{"type": "indicator", "id": "i", "pattern": pattern}]}, "x"))
    assert all(isinstance(entry, Indicator | Skipped) for entry in entries)


@pytest.mark.parametrize(
    "document",
    [
        {"Event": {"Attribute": [{"type": "ip-dst", "value": None, "to_ids": True}], "Object": [{"Attribute": None}]}},
        {"Event": {"Attribute": {"type": "ip-dst"}, "Tag": "x"}},
        {"response": [None, 1, {"Event": None}]},
        {"objects": [None, 1, {"type": "indicator"}, {"type": "indicator", "id": "x", "labels": 3, "pattern": []}]},
        {"objects": [{"type": "indicator", "id": "x", "pattern": "[ipv4-addr:value = '1.2.3.4']", "valid_from": 3}]},
        {"type": "indicator", "spec_version": "2.1"},
    ],
)
def test_json_of_the_wrong_shape_is_refused(tmp_path: Path, document: object):
    """Fields of other types than the format's: an error of ours, or entries that are left out."""
    with pytest.raises(InputError):
        read(tmp_path, document, "x.json")
