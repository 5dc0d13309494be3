"""The part of ``sekisho analyze`` about links: what they carried, and what it would have been without the abuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.cli.fold import folded
from sekisho.web.report.links import coverage_alarms, link_views
from sekisho.web.report.said import Said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sekisho.detect.detector import Language

LINKS_SHOWN = 20
"""Links that are listed, those longest above their mark first; the page and the JSON have more."""


def sentences(impact: Mapping[str, Any], *, lang: Language, width: int) -> Iterator[str]:
    """Lines of text, none where there is neither a link nor a coverage alarm."""
    links = link_views(impact)
    if links:
        yield Said("links_loaded").text(lang)
    for link in links[:LINKS_SHOWN]:
        yield from folded(f"  {link.title.text(lang)}", width, hanging=2)
        for label, value in link.facts:
            yield from folded(f"    {label.text(lang)}: {value.text(lang)}", width, hanging=2)
        if link.missing:
            missing = "; ".join(what.text(lang) for what in link.missing)
            yield from folded(f"    {Said('link_missing').text(lang)}: {missing}", width, hanging=2)
    if left_out := len(links[LINKS_SHOWN:]):
        yield f"  {Said('links_left_out', {'count': left_out}).text(lang)}"
    for alarm in coverage_alarms(impact):
        yield from folded(alarm.text(lang), width, hanging=2)
