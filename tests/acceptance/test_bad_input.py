"""What cannot be used is said in one sentence with exit status 2; what can be used in part is, and is counted."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from acceptance.cli import sekisho

HEAD = "line_id,prefix,port_first,port_last,valid_from,valid_to\n"
GOOD = "L1,192.0.2.1,,,2026-01-01T00:00:00Z,\n"


def pcap(*frames: bytes) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return head + b"".join(struct.pack("<IIII", 1_700_000_000, 0, len(f), len(f)) + f for f in frames)


def udp(payload: bytes) -> bytes:
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes(4), bytes(4))
    return bytes(12) + b"\x08\x00" + ip + struct.pack(">HHHH", 40000, 2055, 8 + len(payload), 0) + payload


def v5(count: int = 1) -> bytes:
    record = struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", bytes([192, 0, 2, 1]), bytes([203, 0, 113, 1]), bytes(4),
                         1, 2, 10, 1000, 500, 900, 1234, 443, 0, 24, 6, 0, 0, 0, 0, 0, 0)  # fmt: skip
    return struct.pack(">HHIIIIBBH", 5, count, 1000, 1_700_000_000, 0, 0, 0, 0, 0) + record * count


def one_sentence(stderr: str) -> str:
    lines = stderr.strip().splitlines()
    assert len(lines) == 1, stderr
    assert "Traceback" not in stderr
    return lines[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.pcap", None),
        ("empty.pcap", b""),
        ("text.pcap", b"this is no capture at all, only a line of text\n"),
        ("half-header.pcap", pcap()[:10]),
        ("no-packet.pcap", pcap()),
        ("no-export.pcap", pcap(udp(b"\x12\x34hello"))),
        ("gzip.pcap.gz", b"\x1f\x8b\x08\x00" + bytes(20)),
    ],
)
def test_a_capture_that_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None):
    """No such file, empty, text, a header cut short, no packet, no export, compressed: one sentence, exit status 2."""
    capture = tmp_path / name
    if content is not None:
        capture.write_bytes(content)
    done = sekisho("analyze", capture)
    assert done.returncode == 2
    assert name in one_sentence(done.stderr)
    assert done.stdout == ""


def test_a_directory_is_no_capture(tmp_path: Path):
    """A directory where a file belongs: one sentence, exit status 2."""
    done = sekisho("analyze", tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in one_sentence(done.stderr)


def test_a_capture_cut_in_the_middle_is_used_up_to_there(tmp_path: Path):
    """The datagrams before the cut are analysed; the cut is counted and said."""
    capture = tmp_path / "cut.pcap"
    capture.write_bytes(pcap(udp(v5()), udp(v5()))[:-20])
    done = sekisho("analyze", capture, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert '"truncated_file": 1' in done.stdout
    assert "cut.pcap" in done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("L2,not-an-address,,,2026-01-01T00:00:00Z,\n", "not-an-address"),
        ("L2,192.0.2.2,,,2026-01-01T00:00:00,\n", "2026-01-01T00:00:00"),
        ("L2,192.0.2.2,70000,80000,2026-01-01T00:00:00Z,\n", "70000"),
        ("L2,192.0.2.2\n", "line 3"),
    ],
)
def test_a_malformed_assignment_names_file_line_and_value(tmp_path: Path, line: str, expected: str):
    """A wrong line is worse than no line: the file is refused, with its line and what was found there."""
    capture, lines = tmp_path / "flows.pcap", tmp_path / "assignments.csv"
    capture.write_bytes(pcap(udp(v5())))
    lines.write_text(HEAD + GOOD + line, encoding="utf-8")
    done = sekisho("analyze", capture, "--lines", lines)
    assert done.returncode == 2
    sentence = one_sentence(done.stderr)
    assert "assignments.csv" in sentence
    assert "line 3" in sentence
    assert expected in sentence


def test_overlapping_assignments_are_counted_and_the_rest_is_used(tmp_path: Path):
    """One address held by two lines at once belongs to neither; it is counted ``overlap``."""
    capture, lines = tmp_path / "flows.pcap", tmp_path / "assignments.csv"
    capture.write_bytes(pcap(udp(v5())))
    lines.write_text(
        HEAD + GOOD.replace("2026", "2020") + GOOD.replace("2026", "2020").replace("L1", "L2"), encoding="utf-8"
    )
    done = sekisho("analyze", capture, "--lines", lines, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert '"overlap": 1' in done.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[network\n", "line 1"),
        ("[nettwork]\nprefixes = []\n", "nettwork"),
        ('[network]\nprefixes = ["192.0.2.1/24"]\n', "192.0.2.1/24"),
        ("[[exporter]]\naddress = 5\n", "address"),
    ],
)
def test_a_wrong_configuration_names_the_key(tmp_path: Path, text: str, expected: str):
    """Broken TOML, an unknown section, a wrong value: one sentence, status 2, from both commands."""
    file = tmp_path / "sekisho.toml"
    file.write_text(text, encoding="utf-8")
    capture = tmp_path / "flows.pcap"
    capture.write_bytes(pcap(udp(v5())))
    for command in (("config", "check", file), ("analyze", capture, "--config", file)):
        done = sekisho(*command)
        assert done.returncode == 2
        sentence = one_sentence(done.stderr)
        assert "sekisho.toml" in sentence
        assert expected in sentence


def test_an_unknown_option_is_bad_usage():
    """Usage errors leave with status 2 as well."""
    assert sekisho("analyze", "--no-such-option").returncode == 2


def test_standard_input_is_a_capture():
    """A dash reads the capture from standard input."""
    done = sekisho("decode", "-", "--format", "jsonl", stdin=pcap(udp(v5())))
    assert done.returncode == 0, done.stderr
    assert '"src_addr":"192.0.2.1"' in done.stdout.replace(" ", "")
