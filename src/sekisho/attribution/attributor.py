"""Both sides of every flow record get their line, or the reason why they have none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from sekisho.attribution import holder, households, lookup, prefix_text, ranges, slots, table, updates
from sekisho.attribution.assignments import AssignmentReader
from sekisho.attribution.candidates import candidate_lines
from sekisho.attribution.keys import UNKEYED, LineIds, line_keys
from sekisho.attribution.layout import (
    BY_MAP_E,
    HI,
    INFERRED,
    KIND,
    KIND_MASK,
    LATER_ROWS,
    LENGTH_MASK,
    LINE,
    LO,
    PORT_MASK,
    PORTS,
    REALM_SHIFT,
    ROW_MASK,
    ROW_WORDS,
    ROWS,
    TOLD,
    VALID_FROM,
    VALID_TO,
    WHOLE,
    section,
)
from sekisho.attribution.lines import FileKind, Lines, read_lines_file
from sekisho.attribution.map_e import ipv4_of, load_map_e
from sekisho.attribution.outcome import Assignment, Attributed, Hold, Unattributed, prefix_of_words
from sekisho.attribution.partner import partner_asked, with_partners
from sekisho.attribution.updates import Updates
from sekisho.attribution.validity import OPEN_FROM_MS, OPEN_TO_MS
from sekisho.core.address import prefix_words, to_words
from sekisho.core.errors import InputError
from sekisho.core.kernels import warm
from sekisho.core.reasons import UnattributedReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sekisho.attribution.history.columns import Told
    from sekisho.attribution.history.spans import Span
    from sekisho.attribution.lines import LineInfo
    from sekisho.attribution.map_e import MapRule
    from sekisho.attribution.partner import Partner
    from sekisho.attribution.sources.events import Held, Holder
    from sekisho.core.address import IPAddress, IPNetwork
    from sekisho.core.config import Network
    from sekisho.schema.batch import FlowBatch

DEFAULT_CLOCK_MARGIN_MS = 2000
"""NetFlow v9 exports whole seconds of its own clock; servers that write assignments have another."""

MOST_REVOKED = 1 << 20
"""Lines of which it is known that an answer was taken back; those longest ago are forgotten first."""

_EXPLANATIONS = {
    UnattributedReason.NOT_OURS: "the address is in none of our prefixes",
    UnattributedReason.NO_ASSIGNMENT: "the address is ours, but no assignment covers it at that time",
    UnattributedReason.NEEDS_PORT: "several lines share the address, and only a TCP, UDP, SCTP or DCCP port that is "
    "not 0 tells them apart",
    UnattributedReason.PORT_OUTSIDE_SET: "the address is shared, and the port belonged to no line at that time",
    UnattributedReason.OVERLAP: "more than one line held the address and the port at the same time",
    UnattributedReason.CLOCK_MARGIN: "the holder changed during that time or within the clock margin around it",
    UnattributedReason.REALM_UNKNOWN: "the address is used in several realms, and the realm is not known",
    UnattributedReason.HELD_BY_PARTNER: "only a partner knows who held the address",
    UnattributedReason.KEY_COLLISION: "two line identifiers have the same key: use another key file",
}


class Change(NamedTuple):
    """Who held one thing, as far as sources know now."""

    held: Held
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of changes.

    Attributes:
        done: how many were taken in; where it is fewer than were given, the index has to be built anew.
    """

    done: int


class Revoked(NamedTuple):
    """What a line had seemed to hold, since when it did not, and until when it was thought to, milliseconds UTC."""

    held: Held
    since_ms: int
    until_ms: int


