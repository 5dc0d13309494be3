"""Assignments and lines files: what is read, and how a wrong one is refused."""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution.network import HEADER, NOON_MS, ask
from sekisho.attribution.attributor import Attributor
from sekisho.attribution.keys import UNKEYED, line_keys, read_key_file
from sekisho.attribution.lines import LineGroup
from sekisho.core.config import Network
from sekisho.core.errors import InputError
from sekisho.core.time import to_datetime

GOOD = "A,203.0.113.1,,,2026-11-24T11:00:00Z,,\n"
LINES_HEADER = "line_id,access_kind,group,up_bps,down_bps,link,reseller,exempt_until,exempt_reason\n"


def load(*paths, **more):
    attributor = Attributor.load(lines=paths, map_e=None, network=Network(), realms=[""], **more)
    attributor.start()
    return attributor


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",203.0.113.1,,,,,", "line_id: expected a text, found nothing"),
        ("B,,,,,,", "prefix: expected a text, found nothing"),
        ("B,203.0.113.256,,,,,", "prefix: expected an IP address or a prefix without host bits, found '203.0.113.256'"),
        ("B,203.0.113.1/24,,,,,", "prefix: expected .* found '203.0.113.1/24'"),
        ("B,2001:db8::/129,,,,,", "prefix: expected .* found '2001:db8::/129'"),
        ("B,203.0.113.1,1024,,,,", "port_last: expected both ports or none, found nothing"),
        ("B,203.0.113.1,,1024,,,", "port_last: expected both ports or none, found '1024'"),
        ("B,203.0.113.1,-1,5,,,", "port_first: expected 0 to 65535, found '-1'"),
        ("B,203.0.113.1,1,65536,,,", "port_last: expected port_first to 65535, found '65536'"),
        ("B,203.0.113.1,9,8,,,", "port_last: expected port_first to 65535, found '8'"),
        ("B,203.0.113.1,x,8,,,", "port_first: expected a whole number, found 'x'"),
        ("B,2001:db8::/56,1,8,,,", "port_first: expected no ports with an IPv6 prefix, found '1'"),
        ("B,203.0.113.1,,,2026-11-24T11:00:00,,", "valid_from: expected an ISO 8601 time with its zone, found"),
        ("B,203.0.113.1,,,,yesterday,", "valid_to: expected an ISO 8601 time with its zone, found 'yesterday'"),
        (
            "B,203.0.113.1,,,2026-11-24T11:00:00Z,2026-11-24T10:59:59Z,",
            "valid_to: expected a time not before valid_from",
        ),
        ("B,203.0.113.1,,", "expected 7 cells, found 4"),
    ],
)
def test_a_malformed_row_is_refused_with_its_line(tmp_path, row, says):
    """A wrong line is worse than no line: file, line, expected and found in one sentence, nothing guessed."""
    path = tmp_path / "assignments.csv"
    path.write_text(HEADER + GOOD + "\n" + GOOD + row + "\n" + GOOD)
    with pytest.raises(InputError, match=says) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}, line 5: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "expected a header, found an empty first line"),
        (HEADER.encode(), "expected at least one assignment, found none"),
        (b"a,b\n1,2\n", "expected assignments .* or lines .*, found the columns a,b"),
        (HEADER.replace("realm", "realms").encode() + GOOD.encode(), "expected the columns .*, found 'realms'"),
        (HEADER.replace("valid_to,", "").encode(), "found no 'valid_to'"),
        (HEADER.replace("realm", "prefix").encode() + GOOD.encode(), "found 'prefix'"),
        (HEADER.encode() + b"\xff,203.0.113.1,,,,,\n", "expected .*, found"),
        (b"\xff\xfe\x00", "expected CSV .* or Parquet, found"),
        (b"PAR1 and no more", "expected CSV .* or Parquet, found"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, says):
    """Empty files, unknown or missing columns, other encodings, broken Parquet: one sentence, never a traceback."""
    path = tmp_path / "input"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        load(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    """A path that is not there is the user's input."""
    with pytest.raises(InputError, match="No such file"):
        load(tmp_path / "none.csv")


def test_times_and_columns_in_any_usual_form(tmp_path):
    """Column order is free, a byte-order mark and quotes are fine, zones are converted, microseconds cut."""
    path = tmp_path / "assignments.csv"
    path.write_text(
        "\ufeffprefix,line_id,valid_to,valid_from,port_last,port_first\r\n"
        '"203.0.113.1","L,1",,2026-11-24T20:00:00.000999+09:00,,\r\n'
        "203.0.113.2,L2,2026-11-24T12:00:00Z,2026-11-24 11:00:00Z,,\r\n"
    )
    attributor = load(path)
    answer = ask(attributor, "203.0.113.1")
    assert (answer.line_id, answer.assignment.valid_from_ms) == ("L,1", NOON_MS - 3_600_000)
    assert ask(attributor, "203.0.113.2", at_ms=NOON_MS - 5_000).line_id == "L2"


def test_an_empty_interval_holds_nothing(tmp_path):
    """A session shorter than its server's clock tick is legal and never the answer."""
    path = tmp_path / "assignments.csv"
    path.write_text(HEADER + GOOD + "B,203.0.113.1,,,2026-11-24T12:00:00Z,2026-11-24T12:00:00Z,\n")
    attributor = load(path)
    assert ask(attributor, "203.0.113.1").line_id == "A"
    assert attributor.overlapping == 0


def test_parquet_with_native_types(tmp_path):
    """Timestamps with a zone, integer ports, dictionary strings and nulls are read as they are."""
    path = tmp_path / "assignments.parquet"
    table = pa.table(
        {
            "line_id": pa.array(["A", "B"]).dictionary_encode(),
            "prefix": ["203.0.113.1", "203.0.113.9"],
            "port_first": pa.array([None, 1024], pa.uint16()),
            "port_last": pa.array([None, 2047], pa.uint16()),
            "valid_from": pa.array([to_datetime(NOON_MS - 60_000), None], pa.timestamp("us", "Asia/Tokyo")),
            "valid_to": pa.nulls(2),
        }
    )
    pq.write_table(table, path)
    attributor = load(path)
    assert ask(attributor, "203.0.113.1").assignment.valid_from_ms == NOON_MS - 60_000
    assert ask(attributor, "203.0.113.9", port=1500).line_id == "B"


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (
            {"valid_from": pa.array([0, 0], pa.timestamp("ms"))},
            r"row 1: valid_from: expected .* zone, found 'timestamp",
        ),
        ({"prefix": ["203.0.113.1", "x"]}, "row 2: prefix: expected"),
        ({"port_first": [0.5, 1.0]}, "row 1: port_first: expected a whole number, found 0.5"),
        ({"line_id": pa.array([["A"], ["B"]])}, "row 1: line_id: expected a text"),
    ],
)
def test_malformed_parquet_is_refused_with_its_row(tmp_path, column, says):
    """A timestamp without a zone is not taken for UTC; other wrong values name their row."""
    good = {name: pa.nulls(2, pa.string()) for name in HEADER.strip().split(",")}
    path = tmp_path / "assignments.parquet"
    pq.write_table(pa.table(good | {"line_id": ["A", "B"], "prefix": ["203.0.113.1"] * 2} | column), path)
    with pytest.raises(InputError, match=says):
        load(path)


