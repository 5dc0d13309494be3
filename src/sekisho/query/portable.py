"""The SQL that DuckDB and Spark answer alike: what a detector and the definitions of the window tables may use.

Everything that is not listed here is refused, so a function that a future parser knows is refused as well. What was
tried and left out, because one engine lacks it or both answer differently, has its reason in ``WHY_NOT``.
Two rules cannot be read from a statement and stay with its author: a divisor must not be zero (Spark's ANSI mode
raises; write ``nullif``), and a double becomes a bigint by way of ``floor`` or ``round`` (DuckDB rounds, Spark cuts).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.helper import camel_to_snake_case

if TYPE_CHECKING:
    from collections.abc import Iterator

DIALECT = "duckdb"
"""Statements are written for the default engine and translated for the others."""

STRUCTURE: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.With, exp.CTE, exp.Subquery, exp.Union, exp.Exists),
    *(exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Distinct),
    *(exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.DataType),
)
"""Clauses and names."""

OPERATORS: tuple[type[exp.Expr], ...] = (
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg),
    *(exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot, exp.BitwiseRightShift),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is),
    *(exp.And, exp.Or, exp.Not, exp.Case, exp.If, exp.Cast),
)
"""``if`` is a branch of ``case`` in the parser."""

FUNCTIONS: tuple[type[exp.Expr], ...] = (
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.ArgMax, exp.Filter),
    *(exp.Window, exp.WindowSpec, exp.RowNumber),
    *(exp.Coalesce, exp.Nullif, exp.Least, exp.Greatest),
    *(exp.Abs, exp.Floor, exp.Ceil, exp.Round, exp.Sqrt, exp.Ln, exp.Exp, exp.Pow),
)
"""Aggregates, windows and arithmetic."""

CAST_TYPES = frozenset({exp.DataType.Type.DOUBLE, exp.DataType.Type.BIGINT, exp.DataType.Type.INT})

WHY_NOT: dict[str, str] = {
    "approx_distinct": "each engine estimates in its own way; count(distinct ...) is exact",
    "percentile_cont": "a quantile is interpolated differently; compare with a threshold instead",
    "quantile": "a quantile is interpolated differently; compare with a threshold instead",
    "median": "a quantile is interpolated differently; compare with a threshold instead",
    "hash": "every engine hashes differently",
    "now": "time comes in with the rows: the stream clock, never the wall clock",
    "current_timestamp": "time comes in with the rows: the stream clock, never the wall clock",
    "unix_to_time": "times are integer milliseconds",
    "current_date": "time comes in with the rows: the stream clock, never the wall clock",
    "timestamp_trunc": "times are integer milliseconds: t // 10000 * 10000",
    "tuple": "rows as values are compared differently; one column at a time",
    "interval": "times are integer milliseconds",
    "rand": "the same rows give the same answer",
    "explode": "table functions differ; join a table of steps",
    "array_agg": "lists differ; one row a value",
    "first": "which row is first is left open; use arg_max on a unique key",
    "any_value": "which row it is is left open; use arg_max on a unique key",
    "bitwise_left_shift": "DuckDB raises on overflow, Spark wraps; multiply",
    "bitwise_xor": "DuckDB writes xor(a, b), Spark a ^ b",
    "log": "base 10 in DuckDB, base e in Spark; use ln",
}
"""Reason by the parser's name of the construct."""

_ALLOWED = frozenset((*STRUCTURE, *OPERATORS, *FUNCTIONS))
_REFUSED_ARGUMENTS: tuple[tuple[type[exp.Expr], tuple[str, ...]], ...] = (
    (exp.Select, ("kind", "hint", "into", "operation_modifiers", "qualify", "windows", "sample", "pivots", "offset")),
    (exp.With, ("recursive",)),
    (exp.CTE, ("materialized",)),
    (exp.Group, ("all", "totals", "rollup", "cube", "grouping_sets")),
    (exp.Star, ("except_", "replace", "rename")),
    (exp.Distinct, ("on",)),
    (exp.Union, ("by_name", "side", "on")),
    (exp.Table, ("db", "catalog", "version", "when", "ordinality")),
    (exp.Cast, ("format", "safe")),
)
"""Parts of an allowed clause that are not portable."""


