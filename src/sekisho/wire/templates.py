"""Templates of all exporters: who may redefine what, and where the kernels find them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sekisho.core.errors import WireError
from sekisho.core.reasons import WireReason
from sekisho.wire.keys import KeyTable
from sekisho.wire.layout import Program, Step, program_key
from sekisho.wire.programs import Compiled, compile_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.wire.limits import Limits

ALL_TEMPLATES = -1
"""``template_id`` of a withdrawal of every template of its sort."""

SCOPE_PEN = -1
"""Enterprise of v9's own scope numbers (RFC 3954, 6.1), which are no information elements."""

ANY_PORT = -1


class Field(NamedTuple):
    """A field specifier; ``length`` in octets, 65535 = variable."""

    element: int
    length: int
    enterprise: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template as announced.

    Attributes:
        fields: in order, scopes first; empty = withdrawal.
        scopes: how many of the fields are scopes.
    """

    template_id: int
    fields: tuple[Field, ...]
    scopes: int = 0
    is_options: bool = False


class Source(NamedTuple):
    """Scope of a template: exporter code, version, observation domain."""

    exporter: int
    version: int
    domain: int


class KnownTemplate(NamedTuple):
    """A template, the port that announced it last, the port that it holds for, and whether ports are told apart."""

    source: Source
    port: int
    scope: int
    template: Template
    is_by_port: bool


_Key = tuple[Source, int, int]


@dataclass(slots=True)
class _Entry:
    template: Template
    row: int
    port: int


@dataclass(slots=True)
class TemplateStats:
    """Counters for reports.

    Attributes:
        redefined: templates whose layout changed, by exporter.
        by_exporter: templates that are known now.
    """

    redefined: Counter[int] = field(default_factory=Counter)
    withdrawn: int = 0
    port_conflicts: int = 0
    by_exporter: Counter[int] = field(default_factory=Counter)


class TemplateTable:
    """Every template, compiled.

    A template belongs to exporter, version and domain. Two processes on one address may use one id for different
    layouts: from the second definition on that id is looked up with the source port first, and the latest definition
    serves other ports (an exporter that restarted sends from a new port). Where the exporter has no room for more
    templates the latest definition serves all.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: dict[_Key, _Entry] = {}
        self._of_source: dict[Source, set[_Key]] = {}
        self._compiled: list[Compiled | None] = []
        self._free: list[int] = []
        self._steps_used = 0
        self.stats = TemplateStats()
        self.keys = KeyTable()
        self.programs = np.zeros((64, Program.WORDS), dtype=np.int64)
        self.steps = np.zeros((1024, Step.WORDS), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, source: Source, port: int, template: Template) -> bool:
        """Take in an announced template; a withdrawal has no fields.

        Returns:
            Whether the layout is new or differs from what was known.

        Raises:
            WireError: the template is empty, too large, or one too many.
        """
        if not template.fields:
            self._withdraw(source, template)
            return False
        entry = self._entries.get((source, template.template_id, ANY_PORT))
        if entry is not None and entry.template == template and not self.programs[entry.row, Program.BY_PORT]:
            entry.port = port
            return False
        self._check(source, template, is_new=entry is None)
        if entry is None:
            self._store(source, port, ANY_PORT, template)
            return True
        return self._redefine(source, port, entry, template)

    def find(self, source: Source, port: int, template_id: int) -> Template | None:
        """The template that the kernels would use for a set."""
        for scope in (port, ANY_PORT):
            if entry := self._entries.get((source, template_id, scope)):
                return entry.template
        return None

    def known(self) -> Iterator[KnownTemplate]:
        """Every template in its scope."""
        for (source, _, scope), entry in self._entries.items():
            by_port = bool(self.programs[entry.row, Program.BY_PORT])
            yield KnownTemplate(source, entry.port, scope, entry.template, by_port)

    def restore(self, known: KnownTemplate) -> None:
        """Put a template back as it was.

        Raises:
            WireError: it is beyond a limit that has become lower.
        """
        self._check(known.source, known.template, is_new=True)
        self._store(known.source, known.port, known.scope, known.template)
        row = self._entries[known.source, known.template.template_id, known.scope].row
        self.programs[row, Program.BY_PORT] = known.is_by_port

    def _redefine(self, source: Source, port: int, entry: _Entry, template: Template) -> bool:
        by_port = self._entries.get((source, template.template_id, port))
        if by_port is not None and by_port.template == template:
            return False
        self.stats.redefined[source.exporter] += 1
        is_conflict = port != entry.port or self.programs[entry.row, Program.BY_PORT]
        if is_conflict and self._has_room_to_part(source, port, entry):
            self._part_by_port(source, port, entry, template)
        else:
            self._store(source, port, ANY_PORT, template)
        return True

    def _has_room_to_part(self, source: Source, port: int, entry: _Entry) -> bool:
        ports = {port} if self.programs[entry.row, Program.BY_PORT] else {port, entry.port}
        new = sum((source, entry.template.template_id, scope) not in self._entries for scope in ports)
        return self.stats.by_exporter[source.exporter] + new <= self._limits.templates_per_exporter

    def _part_by_port(self, source: Source, port: int, entry: _Entry, template: Template) -> None:
        if not self.programs[entry.row, Program.BY_PORT]:
            self.stats.port_conflicts += 1
            self._store(source, entry.port, entry.port, entry.template)
        self._store(source, port, port, template)
        self._store(source, port, ANY_PORT, template)
        self.programs[self._entries[source, template.template_id, ANY_PORT].row, Program.BY_PORT] = 1

    def _check(self, source: Source, template: Template, *, is_new: bool) -> None:
        shortest = sum(1 if f.length == 65_535 else f.length for f in template.fields)
        if not 0 < shortest <= self._limits.record_octets:
            # A record of no octets would never end (vflow#97, netflow_parser#28).
            raise WireError(WireReason.BAD_TEMPLATE, 0)
        if len(template.fields) > self._limits.template_fields:
            raise WireError(WireReason.TEMPLATE_LIMIT, 0)
        if is_new and self.stats.by_exporter[source.exporter] >= self._limits.templates_per_exporter:
            raise WireError(WireReason.TEMPLATE_LIMIT, 0)

    def _withdraw(self, source: Source, template: Template) -> None:
        everything = template.template_id == ALL_TEMPLATES
        for key in list(self._of_source.get(source, ())):
            same_sort = self._entries[key].template.is_options == template.is_options
            if same_sort and (everything or key[1] == template.template_id):
                self._remove(key)
                self.stats.withdrawn += 1

    def _store(self, source: Source, port: int, scope: int, template: Template) -> None:
        key = (source, template.template_id, scope)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(template, self._new_row(), port)
            self._of_source.setdefault(source, set()).add(key)
            self.stats.by_exporter[source.exporter] += 1
            self.keys.set(*program_key(*source, template.template_id, scope), entry.row)
        entry.template, entry.port = template, port
        self._write(entry.row, compile_template(template, version=source.version))

    def _remove(self, key: _Key) -> None:
        source, template_id, scope = key
        entry = self._entries.pop(key)
        self._of_source[source].discard(key)
        self.keys.remove(*program_key(*source, template_id, scope))
        self.stats.by_exporter[source.exporter] -= 1
        self._compiled[entry.row] = None
        self._free.append(entry.row)

    def _new_row(self) -> int:
        if self._free:
            return self._free.pop()
        self._compiled.append(None)
        if len(self._compiled) > len(self.programs):
            self.programs = np.concatenate([self.programs, np.zeros_like(self.programs)])
        return len(self._compiled) - 1

    def _write(self, row: int, compiled: Compiled) -> None:
        self._compiled[row] = compiled
        if self._steps_used + len(compiled.steps) > len(self.steps):
            self._compact()
        self._append(row, compiled)

    def _append(self, row: int, compiled: Compiled) -> None:
        first, self._steps_used = self._steps_used, self._steps_used + len(compiled.steps)
        if compiled.steps:
            self.steps[first : self._steps_used] = compiled.steps
        self.programs[row] = compiled.program
        self.programs[row, Program.FIRST_STEP] = first

    def _compact(self) -> None:
        """Drop the steps of replaced templates; at most half of the new array is in use, so this stays rare."""
        live = sum(len(compiled.steps) for compiled in self._compiled if compiled is not None)
        self.steps = np.zeros((max(1024, 2 * live), Step.WORDS), dtype=np.int64)
        by_port = self.programs[:, Program.BY_PORT].copy()
        self._steps_used = 0
        for row, compiled in enumerate(self._compiled):
            if compiled is not None:
                self._append(row, compiled)
        self.programs[:, Program.BY_PORT] = by_port
