"""What ``Windows`` hands out, keeps, lets go and counts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from sekisho.schema.line_target import BLOCK_MS, LINE_TARGET
from sekisho.schema.line_window import LINE_WINDOW, WINDOW_MS
from sekisho.windows.conditions import conditions
from sekisho.windows.limits import ANSWER_WAIT_MS, KEPT_MS, Limits
from windows_flows import T0, V4, batch_of

TINY = {"series": 64, "window_rows": 64, "pair_rows": 64, "held_answers": 8}


def limits(**values):
    return Limits(**{**TINY, **values})


def test_nothing_folded_gives_empty_tables_of_the_declared_columns(make_windows):
    """Tables have their schema before the first flow."""
    windows = make_windows()
    assert windows.line_window().schema == LINE_WINDOW.arrow_schema()
    assert windows.line_target().schema == LINE_TARGET.arrow_schema()
    assert windows.tick(T0).lines.tolist() == []


def test_a_flow_without_duration_is_all_in_the_window_of_its_end(make_windows):
    """One packet, one window, no spreading."""
    windows = make_windows()
    windows.fold(batch_of({"received_at": T0 + WINDOW_MS, "flow_end": T0 + WINDOW_MS - 1, "packets": 7}))
    assert windows.line_window().select(["window_start_ms", "packets"]).to_pylist() == [
        {"window_start_ms": T0, "packets": 7.0}
    ]


def test_a_flow_is_spread_evenly_and_does_not_reach_the_window_at_its_end(make_windows):
    """Twenty seconds to the boundary are two windows with half each."""
    windows = make_windows()
    end = T0 + 2 * WINDOW_MS
    windows.fold(batch_of({"received_at": end, "flow_start": T0, "flow_end": end, "packets": 10}))
    assert windows.line_window()["packets"].to_pylist() == [5.0, 5.0]


def test_a_flow_longer_than_the_active_timeout_is_not_thinned_out(make_windows):
    """A start of long ago is cut to the active timeout: thirty seconds here, three windows."""
    windows = make_windows(active_cap_ms=30_000)
    end = T0 + 600_000
    windows.fold(batch_of({"received_at": end, "flow_start": T0, "flow_end": end, "packets": 30}))
    assert windows.line_window()["packets"].to_pylist() == [10.0, 10.0, 10.0]


def test_a_flow_that_ends_after_its_record_arrived_ends_when_it_arrived(make_windows):
    """An exporter's clock that runs ahead opens no window in the future."""
    windows = make_windows()
    windows.fold(batch_of({"received_at": T0, "flow_start": T0 + 3_600_000, "flow_end": T0 + 3_600_000}))
    assert windows.line_window()["window_start_ms"].to_pylist() == [T0]


def test_a_flow_between_two_lines_counts_for_both(make_windows):
    """One record, one row sent and one row received."""
    windows = make_windows()
    windows.fold(batch_of({"src_line": 5, "dst_line": 6}))
    assert windows.line_window().select(["line", "side"]).to_pylist() == [
        {"line": 5, "side": 0},
        {"line": 6, "side": 1},
    ]


def test_records_left_out_or_of_no_line_leave_nothing(make_windows):
    """Boundary -1 and unattributed records are not folded."""
    windows = make_windows()
    windows.fold(batch_of({"boundary": [-1, 0], "src_line": [1, 0]}))
    assert windows.line_window().num_rows == 0
    assert windows.boundaries_of(1, 0) == ()


def test_the_boundary_with_the_most_octets_counts(make_windows):
    """Two boundaries see the same traffic; the sums of the larger stand, never both together."""
    windows = make_windows()
    windows.fold(batch_of({"boundary": [3, 3, 4], "octets": [100, 100, 150], "packets": 1}))
    assert windows.line_window().select(["boundary", "octets"]).to_pylist() == [{"boundary": 3, "octets": 200.0}]
    assert [(s.boundary, s.records, s.octets) for s in windows.boundaries_of(1, 0)] == [
        (3, 2.0, 200.0),
        (4, 1.0, 150.0),
    ]
    windows.fold(batch_of({"boundary": [4], "octets": 51}))
    assert windows.line_window()["boundary"].to_pylist() == [4]
    assert windows.line_target()["boundary"].to_pylist() == [4]


