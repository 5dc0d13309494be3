"""Real captures, exported by real exporters, judged by the command."""

from __future__ import annotations

import csv
import io
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from acceptance.cli import analysis, printed
from shared_data import shared

if TYPE_CHECKING:
    from pathlib import Path

BENIGN = ("camera-tuya", "iphone", "skype-call", "steam", "windowsupdate", "wireguard", "youtube-quic")
FORMS = ("v9", "ipfix", "sflow")
SCANNER, SCANNED = "172.16.0.8", "64.13.134.52"


def one_line_per_address(capture: Path, folder: Path, *, extra: tuple[str, ...] = ()) -> Path:
    """An assignments file in which every private address of a capture is a line of its own, named by the address."""
    rows = list(csv.DictReader(io.StringIO(printed("decode", capture, "--format", "csv"))))
    addresses = {row[side] for row in rows for side in ("src_addr", "dst_addr")}
    ours = sorted({a for a in addresses if ip_address(a).is_private} | set(extra))
    file = folder / "assignments.csv"
    head = "line_id,prefix,port_first,port_last,valid_from,valid_to\n"
    file.write_text(head + "".join(f"{a},{a},,,2020-01-01T00:00:00Z,\n" for a in ours), encoding="utf-8")
    return file


@pytest.mark.parametrize("form", FORMS)
def test_a_syn_scan_names_the_scanning_host_and_not_its_target(form: str, tmp_path: Path):
    """Nmap's SYN scan of one host: ``scan`` for the scanner, nothing for the host that answers it."""
    capture = shared(f"flow/exports/nmap-synscan.{form}.pcap")
    lines = one_line_per_address(capture, tmp_path, extra=(SCANNED,))
    found = analysis(capture, "--lines", lines)["detections"]
    assert [(d["line_id"], d["kind"]) for d in found] == [(SCANNER, "scan")]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", BENIGN)
def test_benign_households_stay_quiet(name: str, form: str, tmp_path: Path):
    """A camera, a phone, a call, games, updates, a tunnel, a video: no verdict, and nothing lost or undecoded."""
    capture = shared(f"flow/exports/benign-{name}.{form}.pcap")
    found = analysis(capture, "--lines", one_line_per_address(capture, tmp_path))
    assert found["detections"] == []
    assert found["input"]["records"] > 0
    assert (found["input"]["records_lost"], found["input"]["undecodable"]) == (0, {})
