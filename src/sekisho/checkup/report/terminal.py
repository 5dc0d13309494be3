"""The report in a terminal: what to do first, then device by device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sekisho.measures.model import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from sekisho.checkup.report.view import DeviceView, Line, View

COLOURS = {"ACTION": "bold red", "ASK": "yellow", "CANNOT-TELL": "cyan", "OK": "green"}


def render(view: View) -> RenderableType:
    """The whole report; what devices call themselves is text and never markup, so it cannot colour the terminal."""
    words = view.labels
    return Group(
        Text(words["title"], style="bold"),
        _folded(f"{words['network']}: {view.network}"),
        Text(f"{words['made']}: {view.made}"),
        *_summary(view),
        *(part for device in view.devices for part in _device(device, view)),
        *_footer(view),
    )


def _summary(view: View) -> Iterator[RenderableType]:
    yield Rule(view.labels["summary"], align="left")
    if not view.finished:
        yield _folded(view.labels["unfinished"], style="bold red")
        yield _folded(view.restart_hint)
    if not view.to_do:
        yield _folded(view.labels["nothing"])
    for number, (names, line) in enumerate(view.to_do, 1):
        name = _plain(view.labels["separator"].join(names))
        yield Text.assemble(f"{number:2d}. ", _verdict(line), " ", (name, "bold"), overflow="fold")
        yield Padding(_folded(line.found), (0, 0, 0, 4))
        yield Padding(_folded(f"→{line.do}"), (0, 0, 0, 4))


def _device(device: DeviceView, view: View) -> Iterator[RenderableType]:
    yield Rule(Text(_plain(f"{device.kind}: {device.name}")), align="left")
    for label, value, source in device.identity:
        yield _folded(f"  {label}: {value} ({source})", style="dim")
    for line in device.lines:
        # The badge has a column of its own: a text without spaces would otherwise begin on the line below it.
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_row(" ", Text(*_verdict(line), no_wrap=True), _folded(line.found))
        yield row
        if view.reader is Reader.EXPERT:
            evidence = "; ".join(f"{name}={value}" for name, value in line.evidence)
            rests_on = f"{view.labels['source']}: {line.source}" + (f" · {evidence}" if evidence else "")
            yield Padding(_folded(rests_on, style="dim"), (0, 0, 0, 4))
    for question in device.questions:
        yield _folded(f"  {view.labels['ask_maker']}: {question}", style="dim")


def _footer(view: View) -> Iterator[RenderableType]:
    words = view.labels
    if view.compared or view.restart or view.data or view.notes:
        yield Rule()
    if view.compared:
        yield _folded(f"{words['compared']}: " + ", ".join(f"{name} {count}" for name, count in view.compared))
    for signal, strength, change in view.restart:
        yield _folded(f"{words['restart']}: {signal} ({strength}): {change}")
    yield from (_folded(f"{words['data']}: {line}") for line in view.data)
    yield from (_folded(f"{words['notes']}: {line}") for line in view.notes)


def _verdict(line: Line) -> tuple[str, str]:
    return f"[{line.verdict_word}]", COLOURS[line.verdict]


def _folded(text: str, *, style: str = "") -> Text:
    """Japanese has no spaces to break at, so a line is folded where it ends."""
    return Text(_plain(text), style=style, overflow="fold")


def _plain(text: str) -> str:
    """A report may come from a file that somebody else wrote: nothing in it may move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)
