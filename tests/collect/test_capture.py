"""Capture files become blocks of export datagrams, as another program reads them, and every mistake is one sentence."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_builders import SOURCE, TIME_S, ethernet, export, frame, ipv4, pcap
from sekisho.collect import window
from sekisho.collect.capture import Capture, read_capture
from sekisho.collect.exporters import Exporters
from sekisho.core.config import Exporter
from sekisho.core.errors import InputError
from sekisho.core.reasons import FrameReason
from sflow_builders import sflow, words
from shared_data import shared
from tools import needs

EXPORT_VERSIONS = ("0005", "0009", "000a", "00000005")


def read(path, **settings):
    """Everything of a capture: (exporter, source port, time, payload) rows, and the capture itself."""
    exporters = Exporters(**settings)
    capture = read_capture(path, exporters=exporters)
    return [row for block in capture for row in rows_of(block, exporters.texts)], capture


def rows_of(block, texts):
    return [
        (texts[exporter], int(port), int(time), bytes(block.payload[at : at + length]))
        for exporter, port, time, at, length in zip(
            block.exporter, block.source_port, block.received_at, block.offset, block.length, strict=True
        )
    ]


def tshark_rows(path):
    """What tshark sees of the same file: the outermost UDP datagrams that start with the version of an export.

    It shows octets behind the end that the UDP header names (RFC 768, "Length") too; tcpdump does not.
    """
    fields = ("frame.time_epoch", "ip.src", "ipv6.src", "udp.srcport", "udp.length", "udp.payload")
    command = [needs("tshark"), "-r", path, "-Y", "udp", "-T", "fields", "-E", "occurrence=f", "-t", "u"]
    output = subprocess.run(
        [*command, *(part for field in fields for part in ("-e", field))], capture_output=True, text=True, check=True
    )
    rows = (line.split("\t") for line in output.stdout.splitlines())
    exports = (
        (v4 or v6, int(port), ms_of(time), bytes.fromhex(payload)[: int(length) - 8])
        for time, v4, v6, port, length, payload in rows
        if payload.startswith(EXPORT_VERSIONS)
    )
    return [(agent_of(payload) or source, *row, payload) for source, *row, payload in exports]


def agent_of(payload):
    """Address of the agent in an sFlow datagram that is long enough to have one."""
    octets = {1: 4, 2: 16}.get(int.from_bytes(payload[4:8], "big"), 0) if payload[:4] == b"\0\0\0\5" else 0
    return str(ip_address(payload[8 : 8 + octets])) if 0 < octets <= len(payload) - 8 else None


def ms_of(epoch):
    seconds, _, fraction = epoch.partition(".")
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))


@pytest.mark.parametrize("folder", ["exports", "tcpdump", "akvorado/netflow", "akvorado/sflow", "akvorado/inner"])
def test_every_sample_reads_as_tshark_reads_it(tmp_path, folder):
    """Number, source, port, time and payload of the export datagrams are those that tshark finds.

    The samples of a folder are put behind each other by mergecap, which makes a pcapng file of several interfaces.
    """
    samples, merged = sorted(shared(f"flow/{folder}").glob("*.pcap")), tmp_path / "merged.pcapng"
    subprocess.run([needs("mergecap"), "-a", "-F", "pcapng", "-w", merged, *samples], check=True)
    rows, capture = read(merged)
    assert rows == tshark_rows(merged)
    assert rows == [row for sample in samples for row in read(sample)[0]]
    assert capture.frames == len(rows) + capture.drops.total()


@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng"])
def test_the_same_capture_in_other_formats(tmp_path, kind):
    """A capture converted by editcap gives the same datagrams."""
    sample, converted = shared("flow/exports/nmap-synscan.v9.pcap"), tmp_path / "converted"
    subprocess.run([needs("editcap"), "-F", kind, sample, converted], check=True)
    assert read(converted)[0] == read(sample)[0]


def test_a_snaplen_cuts_datagrams_which_are_counted(tmp_path):
    """Frames that editcap cut to 100 octets are all counted, none is used in part."""
    sample, cut = shared("flow/exports/nmap-synscan.v9.pcap"), tmp_path / "cut.pcap"
    subprocess.run([needs("editcap"), "-s", "100", sample, cut], check=True)
    rows, capture = read(cut)
    assert (rows, capture.drops) == ([], {FrameReason.TRUNCATED_FRAME: capture.frames})


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "ticks"), [(0xA1B2C3D4, 10**6), (0xA1B23C4D, 10**9)])
def test_octet_order_and_resolution(tmp_path, order, magic, ticks):
    """Both octet orders and both resolutions give milliseconds, cut, not rounded."""
    path = tmp_path / "capture.pcap"
    times = [TIME_S * ticks + ticks - 1, TIME_S * ticks + ticks]
    path.write_bytes(pcap([frame(), frame()], order=order, magic=magic, times=times, ticks=ticks))
    rows, _ = read(path)
    assert rows[0] == ("192.0.2.1", 40_000, TIME_S * 1000 + 999, export())
    assert rows[1][2] == TIME_S * 1000 + 1000


def test_the_link_type_is_in_the_lower_bits(tmp_path):
    """A header that also tells the length of the frame check sequence is understood."""
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap([frame() + b"FCS!"], link_type=0x44000001))
    assert [row[3] for row in read(path)[0]] == [export()]


def big_capture(tmp_path, count=2000):
    path = tmp_path / "big.pcap"
    path.write_bytes(pcap([frame(export(octets=12 + row % 1400)) for row in range(count)]))
    return path


@pytest.mark.parametrize("block_octets", [1500, 4096, 65_536])
def test_records_may_stand_across_blocks(tmp_path, monkeypatch, block_octets):
    """However a file is cut into blocks, its datagrams are the same, and no block holds more than its limit."""
    path = big_capture(tmp_path)
    whole, _ = read(path)
    monkeypatch.setattr(window, "BLOCK_OCTETS", block_octets)
    capture = read_capture(path, exporters=(exporters := Exporters()))
    blocks = list(capture)
    assert [row for block in blocks for row in rows_of(block, exporters.texts)] == whole
    assert max(len(block.payload) for block in blocks) <= block_octets
    assert len(blocks) > 1
    assert capture.damage is None


def test_a_block_stays_valid_after_the_next_is_read(tmp_path, monkeypatch):
    """A consumer may keep blocks: later ones do not overwrite them."""
    monkeypatch.setattr(window, "BLOCK_OCTETS", 4096)
    exporters = Exporters()
    kept, at_once = [], []
    for block in read_capture(big_capture(tmp_path, 50), exporters=exporters):
        kept.append(block)
        at_once += rows_of(block, exporters.texts)
    assert [row for block in kept for row in rows_of(block, exporters.texts)] == at_once


def test_more_frames_than_a_block_has_room_for(tmp_path):
    """Small frames fill the table of frames before the block is walked; none is lost."""
    path = tmp_path / "small.pcap"
    path.write_bytes(pcap([b"\0"] * 40_000 + [frame()]))
    rows, capture = read(path)
    assert (len(rows), capture.frames, capture.drops) == (1, 40_001, {FrameReason.TRUNCATED_FRAME: 40_000})


def test_a_capture_without_exports_says_what_was_there(tmp_path):
    """Frames of other kinds yield nothing and are counted by reason."""
    path = tmp_path / "web.pcap"
    path.write_bytes(pcap([ethernet(ipv4(bytes(20), protocol=6)), frame(b"\x12\x34 DNS")]))
    rows, capture = read(path)
    assert (rows, capture.datagrams, capture.frames) == ([], 0, 2)
    assert capture.drops == {FrameReason.NOT_UDP: 1, FrameReason.NOT_AN_EXPORT: 1}


def test_a_capture_without_frames_is_no_mistake(tmp_path):
    """A capture program that saw nothing leaves a file header; that is an empty capture."""
    path = tmp_path / "nothing.pcap"
    path.write_bytes(pcap([]))
    rows, capture = read(path)
    assert (rows, capture.frames, capture.damage) == ([], 0, None)


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 60])
def test_a_file_that_ends_early_gives_what_it_holds(tmp_path, cut):
    """A capture whose last record is cut yields the others, counts the file, and says where it ends."""
    path = tmp_path / "cut.pcap"
    octets = pcap([frame()] * 3)
    path.write_bytes(octets[:-cut])
    rows, capture = read(path)
    assert len(rows) == 2
    assert capture.drops == {FrameReason.TRUNCATED_FILE: 1}
    assert f"ends inside a record, at octet {len(octets) - cut}; the 2 frames before that" in capture.damage


def test_a_damaged_file_gives_what_stands_before(tmp_path):
    """A record header with an impossible length ends the reading there."""
    path = tmp_path / "damaged.pcap"
    path.write_bytes(pcap([frame()]) + b"\xff" * 4000)
    rows, capture = read(path)
    assert (len(rows), capture.drops) == (1, {FrameReason.TRUNCATED_FILE: 1})
    assert "holds no valid record at octet" in capture.damage


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"", "found an empty file"),
        (b"line_id,prefix\nL1,192.0.2.1\n", "found text"),
        (gzip.compress(pcap([frame()]), mtime=0), r"found gzip: decompress first, zcat .*input \| sekisho analyze -"),
        (b"\x28\xb5\x2f\xfd....", "found zstd: decompress first, zstdcat"),
        (b"\xfd7zXZ\x00..", "found xz"),
        (b"PAR1\x15\x04", "found a file that starts with 0x50415231"),
        (pcap([], magic=0xA1B2CD34), "found a file that starts with 0x34cdb2a1"),
        (pcap([])[:20], "found one that ends inside its file header"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_sentence(tmp_path, octets, found):
    """The sentence names the file, what was expected and what was found, and is said before anything is read."""
    path = tmp_path / "input"
    path.write_bytes(octets)
    with pytest.raises(InputError, match=rf"^{path}: expected a pcap or pcapng capture, {found}"):
        read_capture(path, exporters=Exporters())


def test_no_file_and_no_directory(tmp_path):
    """A path that leads nowhere, and one that leads to a directory, are refused."""
    with pytest.raises(InputError, match=r"missing: expected a readable capture, found: No such file"):
        read_capture(tmp_path / "missing", exporters=Exporters())
    with pytest.raises(InputError, match="found a directory"):
        read_capture(tmp_path, exporters=Exporters())


def test_standard_input(tmp_path, monkeypatch):
    """The name "-" reads standard input, which may hand over few octets at a time."""

    class Pipe(io.BytesIO):
        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:7])

    path = big_capture(tmp_path, 20)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(path.read_bytes())))
    assert read("-")[0] == read(path)[0]


def test_standard_input_that_is_no_capture(monkeypatch):
    """Standard input cannot be looked at twice: it is refused when it is read."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"hello")))
    capture = read_capture("-", exporters=Exporters())
    with pytest.raises(InputError, match=r"^-: expected a pcap or pcapng capture, found text"):
        list(capture)


