"""A10 Thunder in the Common Event Format: ``CEF:0|A10|CGN|version|signature|name|severity|key=value …``.

Inside and outside address and port are keys of the format's own dictionary. For the end of a port batch the dictionary
has none, and log templates are the operator's: its key, or the size of a batch, is configured.

Source: ArcSight Common Event Format, "Event Interoperability Standard"; A10 Thunder CGN logging guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from sekisho.attribution.sources.cgnat.block import Block, Change
from sekisho.core.reasons import SourceReason

_HEADER = re.compile(
    r"CEF:\d{1,2}\|A10\|(?:[^|\\]|\\.){0,60}\|(?:[^|\\]|\\.){0,60}"
    r"\|(?P<signature>(?:[^|\\]|\\.){0,100})\|(?P<name>(?:[^|\\]|\\.){0,200})\|[^|]{0,20}\|"
)
_PAIR = re.compile(r"(?:^|\s)([\w.]{1,60})=((?:[^=\\]|\\.){0,200}?)(?=\s+[\w.]{1,60}=|\s*$)")
_LABEL = "Label"

_BEGIN = re.compile(r"alloc|creat|open|assign", re.IGNORECASE)
_END = re.compile(r"dealloc|free|releas|delet|clos|expire", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cef:
    """Which keys tell of a block.

    Attributes:
        port_last: key of the batch's last port (or the label that a custom key such as ``cn1`` carries).
        batch_size: ports of a batch, where no key tells its end; 1 = every port is logged by itself.
    """

    inside: str = "src"
    outside: str = "sourceTranslatedAddress"
    port_first: str = "sourceTranslatedPort"
    port_last: str | None = None
    batch_size: int = 1

    def read_message(self, message: str) -> Block | SourceReason:
        """The block of one message without its syslog header."""
        header = _HEADER.search(message)
        if header is None:
            return SourceReason.NOT_RELEVANT
        change = _change(f"{header['signature']} {header['name']}")
        if change is None:
            return SourceReason.UNKNOWN_SHAPE
        said = _by_label(dict(_PAIR.findall(message[header.end() :])))
        if self.inside not in said:
            return SourceReason.NO_HOLDER
        try:
            first = int(said[self.port_first])
            return Block(
                change=change,
                outside=IPv4Address(said[self.outside]),
                port_first=first,
                port_last=int(said[self.port_last]) if self.port_last is not None else first + self.batch_size - 1,
                holder=said[self.inside],
            )
        except KeyError:
            return SourceReason.NOTHING_HELD
        except ValueError:
            return SourceReason.MALFORMED


def _change(words: str) -> Change | None:
    # "deallocated" holds "allocated": the end is looked for first.
    if _END.search(words):
        return Change.RELEASED
    return Change.ALLOCATED if _BEGIN.search(words) else None


def _by_label(pairs: dict[str, str]) -> dict[str, str]:
    """Custom keys under the names that their labels give them as well."""
    labelled = {
        label: pairs[key.removesuffix(_LABEL)]
        for key, label in pairs.items()
        if key.endswith(_LABEL) and key.removesuffix(_LABEL) in pairs
    }
    return labelled | pairs
