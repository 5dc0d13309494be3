"""``decode``: the records of captures in their order, the same in every form, and said what was not used."""

from __future__ import annotations

import csv
import io
import json
from ipaddress import IPv6Address

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_builders import export, frame, pcap
from sekisho.attribution.attributor import Attributor
from sekisho.collect.capture import read_capture
from sekisho.collect.exporters import Exporters
from sekisho.core.address import to_words
from sekisho.core.config import Network
from sekisho.core.errors import InputError
from sekisho.core.reasons import UnattributedReason
from sekisho.core.time import iso
from sekisho.pipeline import flow_files
from sekisho.pipeline.decode import Form, decode
from sekisho.pipeline.flow_files import Csv, JsonLines
from sekisho.pipeline.flow_text import names_of
from sekisho.schema.batch import FlowBatch
from sekisho.schema.flow import FLOW
from sekisho.wire.decoder import Decoder
from shared_data import shared

SAMPLES = ("exports/irc-bot.v9.pcap", "exports/nmap-synscan.ipfix.pcap", "akvorado/netflow/data+templates.pcap")


def sample(name=SAMPLES[0]):
    return str(shared(f"flow/{name}"))


def run(form, *inputs, **settings):
    stream = io.BytesIO()
    result = decode(inputs or (sample(),), form=form, output=stream, **settings)
    return stream.getvalue(), result


def objects(*inputs, **settings):
    octets, result = run(Form.JSONL, *inputs, **settings)
    return [json.loads(line) for line in octets.decode().splitlines()], result


def table_of(*inputs):
    """The same captures through decoder and schema alone, as Python rows."""
    exporters = Exporters()
    decoder = Decoder(exporters=exporters.texts, realms=[""])
    decoder.start()
    captures = [read_capture(path, exporters=exporters) for path in inputs]
    return [
        row
        for capture in captures
        for block in capture
        for batch in decoder.decode(block)
        for row in batch.to_arrow().to_pylist()
    ]