def test_progress_ends_at_the_size_of_the_file(tmp_path, monkeypatch):
    """Progress rises to the size of the file."""
    monkeypatch.setattr(window, "BLOCK_OCTETS", 8192)
    path, told = big_capture(tmp_path, 100), []
    list(read_capture(path, exporters=Exporters(), on_progress=lambda *now: told.append(now)))
    assert told == sorted(told)
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_unknown_exporters_are_counted(tmp_path):
    """With configured exporters only, datagrams of other addresses are left out and counted."""
    path = tmp_path / "two.pcap"
    path.write_bytes(pcap([frame(), frame(source="192.0.2.9"), frame()]))
    rows, capture = read(path, configured=[Exporter(address="192.0.2.9")], accept_unconfigured=False)
    assert [row[0] for row in rows] == ["192.0.2.9"]
    assert capture.drops == {FrameReason.UNKNOWN_EXPORTER: 2}


@pytest.mark.parametrize(
    ("payload", "exporter"),
    [
        (sflow(agent="198.51.100.9"), "198.51.100.9"),
        (sflow(agent="2001:db8::9"), "2001:db8::9"),
        (sflow(agent="0.0.0.0"), SOURCE),
        (sflow(agent="::"), SOURCE),
        (words(5, 0, 0, 0, 0, 0), SOURCE),
        (words(5, 7, 0x0A000001, 0, 0, 0, 0), SOURCE),
        (words(5, 2, 0x20010DB8, 0, 0), SOURCE),
        (words(5, 1), SOURCE),
    ],
)
def test_an_agent_is_the_exporter(tmp_path, payload, exporter):
    """The address in an sFlow datagram names the exporter, one that it does not name is the sender's."""
    path = tmp_path / "sflow.pcap"
    path.write_bytes(pcap([frame(), frame(payload), frame()]))
    assert [row[0] for row in read(path)[0]] == [SOURCE, exporter, SOURCE]


