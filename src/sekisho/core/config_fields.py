"""What a value of the configuration may be, and what every section is."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo

from sekisho.core.address import parse_address, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TIMEOUT_S = 86_400
"""No exporter holds a flow longer than a day; a larger number is a mistake in the unit."""

_SCALAR = (str, int, float)


def from_text(parse: Callable[[str], Any], what: str) -> Callable[[object], Any]:
    """A validator that reads texts; ``what`` says what was expected."""

    def parsed(value: object) -> Any:
        try:
            # ipaddress would take the integer 1 for 0.0.0.1; a file that holds a number here is mistaken.
            return parse(value if isinstance(value, str) else "") if isinstance(value, _SCALAR) else value
        except ValueError as error:
            raise ValueError(what) from error

    return parsed


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from error
    return pattern


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    directory: Path = (info.context or {}).get("directory", Path())
    return directory / path.expanduser()


def _database_beside_the_file(url: str, info: ValidationInfo) -> str:
    scheme, separator, path = url.partition("sqlite:///")
    return url if scheme or not separator else f"{separator}{_beside_the_file(Path(path), info)}"


Seconds = Annotated[float, Strict(), Field(gt=0, le=MAX_TIMEOUT_S)]
Rate = Annotated[float, Strict(), Field(gt=0)]
Interval = Annotated[float, Strict(), Field(ge=1)]
Text = Annotated[str, Strict(), Field(min_length=1)]
Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(from_text(parse_address, "an IP address"))]
Prefix = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(from_text(parse_prefix, "a prefix without host bits, such as 192.0.2.0/24")),
]
ZoneOffset = Annotated[str, Strict(), Field(pattern=r"^[+-][01]\d:[0-5]\d$")]
"""Offset from UTC, such as ``+09:00``."""
Pattern = Annotated[str, Strict(), AfterValidator(_regular_expression)]
File = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path; a relative one stands beside the configuration file."""
DatabaseUrl = Annotated[str, Strict(), Field(min_length=1), AfterValidator(_database_beside_the_file)]
"""A database; the file of a SQLite URL stands beside the configuration file, as every file does."""


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