def test_among_equal_boundaries_the_smaller_code_counts(make_windows):
    """A tie does not depend on the order of arrival."""
    windows = make_windows()
    windows.fold(batch_of({"boundary": [4, 3]}))
    assert windows.line_window()["boundary"].to_pylist() == [3]


QUESTION = {"src_line": 1, "dst_line": 0, "dst_lo": V4 + 9, "dst_port": 80, "src_lo": 0, "protocol": 6, "tcp_flags": 2}
ANSWER = {"src_line": 0, "dst_line": 1, "src_lo": V4 + 9, "src_port": 80, "dst_lo": 0, "protocol": 6, "tcp_flags": 18}


@pytest.mark.parametrize(
    ("answer_at", "answered"), [(5_000, 4.0), (0, 4.0), (-ANSWER_WAIT_MS, 4.0), (-ANSWER_WAIT_MS - 1, 0.0)]
)
def test_an_answer_counts_if_its_question_is_known_or_arrives_within_the_wait(make_windows, answer_at, answered):
    """The record of the answer may stand up to the wait before that of the question, not more."""
    windows = make_windows()
    asked = batch_of({**QUESTION, "received_at": T0 + 20_000})
    answer = batch_of({**ANSWER, "received_at": T0 + 20_000 + answer_at, "packets": 4})
    for batch in (asked, answer) if answer_at > 0 else (answer, asked):
        windows.fold(batch)
    windows.tick(T0 + 30_000)
    pair = windows.line_target().to_pylist()[0]
    assert (pair["answered_packets"], pair["answered_syn_ack_packets"]) == (answered, answered)


def test_an_answer_alone_makes_no_pair(make_windows):
    """What comes in unasked (a scan of the line) takes no row."""
    windows = make_windows()
    windows.fold(batch_of({**ANSWER, "src_lo": V4 + np.arange(500)}))
    windows.tick(T0 + 5_000)
    assert windows.line_target().num_rows == 0


def test_an_answer_at_another_boundary_counts_where_the_question_is_not_known_at_its_own(make_windows):
    """Ingress and egress of one exporter are two boundaries: questions at one, answers at the other."""
    windows = make_windows()
    windows.fold(batch_of({**QUESTION, "boundary": 0}))
    windows.fold(batch_of({**ANSWER, "boundary": 1, "packets": 3}))
    windows.tick(T0 + 5_000)
    assert windows.line_target()["answered_packets"].to_pylist() == [3.0]


def test_an_answer_counts_once_however_often_ticks_look(make_windows):
    """Ticks credit what waits and do not credit it again."""
    windows = make_windows()
    windows.fold(batch_of({**ANSWER, "received_at": T0}))
    windows.fold(batch_of({**QUESTION, "received_at": T0}))
    for clock in (T0, T0 + 5, T0 + 5_000):
        windows.tick(clock)
        assert windows.line_target()["answered_packets"].to_pylist() == [1.0]


def test_a_share_is_late_when_its_window_is_closed(make_windows):
    """Closed: its end plus the lateness lies before the clock; at the same millisecond it is open."""
    windows = make_windows(lateness_ms=20_000)
    end_of_window = T0 + WINDOW_MS
    windows.fold(batch_of({"received_at": end_of_window + 20_000, "flow_end": T0 + 5}))
    assert (windows.late, windows.line_window().num_rows) == (0, 1)
    windows.fold(batch_of({"received_at": end_of_window + 20_001, "flow_end": T0 + 5, "packets": 9}))
    assert (windows.late, windows.line_window()["packets"].to_pylist()) == (1, [1.0])


