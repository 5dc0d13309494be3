"""One Spark for all tests of a process: it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from query.engines import PARAMS
from sekisho.query.duckdb import DuckDBEngine
from sekisho.query.engine import Engine
from sekisho.query.spark import SparkEngine
from tools import needs

SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.driver.memory": "1g",
    # Tables of a few rows: compiling a plan takes far longer than running it as it stands.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkEngine]:
    needs("java")
    engine = SparkEngine(master="local[2]", settings=SMALL)
    engine.session()
    yield engine
    engine.close()


@pytest.fixture(params=PARAMS.values(), ids=PARAMS.keys())
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        request.getfixturevalue("spark")
        yield (engine := SparkEngine())
    else:
        yield (engine := DuckDBEngine())
    engine.close()
