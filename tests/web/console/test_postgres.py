"""The same console on PostgreSQL: every page, and a day's acts."""

from __future__ import annotations

from pathlib import Path

from cases.databases import postgres
from sekisho.cases.roles import ROLES
from web.console.test_pages import PAGES, address
from web.console.world import fill, world_of


def test_every_page_and_a_days_acts(tmp_path: Path) -> None:
    """What one database takes the other takes."""
    with postgres() as url:
        fill(url)
        console = world_of(url, tmp_path)
        for route in PAGES:
            role = min(ROLES[route.action])
            assert console.get(address(route.path), role).status_code == 200, route.path
        for path in ("/find?q=%00L", "/desk?kind=%00&page=3", "/audit?who=%00", "/cases/9223372036854775808"):
            assert console.get(path, "admin").status_code < 500
        assert console.post("/cases/3/answer", "support", kind="answered", note="\0").status_code == 303
        assert console.post("/cases/4/escalate", "operator", reason="r\0").status_code == 303
        assert console.post("/events/1/approve", "approver", sure="yes").status_code == 200
        assert console.post("/cases/1/measure", "support", measure="reboot", state="claimed").status_code == 303
        assert console.post("/brake/release", "approver", sure="yes").status_code == 303
        assert "rows hold" in console.get("/audit/verify", "auditor").text
        assert console.database("SELECT state FROM subscriber_case WHERE id = 3") == [("acknowledged",)]