def test_late_traffic_is_kept_by_line_for_the_totals(make_windows):
    """Half of a record is late: it counts as one late record, and half of its packets are kept apart."""
    windows = make_windows(lateness_ms=10_000)
    flow = {"received_at": T0 + 40_000, "flow_start": T0 + 10_000, "flow_end": T0 + 30_000, "sampling_interval": 2.0}
    windows.fold(batch_of({**flow, "packets": [100, 100], "octets": 1_000, "src_line": [1, 2], "dst_line": [0, 2]}))
    assert windows.late == 2
    assert windows.late_totals(lines=np.array([1, 2, 3])).to_pylist() == [
        {"line": 1, "boundary": 0, "side": 0, "records": 0.5, "packets": 100.0, "octets": 1_000.0},
        {"line": 2, "boundary": 0, "side": 0, "records": 0.5, "packets": 100.0, "octets": 1_000.0},
        {"line": 2, "boundary": 0, "side": 1, "records": 0.5, "packets": 100.0, "octets": 1_000.0},
    ]


def test_lateness_is_that_of_the_exporter(make_windows):
    """Two exporters, one slow: its windows stay open longer."""
    windows = make_windows(active_cap_ms=[60_000, 60_000], lateness_ms=[10_000, 100_000])
    windows.fold(batch_of({"exporter": [0, 1], "received_at": T0 + 60_000, "flow_end": T0, "src_line": [1, 2]}))
    assert windows.line_window()["line"].to_pylist() == [2]


def test_a_tick_names_what_changed_since_the_last(make_windows):
    """Lines sorted, the earliest window that changed, and nothing the second time."""
    windows = make_windows()
    windows.fold(batch_of({"received_at": T0 + 25_000, "flow_end": [T0 + 24_000, T0 + 12_000], "src_line": [9, 3]}))
    touched = windows.tick(T0 + 25_000)
    assert (touched.lines.tolist(), touched.since_ms) == ([3, 9], T0 + 10_000)
    again = windows.tick(T0 + 30_000)
    assert (again.lines.tolist(), again.since_ms) == ([], T0 + 30_000)
    windows.fold(batch_of({"received_at": T0 + 31_000, "src_line": 9}))
    assert windows.tick(T0 + 35_000).since_ms == T0 + 30_000


def test_reading_is_limited_to_lines_and_time(make_windows):
    """Only the lines asked for, only windows and blocks that end after ``since_ms``."""
    windows = make_windows()
    received = T0 + np.arange(4) * 400_000
    for line in (1, 2):
        windows.fold(batch_of({"received_at": received, "src_line": line}))
    since = T0 + 800_000
    table = windows.line_window(lines=np.array([2, 77]), since_ms=since)
    assert table.select(["line", "window_start_ms"]).to_pylist() == [
        {"line": 2, "window_start_ms": since},
        {"line": 2, "window_start_ms": since + 400_000},
    ]
    assert windows.line_target(lines=np.array([2]), since_ms=since)["block_start_ms"].to_pylist() == [
        T0 + BLOCK_MS,
        T0 + 2 * BLOCK_MS,
    ]
    assert windows.line_window(since_ms=since + WINDOW_MS).num_rows == 2


def test_lines_in_any_order_are_read_once_and_in_order(make_windows):
    """What a caller asks for twice is there once."""
    windows = make_windows()
    windows.fold(batch_of({"src_line": [3, 1, 2]}))
    lines = np.array([3, 1, 3])
    assert windows.line_window(lines=lines)["line"].to_pylist() == [1, 3]
    assert windows.line_target(lines=lines)["line"].to_pylist() == [1, 3]


@pytest.mark.parametrize("table", ["line_window", "line_target"])
def test_each_column_alone_is_as_in_the_whole_table(make_windows, table):
    """Asking for few columns leaves out the others and changes nothing; the order is the table's."""
    windows = make_windows()
    flows = {"src_line": [1, 2, 2], "dst_lo": [V4 + 1, V4 + 2, V4 + 3], "protocol": [6, 17, 17], "packets": [1, 2, 3]}
    windows.fold(batch_of({**flows, "boundary": 3, "dst_port": 443, "tcp_flags": 2, "sampling_interval": 2.0}))
    read = getattr(windows, table)
    whole = read()
    for name in whole.column_names:
        assert read(columns=[name]).equals(whole.select([name]))
    assert read(columns=["packets", "line"]).column_names == ["line", "packets"]


