"""The portable subset: what is allowed, and every construct that is not, with its reason."""

from __future__ import annotations

import pytest

from sekisho.query.portable import WHY_NOT, check

ALLOWED = {
    "aggregates with filter": "select count(*) filter (where y > 0), max(x) from t group by z having count(*) > 1",
    "exact distinct": "select count(distinct x) from t",
    "arg_max": "select line, arg_max(peer, octets) from t group by line",
    "max_by is the same": "select max_by(peer, octets) from t",
    "integer division and modulo": "select t // 10000 * 10000, t % 10000, x / 2e0 from t",
    "bit operators": "select (flags & 18) = 18, a | b, ~a, a >> 8 from t",
    "case": "select case when x > 0 then 1e0 / x else 0e0 end from t",
    "sum cast outside": "select cast(sum(x) as bigint), cast(sum(x) filter (where y = 1) as double) from t",
    "sum cast inside": "select sum(cast(x as double)) from t",
    "joins": "select a.x from a join b using (x) left join c on a.x = c.x cross join step",
    "exists": "select x from t where exists (select 1 from u where u.x = t.x)",
    "with": "with a as (select x from t) select x from a union all select x from u",
    "row_number": "select row_number() over (partition by x order by y) r from t",
    "aggregates over frames": "select max(x) over (order by y rows between 5 preceding and current row) from t",
    "arithmetic": "select abs(x), floor(x), ceil(x), round(x), sqrt(x), ln(x), exp(x), power(x, 2) from t",
    "choices": "select least(a, b), greatest(a, b), coalesce(a, b), nullif(a, 0) from t",
    "comparisons": "select x from t where x in (1, 2) and y between 1 and 2 or z is not null and not w",
    "sum over a window": "select cast(sum(x) over (partition by y) as double) from t",
    "limit with order": "select x from t order by x desc limit 3",
}

REFUSED = {
    "select approx_count_distinct(x) from t": "approx_distinct is not portable",
    "select quantile_cont(x, 0.5) from t": "percentile_cont is not portable",
    "select median(x) from t": "median is not portable",
    "select hash(x) from t": "hash is not portable",
    "select md5(x) from t": "md5 is not portable",
    "select now() from t": "the wall clock",
    "select current_timestamp from t": "the wall clock",
    "select today() from t": "the wall clock",
    "select epoch_ms(x) from t": "integer milliseconds",
    "select date_trunc('hour', x) from t": "integer milliseconds",
    "select x + interval 1 second from t": "integer milliseconds",
    "select random() from t": "the same rows give the same answer",
    "select * from a asof join b on a.x >= b.x": "asof join",
    "select * from a natural join b": "natural join",
    "select * from a semi join b using (x)": "use exists",
    "select * from a positional join b": "positional join",
    "select * from read_csv('x.csv')": "read_csv is not portable",
    "select * from 'x.parquet'": "a table is one of the given ones",
    "select * from main.t": "db is not portable",
    "select * from range(10)": "generate_series is not portable",
    "select unnest(x) from t": "join a table of steps",
    "select list(x) from t": "one row a value",
    "select first(x) from t": "which row is first",
    "select any_value(x) from t": "use arg_max",
    "select sum(x) from t": "a sum is cast to double or bigint",
    "select sum(cast(x as bigint)) from t": "a sum is cast to double or bigint",
    "select cast(x as decimal(10, 2)) from t": "cast to double, bigint or int only",
    "select cast(x as timestamp) from t": "cast to double, bigint or int only",
    "select try_cast(x as bigint) from t": "try_cast is not portable",
    "select row_number() over (partition by x) from t": "row_number needs an order by",
    "select count(*) filter (where y > 0) over (partition by x) from t": "no filter in a window",
    "select lag(x) over (order by y) from t": "lag is not portable",
    "select x / 3.0 from t": "write 4e0",
    "select (4.0) / x from t": "write 4e0",
    "select x from t limit 3": "limit needs an order by",
    "select x from t order by x offset 3": "offset is not portable",
    "select x from t group by all": "all is not portable",
    "select x from t order by all": "var is not portable",
    "select x from t group by cube (x)": "cube is not portable",
    "select * exclude (a) from t": "except is not portable",
    "select distinct on (a) a from t": "on is not portable",
    "select x from t qualify x = 1": "qualify is not portable",
    "with recursive a as (select 1) select * from a": "recursive is not portable",
    "select count(distinct a, b) from t": "takes one column",
    "select x from t where (a, b) in (select a, b from u)": "tuple is not portable",
    "select [1, 2] from t": "array is not portable",
    "select {'a': 1} from t": "struct is not portable",
    "select x from t using sample 10": "sample is not portable",
    "select ? from t": "placeholder is not portable",
    "select $name from t": "placeholder is not portable",
    "select 1 << 3 from t": "multiply",
    "select xor(a, b) from t": "bitwise_xor is not portable",
    "select log(x) from t": "use ln",
    "select x from t where y like 'a%'": "like is not portable",
    "select columns('a') from t": "columns is not portable",
    "select max(x, 3) from t": "Spark has no such thing",
    "select x from t for update": "lock is not portable",
    "select no_such_function(x) from t": "no_such_function is not portable",
    "delete from t": "one SELECT",
    "select 1; select 2": "one SELECT",
    "attach 'x.db'": "one SELECT",
    "copy t to 'x'": "one SELECT",
    "select (": "not understood",
}


@pytest.mark.parametrize("sql", ALLOWED.values(), ids=ALLOWED.keys())
def test_allowed_construct_has_no_problem(sql):
    """Every construct that architecture lists as portable passes."""
    assert check(sql) == []


@pytest.mark.parametrize(("sql", "reason"), REFUSED.items(), ids=REFUSED.keys())
def test_refused_construct_is_named_with_its_reason(sql, reason):
    """A construct that one engine lacks or answers differently is named."""
    problems = check(sql)
    assert any(reason in problem for problem in problems), problems


def test_every_reason_is_reachable():
    """``WHY_NOT`` holds no name that the parser never gives."""
    everything = [problem for sql in REFUSED for problem in check(sql)]
    extra = [problem for sql in ("select quantile(x, 0.5) from t",) for problem in check(sql)]
    unused = [name for name in WHY_NOT if not any(p.startswith(f"{name} is") for p in everything + extra)]
    assert unused == []


def test_all_problems_are_listed():
    """One run names every problem, not only the first."""
    problems = check("select hash(x), random(), sum(y) from t")
    assert len(problems) == 3
