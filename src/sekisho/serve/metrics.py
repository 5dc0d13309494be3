"""Metrics and health over HTTP, from what the processes tell of themselves."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer

from sekisho.core.errors import InputError
from sekisho.core.metrics import METRICS, PREFIX, MetricKind, Sample
from sekisho.core.time import now_ms
from sekisho.serve.processes import PROCESSES
from sekisho.serve.status import STALE_MS, Status, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_FAMILIES = {MetricKind.COUNTER: CounterMetricFamily, MetricKind.GAUGE: GaugeMetricFamily}


class MetricsServer:
    """Answers ``/metrics`` (Prometheus) and ``/health`` (JSON; 200 while every process is up and tells of itself).

    Args:
        listen: ADDRESS:PORT.
        directory: where the processes tell.
    """

    def __init__(self, listen: str, *, directory: Path) -> None:
        self._listen, self._directory = listen, directory
        self._server: ThreadingWSGIServer | None = None

    @property
    def port(self) -> int:
        """The port that is answered at."""
        assert self._server is not None, "start() comes first"
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer.

        Raises:
            InputError: the address cannot be had.
        """
        import threading
        from wsgiref.simple_server import make_server

        host, _, port = self._listen.rpartition(":")
        registry = CollectorRegistry()
        registry.register(_FromStatus(self._directory))
        metrics = make_wsgi_app(registry)

        def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/metrics":
                return metrics(environ, start_response)  # type: ignore[no-any-return]
            if environ["PATH_INFO"] != "/health":
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"there are /metrics and /health\n"]
            is_well, content = health(self._directory, now_ms=now_ms())
            start_response("200 OK" if is_well else "503 Service Unavailable", [("Content-Type", "application/json")])
            return [json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"]

        try:
            self._server = make_server(
                host.removeprefix("[").removesuffix("]"), int(port), app, ThreadingWSGIServer, _Silent
            )
        except (OSError, ValueError) as error:
            raise InputError(self._listen, f"metrics cannot be answered there: {error}") from error
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def health(directory: Path, *, now_ms: int) -> tuple[bool, dict[str, Any]]:
    """Whether every process is up, and what each says; conditions that hold are told and do not make it ill."""
    statuses = list(_statuses(directory))
    up = {
        sample.labels[0]: sample.value == 1.0
        for status in statuses
        for sample in status.samples
        if sample.name == "process_up"
    }
    ages = {status.process: now_ms - status.at_ms for status in statuses}
    processes = {
        name: {"up": is_up, "silent_s": ages[name] / 1000 if name in ages else None} for name, is_up in up.items()
    }
    is_well = bool(up) and all(is_up and ages.get(name, STALE_MS) < STALE_MS for name, is_up in up.items())
    alarms = [alarm for status in statuses for alarm in status.alarms]
    return is_well, {"status": "ok" if is_well else "failing", "processes": processes, "alarms": alarms}


class _FromStatus:
    """What Prometheus asks: one family for each row of the table."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        samples: defaultdict[str, list[Sample]] = defaultdict(list)
        for status in _statuses(self._directory):
            for sample in status.samples:
                samples[sample.name].append(sample)
            for alarm in status.alarms:
                samples["alarm"].append(Sample("alarm", (alarm["condition"], alarm["subject"]), 1))
        for metric in METRICS:
            family = _FAMILIES[metric.kind](f"{PREFIX}{metric.name}", metric.en, labels=metric.labels)
            for sample in samples[metric.name]:
                family.add_metric(sample.labels, sample.value)
            yield family


class _Silent(WSGIRequestHandler):
    """A log line for each scrape would bury the others."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Nothing."""


def _statuses(directory: Path) -> Iterator[Status]:
    for name in ("supervisor", *(process.name for process in PROCESSES)):
        if (status := told(directory, name)) is not None:
            yield status
