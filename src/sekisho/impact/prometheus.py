"""Interface counters out of a Prometheus server: raw samples with their own times, nothing interpolated.

Asked in the background while a run goes on, since an answer may take longer than a socket can wait; a run that ends
waits for the rest.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import nan
from typing import TYPE_CHECKING, Any

from sekisho.core.errors import Unavailable
from sekisho.core.log import logger
from sekisho.impact.counters import COUNTS, Interval, of_looks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from sekisho.core.config_links import Prometheus

    Look = tuple[int, tuple[float, ...]]
    Found = dict[tuple[str, int], list[Interval]]

MAX_OCTETS = 64 << 20
"""Of one answer: an hour of 1,000 interfaces, six counters each, scraped every 30 s, is some 25 MB."""

INTERFACES_LIMIT = 4096
"""Interfaces of one answer; more are a selector that is too wide."""

ASKED_MS = 3_600_000
"""Time that one question covers."""

_PATH = "/api/v1/query"


class PrometheusCounters:
    """Counters of interfaces since they were last asked for.

    Args:
        config: server, names of the metrics and labels.
        addresses: name of an exporter as a label may have it -> its address.

    Attributes:
        problem: why the last question had no answer; "" where it had one.
    """

    def __init__(self, config: Prometheus, addresses: Mapping[str, str]) -> None:
        self.problem = ""
        self._config, self._addresses = config, dict(addresses)
        self._metrics = dict(zip((getattr(config, name) for name in COUNTS), range(len(COUNTS)), strict=True))
        self._latest: dict[tuple[str, int], Look] = {}
        self._asked_ms: int | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: Future[tuple[int, Found]] | None = None

    def ask(self, from_ms: int, until_ms: int) -> None:
        """Begin to fetch what is new; a question that waits for its answer is not asked again.

        Args:
            from_ms: where to begin the first time; later on, where the last answer ended.
            until_ms: stream time.
        """
        if self._waiting is None:
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="prometheus")
            begin_ms = from_ms if self._asked_ms is None else self._asked_ms
            self._waiting = self._thread.submit(self._fetch, begin_ms, until_ms)

    def take(self, *, wait: bool = False) -> Found:
        """What has come; nothing where nothing was asked for or it is not there yet.

        Args:
            wait: until the answer is there or has failed.
        """
        if self._waiting is None or not (wait or self._waiting.done()):
            return {}
        waiting, self._waiting = self._waiting, None
        try:
            self._asked_ms, found = waiting.result()
        except Unavailable as error:
            if not self.problem:
                logger().warning("no interface counters at present", why=str(error))
            self.problem = str(error)
            return {}
        if self.problem:
            logger().info("interface counters again")
        self.problem = ""
        return found

    def close(self) -> None:
        """Wait for the question that is on its way, and let go of the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
            self._thread, self._waiting = None, None

    def _fetch(self, from_ms: int, until_ms: int) -> tuple[int, Found]:
        found: Found = {}
        for begin_ms in range(from_ms, until_ms, ASKED_MS):
            end_ms = min(begin_ms + ASKED_MS, until_ms)
            for key, looks in self._looks(self._answer(begin_ms, end_ms)).items():
                before = [self._latest[key]] if key in self._latest else []
                new = [look for look in looks if not before or look[0] > before[0][0]]
                pairs = pairwise((*before, *new))
                found.setdefault(key, []).extend(interval for pair in pairs for interval in of_looks(*pair))
                if new:
                    self._latest[key] = new[-1]
        return until_ms, found

    def _looks(self, answer: Any) -> dict[tuple[str, int], list[Look]]:
        """Samples of one scrape as one look, by exporter's address and ifIndex, in order of time."""
        rows: dict[tuple[str, int], dict[int, list[float]]] = {}
        try:
            for series in answer["data"]["result"]:
                key, which = self._place(series["metric"])
                looks = rows.setdefault(key, {})
                for at_s, value in series["values"]:
                    looks.setdefault(round(float(at_s) * 1000), [nan] * len(COUNTS))[which] = float(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(f"prometheus: the answer is no matrix of interface counters ({error!r})") from None
        if len(rows) > INTERFACES_LIMIT:
            raise Unavailable(f"prometheus: {len(rows):,} interfaces, expected at most {INTERFACES_LIMIT:,}: set match")
        return {key: [(at_ms, tuple(looks[at_ms])) for at_ms in sorted(looks)] for key, looks in rows.items()}

    def _place(self, labels: Mapping[str, str]) -> tuple[tuple[str, int], int]:
        config = self._config
        name = labels[config.exporter_label]
        # An instance is often an address with the port that was scraped.
        bare = name.rsplit(":", 1)[0].strip("[]") if name.count(":") == 1 or name.startswith("[") else name
        address = self._addresses.get(name) or self._addresses.get(bare) or bare
        return (address, int(labels[config.interface_label])), self._metrics[labels["__name__"]]

    def _question(self, begin_ms: int, end_ms: int) -> dict[str, str]:
        names = "|".join(self._metrics)
        matchers = f'__name__=~"{names}"' + (f",{self._config.match}" if self._config.match else "")
        return {"query": f"{{{matchers}}}[{max(1, end_ms - begin_ms)}ms]", "time": f"{end_ms / 1000:.3f}"}

    def _answer(self, begin_ms: int, end_ms: int) -> Any:
        import ssl

        import httpx

        config, body = self._config, bytearray()
        headers = {"Accept": "application/json"}
        try:
            if config.token_file is not None:
                headers["Authorization"] = f"Bearer {config.token_file.read_text('ascii').strip()}"
            context = ssl.create_default_context(cafile=config.ca_file)
            with (
                httpx.Client(timeout=config.timeout_s, verify=context, trust_env=False) as client,
                client.stream(
                    "GET", config.url.rstrip("/") + _PATH, params=self._question(begin_ms, end_ms), headers=headers
                ) as answer,
            ):
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MAX_OCTETS:
                        raise Unavailable(f"prometheus: more than {MAX_OCTETS >> 20} MiB in one answer: set match")
                status = answer.status_code
        except (httpx.HTTPError, OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"prometheus: no answer ({type(error).__name__})") from None
        return _checked(status, bytes(body))


def _checked(status: int, body: bytes) -> Any:
    """The JSON of an answer; what the server says of a wrong question is for the person who wrote it."""
    try:
        answer = json.loads(body)
    except ValueError:
        raise Unavailable(f"prometheus: expected JSON, found status {status} and something else") from None
    if status != 200 or not isinstance(answer, dict) or answer.get("status") != "success":
        why = str(answer.get("error", ""))[:200] if isinstance(answer, dict) else ""
        raise Unavailable(f"prometheus: expected an answer, found status {status} {why}".rstrip())
    return answer