class Attributor:
    """Assignments and MAP-E rules ready for lookup.

    Attributes:
        derived_prefixes: our prefixes were not configured and are taken from the assignments; a report says so.
        single_realm: special-use addresses resolve in the default realm, since there is no other; a report says so.
        overlapping: assignments that another line holds at the same time; they resolve to ``overlap``.
    """

    def __init__(
        self,
        *,
        built: table.Built,
        line_ids: LineIds,
        lines: Lines,
        realms: Sequence[str],
        rules: tuple[MapRule, ...],
        clock_margin_ms: int,
        key: bytes,
        partners: Sequence[Partner] = (),
    ) -> None:
        self.derived_prefixes = built.derived_prefixes
        self.overlapping = built.overlapping
        self.single_realm = len(realms) == 1
        self._memory = built.memory
        self._line_ids = line_ids
        self._lines = lines
        self._realms = tuple(realms)
        self._rules = rules
        self._clock_margin_ms = clock_margin_ms
        self._key = key
        self._partners = tuple(partners)
        self._later_ids: dict[int, str] = {}
        self._revoked: dict[int, Revoked] = {}
        self._by_line: tuple[NDArray[np.int64], NDArray[np.uint32]] | None = None
        self._updates = Updates(
            built.writable, built.limits, ((rule.ipv6_prefix, rule.end_user_length) for rule in rules)
        )
        self._realm_codes = np.zeros(0, np.int64)
        self._unattributed = np.zeros(len(UnattributedReason), np.int64)

    @classmethod
    def load(
        cls,
        *,
        lines: Sequence[Path],
        map_e: Path | Sequence[Path] | None,
        history: Told | None = None,
        network: Network,
        realms: Sequence[str],
        clock_margin_ms: int = DEFAULT_CLOCK_MARGIN_MS,
        key: bytes | None = None,
        on_progress: Callable[[int], None] | None = None,
        room: int = 0,
        partners: Sequence[Partner] = (),
    ) -> Self:
        """Read assignments files, lines files (told apart by their header) and MAP-E rules.

        Args:
            lines: CSV or Parquet files.
            map_e: TOML file of MAP-E rules, or several.
            history: who held what as the sources told it, ``History.told()``.
            network: our prefixes and tunnel endpoints; without prefixes they are derived from the assignments.
            realms: every realm that exporters, interfaces and VRFs map to; "" is the default realm.
            clock_margin_ms: what a flow's times may be off by.
            key: secret for line keys; ``keys.UNKEYED`` where none is configured.
            on_progress: told the number of further assignments read.
            room: rows that ``change`` may write before the index has to be built anew.
            partners: who alone knows the holders of some addresses.

        Raises:
            InputError: a file that cannot be used; names file, line, expected and found.
            ConfigError: a wrong MAP-E rule.
        """
        warm((prefix_text.KERNELS, ranges.KERNELS, slots.KERNELS, households.KERNELS, table.KERNELS))
        rules = tuple(rule for path in _paths(map_e) for rule in load_map_e(path))
        all_realms = list(dict.fromkeys(("", *realms)))
        reader = AssignmentReader(realms=all_realms, key=key or UNKEYED)
        known_lines = Lines(key=key or UNKEYED)
        for path in lines:
            kind, file = read_lines_file(path)
            if kind is FileKind.LINES:
                known_lines.read(file)
            else:
                reader.read(file, on_progress or (lambda _: None))
        if history is not None:
            reader.add(history)
            # Its lines are in the reader now.
            del history
        assignments, line_ids = reader.finish()
        if len(line_ids.collided):
            assignments.line[np.isin(assignments.line, line_ids.collided)] = 0
        try:
            built = table.build(
                assignments,
                rules,
                prefixes=network.prefixes,
                endpoints=network.tunnel_endpoints,
                realms=len(all_realms),
                room=room,
            )
        except ValueError as error:
            raise InputError(", ".join(map(str, lines)), f"expected {error}") from error
        return cls(
            built=built,
            line_ids=line_ids,
            lines=known_lines,
            realms=all_realms,
            rules=rules,
            clock_margin_ms=clock_margin_ms,
            key=key or UNKEYED,
            partners=partners,
        )

    def start(self) -> None:
        """Compile the lookup, and what changes it."""
        warm((lookup.KERNELS, updates.KERNELS))

    def __len__(self) -> int:
        """Number of assignments."""
        return len(section(self._memory, ROWS)) // ROW_WORDS

    @property
    def unattributed(self) -> Counter[UnattributedReason]:
        """Records of which neither side has a line, by the reason of the side that came closer to one."""
        return Counter({reason: int(n) for reason, n in zip(UnattributedReason, self._unattributed, strict=True) if n})

    def attribute(self, batch: FlowBatch) -> None:
        """Fill line, reason and assignment of both sides of every row; the caller has called ``start()``."""
        if len(self._realm_codes) < len(batch.realms):
            self._realm_codes = np.array([self._realm_code(realm) for realm in batch.realms], np.int64)
        lookup.attribute(
            self._memory, batch.cells, batch.length, self._realm_codes, self._clock_margin_ms, self._unattributed
        )

    def resolve(
        self, *, realm: str, address: IPAddress, port: int, protocol: int, start_ms: int, end_ms: int
    ) -> Attributed | Unattributed:
        """Who held an address and a port from ``start_ms`` to ``end_ms`` (inclusive, without the clock margin).

        The port is 0 where none is known; ports of other protocols than TCP, UDP, SCTP and DCCP do not count.
        """
        code, (hi, lo) = self._realm_code(realm), to_words(address)
        start_ms, end_ms = start_ms - self._clock_margin_ms, end_ms + self._clock_margin_ms
        usable = lookup.usable_port(protocol, 0, port)
        row = lookup.resolve(self._memory, code, hi, lo, usable, start_ms, end_ms)
        if row >= 0:
            return self._answer(row)
        candidates = candidate_lines(
            self._memory, self._rules, realm=code, address=address, start_ms=start_ms, end_ms=end_ms
        )
        return with_partners(_unattributed(row, candidates), address, self._partners)

    def _answer(self, row: int) -> Attributed:
        assignment = self.assignment(row)
        return Attributed(
            line=assignment.line,
            line_id=self.line_id(assignment.line),
            assignment=assignment,
            certainty="inferred" if lookup.is_inferred(self._memory, row) else "certain",
        )

    def holders(
        self, *, realm: str, address: IPAddress, port: int, start_ms: int, end_ms: int
    ) -> Iterator[Attributed | Unattributed]:
        """Who held an address one after the other during a time and the clock margin around it; nobody is one, too.

        The port is that of a protocol with ports, 0 where none is known.
        """
        code, (hi, lo), at_ms = self._realm_code(realm), to_words(address), start_ms - self._clock_margin_ms
        while at_ms <= end_ms + self._clock_margin_ms:
            row = lookup.resolve(self._memory, code, hi, lo, port, at_ms, at_ms)
            yield self._answer(row) if row >= 0 else _unattributed(row)
            if row == -UnattributedReason.OVERLAP:
                # Nobody can say until when.
                return
            _, at_ms = holder.holder_at(self._memory, code, hi, lo, port, at_ms)

    def reason_of(self, address: IPAddress, reason: UnattributedReason) -> UnattributedReason:
        """``held_by_partner`` where an address has no line for want of an assignment, and a partner has one."""
        return reason if partner_asked(reason, address, self._partners) is None else UnattributedReason.HELD_BY_PARTNER

    def change(self, changes: Sequence[Change], *, at_ms: int) -> Changed:
        """Take in what sources have told since, between two calls of ``attribute``; the caller has called ``start()``.

        Every change holds all that the sources know of one prefix and its ports; the operator's lists stay.
        ``at_ms`` is now: what was attributed before was attributed without them.
        """
        runs = np.zeros((len(changes), updates.RUN_CELLS), np.int64)
        rows: list[tuple[int, int, int, int]] = []
        for number, (held, spans) in enumerate(changes):
            if held.realm not in self._realms or not self._updates.fit(
                held.prefix, derived_prefixes=self.derived_prefixes
            ):
                return Changed(done=0)
            hi, lo, length = prefix_words(held.prefix)
            kind = self._realms.index(held.realm) << REALM_SHIFT | length
            runs[number] = hi, lo, kind, held.port_first << 16 | held.port_last, len(rows), len(spans)
            for span in sorted(spans, key=lambda span: span.from_ms):
                flags = TOLD | INFERRED if span.inferred else TOLD
                rows.append((span.from_ms, span.to_ms, self._line_key(span.holder), flags))
        done, revoked = self._updates.apply(runs, np.array(rows, np.int64).reshape(-1, updates.ROW_CELLS))
        for change, (line, since_ms) in zip(changes, revoked.tolist(), strict=False):
            if line:
                self._revoked.pop(line, None)
                self._revoked[line] = Revoked(change.held, since_ms, at_ms)
        while len(self._revoked) > MOST_REVOKED:
            del self._revoked[next(iter(self._revoked))]
        return Changed(done=done)

    def revoked(self, line: int) -> Revoked | None:
        """What a line had seemed to hold last, and did not; None where nothing was taken back."""
        return self._revoked.get(line)

    def become(self, other: Attributor) -> None:
        """Go on with another one's index; lines that were known stay known."""
        known = self._later_ids | dict(iter(self._line_ids))
        self.derived_prefixes, self.overlapping = other.derived_prefixes, other.overlapping
        self._memory, self._updates, self._by_line = other._memory, other._updates, None
        self._line_ids = other._line_ids
        self._later_ids = {key: text for key, text in known.items() if key not in other._line_ids}

    def _line_key(self, holder: Holder) -> int:
        """The key of a line, which is learned here; 0 where another line has it."""
        line_id = str(holder)
        key = int(line_keys([line_id], self._key)[0])
        if key in self._line_ids:
            return key if self._line_ids.line_id(key) == line_id else 0
        return key if self._later_ids.setdefault(key, line_id) == line_id else 0

    def line_id(self, key: int) -> str:
        """The operator's identifier of a line key.

        Raises:
            KeyError: no line has this key.
        """
        return self._later_ids[key] if key in self._later_ids else self._line_ids.line_id(key)

    def line(self, key: int) -> LineInfo | None:
        """What a lines file says about a line; None where none does."""
        return self._lines.get(key)

    def links(self) -> Iterator[tuple[int, str]]:
        """Key and link of every line that a lines file names."""
        return self._lines.links()

    def assignment(self, row: int) -> Assignment:
        """The assignment that decided, by the number in ``src_assignment`` or ``dst_assignment``.

        Raises:
            IndexError: none did (-1).
        """
        if row < 0:
            raise IndexError(row)
        place = row & ROW_MASK
        cells = self._memory[place : place + ROW_WORDS].tolist()
        realm, length = (cells[KIND] & KIND_MASK) >> REALM_SHIFT, cells[KIND] & LENGTH_MASK
        return Assignment(
            line=cells[LINE],
            prefix=prefix_of_words(cells[HI], cells[LO], length),
            port_first=cells[PORTS] >> 32,
            port_last=cells[PORTS] >> 16 & PORT_MASK,
            valid_from_ms=None if cells[VALID_FROM] == OPEN_FROM_MS else cells[VALID_FROM],
            valid_to_ms=None if cells[VALID_TO] == OPEN_TO_MS else cells[VALID_TO],
            realm=self._realms[realm],
            method="map_e" if row & BY_MAP_E else "assignment",
        )

    def prefixes_of(self, line: int, *, at_ms: int) -> tuple[IPNetwork, ...]:
        """What a line held at a time: its prefixes, and the IPv4 that MAP-E puts in front of them."""
        prefixes = self._own_prefixes(line, at_ms)
        rules = self._rules_at(at_ms)
        return (*prefixes, *(shared for prefix in prefixes for shared in ipv4_of(rules, prefix)))

    def holds(self, lines: NDArray[np.int64], *, at_ms: int) -> NDArray[np.bool_]:
        """Which of the lines (n,) held any prefix at a time; one pass over all assignments."""
        held = [rows[:, LINE][(rows[:, VALID_FROM] <= at_ms) & (rows[:, VALID_TO] > at_ms)] for rows in self._rows()]
        return np.isin(lines, np.concatenate(held))

    def holds_of(self, line: int, *, from_ms: int, to_ms: int) -> tuple[Hold, ...]:
        """What a line held at any time from ``from_ms`` to ``to_ms``, by its own assignments.

        Each with the part of that time in which records were its; within the margin of a change they are nobody's.
        """
        rows = self._rows_of(line)
        begins = np.maximum(rows[:, VALID_FROM] + self._clock_margin_ms, from_ms)
        ends = np.minimum(rows[:, VALID_TO] - self._clock_margin_ms - 1, to_ms)
        cells = np.column_stack((rows[:, [HI, LO, KIND, PORTS]], begins, ends))[begins <= ends]
        return tuple(
            Hold(
                prefix_of_words(hi, lo, kind & LENGTH_MASK),
                self._realms[(kind & KIND_MASK) >> REALM_SHIFT],
                0 if ports >> 16 == WHOLE else max(ports >> 32, 1),
                begin,
                end,
            )
            for hi, lo, kind, ports, begin, end in cells.tolist()
        )

    def prefixes_behind(self, line: int, shared: IPNetwork, *, at_ms: int) -> tuple[IPNetwork, ...]:
        """The prefixes of a line that MAP-E put behind a shared IPv4 network at a time."""
        rules = self._rules_at(at_ms)
        return tuple(p for p in self._own_prefixes(line, at_ms) if any(shared == each for each in ipv4_of(rules, p)))

    def _own_prefixes(self, line: int, at_ms: int) -> list[IPNetwork]:
        rows = self._rows_of(line)
        held = rows[(rows[:, VALID_FROM] <= at_ms) & (rows[:, VALID_TO] > at_ms)]
        return [prefix_of_words(hi, lo, kind & LENGTH_MASK) for hi, lo, kind in held[:, [HI, LO, KIND]].tolist()]

    def _rows_of(self, line: int) -> NDArray[np.int64]:
        """The rows of a line; those that the index was built with are found by their order, which is made once."""
        built, later = self._rows()
        if self._by_line is None:
            in_order = np.argsort(built[:, LINE])
            self._by_line = built[in_order, LINE], in_order.astype(np.uint32)
        lines, order = self._by_line
        first, end = np.searchsorted(lines, [line, line + 1])
        found = np.concatenate([built[order[first:end]], later[later[:, LINE] == line]])
        # What was changed since is no longer the line's there.
        mine: NDArray[np.int64] = found[found[:, LINE] == line]
        return mine

    def _rows(self) -> Iterator[NDArray[np.int64]]:
        """Every row once, as (n, ROW_WORDS); those that were changed since stand behind the others."""
        return (section(self._memory, part).reshape(-1, ROW_WORDS) for part in (ROWS, LATER_ROWS))

    def _rules_at(self, at_ms: int) -> list[MapRule]:
        return [rule for rule in self._rules if rule.valid_from_ms <= at_ms < rule.valid_to_ms]

    def _realm_code(self, realm: str) -> int:
        """A realm that nobody configured has no assignments; its code is one beyond the known ones."""
        return self._realms.index(realm) if realm in self._realms else len(self._realms)


def _unattributed(row: int, candidates: int = 0) -> Unattributed:
    reason = UnattributedReason(-row)
    return Unattributed(reason=reason, explanation=_EXPLANATIONS[reason], candidate_lines=candidates)


def _paths(given: Path | Sequence[Path] | None) -> Sequence[Path]:
    if given is None:
        return ()
    return (given,) if isinstance(given, Path) else given
