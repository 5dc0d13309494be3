"""The open table of support ends: every row by the rules of its contribution guide."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sekisho.checkup.data.models import Models, from_reply, read, shipped
from sekisho.checkup.identify.match import maker_name

TABLE = Path(__file__).parents[3] / "data" / "models"
ROWS = [row for file in sorted(TABLE.glob("*.json")) for row in json.loads(file.read_text("utf-8"))["models"]]


def test_the_table_in_the_package_is_the_table_of_the_repository() -> None:
    """What is installed is what people can correct."""
    assert ROWS
    for row in ROWS:
        record = shipped().of(row["maker"], row["model"])
        assert record is not None
        assert record.source == row["source"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['maker']} {row.get('model', '')}")
def test_every_row_has_a_source_a_day_and_the_makers_one_name(row: dict[str, str]) -> None:
    """A fact without a source is not entered."""
    (record,) = read({"models": [row]})
    assert maker_name(record.maker) == record.maker
    assert datetime.fromisoformat(record.recorded)
    assert record.source


def test_no_model_stands_twice() -> None:
    """Two rows of one model would contradict each other some day."""
    keys = [(row["maker"], row.get("model", "")) for row in ROWS]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "change",
    [{"source": " "}, {"source": None}, {"precision": "year"}, {"colour": "red"}, {"support": {"last_updated": "tba"}}],
)
def test_a_row_that_breaks_a_rule_is_refused(change: dict[str, object]) -> None:
    """The sentence names the row."""
    row = {"maker": "Example", "model": "EX-1", "source": "somewhere", "recorded": "2026-01-01"} | change
    row = {name: value for name, value in row.items() if value is not None}
    with pytest.raises((ValueError, KeyError)):
        read({"models": [row]})


def test_support_ends_at_its_moment() -> None:
    """One second before and on it; a month is held as its last moment and shown as a month."""
    record = shipped().of("BUFFALO", "wxr5950ax12")
    assert record is not None
    assert record.until == "2026-01"
    assert record.ended(datetime(2026, 1, 31, 14, 59, 58, tzinfo=UTC)) is False
    assert record.ended(datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC)) is True


def test_an_end_that_is_not_announced_is_not_known() -> None:
    """None, which becomes a question and never OK."""
    rows = read({"models": [{"maker": "Example", "model": "EX-1", "source": "x", "recorded": "2026-01-01"}]})
    record = Models(rows).of("example", "ex 1")
    assert record is not None
    assert record.ended(datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("until", "last"), [("2028-02", "2028-02-29T23:59:59+09:00"), ("2028-02-10", "2028-02-10T23:59:59+09:00")]
)
def test_a_reply_names_a_day_or_a_month_and_leaves_the_rest_as_it_was(until: str, last: str) -> None:
    """The end holds to its last second in Japan; what the maker did not answer stays with the table."""
    row = shipped().of("BUFFALO", "WXR-5950AX12")
    record = from_reply(
        "BUFFALO", "WXR-5950AX12", {"date": "2026-09-20", "source": "mail", "support_until": until}, row
    )
    assert record.until == until
    assert record.support is not None
    assert record.support.decisive == datetime.fromisoformat(last)
    assert (record.source, record.recorded) == ("mail", "2026-09-20")
    silent = from_reply("BUFFALO", "WXR-5950AX12", {"date": "2026-09-20", "source": "mail"}, row)
    assert silent.until == "2026-01"