def test_rows_leave_seventy_minutes_behind_the_clock(make_windows):
    """A row of the horizon's edge stays, an older one is gone, and its memory is used again."""
    windows = make_windows(limits=limits())
    for minute in range(0, 300, 2):
        windows.fold(batch_of({"received_at": T0 + minute * 60_000}))
        windows.tick(T0 + minute * 60_000)
    clock = T0 + 298 * 60_000
    starts = windows.line_window()["window_start_ms"].to_pylist()
    assert min(starts) == clock - KEPT_MS
    assert min(windows.line_target()["block_start_ms"].to_pylist()) > clock - KEPT_MS - 2 * BLOCK_MS
    assert sum(windows.dropped.values()) == 0


def test_a_silence_longer_than_the_horizon_leaves_nothing_behind(make_windows):
    """A stream that goes on after a day shares no ring place with yesterday's rows."""
    windows = make_windows()
    windows.fold(batch_of({"received_at": T0 + np.arange(0, 3_600_000, 10_000), "packets": 1}))
    later = T0 + 86_400_000
    windows.fold(batch_of({"received_at": later, "packets": 5}))
    assert windows.line_window()["packets"].to_pylist() == [5.0]
    assert windows.line_target()["packets"].to_pylist() == [5.0]


def test_without_room_the_oldest_window_leaves_first(make_windows):
    """64 rows: the 65th window pushes out the oldest, which is counted."""
    windows = make_windows(limits=limits())
    windows.fold(batch_of({"received_at": T0 + np.arange(66) * WINDOW_MS}))
    starts = windows.line_window()["window_start_ms"].to_pylist()
    assert starts == [T0 + k * WINDOW_MS for k in range(2, 66)]
    assert windows.dropped["window_limit_early"] == 2


def test_without_room_and_nothing_older_a_share_is_counted_and_left_out(make_windows):
    """65 lines in one window of a table of 64 rows."""
    windows = make_windows(limits=limits(series=128))
    windows.fold(batch_of({"src_line": np.arange(1, 66)}))
    assert windows.line_window().num_rows == 64
    assert windows.dropped["window_limit"] == 1


def test_without_room_the_oldest_block_leaves_first(make_windows):
    """Pairs of the next block push out those of the block before, together."""
    windows = make_windows(limits=limits())
    for block in range(2):
        windows.fold(batch_of({"dst_lo": V4 + np.arange(40), "received_at": T0 + block * BLOCK_MS}))
    assert windows.line_target()["block_start_ms"].to_pylist() == [T0 + BLOCK_MS] * 40
    assert windows.dropped["pair_limit_early"] == 40
    windows.fold(batch_of({"dst_lo": V4 + np.arange(100), "received_at": T0 + BLOCK_MS}))
    assert windows.line_target().num_rows == 64
    assert windows.dropped["pair_limit"] == 36


def test_without_room_new_lines_are_counted_and_idle_ones_make_room(make_windows):
    """64 lines fill the table; after seventy silent minutes others take their place."""
    windows = make_windows(limits=limits(window_rows=256, pair_rows=256))
    windows.fold(batch_of({"src_line": np.arange(1, 70)}))
    assert windows.dropped["series_limit"] == 5
    later = T0 + KEPT_MS + 2 * BLOCK_MS
    windows.tick(later)
    windows.fold(batch_of({"src_line": np.arange(101, 161), "received_at": later}))
    assert windows.line_window()["line"].to_pylist() == list(range(101, 161))
    assert windows.dropped["series_limit"] == 5


def test_without_room_held_answers_are_settled_early(make_windows):
    """Nine answers wait in a place for eight: the first no longer finds its question."""
    windows = make_windows(limits=limits())
    targets = V4 + np.arange(9)
    windows.fold(batch_of({**ANSWER, "src_lo": targets}))
    windows.fold(batch_of({**QUESTION, "dst_lo": targets}))
    windows.tick(T0 + 5_000)
    assert windows.line_target()["answered_packets"].to_pylist() == [0.0] + [1.0] * 8
    assert windows.dropped["answer_limit"] == 1


