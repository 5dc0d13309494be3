"""Every page in both languages, for everybody who may see it."""

from __future__ import annotations

import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

from sekisho.cases.database import writing
from sekisho.cases.roles import ROLES, Role
from sekisho.measures.model import Language, Reader
from sekisho.web.base import texts
from sekisho.web.console.routes import ROUTES
from sekisho.web.console.state import PACKAGE
from web.console.world import HOSTILE, NOW, World, world

ADDRESS = {
    "/cases/{number:int}/notice": "?kind=first_notice&in=ja&as=html",
    "/announcement": "?event=E1",
    "/announcement/preview": "?event=E1&in=en&as=text",
    "/announcements/{number:int}/text": "?in=ja&as=html",
}
PAGES = [route for route in ROUTES if route.method == "GET"]


def address(path: str) -> str:
    return path.replace("{number:int}", "1") + ADDRESS.get(path, "")


@pytest.mark.parametrize("language", Language)
def test_every_page_is_shown(language: Language, console: World) -> None:
    """To every role that may see it, without a script or a style in it."""
    for route in PAGES:
        for role in sorted(ROLES[route.action]):
            answer = console.get(address(route.path), role, headers={"Accept-Language": language})
            assert answer.status_code == 200, (route.path, role, answer.text[:500])
            if not any(raw in route.path for raw in ("notice", "preview", "text")):
                assert answer.headers["content-language"] == language
                assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", answer.text)


def test_hostile_values_are_inert(console: World) -> None:
    """A line that is named like markup stands in every page as text."""
    for path in ("/desk", "/cases/2", "/find?q=2", "/delivery", f"/find?q={HOSTILE}"):
        text = console.get(path, "operator").text
        assert "<script>alert" not in text
        assert "49" not in re.findall(r"'(\d\d)", text)
    assert "&lt;script&gt;alert(1)" in console.get("/cases/2", "operator").text


@pytest.mark.parametrize("path", ["/cases/99", "/events/99", "/cases/99/notice?kind=closing&in=ja&as=text"])
def test_what_is_not_there_is_told(path: str, console: World) -> None:
    """As a page with its own status."""
    answer = console.get(path, "operator")
    assert answer.status_code == 404
    assert "Not found" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/desk?page=0", "/desk?page=-1", "/desk?page=x", "/desk?page=99999999999", "/desk?state=none", "/desk?kind=%00",
        "/find?q=%F0%9F%92%A9", "/find?q=" + "9" * 300, "/delivery?state='", "/audit?who=%00",
        "/find?q=%00", "/audit?who=%25", "/noc?lang=xx",
        "/cases/1?line=x", "/announcement?event=E", "/announcement?from=x&until=y", "/announcement?event=E99",
        "/announcement?from=0001-01-01T00:00&until=9999-12-31T23:59", "/cases/1/notice", "/cases/9223372036854775808",
    ],
)  # fmt: skip
def test_odd_addresses_are_answered(path: str, console: World) -> None:
    """By a page or a refusal, never by an error of ours."""
    for role in ("approver", "auditor"):
        assert console.get(path, role).status_code < 500


def test_support_sees_no_destination_and_no_event(console: World) -> None:
    """Not in the case, not in the list, not in the menu."""
    for path in ("/find?q=L-0001", "/cases/3"):
        text = console.get(path, "support").text
        assert "203.0.113" not in text
        assert "/events/" not in text
    assert "Reissue" in text


def test_the_noc_tells_what_happens_and_how_sure_it_is(console: World) -> None:
    """The running event with its rate, lines and link; the silent exporter, the losses, the process that is down."""
    text = console.get("/noc", "operator").text
    for part in (
        "203.0.113.0/24",
        "9.30\u00a0Gbit/s",
        "137",
        "bng-1/0",
        "nothing has come from bng-2",
        "4.0\u00a0%",
        "98.0",
    ):
        assert part in text, part
    health = console.get("/health", "operator").text
    assert "keeper" in health
    assert "radius" in health
    assert "down" in health


def test_without_a_collector_the_noc_says_so(console: World) -> None:
    """Old numbers are not shown as if they were new."""
    console.console.statuses = list
    assert "Nothing is being measured" in console.get("/noc", "operator").text


def test_the_live_part_is_part_of_the_page(console: World) -> None:
    """The script puts the same rows where they stood."""
    page, part = (console.get(path, "operator").text for path in ("/noc", "/noc/live"))
    assert part.strip() in page
    assert "<html" not in part


def test_every_text_has_both_languages_with_the_same_placeholders() -> None:
    """Nothing is said to readers of one language alone."""
    for name, text in texts.load(PACKAGE).items():
        found = {
            frozenset(f for _, f, _, _ in string.Formatter().parse(text.wording[language, Reader.ANYONE]) if f)
            for language in Language
        }
        assert len(found) == 1, name
        assert all(text.wording.values()), name


def test_no_text_is_unused() -> None:
    """What no template says is not kept."""
    whole = "".join(
        file.read_text("utf-8")
        for folder in (files(PACKAGE), files(PACKAGE).joinpath("templates"))
        for file in folder.iterdir()
        if file.name.endswith((".py", ".html"))
    )
    families = set(re.findall(r'say\("([a-z_]+_)" ~', whole)) | {"done_"}
    for name in texts.load(PACKAGE):
        assert f'"{name}"' in whole or any(name.startswith(family) for family in families), name


def test_a_database_that_is_away_or_busy_is_told(console: World) -> None:
    """Not even the session can be looked up: one sentence in both languages. Who writes keeps nobody from reading."""
    console.get("/desk", "operator")
    console.console.clock = lambda: NOW + 90_000
    with writing(console.console.url):
        assert console.get("/desk", "operator").status_code == 200
    console.console.url = "sqlite:////nowhere/cases.db"
    answer = console.get("/desk", "operator")
    assert answer.status_code == 503
    assert "検知は続いています" in answer.text


def test_a_rehearsal_is_told_on_every_page(template: Path, tmp_path: Path) -> None:
    """Nobody takes it for the real thing."""
    console = world(template, tmp_path, recovery={"rehearsal": True})
    assert all("This is a rehearsal" in console.get(path, "operator").text for path in ("/noc", "/cases/1", "/lines"))


def test_every_role_has_a_page() -> None:
    """Nobody signs in to nothing."""
    for role in Role:
        assert any(role in ROLES[route.action] for route in PAGES)
