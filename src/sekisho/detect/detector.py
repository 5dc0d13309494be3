"""What a detector is: SQL over the window tables, thresholds as data, an explanation in two languages.

A detector's SQL sees ``line_window``, ``line_target`` and ``params``: one row a line with ``line``, ``two_way`` (1
where the exporter shows what the line receives as well, so that a missing answer is evidence) and every field of its
``Params`` as chosen for the line's group. Thresholds are therefore compared, never pasted into the text.

``candidates`` yields one row a (line, 10 s window) with the columns of ``CANDIDATE`` and any evidence, numbers or
texts; where it has a column ``acts``, 0 says that the window alone is for a person to look at;
``targets`` yields one row a (line, block, network, port) with the columns of ``TARGET``.

Evidence named ``opens_…`` is a threshold that decided, as it was for the line's group: ``quiet`` tells it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Language = Literal["ja", "en"]
GROUPS = ("home", "business", "building", "reseller", "server")
"""Groups of lines in ``contracts.md``: what is a flood at home is an ordinary day behind a school's line."""

CANDIDATE = (
    "line",
    "window_start_ms",
    "opens",
    "packets",
    "octets",
    "sampled_packets",
    "packets_var",
    "octets_var",
)
"""Columns of every candidate row; ``opens`` is 1 where the window is enough by itself, 0 where it only goes on."""

TARGET = (
    "line",
    "block_start_ms",
    "network_hi",
    "network_lo",
    "network_bits",
    "port",
    "protocol",
    "packets",
    "targets",
)
"""Columns of every target row; ``targets`` is the number of distinct addresses of the whole block, at least."""

NETWORK = "case when target_hi = 0 then target_lo & -256 else target_hi & -65536 end"
"""Key of a target's /24 or /48, since carpet bombing changes the address within it with every packet. One number does:
the upper word of a global IPv6 address is never as small as ``::ffff:0:0/96``."""

V4_FIRST, V4_LAST = 0xFFFF << 32, (0xFFFF << 32) + 0xFFFFFFFF
_IS_V4 = f"network between {V4_FIRST} and {V4_LAST}"
NETWORK_WORDS = f"""case when {_IS_V4} then 0 else network end as network_hi,
  case when {_IS_V4} then network else 0 end as network_lo, case when {_IS_V4} then 120 else 48 end as network_bits"""
"""The same network as the columns of ``TARGET``."""


def threshold(value: float, unit: str, why: str) -> Any:
    """A field of ``Params``: its number for a home, its unit, and the reasoning that the reference page prints."""
    return field(default=value, metadata={"unit": unit, "why": why})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One row of the table of detectors.

    Attributes:
        name: also the name of its section in the configuration.
        kinds: kinds that it reports.
        params: thresholds by group of lines.
        screen: condition over a sent row of ``line_window``; lines without such a window are not looked at further.
        suspects: SELECT of the lines in ``line_target`` that are worth the whole question; "" = all that were screened.
            Both may name thresholds in braces: the least of all groups is put there. They are asked about every line
            at every tick, over the columns that they name and no others: ``*`` is not for them.
        pairs: conditions (``windows/conditions.py``) of which every row of ``line_target`` meets one that ``suspects``
            has a use for; () = all rows. They may name thresholds in the same way.
        reach_ms: how far before a block targets count for its windows; 0 = those of the same ten minutes only.
        gap_ms: silence up to which two windows are one episode.
        explain: one sentence about a detection's evidence for a person who knows networks.
        quiet: one sentence that says, from the same evidence, what would have kept it quiet.
        inputs: further tables that all statements but the screen see; where one is not given, the detector is off.
        texts: texts that every detection of it carries beside its evidence.
        acts: False = a person looks at everything that it finds, and no case is opened by it.
        judges_interfaces: looks at interfaces with forged sources (``schema/subject.py``) instead of lines.
    """

    name: str
    kinds: tuple[str, ...]
    params: Mapping[str, Any]
    screen: str
    suspects: str
    candidates: str
    targets: str
    reach_ms: int
    gap_ms: int
    explain: Callable[[Mapping[str, float], Language], str]
    quiet: Callable[[Mapping[str, float], Language], str]
    judges_interfaces: bool = False
    pairs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    acts: bool = True

    def with_overrides(self, overrides: Mapping[str, float]) -> Detector:
        """The same detector with other numbers: ``name`` for every group, ``group.name`` for one.

        Raises:
            ValueError: no such group or threshold.
        """
        changed = dict(self.params)
        # A number for one group is more specific than one for all, whatever the order of the file.
        for key in sorted(overrides, key=lambda key: key.count(".")):
            group, _, name = key.rpartition(".")
            self._check(group, name, key)
            for each in [group] if group else GROUPS:
                changed[each] = replace(changed[each], **{name: float(overrides[key])})
        return replace(self, params=changed)

    def least(self, text: str) -> str:
        """A text with each threshold in braces replaced by the least of all groups."""
        rows = [asdict(params) for params in self.params.values()]
        return text.format_map({name: min(row[name] for row in rows) for name in rows[0]})

    def _check(self, group: str, name: str, key: str) -> None:
        known = [f.name for f in fields(self.params["home"])]
        if name not in known or (group and group not in GROUPS):
            raise ValueError(f"{self.name} has no threshold {key!r}; there are: {', '.join(known)}")

    def thresholds(self, groups: list[str]) -> dict[str, list[float]]:
        """See ``thresholds_of``."""
        return thresholds_of(self.params, groups)


def thresholds_of(params: Mapping[str, Any], groups: Sequence[str]) -> dict[str, list[float]]:
    """Columns of ``params`` for lines of these groups; an unknown group is treated as a home."""
    home = params["home"]
    rows = [params.get(group, home) for group in groups]
    return {f.name: [getattr(row, f.name) for row in rows] for f in fields(home)}
