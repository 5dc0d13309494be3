"""Decode only, on one core: NetFlow v9 with 16 fields, v5, IPFIX with a field of variable length, and sFlow v5."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from bench.measure import best_of, show
from sekisho.wire.datagrams import Datagrams
from sekisho.wire.decoder import Decoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPORT_S = 1_764_000_000
UPTIME_MS = 90_000_000
RECORDS = 1_000_000
RUNS = 7
MTU_OCTETS = 1400
SAMPLING_RATE = 1000

V9_FIELDS = (
    *((8, 4), (12, 4), (15, 4), (10, 4), (14, 4), (2, 4), (1, 4), (22, 4), (21, 4)),
    *((7, 2), (11, 2), (6, 1), (4, 1), (5, 1), (61, 1), (48, 2)),
)
"""(element, octets): the sixteen fields of a usual ingress template, sampler named in the record."""

IPFIX_FIELDS = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 2), (2, 8), (1, 8), (152, 8), (153, 8), (96, 65_535))
APPLICATION = b"\x07unknown"

V5_FIELDS = (
    *((8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2)),
    *((210, 1), (6, 1), (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (210, 2)),
)


def main() -> None:
    """Print one line of JSON for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    records = parser.parse_args().records
    values = _values(records)
    for name, template, build in (
        ("v9, 16 fields", _v9_template(), _v9),
        ("v5", None, _v5),
        ("IPFIX, variable length", _ipfix_template(), _ipfix),
        ("sFlow v5, sampled headers", None, _sflow),
    ):
        datagrams = build(values)
        decoder = Decoder(exporters=["192.0.2.1"], realms=[""])
        decoder.start()
        if template is not None:
            _drain(decoder, Datagrams.of([(EXPORT_S * 1000, 0, 2055, template)]))
        cost = best_of(RUNS, lambda decoder=decoder, datagrams=datagrams: _drain(decoder, datagrams))
        assert (decoder.records, decoder.drops) == (RUNS * records, {})
        show(f"decode: {name}", cost, records=records, records_per_cpu_s=round(records / cost.cpu_s))


def _drain(decoder: Decoder, datagrams: Datagrams) -> None:
    for _ in decoder.decode(datagrams):
        pass


def _values(count: int) -> dict[int, NDArray[np.int64]]:
    """Flows of an access network: mostly TCP and UDP, a few packets each, ended in the last seconds."""
    random = np.random.default_rng(1)
    last = UPTIME_MS - random.integers(0, 15_000, count)
    packets = 1 + random.geometric(0.2, count)
    return {
        8: 0x64480000 + random.integers(0, 1 << 16, count),
        12: random.integers(1 << 24, 1 << 31, count),
        2: packets,
        1: packets * random.integers(60, 1400, count),
        21: last,
        22: last - random.integers(0, 60_000, count),
        152: EXPORT_S * 1000 - random.integers(0, 60_000, count),
        153: np.full(count, EXPORT_S * 1000),
        7: random.integers(1024, 1 << 16, count),
        11: random.choice(np.array([443, 53, 80, 8443]), count),
        4: random.choice(np.array([6, 17, 1]), count, p=[0.6, 0.39, 0.01]),
        6: np.full(count, 0x1B),
        10: random.integers(1, 64, count),
        14: np.full(count, 7),
        61: np.zeros(count, dtype=np.int64),
        48: np.full(count, 1),
    }


def _records(fields: tuple[tuple[int, int], ...], values: dict[int, NDArray[np.int64]]) -> NDArray[np.uint8]:
    """(records, octets) of the values, in the order of the fields."""
    count = len(values[8])
    columns = [
        values.get(element, np.zeros(count, dtype=np.int64))
        .astype(">u8")
        .view(np.uint8)
        .reshape(count, 8)[:, 8 - size :]
        if size <= 8
        else np.tile(np.frombuffer(APPLICATION, dtype=np.uint8), (count, 1))
        for element, size in fields
    ]
    return np.concatenate(columns, axis=1)


def _datagrams(records: NDArray[np.uint8], per_datagram: int, header: object) -> Datagrams:
    heads = range(0, len(records), per_datagram)
    rows = ((first, records[first : first + per_datagram]) for first in heads)
    return Datagrams.of((EXPORT_S * 1000, 0, 2055, header(first, part) + part.tobytes()) for first, part in rows)  # type: ignore[operator]


