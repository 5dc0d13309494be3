"""Every text that a page may need is there, in both languages; nothing of a page or picture is active."""

from __future__ import annotations

import re
import string
from importlib.resources import files

from sekisho.cases.states import State
from sekisho.cases.subscriber.checkup import ReportProblem
from sekisho.measures.model import Language, MeasureId, MeasureState, Reader
from sekisho.measures.order import DeviceKind
from sekisho.web.base import texts
from sekisho.web.base.pages import BASE
from sekisho.web.portal.entrance import Denial
from sekisho.web.portal.state import PACKAGE
from sekisho.web.portal.view import DEVICES, PC, PLUG, SEEN, STATE_TEXTS, TO_DO, WHEN

OWN = texts.load(PACKAGE)
ALL = texts.load(BASE, PACKAGE)
TEMPLATES = {entry.name: entry.read_text("utf-8") for entry in files(PACKAGE).joinpath("templates").iterdir()}
STATIC = {entry.name: entry.read_text("utf-8") for entry in files(PACKAGE).joinpath("static").iterdir()}
BY_CODE = {
    *(f"denied_{denial}" for denial in Denial), "denied_again",
    *(f"report_problem_{problem}" for problem in ReportProblem),
    *(f"measure_{state}" for state in MeasureState),
    *(f"device_{device}" for device in DeviceKind),
    *(f"reader_{reader}" for reader in Reader),
    *STATE_TEXTS.values(),
}  # fmt: skip
"""Names that pages put together."""


def test_every_text_has_both_languages_with_the_same_placeholders() -> None:
    """At both reading levels."""
    for name, text in OWN.items():
        found = {
            frozenset(field for _, field, _, _ in string.Formatter().parse(text.wording[language, reader]) if field)
            for language in Language
            for reader in Reader
        }
        assert len(found) == 1, name
        assert all(text.wording.values()), name


def test_every_text_that_a_page_names_is_there_and_none_is_left_over() -> None:
    """A word that no page says any more goes with it."""
    named = {name for page in TEMPLATES.values() for name in re.findall(r'say\("([a-z_0-9]+)"[,)]', page)}
    chosen = {"after_quiet_waits", "after_quiet_more"}
    told = {name for name in OWN if name.startswith("told_")}
    restart = {f"restart_{number}" for number in range(1, 5)}
    sheet = {
        f"sheet_{row}" for row in re.findall(r'"([a-z_]+)"', TEMPLATES["maker.html"].split("row in (")[1].split(")")[0])
    }
    needed = named | BY_CODE | chosen | told | restart | sheet
    assert needed - set(ALL) == set()
    assert set(OWN) - needed == set()


def test_every_state_of_a_case_has_its_words() -> None:
    """A new one is not told as an old one."""
    assert set(STATE_TEXTS) == set(State)


def test_every_picture_is_there() -> None:
    """One for each measure, for each line of the box, for each step of the restart."""
    wanted = {f"{measure}.svg" for measure in MeasureId} | {SEEN, WHEN, DEVICES, PC, PLUG, TO_DO}
    wanted |= {f"restart-{number}.svg" for number in range(1, 5)}
    assert wanted == {name for name in STATIC if name.endswith(".svg")}


def test_nothing_is_active() -> None:
    """No script, no style in a page, no address of another site; pictures are lines and shapes alone."""
    for name, text in (TEMPLATES | STATIC).items():
        plain = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://|@import|url\(", plain), name
