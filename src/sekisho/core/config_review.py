"""What a person wants to know of a configuration: which values hold, where they come from, what is risky."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomli_w

from sekisho.core.config_layers import Origin, dotted
from sekisho.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sekisho.core.config import Config, Exporter
    from sekisho.core.config_layers import KeyPath, Layers


_NAMED_FILES = {
    "privacy": ("key_file",),
    "contacts": ("book", "key_file", "token_file", "ca_file"),
    "mail": ("password_file", "ca_file", "dkim_key_file"),
    "webhook": ("key_file", "ca_file"),
    "console": ("certificate", "key_file"),
    "portal": ("certificate", "key_file"),
}
"""Section -> keys that name a file which has to be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value of the configuration; None = not set."""

    key: KeyPath
    value: Any
    origin: Origin

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"key": dotted(self.key), "value": self.value, "origin": self.origin.value}


def settings_of(config: Config, layers: Layers) -> list[Setting]:
    """Every value that holds, in the order of the reference."""
    return [
        Setting(key=key, value=value, origin=layers.origin(key))
        for key, value in _leaves((), config.model_dump(mode="json"))
    ]


def as_toml(settings: Iterable[Setting]) -> str:
    """The same as a TOML document; a comment behind each value names its origin."""
    lines: list[str] = []
    table: KeyPath = ()
    for setting in settings:
        if (parent := setting.key[:-1]) != table:
            lines += ["", _heading(parent)]
            table = parent
        lines.append(_line(setting))
    return "\n".join(lines).strip() + "\n"


def require_files(config: Config, file: Path) -> None:
    """Look whether every configured file is there.

    Raises:
        ConfigError: names the key and the path.
    """
    named = {
        **{f"files.lines[{row}]": path for row, path in enumerate(config.files.lines)},
        **{f"files.map_e[{row}]": path for row, path in enumerate(config.files.map_e)},
        **{f"detect.indicators[{row}]": path for row, path in enumerate(config.detect.indicators)},
        **{
            f"{section}.{key}": getattr(getattr(config, section), key)
            for section, keys in _NAMED_FILES.items()
            for key in keys
        },
        **{
            f"case_webhook[{row}].{key}": getattr(webhook, key)
            for row, webhook in enumerate(config.case_webhook)
            for key in _NAMED_FILES["webhook"]
        },
    }
    for key, path in named.items():
        if path is not None and not path.is_file():
            raise ConfigError(file, key, expected="a file that exists", found=str(path))


def warnings_of(config: Config) -> list[str]:
    """What works and is still likely to be a mistake, a sentence each."""
    warnings = [warning for row, exporter in enumerate(config.exporter) for warning in _risks(row, exporter)]
    shared = [str(a) for a, count in Counter(e.address for e in config.exporter).items() if count > 1]
    warnings += [f"several exporters have the address {address}: only the first of them counts" for address in shared]
    if not config.exporter and not config.serve.processes:
        warnings.append("no exporter is configured: analyze accepts every exporter, serve none")
    if not config.network.prefixes:
        warnings.append("network.prefixes is empty: our prefixes are derived from the assignments")
    if config.portal.listen is not None and config.portal.certificate is None and not config.portal.proxies:
        warnings.append(
            "portal.proxies is empty: behind a proxy every subscriber has the proxy's address, and 20 wrong tries of "
            "one hold up all"
        )
    if any(address.is_loopback for address in config.console.trusted_proxies):
        warnings.append("console.trusted_proxies holds an address of this machine: every program on it can be anybody")
    return warnings


def _risks(row: int, exporter: Exporter) -> Iterator[str]:
    place = f"exporter[{row}] ({exporter.name or exporter.address})"
    if exporter.boundary is None:
        yield f"{place} has no boundary: each of its directions counts as one, and traffic seen twice is not recognised"
    if exporter.sampling_default is None and exporter.sampling_forced is None:
        yield f"{place} has no sampling_default: where it announces no rate, verdicts stay at watch"
    if exporter.longest_timeout_s is None:
        yield f"{place} has no timeouts: windows wait 30 minutes for its records"


def _leaves(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict):
        # Plain values first: in TOML they would otherwise belong to the table above them.
        for key, inner in sorted(value.items(), key=lambda item: _is_table(item[1])):
            yield from _leaves((*path, key), inner)
    elif _is_table(value):
        for row, inner in enumerate(value):
            yield from _leaves((*path, row), inner)
    else:
        yield path, value


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(inner, dict) for inner in value))


def _heading(table: KeyPath) -> str:
    name = ".".join(str(part) for part in table if isinstance(part, str))
    return f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"


def _line(setting: Setting) -> str:
    name = str(setting.key[-1])
    if setting.value is None:
        return f"# {name} is not set"
    return f"{tomli_w.dumps({name: setting.value}).strip()}  # {setting.origin.value}"