def test_agents_are_what_is_configured(tmp_path):
    """With configured exporters an sFlow datagram is accepted by its agent, not by its sender."""
    path = tmp_path / "two.pcap"
    path.write_bytes(pcap([frame(sflow(agent="198.51.100.9")), frame(sflow(agent="198.51.100.8"))]))
    rows, capture = read(path, configured=[Exporter(address="198.51.100.9")], accept_unconfigured=False)
    assert ([row[0] for row in rows], capture.drops) == (["198.51.100.9"], {FrameReason.UNKNOWN_EXPORTER: 1})


@pytest.mark.parametrize(
    ("sent_from", "used", "foreign"),
    [((), 1, 0), ((SOURCE,), 1, 0), (("192.0.2.77",), 0, 1), (("192.0.2.77", "2001:db8::7", SOURCE), 1, 0)],
)
def test_a_sender_that_may_not_speak_for_an_agent(tmp_path, sent_from, used, foreign):
    """Where it is said who forwards for an agent, what others send in its name is left out and counted."""
    path = tmp_path / "forwarded.pcap"
    path.write_bytes(pcap([frame(sflow(agent="198.51.100.9")), frame()]))
    agent = Exporter(address="198.51.100.9", sent_from=sent_from)
    rows, capture = read(path, configured=[Exporter(address="192.0.2.5"), agent])
    assert [row[0] for row in rows] == ["198.51.100.9"] * used + [SOURCE]
    assert capture.drops[FrameReason.FOREIGN_AGENT] == foreign


def test_the_arrays_are_as_the_decoder_wants_them(tmp_path):
    """Payloads are writable and columns contiguous: other arrays would be other kernel signatures."""
    path = tmp_path / "one.pcap"
    path.write_bytes(pcap([frame()]))
    (block,) = Capture(path, exporters=Exporters())
    assert block.payload.flags.writeable
    assert all(column.flags.c_contiguous for column in (block.offset, block.length, block.received_at))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_octets_are_read_or_counted(tmp_path_factory, data):
    """Invariant: any octets behind a file header end in datagrams or in counts, in bounded time and memory."""
    whole = pcap([frame(export(octets=octets)) for octets in (20, 300, 1400)])
    cut = data.draw(st.integers(24, len(whole)))
    path = tmp_path_factory.mktemp("fuzz") / "fuzz.pcap"
    path.write_bytes(whole[:cut] + data.draw(st.binary(max_size=200)))
    rows, capture = read(path)
    assert len(rows) + capture.drops.total() == capture.frames + (capture.damage is not None)
    assert sum(len(row[3]) for row in rows) <= path.stat().st_size