def _words(*numbers: tuple[int, int]) -> bytes:
    return b"".join(number.to_bytes(size, "big") for number, size in numbers)


def _template(set_id: int, fields: tuple[tuple[int, int], ...]) -> bytes:
    body = _words((256, 2), (len(fields), 2), *((n, 2) for field in fields for n in field))
    return _words((set_id, 2), (4 + len(body), 2)) + body


def _v9_header(sequence: int) -> bytes:
    return _words((9, 2), (1, 2), (UPTIME_MS, 4), (EXPORT_S, 4), (sequence & 0xFFFFFFFF, 4), (0, 4))


def _v9_template() -> bytes:
    return _v9_header(0) + _template(0, V9_FIELDS)


def _v9(values: dict[int, NDArray[np.int64]]) -> Datagrams:
    records = _records(V9_FIELDS, values)
    per_datagram = (MTU_OCTETS - 24) // records.shape[1]
    return _datagrams(
        records,
        per_datagram,
        lambda first, part: _v9_header(first // per_datagram) + _words((256, 2), (4 + part.size, 2)),
    )


def _v5(values: dict[int, NDArray[np.int64]]) -> Datagrams:
    return _datagrams(
        _records(V5_FIELDS, values),
        30,
        lambda first, part: _words(
            *((5, 2), (len(part), 2), (UPTIME_MS, 4), (EXPORT_S, 4), (0, 4), (first, 4), (0, 2), (0x4064, 2))
        ),
    )


def _ipfix_header(octets: int, sequence: int) -> bytes:
    return _words((10, 2), (16 + octets, 2), (EXPORT_S, 4), (sequence, 4), (0, 4))


def _ipfix_template() -> bytes:
    body = _template(2, IPFIX_FIELDS)
    return _ipfix_header(len(body), 0) + body


def _ipfix(values: dict[int, NDArray[np.int64]]) -> Datagrams:
    records = _records(IPFIX_FIELDS, values)
    return _datagrams(
        records,
        (MTU_OCTETS - 20) // records.shape[1],
        lambda first, part: _ipfix_header(4 + part.size, first) + _words((256, 2), (4 + part.size, 2)),
    )


def _sflow(values: dict[int, NDArray[np.int64]]) -> Datagrams:
    """Flow samples of 63 interfaces at 1 in 1,000, six in a datagram, as switches send them.

    Each has extended switch data and 128 octets of an Ethernet frame.
    """
    count = len(values[8])
    sampled = _nth_of_its_kind(values[10])
    columns = (
        *((1, 4), (208, 4), (sampled, 4), (values[10], 4), (SAMPLING_RATE, 4), (sampled * SAMPLING_RATE, 4), (0, 4)),
        *((values[10], 4), (values[14], 4), (2, 4), (1001, 4), (16, 4), (0, 8), (0, 8)),
        *((1, 4), (144, 4), (1, 4), (1518, 4), (4, 4), (128, 4)),
        *((0, 8), (0, 4), (0x0800, 2), (0x4500, 2), (1500, 2), (0, 4), (64, 1), (values[4], 1), (0, 2)),
        *((values[8], 4), (values[12], 4), (values[7], 2), (values[11], 2), (0, 8), (0x50, 1), (values[6], 1)),
        *((0, 8),) * 10,
    )
    samples = np.concatenate([_big_endian(value, octets, count) for value, octets in columns], axis=1)
    assert samples.shape[1] == 8 + 208
    per_datagram = (MTU_OCTETS - 28) // samples.shape[1]
    agent = bytes([192, 0, 2, 1])
    return _datagrams(
        samples,
        per_datagram,
        lambda first, part: (
            _words((5, 4), (1, 4)) + agent + _words((0, 4), (first // per_datagram, 4), (UPTIME_MS, 4), (len(part), 4))
        ),
    )


def _nth_of_its_kind(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """1, 2, 3, … for each key by itself."""
    order = np.argsort(keys, kind="stable")
    ranks = np.arange(len(keys))
    first = np.searchsorted(keys[order], keys[order])
    nth = np.empty_like(keys)
    nth[order] = ranks - first + 1
    return nth


def _big_endian(value: NDArray[np.int64] | int, octets: int, count: int) -> NDArray[np.uint8]:
    column = np.broadcast_to(np.asarray(value, dtype=np.int64), (count,)).astype(">u8")
    return column.view(np.uint8).reshape(count, 8)[:, 8 - octets :]


if __name__ == "__main__":
    main()
