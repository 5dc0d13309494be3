"""Where configuration values come from, file and environment, and how a wrong one is told to a person."""

from __future__ import annotations

import difflib
import itertools
import re
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sekisho.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

PREFIX = "SEKISHO_"
SEPARATOR = "__"
"""Between section and key in a variable's name; variables without it, such as ``SEKISHO_CACHE_DIR``, set no value."""

_LINE = re.compile(r"\(at line (\d+)")

KeyPath = tuple[str | int, ...]


class Origin(StrEnum):
    """Which layer set a value."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What the file and the environment say, unchecked."""

    path: Path | None
    file: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def merged(self) -> dict[str, Any]:
        """Both together; the environment wins."""
        return _merge(self.file, self.environment)

    def origin(self, key: KeyPath) -> Origin:
        """Which layer set the value of a key."""
        if _stands_in(self.environment, key):
            return Origin.ENVIRONMENT
        return Origin.FILE if _stands_in(self.file, key) else Origin.DEFAULT


def read_layers(path: Path | None, environ: Mapping[str, str]) -> Layers:
    """Read the file, if one is given, and the environment.

    Raises:
        InputError: there is no such file, or it is no TOML.
        ConfigError: a variable names no key.
    """
    return Layers(path=path, file=_read_toml(path) if path is not None else {}, environment=_overrides(environ))


def first_problem(error: ValidationError, layers: Layers, *, known_keys: Iterable[str]) -> ConfigError:
    """One sentence about the first wrong value: where it stands, what was expected, what was found."""
    problem = error.errors(include_url=False)[0]
    key = tuple(part for part in problem["loc"] if part != "[key]")
    from_environment = layers.origin(key) is Origin.ENVIRONMENT
    expected, found = _expectation(problem, known_keys)
    return ConfigError(
        "environment" if from_environment else layers.path or "configuration",
        variable_of(key) if from_environment else dotted(key),
        expected=expected,
        found=found,
    )


def dotted(key: KeyPath) -> str:
    """``exporter[0].address``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def variable_of(key: KeyPath) -> str:
    """The environment variable that overrides a key; that of a whole list for an element of it."""
    names = itertools.takewhile(lambda part: isinstance(part, str), key)
    return PREFIX + SEPARATOR.join(map(str, names)).upper()


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(path, f"expected a configuration file, found: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(path, f"expected UTF-8 text, found another octet at {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        problem = str(error).partition(" (at ")[0]
        raise InputError(path, f"expected TOML, found: {problem}", line=int(line[1]) if line else None) from error


def _overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    layer: dict[str, Any] = {}
    for name in sorted(environ):
        if name.startswith(PREFIX) and SEPARATOR in name:
            _insert(layer, name, _value(environ[name]))
    return layer


def _insert(layer: dict[str, Any], name: str, value: object) -> None:
    *sections, key = name.removeprefix(PREFIX).lower().split(SEPARATOR)
    if sections[:1] == ["exporter"]:
        raise ConfigError("environment", name, expected="exporters in the file, they are a list", found=value)
    for section in sections:
        layer = layer.setdefault(section, {})
        if not isinstance(layer, dict):
            raise ConfigError("environment", name, expected=f"a section, but {section} was set to a value", found=name)
    layer[key] = value


def _value(text: str) -> Any:
    """A TOML value where the text is one, else the text itself, so that a path needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old if isinstance(old, dict) else {}, value) if isinstance(value, dict) else value
    return merged


def _stands_in(layer: Any, key: KeyPath) -> bool:
    try:
        for part in key:
            layer = layer[part]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _expectation(problem: ErrorDetails, known_keys: Iterable[str]) -> tuple[str, object]:
    if problem["type"] == "missing":
        return "a value", "nothing"
    if problem["type"] == "extra_forbidden":
        key = str(problem["loc"][-1])
        near = difflib.get_close_matches(key, known_keys, n=1)
        return "a known key" + "".join(f" ({name}?)" for name in near), key
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    found = problem["input"]
    return message.replace("valid tuple", "list"), ", ".join(found) if isinstance(found, dict) else found
