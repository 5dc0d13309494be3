"""The owner's own logins, given so that the check-up may read more: never kept, shown, or tried again and again.

A login that the device does not accept counts as a failure in the same ledger as the documented pairs, so that a
mistyped password does not lock the owner out, however often the check-up is run.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from sekisho.checkup.consent import OutOfScope
from sekisho.checkup.credentials.pairs import Spent
from sekisho.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sekisho.checkup.credentials.ledger import AttemptLedger

_KEYS = ("username", "password", "community")
_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the owner gave for one address; "" where it was not given."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    community: str = field(default="", repr=False)


class OwnerLogins:
    """Logins by address, and how often they may still be used today.

    Args:
        now_ms: the clock, injected.
    """

    def __init__(self, logins: Mapping[str, Login], ledger: AttemptLedger, now_ms: Callable[[], int]) -> None:
        self._logins, self._ledger, self._now_ms = logins, ledger, now_ms
        self.with_password = frozenset(address for address, login in logins.items() if login.password)
        self.with_community = frozenset(address for address, login in logins.items() if login.community)

    def community(self, address: str) -> str:
        """The SNMP community of an address.

        Raises:
            OutOfScope: none was given.
        """
        if address not in self.with_community:
            raise OutOfScope(f"no community was given for {address}")
        return self._logins[address].community

    def begin(self, address: str) -> Login:
        """The login of an address, once the ledger holds that it is about to be used.

        Raises:
            OutOfScope: none was given, or the device did not accept it lately.
        """
        if address not in self.with_password:
            raise OutOfScope(f"no login was given for {address}")
        try:
            self._ledger.begin_own(address, self._now_ms())
        except Spent as spent:
            raise OutOfScope(f"the login given for {address} is not used: {spent.reason}") from spent
        return self._logins[address]

    def accepted(self, address: str) -> None:
        """The device accepted the login, so it counts as no failure."""
        self._ledger.own_accepted(address, self._now_ms())


def read_logins(path: Path) -> dict[str, Login]:
    """Logins in TOML, ``[device."ADDRESS"]`` tables.

    Raises:
        InputError: not TOML, or a name that is no address.
        ConfigError: another key or type; the message names the key, never a value.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("device", {})
        return {str(ip_address(address)): _login(path, address, table) for address, table in tables.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, "logins in TOML expected") from error
    except ValueError as error:
        raise InputError(path, f"the address of a device expected: {error}") from error


def _login(path: Path, address: str, table: Mapping[str, Any]) -> Login:
    for name, value in table.items():
        if name not in _KEYS or not isinstance(value, str) or len(value) > _LENGTH or not value.isprintable():
            expected = f"{', '.join(_KEYS)}, each a printable text of at most {_LENGTH} characters"
            raise ConfigError(path, f"device.{address}.{name}", expected=expected, found="something else")
    return Login(**table)
