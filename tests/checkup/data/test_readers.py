"""Readers of public data: real files where they are here, small ones of each shape otherwise."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sekisho.checkup.data import csaf, cve5, flowlog, kev, knowledge, mud, myjvn, nvd, openeox, securitytxt
from sekisho.checkup.data.advisory import Advisory, Concern, concern, names_model
from sekisho.checkup.data.version import VersionRange
from sekisho.core.errors import InputError
from shared_data import shared

if TYPE_CHECKING:
    from pathlib import Path

NOW_MS = 1_790_000_000_000

NVD: dict[str, Any] = {
    "format": "NVD_CVE",
    "timestamp": "2026-05-01T00:00:00.000",
    "vulnerabilities": [
        {
            "cve": {
                "id": "CVE-2026-1",
                "configurations": [
                    {
                        "operator": "AND",
                        "nodes": [
                            {
                                "cpeMatch": [
                                    {
                                        "vulnerable": True,
                                        "criteria": "cpe:2.3:o:tp-link:archer_ax21_firmware:*:*:*:*:*:*:*:*",
                                        "versionEndExcluding": "1.1.4",
                                    }
                                ]
                            },
                            {
                                "cpeMatch": [
                                    {"vulnerable": False, "criteria": "cpe:2.3:h:tp-link:archer_ax21:-:*:*:*:*:*:*:*"}
                                ]
                            },
                        ],
                    }
                ],
            }
        }
    ],
}
CVE: dict[str, Any] = {
    "dataType": "CVE_RECORD",
    "cveMetadata": {"cveId": "CVE-2026-2", "dateUpdated": "2026-05-02T00:00:00Z"},
    "containers": {
        "cna": {
            "affected": [
                {
                    "vendor": "BUFFALO INC.",
                    "product": "WSR-1800AX4",
                    "versions": [{"version": "0", "status": "affected", "lessThan": "1.09"}],
                },
                {"vendor": "n/a", "product": "n/a"},
            ]
        }
    },
}
CSAF: dict[str, Any] = {
    "document": {"csaf_version": "2.0", "tracking": {"current_release_date": "2026-05-03T00:00:00Z"}},
    "product_tree": {
        "branches": [
            {
                "category": "vendor",
                "name": "Example",
                "branches": [
                    {
                        "category": "product_name",
                        "name": "EX-1000",
                        "branches": [
                            {
                                "category": "product_version_range",
                                "name": "vers:generic/>=1.0|<1.4",
                                "product": {"product_id": "P1"},
                            },
                            {"category": "product_version", "name": "1.4", "product": {"product_id": "P2"}},
                        ],
                    }
                ],
            }
        ]
    },
    "vulnerabilities": [{"cve": "CVE-2026-3", "product_status": {"known_affected": ["P1", "gone"], "fixed": ["P2"]}}],
}
JVN = b"""<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:sec="http://jvn.jp/rss/mod_sec/3.0/" xmlns:dcterms="http://purl.org/dc/terms/">
<channel><title>jvndb.jvn.jp</title></channel>
<item><sec:identifier>JVNDB-2026-000001</sec:identifier>
<sec:cpe vendor="ELECOM CO.,LTD." product="WRC-X3000GS">cpe:/o:elecom:wrc-x3000gs_firmware</sec:cpe>
<dcterms:modified>2026-05-04T10:00:00+09:00</dcterms:modified></item></rdf:RDF>"""


def test_kev_names_the_models_that_the_rules_name() -> None:
    """The real catalogue: the two Japanese rows are found by maker and model, without a version."""
    document = json.loads(shared("device/known_exploited_vulnerabilities.json").read_text())
    rows = kev.read(document)
    assert len(rows) == document["count"]
    assert kev.date(document) == "2025-08-25"
    found = {concern(row, maker="FXC", model="AE1021", firmware="") for row in rows} - {None}
    assert found == {Concern.EXPLOITED}
    assert not [r for r in rows if concern(r, maker="ELECOM", model="WRC-X3000GS", firmware="")]


def test_nvd_reads_the_range_of_the_vulnerable_node() -> None:
    """The hardware node only says on what it runs."""
    assert nvd.read(NVD) == [
        Advisory(
            cve="CVE-2026-1",
            maker="tp-link",
            product="archer ax21 firmware",
            source="nvd",
            ranges=(VersionRange(end="1.1.4"),),
        )
    ]


def test_cve_record_reads_the_makers_own_range() -> None:
    """A nameless row is no product."""
    assert cve5.read(CVE) == [
        Advisory(
            cve="CVE-2026-2",
            maker="BUFFALO INC.",
            product="WSR-1800AX4",
            source="cve",
            ranges=(VersionRange(end="1.09"),),
        )
    ]


def test_csaf_takes_affected_products_and_not_fixed_ones() -> None:
    """A product id that the tree does not hold is passed over."""
    expected = VersionRange(start="1.0", end="1.4")
    assert csaf.read(CSAF) == [
        Advisory(cve="CVE-2026-3", maker="Example", product="EX-1000", source="csaf", ranges=(expected,))
    ]


def test_jvn_names_models_without_versions() -> None:
    """So a hit is a question."""
    (row,) = myjvn.read(JVN)
    assert (row.cve, row.maker, row.product, row.ranges) == ("JVNDB-2026-000001", "ELECOM CO.,LTD.", "WRC-X3000GS", ())
    assert concern(row, maker="ELECOM", model="WRC-X3000GS", firmware="1.0") is Concern.LISTED
    assert myjvn.date(JVN) == "2026-05-04"


@pytest.mark.parametrize(
    ("firmware", "expected"),
    [("1.1.3", Concern.AFFECTED), ("1.1.4", None), ("1.1.5", None), ("", Concern.LISTED), ("odd", Concern.LISTED)],
)
def test_a_range_decides_only_where_versions_can_be_ordered(firmware: str, expected: Concern | None) -> None:
    """Just below, on and above the fixed version; unknown stays a question."""
    (row,) = nvd.read(NVD)
    assert concern(row, maker="TP-Link", model="Archer AX-21", firmware=firmware) is expected


@pytest.mark.parametrize(
    ("product", "model", "same"),
    [
        ("Archer AX21", "Archer AX-21", True),
        ("DIR-859 Router", "DIR-859", True),
        ("AE1021, AE1021PE", "AE1021", True),
        ("AE1021PE", "AE1021", False),
        ("archer_ax21_firmware", "Archer AX21", True),
        ("Archer AX210", "Archer AX21", False),
        ("R7 and others", "R7", False),
        ("Multiple Routers", "Archer AX21", False),
    ],
)
def test_a_model_is_named_or_not(product: str, model: str, same: bool) -> None:
    """Spelling does not matter, a longer model is another one, a two-letter model proves nothing."""
    assert names_model(product, model) is same


def test_a_directory_is_read_by_content_and_dated(tmp_path: Path) -> None:
    """File names do not matter; the age is counted from the data's own date."""
    for name, document in (("a.json", NVD), ("b.json", CVE), ("c.json", CSAF)):
        (tmp_path / name).write_text(json.dumps(document))
    (tmp_path / "d.xml").write_bytes(JVN)
    known = knowledge.load(tmp_path, NOW_MS)
    assert [source.name for source in known.sources] == ["csaf", "cve", "jvn", "nvd"]
    assert known.date == "2026-05-01"
    assert [source.age_days for source in known.sources] == [141, 142, 140, 143]
    assert len(known.advisories) == 4