def test_an_exporter_without_timeouts_is_refused(make_windows):
    """A code beyond the arrays is a bug of the caller, not a read beyond memory."""
    windows = make_windows()
    with pytest.raises(ValueError, match="timeouts are not known"):
        windows.fold(batch_of({"exporter": 1}))
    windows.set_exporters(active_cap_ms=np.array([1, 1]), lateness_ms=np.array([1, 1]))
    windows.fold(batch_of({"exporter": 1}))
    assert windows.line_window().num_rows == 1


def test_many_rows_are_found_again_after_others_left(make_windows):
    """Indexes that grew and from which rows were removed still find every row: sums equal what went in."""
    windows = make_windows(limits=limits(series=4_096, window_rows=16_384, pair_rows=16_384))
    rng = np.random.default_rng(3)
    for step in range(30):
        received = T0 + step * 600_000 + np.sort(rng.integers(0, 600_000, 1_000))
        windows.fold(batch_of({"received_at": received, "src_line": rng.integers(1, 900, 1_000)}))
        windows.tick(int(received[-1]))
    kept = windows.line_window(since_ms=T0 + 29 * 600_000)
    assert kept["sampled_packets"].to_numpy().sum() == 1_000
    keys = set(zip(kept["line"].to_pylist(), kept["window_start_ms"].to_pylist(), strict=True))
    assert len(keys) == kept.num_rows
    assert sum(windows.dropped.values()) == 0


def test_conditions_leave_out_pairs_that_meet_none_of_them(make_windows):
    """Which rows are copied changes, never what stands in them: the same as a filter over the whole table."""
    random = np.random.default_rng(5)
    rows = 4_000
    windows = make_windows()
    windows.fold(
        batch_of(
            {
                "src_line": random.integers(1, 40, rows),
                "dst_lo": V4 + random.integers(0, 30, rows),
                "dst_port": random.choice([53, 443], rows),
                "protocol": random.choice([6, 17, 47], rows),
                "packets": random.integers(1, 9, rows),
                "tcp_flags": random.choice([2, 24], rows),
            }
        )
    )
    whole = windows.line_target()
    sent = {name: whole[name].to_numpy() for name in ("protocol", "port", "packets", "syn_packets")}
    syn_mostly = (sent["protocol"] == 6) & (sent["packets"] * 0.5 <= sent["syn_packets"])
    dns = (sent["protocol"] == 17) & (sent["port"] == 53)
    where = ("protocol = 6 and packets * 0.5 <= syn_packets", "protocol = 17 and port = 53")
    assert windows.line_target(where=where).equals(whole.filter(pa.array(syn_mostly | dns)))
    assert windows.line_target(where=("protocol = 58",)).num_rows == 0
    assert 0 < (syn_mostly | dns).sum() < whole.num_rows


@pytest.mark.parametrize(
    "text", ["", "protocol = 6 or port = 1", "protocol = 6 and line * 1 <= packets", "port = 1 and protocol = 6"]
)
def test_a_condition_of_another_form_is_an_error(text: str):
    """Nothing is let through or left out by a text that was not understood."""
    with pytest.raises(ValueError, match="protocol = N"):
        conditions((text,))


def test_what_was_sent_and_in_how_many_windows_lines_were_seen(make_windows):
    """The rows of ``line_window`` with side 0, and the number of rows of either side, line by line."""
    random = np.random.default_rng(6)
    rows = 2_000
    windows = make_windows()
    end = T0 + random.integers(0, 60_000, rows)
    windows.fold(
        batch_of(
            {
                "received_at": T0 + 60_000,
                "flow_start": end,
                "flow_end": end,
                "src_line": random.integers(0, 300, rows),
                "dst_line": random.integers(0, 60, rows),
            }
        )
    )
    lines, since = np.arange(1, 300, dtype=np.int64), T0 + 20_000
    whole = windows.line_window(lines=lines, since_ms=since)
    line, side = whole["line"].to_numpy(), whole["side"].to_numpy()
    seen = windows.sent_windows(lines=lines, since_ms=since, columns=LINE_WINDOW.names)
    assert seen.rows.equals(whole.filter(pa.array(side == 0)))
    assert seen.sent.tolist() == [int(((line == each) & (side == 0)).sum()) for each in lines]
    assert seen.received.tolist() == [int(((line == each) & (side == 1)).sum()) for each in lines]