def check(sql: str) -> list[str]:
    """What keeps a statement from running alike on every engine; empty where nothing does.

    Args:
        sql: one SELECT in DuckDB's dialect.
    """
    try:
        statements = sqlglot.parse(sql, dialect=DIALECT)
    except SqlglotError as error:
        return [f"not understood: {error}"]
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.Union):
        return ["one SELECT, not something else and not several statements"]
    problems = [problem for node in statements[0].walk() for problem in _problems(node)]
    return problems or _untranslatable(statements[0])


def _problems(node: exp.Expr) -> Iterator[str]:
    if type(node) not in _ALLOWED:
        yield _refusal(node)
        return
    for kind, arguments in _REFUSED_ARGUMENTS:
        if type(node) is kind:
            yield from (
                f"{name.rstrip('_')} is not portable: {_text(node)}" for name in arguments if node.args.get(name)
            )
    for kind, rule in _RULES:
        if type(node) is kind and (problem := rule(node)):
            yield f"{problem}: {_text(node)}"


def _refusal(node: exp.Expr) -> str:
    name = _name(node)
    reason = f" ({WHY_NOT[name]})" if name in WHY_NOT else ""
    return f"{name} is not portable{reason}: {_text(node)}"


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.Func):
        return type(node).sql_names()[0].lower()
    return camel_to_snake_case(type(node).__name__).lower()


def _text(node: exp.Expr) -> str:
    return node.sql(dialect=DIALECT, unsupported_level=ErrorLevel.IGNORE)[:80]


def _untranslatable(statement: exp.Expr) -> list[str]:
    try:
        statement.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        return [f"Spark has no such thing: {error}"]
    return []


def _sum(node: exp.Expr) -> str:
    # A sum of bigint is a 128-bit number in DuckDB and a bigint in Spark; a cast makes it one type.
    around = node.parent
    while isinstance(around, exp.Filter | exp.Window | exp.Paren):
        around = around.parent
    inside = node.this
    if isinstance(around, exp.Cast) or (isinstance(inside, exp.Cast) and inside.is_type(exp.DataType.Type.DOUBLE)):
        return ""
    return "a sum is cast to double or bigint"


def _cast(node: exp.Expr) -> str:
    return "" if node.args["to"].this in CAST_TYPES else "cast to double, bigint or int only"


def _join(node: exp.Expr) -> str:
    if node.args.get("method"):
        return f"{node.args['method'].lower()} join is not portable"
    if node.args.get("kind") in {"SEMI", "ANTI"}:
        return "semi and anti joins are written differently; use exists"
    return ""


def _window(node: exp.Expr) -> str:
    if isinstance(node.this, exp.RowNumber) and not node.args.get("order"):
        return "row_number needs an order by that decides every row"
    if isinstance(node.this, exp.Filter):
        return "older Spark has no filter in a window; use case"
    return ""


def _limit(node: exp.Expr) -> str:
    return "" if node.parent is None or node.parent.args.get("order") else "limit needs an order by that decides"


def _table(node: exp.Expr) -> str:
    return "" if re.fullmatch(r"[a-z_][a-z0-9_]*", node.name) else "a table is one of the given ones"


def _count(node: exp.Expr) -> str:
    several = isinstance(node.this, exp.Distinct) and len(node.this.expressions) > 1
    return "count distinct takes one column; group by them first" if several else ""


def _div(node: exp.Expr) -> str:
    # Spark divides decimals to six digits behind the point, DuckDB as doubles: 4.0 / 3 differed in the seventh.
    sides = (side.unnest() for side in (node.this, node.expression))
    if any(
        isinstance(side, exp.Literal) and not side.is_string and re.fullmatch(r"\d*\.\d*", side.name) for side in sides
    ):
        return "a number with a point is a decimal; write 4e0 in a division"
    return ""


_RULES = (
    (exp.Div, _div),
    (exp.Sum, _sum),
    (exp.Cast, _cast),
    (exp.Join, _join),
    (exp.Window, _window),
    (exp.Limit, _limit),
    (exp.Table, _table),
    (exp.Count, _count),
)
"""What an allowed construct must look like beyond being allowed."""
