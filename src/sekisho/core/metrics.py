"""Every number that a running Sekisho tells: declared here once; the page of the reference derives from it.

Names and units follow the conventions of Prometheus; nothing else is exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class MetricKind(StrEnum):
    """How a number behaves over time."""

    COUNTER = "counter"
    """Only grows; begins anew with its process."""
    GAUGE = "gauge"
    """As it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One family of numbers.

    Attributes:
        name: without the prefix; a counter's ends with ``_total``.
        ja, en: what it tells.
    """

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    ja: str
    en: str


class Sample(NamedTuple):
    """One number of a family."""

    name: str
    labels: tuple[str, ...]
    value: float


PREFIX = "sekisho_"


def _counter(name: str, *labels: str, ja: str, en: str) -> Metric:
    return Metric(name=name, kind=MetricKind.COUNTER, labels=labels, ja=ja, en=en)


def _gauge(name: str, *labels: str, ja: str, en: str) -> Metric:
    return Metric(name=name, kind=MetricKind.GAUGE, labels=labels, ja=ja, en=en)


METRICS: tuple[Metric, ...] = (
    _counter("datagrams_total", ja="デコードしたデータグラム", en="Datagrams decoded."),
    _counter(
        "records_total",
        "exporter",
        "version",
        "domain",
        ja="デコードしたデータレコード",
        en="Data records decoded.",
    ),
    _counter(
        "dropped_total",
        "stage",
        "reason",
        ja="使われなかったデータグラム・セット・レコード (理由別)",
        en="Datagrams, sets and records that were not used, by reason.",
    ),
    _counter(
        "export_units_total",
        "exporter",
        "domain",
        "unit",
        ja="シーケンス番号から見て送られたはずの数 (単位はプロトコルによる)",
        en="What was sent by the sequence numbers, in the unit of the protocol.",
    ),
    _counter(
        "export_units_lost_total",
        "exporter",
        "domain",
        "unit",
        ja="そのうち届かなかった数",
        en="What of it did not arrive.",
    ),
    _counter(
        "kernel_drops_total",
        "listen",
        ja="受信バッファがいっぱいでカーネルが捨てたデータグラム (SO_RXQ_OVFL)",
        en="Datagrams that the kernel dropped because the socket's buffer was full (SO_RXQ_OVFL).",
    ),
    _counter(
        "shed_total",
        "exporter",
        ja="処理が追い付かず、順番待ちの中から捨てたデータグラム",
        en="Datagrams shed from the queue because processing was behind.",
    ),
    _gauge(
        "receive_buffer_octets",
        "listen",
        ja="カーネルが割り当てた受信バッファ",
        en="Receive buffer that the kernel granted.",
    ),
    _counter(
        "not_metered_packets_total",
        "exporter",
        ja="エクスポーターが計測できなかったと申告したパケット (IE 164, 167)",
        en="Packets that the exporter says it could not meter or export (IE 164, 167).",
    ),
    _gauge(
        "coverage_ratio",
        "exporter",
        ja="直近の、フローから見積もった量とインターフェースカウンターの比",
        en="Octets estimated from flows over octets of the interface counters, of late.",
    ),
    _gauge(
        "clock_skew_seconds",
        "exporter",
        "domain",
        ja="エクスポーターの時計と受信時刻の差",
        en="Exporter's clock minus the time of reception.",
    ),
    _gauge(
        "exporter_silent_seconds",
        "exporter",
        ja="最後に受信してからの時間",
        en="Time since the exporter was last heard.",
    ),
    _counter(
        "template_events_total",
        "event",
        ja="テンプレートの再定義・取り消し・競合",
        en="Templates redefined, withdrawn or in conflict.",
    ),
    _counter(
        "sampling_changes_total", ja="通知されたサンプリング間隔の変化", en="Changes of an announced sampling interval."
    ),
    _counter(
        "unattributed_total",
        "reason",
        ja="どちらの側も回線を特定できなかったレコード (理由別)",
        en="Records of which neither side has a line, by reason.",
    ),
    _counter(
        "late_total", ja="集計の締め切り後に届いたレコード", en="Records that came after their windows had closed."
    ),
    _counter(
        "limit_total", "limit", ja="上限に達した回数 (上限別)", en="What a limit kept out or let go early, by limit."
    ),
    _gauge("notices", "state", ja="通知 (状態別)", en="Notices, by state."),
    _counter(
        "portal_entries_total",
        "outcome",
        ja="加入者のページに入ろうとした回数 (結果別)",
        en="Tries to enter the subscribers' portal, by outcome.",
    ),
    _counter(
        "deliveries_total",
        "outcome",
        ja="通知を渡した結果 (結果別)",
        en="What became of attempts to deliver, by outcome.",
    ),
    _counter(
        "case_events_total",
        "webhook",
        "outcome",
        ja="ケースの状況を外部へ渡した結果 (相手別、結果別)",
        en="What became of attempts to tell programs of cases, by webhook and outcome.",
    ),
    _gauge(
        "case_events_waiting",
        "webhook",
        ja="まだ渡していないケースの状況",
        en="Steps of cases that a webhook has not been told of yet.",
    ),
    _gauge("open_cases", ja="閉じていないケース", en="Cases that are not closed."),
    _gauge("episodes", "level", ja="続いている検知", en="Detections that go on."),
    _gauge(
        "stream_delay_seconds",
        ja="壁時計と、処理が済んだ受信時刻の差",
        en="Wall clock minus the time of reception that has been processed.",
    ),
    _gauge("tick_seconds", ja="直近の判定にかかった時間", en="What the last tick took."),
    _counter("stored_records_total", ja="フローストアに書いたレコード", en="Records written to the flow store."),
    _counter(
        "not_stored_records_total",
        "reason",
        ja="フローストアに書かなかったレコード (理由別)",
        en="Records that were not written to the flow store, by reason.",
    ),
    _counter(
        "source_events_total", "source", ja="割り当ての情報源が伝えた出来事", en="What sources of assignments told."
    ),
    _counter(
        "source_dropped_total",
        "source",
        "reason",
        ja="割り当ての情報源の、使われなかったレコード (理由別)",
        en="Records of sources of assignments that were not used, by reason.",
    ),
    _gauge(
        "source_silent_seconds",
        "source",
        ja="情報源が最後に伝えてからの時間",
        en="Time since a source last told anything.",
    ),
    _gauge(
        "source_delay_seconds",
        "source",
        ja="出来事から受信までの時間の中央値",
        en="Median time from an event to its reception.",
    ),
    _gauge(
        "source_watermark_seconds",
        "source",
        ja="情報源が伝えた最新の出来事の時刻 (UNIX 時間)",
        en="Time of a source's newest event, Unix time.",
    ),
    _counter(
        "assignment_changes_total",
        ja="検索に反映した割り当ての変化",
        en="Changes of assignments taken into the lookup.",
    ),
    _gauge("assignment_changes_waiting", ja="まだ反映していない変化", en="Changes that are not taken in yet."),
    _counter("assignment_indexes_total", ja="割り当ての索引を作り直した回数", en="How often the index was built anew."),
    _gauge("alarm", "condition", "subject", ja="継続中のアラーム (1)", en="A condition that holds (1)."),
    _gauge("process_up", "process", ja="プロセスが動いているか", en="Whether a process runs."),
    _counter("process_starts_total", "process", ja="プロセスを起動した回数", en="How often a process was started."),
    _counter("process_cpu_seconds_total", "process", ja="プロセスの CPU 時間", en="CPU time of a process."),
    _gauge("process_resident_octets", "process", ja="プロセスの常駐メモリ", en="Resident memory of a process."),
)

BY_NAME = {metric.name: metric for metric in METRICS}
