"""What every engine of ``ENGINES`` must do alike."""

from __future__ import annotations

import pyarrow as pa
import pytest

from query.engines import PARAMS
from sekisho.query import ENGINES, duckdb
from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.engine import load

TABLE = pa.table(
    {
        "line": pa.array([1, 1, 2, 2], pa.int64()),
        "octets": pa.array([10, 20, 2**62, 2**62], pa.int64()),
        "rate": pa.array([0.5, 1.5, 2.5, -2.5]),
        "peer": pa.array([-7, 8, 9, -9], pa.int64()),
        "name": pa.array(["a", "b", "a", "b"]).dictionary_encode(),
    }
)


def test_every_engine_is_held_to_this():
    """A row of the table that nothing here runs fails."""
    assert set(PARAMS) == set(ENGINES)


def rows(engine, sql, **tables):
    return engine.run(sql, {"t": TABLE, **tables}).to_pylist()


def test_sums_keep_the_type_they_are_cast_to(engine):
    """Bigint and double come back as themselves, whatever the engine's own sum is."""
    sql = """
        select line, cast(sum(peer) as bigint) s, cast(sum(rate) as double) r, count(*) n
        from t group by line order by line"""
    assert rows(engine, sql) == [
        {"line": 1, "s": 1, "r": 2.0, "n": 2},
        {"line": 2, "s": 0, "r": 0.0, "n": 2},
    ]


def test_integer_division_cuts_towards_zero_and_bits_work(engine):
    """The arithmetic that window starts and prefixes rely on."""
    answer = rows(engine, "select peer // 2 d, peer % 2 m, peer & -4 b, peer >> 1 r from t order by peer limit 2")
    assert answer == [{"d": -4, "m": -1, "b": -12, "r": -5}, {"d": -3, "m": -1, "b": -8, "r": -4}]


def test_arg_max_filter_and_row_number(engine):
    """Aggregates of the subset."""
    sql = """
        select line, arg_max(peer, rate) best, count(*) filter (where rate > 0) positive, max(r) last
        from (select *, row_number() over (partition by line order by peer) r from t) group by line order by line"""
    assert rows(engine, sql) == [
        {"line": 1, "best": 8, "positive": 2, "last": 2},
        {"line": 2, "best": 9, "positive": 1, "last": 2},
    ]


def test_several_tables_join(engine):
    """Every given table is seen under its name."""
    other = pa.table({"line": [1], "cap": [60_000]})
    sql = "select t.peer, u.cap from t left join u on t.line = u.line where rate > 1 order by peer"
    assert rows(engine, sql, u=other) == [{"peer": 8, "cap": 60_000}, {"peer": 9, "cap": None}]


def test_a_sum_without_cast_is_refused(engine):
    """An engine's own wide type never reaches a detector."""
    with pytest.raises(ValueError, match=r"\bcast\b"):
        engine.run("select sum(peer) as s from t", {"t": TABLE})


def test_overflow_is_an_error_not_a_wrong_number(engine):
    """2^63 octets do not fit a bigint."""
    with pytest.raises(ValueError, match="does not run"):
        engine.run("select cast(sum(octets) as bigint) as s from t", {"t": TABLE})


def test_tables_are_gone_after_the_statement(engine):
    """A statement sees the tables that it was given and no earlier ones."""
    engine.run("select count(*) c from t", {"t": TABLE})
    with pytest.raises(ValueError, match="does not run"):
        engine.run("select count(*) c from t", {})


def test_a_statement_asked_again_sees_the_tables_of_that_time(engine):
    """What an engine keeps of a statement is never a row, nor the type of a column."""
    sql = "select sum(cast(x as double)) s, max(x) m from u"
    answers = [rows(engine, sql, u=pa.table({"x": values})) for values in ([1, 2], [3], [], [0.5], [4, 5])]
    assert [answer[0]["m"] for answer in answers] == [2, 3, None, 0.5, 5]
    assert [answer[0]["s"] for answer in answers] == [3.0, 3.0, None, 0.5, 9.0]


def test_more_statements_than_an_engine_keeps(engine):
    """Statements that were let go run again as before."""
    # DuckDB keeps 64 prepared; Spark keeps translations alone, and takes longer over each.
    for turn in range(2):
        for k in range(100 if isinstance(engine, DuckDBEngine) else 5):
            assert rows(engine, f"select count(*) + {k} n from u", u=pa.table({"x": [0] * turn})) == [{"n": k + turn}]


def test_python_variables_are_not_tables(engine):
    """A misspelt table does not silently become a variable of the caller."""
    with pytest.raises(ValueError, match="does not run"):
        engine.run("select * from TABLE_OF_TEST", {"t": TABLE})


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('{path}')",
        "select * from '{path}'",
        "copy (select 1) to '{path}.out'",
        "attach '{path}.db'",
        "set enable_external_access = true",
    ],
)
def test_no_way_out(engine, sql, tmp_path):
    """A statement reads and writes no file and cannot allow itself to."""
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n")
    with pytest.raises(ValueError, match="does not run"):
        engine.run(sql.format(path=path), {"t": TABLE})
    assert list(tmp_path.iterdir()) == [path]


def test_an_engine_starts_anew_after_close(engine):
    """Closing twice is harmless; running again opens again."""
    assert rows(engine, "select 1 as one") == [{"one": 1}]
    engine.close()
    engine.close()
    assert rows(engine, "select 1 as one") == [{"one": 1}]


def test_unknown_engine_is_named_with_the_known_ones():
    """The error lists what there is."""
    with pytest.raises(ValueError, match="duckdb"):
        load("no_such_engine")


def test_a_database_begun_anew_answers_as_before(monkeypatch: pytest.MonkeyPatch):
    """DuckDB's is renewed after some minutes: earlier answers stay, later ones are the same."""
    engine, sql = DuckDBEngine(), "select line, arg_max(name, peer) best from t group by line order by line"
    answers = [engine.run(sql, {"t": TABLE}) for _ in range(2)]
    before = engine._connection
    monkeypatch.setattr(duckdb, "DATABASE_S", 0.0)
    answers += [engine.run(sql, {"t": TABLE}) for _ in range(3)]
    assert engine._connection is not before
    engine.close()
    assert [answer.to_pylist() for answer in answers] == [[{"line": 1, "best": "b"}, {"line": 2, "best": "a"}]] * 5