def rendered(row):
    """What a row of the flow table is in JSON."""
    texts = {name: f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z" for name, value in times(row)}
    texts |= {f"{side}_addr": address(row, side) for side in ("src", "dst")}
    return {
        **{name: value for name, value in row.items() if not name.endswith(("_hi", "_lo"))},
        **texts,
        "tunnel_src_addr": address(row, "tunnel_src") if row["tunnel_kind"] else "",
    }


def times(row):
    return ((name, row[name]) for name in ("received_at", "flow_start", "flow_end"))


def address(row, side):
    packed = IPv6Address(row[f"{side}_hi"] % 2**64 << 64 | row[f"{side}_lo"] % 2**64)
    return str(packed.ipv4_mapped or packed)


@pytest.mark.parametrize("name", SAMPLES)
def test_json_lines_hold_the_flow_table(name):
    """Each row is an object with every column, addresses and times as text, in input order."""
    rows, result = objects(sample(name))
    assert rows == [rendered(row) for row in table_of(sample(name))]
    assert [*rows[0]] == list(names_of(with_lines=False))
    assert result.rows == len(rows)


def test_inputs_follow_each_other():
    """Several captures are decoded in the order given, as one stream."""
    names = [sample(name) for name in SAMPLES]
    rows, result = objects(*names)
    assert [row["exporter"] for row in rows] == [row["exporter"] for name in names for row in objects(name)[0]]
    assert result.records == sum(objects(name)[1].records for name in names)


@pytest.mark.parametrize("name", SAMPLES)
def test_csv_holds_the_same_as_json_lines(name):
    """A header, then the same texts and numbers."""
    octets, _ = run(Form.CSV, sample(name))
    rows = list(csv.DictReader(io.StringIO(octets.decode(), newline="")))
    assert rows == [
        {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in row.items()}
        for row in objects(sample(name))[0]
    ]


@pytest.mark.parametrize("row_group_rows", [1, 1 << 17])
def test_parquet_holds_the_flow_table_with_its_types(monkeypatch, row_group_rows):
    """Column names, types and values are those of the flow table, in one row group or many."""
    monkeypatch.setattr(flow_files, "ROW_GROUP_ROWS", row_group_rows)
    inputs = [sample(name) for name in SAMPLES]
    octets, _ = run(Form.PARQUET, *inputs)
    file = pq.ParquetFile(io.BytesIO(octets))
    assert file.schema_arrow.names == list(FLOW.names)
    for field, expected in zip(file.schema_arrow, FLOW.arrow_schema(), strict=True):
        assert field.type in {expected.type, getattr(expected.type, "value_type", None)}
        assert not field.nullable
    assert (file.num_row_groups > 1) == (row_group_rows == 1)
    assert sorted(map(str, file.read().to_pylist())) == sorted(map(str, (r for i in inputs for r in table_of(i))))


def test_a_parquet_file_is_whole_when_a_later_input_is_damaged(tmp_path):
    """A capture that ends early leaves a readable file, and the damage is said."""
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(shared("flow/exports/nmap-synscan.v9.pcap").read_bytes()[:-10])
    octets, result = run(Form.PARQUET, str(cut))
    assert pq.read_metadata(io.BytesIO(octets)).num_rows == result.rows > 0
    assert result.drops["truncated_file"] == 1
    assert "ends inside a record" in next(result.sentences())


@pytest.fixture
def attributor(tmp_path):
    """One of the addresses of the sample belongs to a line, whose name needs quotation marks everywhere."""
    src = objects()[0][0]["src_addr"]
    lines = tmp_path / "assignments.csv"
    lines.write_text(
        f'line_id,prefix,port_first,port_last,valid_from,valid_to\n"a ""b"", c",{src}/32,,,2000-01-01T00:00:00Z,\n'
    )
    return Attributor.load(lines=[lines], map_e=None, network=Network(), realms=[""])


@pytest.mark.parametrize("form", Form)
def test_lines_of_both_sides(attributor, form):
    """With assignments, four more columns name the line of each side, or the reason why there is none."""
    octets, _ = run(form, attribution=attributor)
    if form is Form.PARQUET:
        rows = pq.read_table(io.BytesIO(octets)).to_pylist()
    elif form is Form.CSV:
        rows = list(csv.DictReader(io.StringIO(octets.decode(), newline="")))
    else:
        rows = [json.loads(line) for line in octets.splitlines()]
    there = {"src_line_id": 'a "b", c', "dst_line_id": "", "src_unattributed": "", "dst_unattributed": "not_ours"}
    back = {"src_line_id": "", "dst_line_id": 'a "b", c', "src_unattributed": "not_ours", "dst_unattributed": ""}
    found = [{name: row[name] for name in there} for row in rows]
    assert there in found
    assert back in found
    assert {int(row["src_line"]) != 0 for row in rows if row["src_line_id"]} == {True}


def test_options_stand_where_they_came():
    """With events, options records are objects of their own between the flows, before those that follow them."""
    rows, result = objects(sample(SAMPLES[2]), events=True)
    without, _ = objects(sample(SAMPLES[2]))
    assert [row for row in rows if "record" not in row] == without
    assert result.events == len(rows) - len(without) > 0
    assert rows[0]["record"] == "options"
    assert rows[0]["fields"]["samplingInterval"] == 100
    assert set(rows[0]) == {"record", "received_at", "exporter", "observation_domain_id", "fields"}


def test_nat_events():
    """NAT event records are no flows; with events they are written, without they are counted."""
    rows, _ = objects(sample("akvorado/netflow/nat.pcap"), events=True)
    assert "nat_event" in {row.get("record") for row in rows}
    assert all("src_addr" not in row for row in rows)
    _, result = objects(sample("akvorado/netflow/nat.pcap"))
    assert (result.rows, result.drops["no_counters"] > 0) == (0, True)


def test_events_in_csv():
    """CSV has two more columns, empty for flows; an event has what it shares with flows, and its fields as JSON."""
    octets, result = run(Form.CSV, sample(SAMPLES[2]), events=True)
    rows = list(csv.DictReader(io.StringIO(octets.decode(), newline="")))
    events = [row for row in rows if row["record"]]
    assert len(events) == result.events
    assert json.loads(events[0]["fields"])["samplingInterval"] == 100
    assert events[0]["src_addr"] == ""
    assert {row["fields"] for row in rows if not row["record"]} == {""}


def test_parquet_has_no_place_for_events():
    """The flow table holds flows alone: asking for more is a mistake of the command."""
    with pytest.raises(InputError, match="expected --format jsonl or csv, found parquet"):
        run(Form.PARQUET, events=True)


def test_many_blocks_in_parts(tmp_path):
    """Datagrams decoded in parts, because of events, give the same rows in the same order."""
    sample_octets = shared("flow/exports/nmap-synscan.v9.pcap").read_bytes()
    many = tmp_path / "many.pcap"
    many.write_bytes(sample_octets + sample_octets[24:] * 7)
    rows, result = objects(str(many), events=True)
    assert result.datagrams > 600
    assert [row for row in rows if "record" not in row] == objects(str(many))[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "1 datagram, 2 records; written: 2 flows"), ({"events": True}, "2 flows, 1 options or event record")],
)
def test_what_was_done_is_said(settings, said):
    """The first sentence counts what was read and written, the second what is known to be lost."""
    sentences = list(run(Form.JSONL, **settings)[1].sentences())
    assert said in sentences[0]
    assert sentences[1:] == ["lost: nothing that sequence numbers show"]


