"""What is said about a detection: from its kind and its evidence alone, so that a stored one can be told as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.detect import weak
from sekisho.detect.quiet import by_thresholds
from sekisho.detect.registry import DETECTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.detect.detector import Detector, Language


def explanation(kind: str, evidence: Mapping[str, Any], lang: Language) -> str:
    """What was found, in one sentence; an operator's own kind has its title, evidence of another version nothing."""
    if weak.is_weak(evidence):
        return weak.explain(evidence, lang)
    detector = _detector(kind)
    if detector is None:
        return str(evidence.get(f"title_{lang}", ""))
    try:
        return detector.explain(evidence, lang)
    except KeyError:
        return ""


def quiet(kind: str, evidence: Mapping[str, Any], lang: Language) -> str:
    """What would have kept it quiet, in one sentence; evidence of another version has nothing to say."""
    detector = _detector(kind)
    try:
        if weak.is_weak(evidence):
            return weak.quiet(evidence, lang)
        if detector is not None:
            return detector.quiet(evidence, lang)
    except KeyError:
        return ""
    return by_thresholds(evidence, lang) if explanation(kind, evidence, lang) else ""


def _detector(kind: str) -> Detector | None:
    return next((detector for detector in DETECTORS if kind in detector.kinds), None)
