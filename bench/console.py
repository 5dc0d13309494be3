"""``python -m bench.console``: what pages of the operators' console cost at the server, with 5,000 open cases.

100,000 lines are in the assignments, 10 events hold the cases, a quarter of them has drafts, and 40,000 rows the trail.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from bench.casework import CASES, LINES, told
from sekisho.cases import audit, outbox
from sekisho.cases.accounts import people, sessions
from sekisho.cases.database import writing
from sekisho.cases.ladder import propose
from sekisho.cases.lifecycle import Act
from sekisho.cases.policy import Policy
from sekisho.cases.quiet import MINUTE_MS
from sekisho.cases.record import record
from sekisho.cases.roles import Role
from sekisho.core.config import Config
from sekisho.core.time import iso
from sekisho.web.console.app import console_app
from sekisho.web.console.sign_in import COOKIE
from sekisho.web.console.state import Console

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PATHS = (
    "/noc", "/desk", "/desk?waits=1", "/desk?page=80", "/find?q=L42", "/cases/42", "/cases/42?line=ask",
    "/events/1", "/brake", "/announcement?event=E1", "/delivery", "/detectors", "/effect", "/audit", "/health",
)  # fmt: skip
TIMES = 7
EVENTS = 10
TRAIL = 40_000


def main() -> None:
    """Print the CPU time of each page in milliseconds: the first time, the median, the most of the others."""
    with tempfile.TemporaryDirectory() as folder:
        console, secret = _console(Path(folder))
        figures = asyncio.run(_figures(console_app(console), secret))
    print(json.dumps({"lines": LINES, "open_cases": CASES, "trail": TRAIL, "cpu_ms": figures}, indent=1))


def _console(folder: Path) -> tuple[Console, str]:
    known, url = told(5), f"sqlite:///{folder / 'cases.db'}"
    events = [_event(number, known.at_ms) for number in range(EVENTS)]
    found = [d | {"event": f"E{n % EVENTS}"} for n, d in enumerate(known.document["detections"])]
    policy = Policy.model_validate({"mode": "propose"})
    act = Act(actor="sato", purpose="own_network_protection", at_ms=known.at_ms)
    with writing(url) as connection:
        record(connection, {**known.document, "detections": found, "events": events}, now_ms=known.at_ms)
        for number in propose(connection, policy, known.at_ms)[CASES // 4 :]:
            outbox.refuse(connection, number, act, "not now")
        for _ in range(TRAIL):
            audit.append(connection, "reveal", act, case_id=1)
        account = people.add(connection, "sato", "a quiet checkpoint on the old road", list(Role), act)
        secret = sessions.begin(connection, account, act)
    lines = folder / "lines.csv"
    head = "line_id,prefix,port_first,port_last,valid_from,valid_to\n"
    first = int(ip_address("100.64.0.0"))
    rows = (f"L{n},{ip_address(first + n)}/32,,,2026-01-01T00:00:00Z,\n" for n in range(LINES))
    lines.write_text(head + "".join(rows))
    config = Config.model_validate({"files": {"lines": [str(lines)]}})
    return Console(url=url, config=config, policy=policy, clock=lambda: known.at_ms, statuses=list), secret


def _event(number: int, now_ms: int) -> dict[str, object]:
    return {
        "id": f"E{number}", "target": f"203.0.{number}.0/24", "port": 443, "protocol": 17,
        "first_seen": iso(now_ms - 30 * MINUTE_MS), "last_seen": iso(now_ms - MINUTE_MS),
        "peak_bps": 9e9, "peak_pps": 1e6, "lines": CASES // EVENTS, "exporters": ["192.0.2.1"],
        "links": [f"bng-1/{number}"],
    }  # fmt: skip


async def _figures(app: ASGIApp, secret: str) -> dict[str, dict[str, float]]:
    figures = {}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://c", cookies={COOKIE: secret}) as client:
        for path in PATHS:
            times = []
            for _ in range(TIMES):
                began = time.process_time()
                answer = await client.get(path)
                times.append((time.process_time() - began) * 1000)
                assert answer.status_code == 200, (path, answer.text[:300])
            figures[path] = {"first": times[0], "median": statistics.median(times), "most_but_first": max(times[1:])}
    return {path: {name: round(ms, 1) for name, ms in row.items()} for path, row in figures.items()}


if __name__ == "__main__":
    main()
