"""What a run looks for, from the configuration: shipped detectors, the operator's own, indicators, a baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sekisho.core.errors import ConfigError
from sekisho.detect.baseline import Baseline
from sekisho.detect.detect import Detect
from sekisho.detect.indicators.read import read_indicators
from sekisho.detect.own import own_detectors
from sekisho.detect.registry import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sekisho.core.address import IPNetwork
    from sekisho.core.config import Detection
    from sekisho.detect.detect import Input, Learner
    from sekisho.detect.detector import Detector
    from sekisho.detect.indicators.read import FileReport
    from sekisho.query.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Further tables for the detectors.

    Attributes:
        tables: by name; a detector is on where all that it asks for are there.
        baseline: what lines usually send; None where it is off.
        reports: what became of the files of indicators.
    """

    tables: dict[str, Input] = field(default_factory=dict)
    baseline: Baseline | None = None
    reports: tuple[FileReport, ...] = ()

    @property
    def learner(self) -> Learner | None:
        """What takes the windows in as they come."""
        return self.baseline


def detectors_of(config: Detection, *, engine: Engine, config_file: Path | None) -> tuple[Detector, ...]:
    """Every detector that ships, and the operator's own.

    Raises:
        InputError: the directory of own detectors or a file in it cannot be read.
        ConfigError: one of them is wrong; a name or a threshold in ``[detect]`` is none.
    """
    place = config_file or "environment"
    own: tuple[Detector, ...] = ()
    if config.directory is not None:
        own = own_detectors(config.directory, engine=engine, acting=config.act)
    names = [detector.name for detector in own]
    if unknown := sorted(set(config.act) - set(names)):
        expected = f"names of own detectors ({', '.join(names) or 'there is none'})"
        raise ConfigError(place, "detect.act", expected=expected, found=unknown[0])
    detectors = (*DETECTORS, *own)
    try:
        Detect(engine=engine, detectors=detectors, overrides=config.overrides)
    except ValueError as error:
        raise ConfigError(place, "detect", expected="detectors and their parameters", found=str(error)) from error
    return detectors


def inputs_of(config: Detection, *, indicators: Sequence[Path] = (), is_ours: Callable[[IPNetwork], bool]) -> Inputs:
    """Read the files that detectors ask for.

    Args:
        config: names files of indicators and the baseline; a baseline that is not there yet begins empty.
        indicators: further files of indicators.
        is_ours: whether a network lies in the operator's own prefixes.

    Raises:
        InputError: a file that cannot be used.
    """
    inputs = Inputs()
    if files := (*config.indicators, *indicators):
        read = read_indicators(files, is_ours=is_ours)
        inputs = Inputs(tables={"indicators": read.for_lines}, reports=read.reports)
    if config.baseline is None:
        return inputs
    baseline = Baseline.load(config.baseline) if config.baseline.exists() else Baseline()
    return Inputs(tables=inputs.tables | {"baseline": baseline.for_lines}, baseline=baseline, reports=inputs.reports)