def test_a_newer_table_of_models_adds_to_the_shipped_one(tmp_path: Path) -> None:
    """A row of the folder stands before the row that came with the program; the others stay."""
    row = {"maker": "ELECOM", "model": "WRC-X3000GS", "source": "somewhere", "recorded": "2026-12-01"}
    other = row | {"maker": "Example", "model": "EX-1"}
    (tmp_path / "m.json").write_text(json.dumps({"schema": "sekisho.models/1", "models": [row, other]}))
    models = knowledge.load(tmp_path, NOW_MS).models
    assert [
        record.recorded for record in (models.of("ELECOM", "WRC-X3000GS"), models.of("Example", "EX 1")) if record
    ] == [
        "2026-12-01",
        "2026-12-01",
    ]
    assert models.of("BUFFALO", "WXR-5950AX12") is not None


def test_a_record_without_its_day_is_an_error(tmp_path: Path) -> None:
    """How old a data set is must never be a guess."""
    undated = CVE | {"cveMetadata": {"cveId": "CVE-2026-0001"}}
    (tmp_path / "x.json").write_text(json.dumps(undated))
    with pytest.raises(InputError, match=r"x\.json"):
        knowledge.load(tmp_path, NOW_MS)


@pytest.mark.parametrize(("name", "content"), [("x.json", "{}"), ("x.json", "{"), ("x.xml", "<a/>"), ("x.json", "[]")])
def test_a_file_that_nobody_can_read_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    """Nothing is passed over silently."""
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=name):
        knowledge.load(tmp_path, NOW_MS)


