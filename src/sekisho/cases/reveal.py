"""The second tier: where the traffic of an open case went, truncated, for a stated purpose, each time on record."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from sekisho.cases import audit
from sekisho.cases.read import get_case
from sekisho.cases.states import JA
from sekisho.core.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act

SHORTEST = {4: 24, 6: 48}
"""Nothing longer is shown: a single host is not needed to mend a device."""


def reveal(connection: Connection, case_id: int, act: Act) -> list[dict[str, Any]]:
    """Networks, ports and shares for each kind of a case; the row of the audit trail is written with it.

    Raises:
        Refused: the case is closed.
    """
    case = get_case(connection, case_id)
    if not case.is_open:
        raise Refused(
            f"case {case_id} is {case.state}: destinations are shown for open cases only",
            f"ケース {case_id} は「{JA[case.state]}」です。宛先を表示できるのは、終了していないケースだけです",
        )
    audit.append(connection, "reveal", act, case_id=case_id)
    return [
        {"kind": evidence.kind, **target, "prefix": truncated(target["prefix"])}
        for evidence in case.evidence
        for target in evidence.top_targets
    ]


def truncated(prefix: str) -> str:
    """The network of a prefix, never longer than a /24 or a /48."""
    network = ip_network(prefix, strict=False)
    longest = SHORTEST[network.version]
    return str(network if network.prefixlen <= longest else network.supernet(new_prefix=longest))