def test_lines_and_assignments_are_told_apart(tmp_path):
    """Both kinds go into one list of files; what a line is can be asked by its key."""
    assignments, lines = tmp_path / "a.csv", tmp_path / "l.csv"
    assignments.write_text(HEADER + GOOD)
    lines.write_text(
        LINES_HEADER
        + "A,ftth,business,100000000,1000000000,bng-1:ge-0/0/1,,2026-12-01T00:00:00Z,tests\nB,dsl,home,,,,,,\n"
    )
    attributor = load(lines, assignments)
    info = attributor.line(ask(attributor, "203.0.113.1").line)
    assert (info.line_id, info.group, info.up_bps, info.link) == (
        "A",
        LineGroup.BUSINESS,
        100_000_000,
        "bng-1:ge-0/0/1",
    )
    assert (info.exempt_until_ms, info.exempt_reason) == (NOON_MS + 6 * 86_400_000 + 43_200_000, "tests")
    (key,) = line_keys(["B"], UNKEYED).tolist()
    assert (attributor.line(key).up_bps, attributor.line(key).exempt_until_ms) == (None, None)
    assert attributor.line(1) is None


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A,ftth,castle,1,1,,,,", "line 2: group: expected home or business .*, found 'castle'"),
        ("A,ftth,home,fast,1,,,,", "line 2: up_bps: expected a whole number, found 'fast'"),
        ("A,ftth,home,1,0,,,,", "line 2: down_bps: expected bits a second"),
        ("A,ftth,home,1,1,,,2026-12-01,", "line 2: exempt_until: expected an ISO 8601 time with its zone"),
        ("A,ftth,home,1,1,,,,\nA,ftth,home,1,1,,,,", "line 3: line_id: expected each line once, found 'A'"),
    ],
)
def test_malformed_lines_are_refused(tmp_path, row, says):
    """A lines file is as strict as an assignments file; one line is one contract."""
    path = tmp_path / "lines.csv"
    path.write_text(LINES_HEADER + row + "\n")
    with pytest.raises(InputError, match=says):
        load(path)


def test_keys_depend_on_the_key_file(tmp_path):
    """The key of a line is never negative, differs with the secret, and is the same on every machine."""
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    secret = read_key_file(path)
    first, second = line_keys(["L1", "回線二"], secret).tolist()
    assert first > 0
    assert second > 0
    assert line_keys(["L1"], UNKEYED).tolist() != [first]
    digest = blake2b(b"L1", digest_size=8, key=b"sekisho line key").digest()
    assert line_keys(["L1"], UNKEYED).tolist() == [int.from_bytes(digest, "big") >> 1]


@pytest.mark.parametrize("octets", [0, 15, 65])
def test_a_key_file_of_the_wrong_size_is_refused(tmp_path, octets):
    """A key that can be tried out, or that BLAKE2b does not take, is refused."""
    path = tmp_path / "key"
    path.write_bytes(bytes(octets))
    with pytest.raises(InputError, match=f"expected a key of 16 to 64 octets, found {octets}"):
        read_key_file(path)


def test_progress_is_told_in_rows(tmp_path):
    """Long files say how far they are."""
    path = tmp_path / "assignments.csv"
    path.write_text(HEADER + GOOD * 3)
    told = []
    load(path, on_progress=told.append)
    assert sum(told) == 3