def test_a_makers_security_txt_is_a_contact_until_it_expires(tmp_path: Path) -> None:
    """Kept under the maker's name; an expired one is none, and a broken one is an error."""
    path = tmp_path / "I-O DATA.security.txt"
    path.write_text("Contact: https://maker.example/report\nExpires: 2026-10-01T00:00:00Z\n")
    known = knowledge.load(tmp_path, NOW_MS)
    assert known.contact("I-O Data", NOW_MS) == "https://maker.example/report"
    assert known.contact("I-O Data", NOW_MS + 30 * 86_400_000) == ""
    assert known.contact("BUFFALO", NOW_MS) == ""
    path.write_text("Contact: x\n")
    with pytest.raises(InputError, match=r"security\.txt"):
        knowledge.load(tmp_path, NOW_MS)


def test_every_real_mud_profile_is_read() -> None:
    """28 files of the draft's shape: each has a URL and entries that leave the device."""
    files = sorted(shared("device/mud/ref_mud/raw").glob("*.json"))
    assert len(files) == 28
    for file in files:
        profile = mud.read(file)
        assert profile.url.startswith("https://")
        assert profile.allowed


def test_mud_entries_cover_what_the_maker_states_and_nothing_else() -> None:
    """By name, protocol and port; the near misses are one port and one name away."""
    profile = mud.read(shared("device/mud/ref_mud/raw/tplinkcameraMud.json"))
    stated = mud.Flow("203.0.113.7", 6, 443, "ipc.tplinkcloud.com")
    others = [mud.Flow("203.0.113.7", 6, 444, stated.name), mud.Flow("203.0.113.7", 6, 443, "evil.example")]
    assert mud.beyond(profile.allowed, [stated, *others]) == others


def test_needs_are_typed_as_a_manual_prints_them() -> None:
    """A name or a network, and a port; any other form is refused with the entry in the sentence."""
    allowed = mud.typed(["cloud.example TCP/443", "192.0.2.0/24 udp/123"])
    near = [mud.Flow("192.0.2.9", 17, 123), mud.Flow("203.0.113.1", 6, 443, "cloud.example")]
    far = [mud.Flow("192.0.3.9", 17, 123), mud.Flow("192.0.2.9", 6, 123), mud.Flow("203.0.113.1", 6, 443)]
    assert mud.beyond(allowed, near + far) == far
    with pytest.raises(ValueError, match="everything"):
        mud.typed(["everything"])


def test_a_mud_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    """One sentence that names the file."""
    path = tmp_path / "mud.json"
    path.write_text('{"ietf-mud:mud": {}}')
    with pytest.raises(InputError, match="RFC 8520"):
        mud.read(path)


def test_a_router_log_is_read_by_device(tmp_path: Path) -> None:
    """Protocols by name or number, each flow once."""
    path = tmp_path / "log.csv"
    path.write_text("device,destination,protocol,port\n192.0.2.9,203.0.113.1,tcp,23\n192.0.2.9,203.0.113.1,6,23\n")
    assert flowlog.read(path) == {"192.0.2.9": (mud.Flow("203.0.113.1", 6, 23),)}
    path.write_text("device,destination,protocol,port\ncam,203.0.113.1,tcp,23\n")
    with pytest.raises(InputError, match="line 2"):
        flowlog.read(path)


def test_openeox_reads_dates_and_tba() -> None:
    """The decisive end is that of security support."""
    record = {
        "end_of_life": "2027-01-01T00:00:00Z",
        "end_of_security_support": "tba",
        "last_updated": "2026-01-01T00:00:00Z",
    }
    end = openeox.read(record)
    assert end.security_support is None
    assert end.decisive == datetime(2027, 1, 1, tzinfo=UTC)
    for wrong in ({}, record | {"end_of_life": "2027-01-01T00:00:00"}, record | {"last_updated": "tba"}):
        with pytest.raises((KeyError, ValueError)):
            openeox.read(wrong)


def test_security_txt_needs_contact_and_one_expires() -> None:
    """RFC 9116: both are required; comments and a signature frame are passed over."""
    text = "-----BEGIN PGP SIGNED MESSAGE-----\n# hi\nContact: mailto:a@example.com\nExpires: 2027-01-01T00:00:00Z\n"
    found = securitytxt.read(text)
    assert found.contacts == ("mailto:a@example.com",)
    assert found.holds(datetime(2026, 12, 31, tzinfo=UTC))
    assert not found.holds(datetime(2027, 1, 1, tzinfo=UTC))
    for wrong in ("", "Contact: x\n", "Expires: 2027-01-01T00:00:00Z\n", text + "Expires: 2028-01-01T00:00:00Z\n"):
        with pytest.raises(ValueError, match=r"security\.txt"):
            securitytxt.read(wrong)
