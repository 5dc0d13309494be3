"""``python -m bench.portal``: pages a CPU-second of the subscribers' portal, 5,000 open cases, each with a session."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert

from bench.casework import CASES, told
from sekisho.cases.database import writing
from sekisho.cases.record import record_analysis
from sekisho.cases.subscriber_tables import SESSION
from sekisho.core.time import now_ms
from sekisho.web.base.tokens import digest_of, new_token
from sekisho.web.portal.state import COOKIE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROWSERS = 4
REQUESTS = 2_000
WAIT_S = 60.0

CONFIG = """
[portal]
listen = "127.0.0.1:{port}"
[serve]
directory = "state"
[cases]
url = "sqlite:///cases.db"
[operator]
name_ja = "サンプルネット"
name_en = "Sample Net"
contact_ja = "お客様サポート窓口"
contact_en = "Customer support"
telephone = "0120-000-000"
hours_ja = "9時から18時まで"
hours_en = "9 to 18 o'clock"
site = "www.isp.example"
"""


def main() -> None:
    """Print the figures of each kind of request."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sessions = _cases(f"sqlite:///{folder / 'cases.db'}")
        figures = dict(_measured(folder, sessions))
    print(json.dumps({"cases": CASES, "browsers": BROWSERS, "requests": REQUESTS, **figures}, indent=1))


def _cases(url: str) -> list[str]:
    """Tokens of one session a case."""
    record_analysis(url, {"events": [], **told(5).document}, now_ms=now_ms())
    tokens, at_ms = [new_token() for _ in range(CASES)], now_ms()
    rows = [
        {"digest": digest_of(token), "case_id": number, "created_at": at_ms, "seen_at": at_ms}
        for number, token in enumerate(tokens, start=1)
    ]
    with writing(url) as connection:
        connection.execute(insert(SESSION), rows)
    return tokens


def _measured(folder: Path, sessions: list[str]) -> Iterator[tuple[str, dict[str, float]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "sekisho.toml").write_text(CONFIG.format(port=port), encoding="utf-8")
    command = [sys.executable, "-m", "sekisho.serve", "portal", str(folder / "sekisho.toml")]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    # One core for the portal, whatever else the machine has.
    os.sched_setaffinity(server.pid, {0})
    try:
        _wait(port)
        yield "entrance", _rate(server.pid, port, lambda browser, _: _get(browser, "/", ""))
        yield "case", _rate(server.pid, port, lambda browser, chance: _get(browser, "/case", chance.choice(sessions)))
        yield "claim", _rate(server.pid, port, lambda browser, chance: _claim(browser, chance, sessions))
    finally:
        server.terminate()
        server.wait()


def _rate(pid: int, port: int, ask: Callable[[http.client.HTTPConnection, random.Random], None]) -> dict[str, float]:
    def visit(seed: int) -> None:
        browser = http.client.HTTPConnection("127.0.0.1", port)
        chance = random.Random(seed)  # noqa: S311 (which case is looked at)
        for _ in range(REQUESTS // BROWSERS):
            ask(browser, chance)
        browser.close()

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(BROWSERS)]
    before, began = _cpu_s(pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu_s, wall_s = _cpu_s(pid) - before, time.perf_counter() - began
    return {"per_cpu_s": round(REQUESTS / cpu_s), "per_s": round(REQUESTS / wall_s)}


def _get(browser: http.client.HTTPConnection, path: str, token: str) -> str:
    browser.request("GET", path, headers={"Cookie": f"{COOKIE}={token}"} if token else {})
    answer = browser.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, answer.status
    return text


def _claim(browser: http.client.HTTPConnection, chance: random.Random, sessions: list[str]) -> None:
    """Look at the page and say that a measure is done: two requests, counted as one."""
    token, state = chance.choice(sessions), chance.choice(("claimed", "open"))
    found = re.search(r'name="form" value="([0-9a-f]+)"', _get(browser, "/case", token))
    assert found is not None
    headers = {"Cookie": f"{COOKIE}={token}", "Content-Type": "application/x-www-form-urlencoded"}
    browser.request("POST", "/case/measure", f"form={found[1]}&measure=reboot&state={state}", headers)
    answer = browser.getresponse()
    answer.read()
    assert answer.status == 303, answer.status


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _wait(port: int) -> None:
    until = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < until, "the portal does not answer"
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
