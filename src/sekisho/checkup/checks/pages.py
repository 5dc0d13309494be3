"""What a page that opened without credentials is: first set-up, login, settings, or something else."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from sekisho.checkup.jobs import Job
from sekisho.checkup.probes.http import HttpAnswer, local_path
from sekisho.checkup.probes.tcp import Open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.checkup.device import Device
    from sekisho.checkup.jobs import Seen

HTTP_PORTS = frozenset({80, 81, 443, 5000, 8000, 8080, 8443, 49152})
"""Ports where a page may stand. 5555 and 7547 are not asked for one: what listens there is a finding by itself."""

_PAGES_PER_PORT = 4
_ELSEWHERE = re.compile(
    r"""<meta[^>]{0,80}refresh[^>]{0,80}url=["']?(?P<meta>[^"'>\s]{1,300})"""
    r"""|location(?:\.href)?\s*=\s*["'](?P<script>[^"']{1,300})"""
    r"""|location\.replace\(["'](?P<replace>[^"']{1,300})"""
    r"""|<i?frame[^>]{0,200}\bsrc=["']?(?P<frame>[^"'>\s]{1,300})""",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"<script", re.IGNORECASE)
_UNSEEN = ("script", "style")
_LITTLE_TEXT = 80
"""Visible characters below which a page with scripts is drawn by them, and cannot be read without a browser."""


class PageKind(StrEnum):
    """What a page is."""

    FIRST_SETUP = "first_setup"
    LOGIN = "login"
    SETTINGS = "settings"
    SCRIPT = "script"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of ``pages.toml``."""

    id: str
    kind: PageKind
    pattern: re.Pattern[str]
    example: str


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, first set-up before login before settings."""
    rows = tomllib.loads(files(__package__).joinpath("pages.toml").read_text("utf-8"))["rule"]
    read = [Rule(r["id"], PageKind(r["kind"]), re.compile(r["pattern"], re.IGNORECASE), r["example"]) for r in rows]
    return tuple(sorted(read, key=lambda rule: list(PageKind).index(rule.kind)))


def classify(answer: HttpAnswer) -> tuple[PageKind, str]:
    """Kind of an answer, and the id of the rule that decided ("status" or "text" where none did)."""
    if answer.status == 401:
        return PageKind.LOGIN, "status"
    if answer.status != 200:
        return PageKind.OTHER, "status"
    text = answer.text
    for rule in rules():
        if rule.pattern.search(text):
            return rule.kind, rule.id
    drawn_by_script = _SCRIPT.search(text) and len(visible(text)) < _LITTLE_TEXT
    return (PageKind.SCRIPT if drawn_by_script else PageKind.OTHER), "text"


def visible(markup: str) -> str:
    """What a page shows before any script runs, in one pass: a page may be made of nothing but tags that never end."""
    shown: list[str] = []
    hidden = ""
    for piece in markup.split("<"):
        tag, closed, text = piece.partition(">")
        name = tag.lower()
        if not hidden:
            hidden = next((unseen for unseen in _UNSEEN if name.startswith(unseen)), "")
        elif name.startswith(f"/{hidden}"):
            hidden = ""
        if closed and not hidden:
            shown.append(text)
    return "".join(shown).strip()


def page_jobs(device: Device, seen: Seen) -> Iterator[Job]:
    """The front page of every open web port, its icon, and the few pages of the same device that it leads to."""
    for job, _ in seen.answers(device.targets, Open):
        if job.port in HTTP_PORTS:
            yield Job("http", job.address, job.port, "/")
    for job, answer in seen.answers(device.targets, HttpAnswer):
        if job.port in HTTP_PORTS:
            yield Job("icon", job.address, job.port)
            if _pages(seen, job) < _PAGES_PER_PORT:
                yield from _next_pages(job, answer)


def pages(device: Device, seen: Seen) -> Iterator[tuple[str, HttpAnswer]]:
    """Pages of a device that lead nowhere else: (place, answer)."""
    for job, answer in seen.answers(device.targets, HttpAnswer):
        if job.port in HTTP_PORTS and not list(_next_pages(job, answer)):
            yield place(job), answer


def place(job: Job) -> str:
    """Where a service stands, as the report names it."""
    path = job.argument if job.probe == "http" and job.argument != "/" else ""
    return f"{job.address}:{job.port}{path}"


def _pages(seen: Seen, job: Job) -> int:
    return sum((a.job.probe, a.job.port) == ("http", job.port) for a in seen.of([job.address]))


def _next_pages(job: Job, answer: HttpAnswer) -> Iterator[Job]:
    """Where a page sends the browser, as far as that is the same device; a way back to itself is none."""
    target = answer.headers.get("location", "") if 300 <= answer.status < 400 else _sent_to(answer)
    if not target:
        return
    scheme = "https" if answer.tls else "http"
    whole = target if "://" in target else f"{scheme}://{job.address}:{job.port}/{target.lstrip('./')}"
    found = local_path(whole, job.address)
    if found is not None and found[0] in HTTP_PORTS and found != (job.port, job.argument):
        yield Job("http", job.address, *found)


def _sent_to(answer: HttpAnswer) -> str:
    found = _ELSEWHERE.search(answer.text) if answer.status == 200 else None
    return next((value for value in found.groups() if value), "") if found else ""