def test_no_export_datagram_says_what_was_there(tmp_path):
    """A capture of other traffic is refused with what its frames were."""
    path = tmp_path / "web.pcap"
    path.write_bytes(pcap([frame(b"\x12\x34 DNS")] * 3))
    with pytest.raises(InputError, match=r"web.pcap: expected NetFlow .*, found none in 3 frames \(3 not_an_export\)"):
        run(Form.JSONL, str(path))


def test_a_later_input_that_is_missing_is_noticed_first(tmp_path):
    """All inputs are looked at before the first is read: nothing is written."""
    stream = io.BytesIO()
    with pytest.raises(InputError, match="No such file"):
        decode([sample(), str(tmp_path / "missing")], form=Form.JSONL, output=stream)
    assert stream.getvalue() == b""


def test_what_was_not_used_is_said(tmp_path):
    """Frames, datagrams and records are counted by reason in one sentence."""
    path = tmp_path / "mixed.pcap"
    path.write_bytes(pcap([frame(b"\x12\x34 DNS"), frame(export(5, octets=12)), frame(export(10, octets=16))]))
    _, result = run(Form.JSONL, str(path))
    assert result.drops["not_an_export"] == 1
    assert any(sentence.startswith("not used: ") and "1 not_an_export" in sentence for sentence in result.sentences())


ADDRESSES = st.one_of(
    st.ip_addresses(),
    st.sampled_from(["::", "::1", "::ffff:192.0.2.1", "::192.0.2.1", "2001:db8::1:0:0:1", "64:ff9b::192.0.2.1"]).map(
        IPv6Address
    ),
)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(ADDRESSES, NUMBERS, TEXTS), min_size=1, max_size=20))
def test_any_cells_come_back(rows):
    """Any address, number and text is the same after reading what was written, in both text forms."""
    batch = FlowBatch(exporters=[text for *_, text in rows])
    batch.length = len(rows)
    for row, (address, number, _) in enumerate(rows):
        batch.cells[[FLOW.index("src_hi"), FLOW.index("src_lo")], row] = to_words(address)
        batch.column("packets")[row], batch.column("exporter")[row] = number, row
    batch.column("dst_lo")[:] = 0xFFFF << 32
    expected = [(str(getattr(address, "ipv4_mapped", None) or address), number, text) for address, number, text in rows]
    stream = io.BytesIO()
    JsonLines(stream, line_id=None).write(batch, [])
    found = [json.loads(line) for line in stream.getvalue().decode().split("\n")[:-1]]
    assert [(row["src_addr"], row["packets"], row["exporter"]) for row in found] == expected
    stream = io.BytesIO()
    Csv(stream, line_id=None, events=False).write(batch, [])
    found = list(csv.DictReader(io.StringIO(stream.getvalue().decode(), newline="")))
    assert [(row["src_addr"], int(row["packets"]), row["exporter"]) for row in found] == expected


def test_times_and_rates_of_any_size():
    """Times before 1970 and sampling intervals that are not whole keep their value."""
    batch = FlowBatch(exporters=["192.0.2.1"])
    batch.length = 2
    batch.column("flow_start")[:] = -1, 1_700_000_000_123
    batch.column("sampling_interval")[:] = 1.5, 4096
    stream = io.BytesIO()
    JsonLines(stream, line_id=None).write(batch, [])
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["flow_start"] for row in rows] == [iso(-1), iso(1_700_000_000_123)]
    assert [row["sampling_interval"] for row in rows] == [1.5, 4096]


def test_every_reason_has_its_label():
    """The reason of each side is its label, empty where there is a line."""
    batch = FlowBatch(exporters=["192.0.2.1"])
    batch.length = len(UnattributedReason)
    batch.column("src_unattributed")[:] = np.array([int(reason) for reason in UnattributedReason])
    stream = io.BytesIO()
    JsonLines(stream, line_id=str).write(batch, [])
    labels = [json.loads(line)["src_unattributed"] for line in stream.getvalue().splitlines()]
    assert labels == ["", *(reason.label for reason in UnattributedReason if reason)]
