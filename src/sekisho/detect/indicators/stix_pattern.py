"""A STIX pattern as alternatives of tests: OR of ANDs; every other construct is refused."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from stix2patterns.exceptions import ParseException
from stix2patterns.v21.grammars.STIXPatternParser import STIXPatternParser as Parser
from stix2patterns.v21.pattern import Pattern

from sekisho.detect.indicators.model import SkipError, SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ALTERNATIVES_LIMIT = 10_000
"""Addresses that one pattern may name; AND of ORs multiplies, so that a short text could ask for any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``path = value``."""

    path: str
    value: str


Alternatives = list[tuple[Comparison, ...]]


def alternatives_of(pattern: str) -> Alternatives:
    """What a pattern asks for.

    Raises:
        SkipError: it is no pattern, or one with more than OR, AND within an observation, ``=``, IN and ISSUBSET.
    """
    try:
        alternatives: Alternatives = Pattern(pattern).visit(_Tree())
    except ParseException as error:
        problem = " ".join(str(error).split())
        raise SkipError(SkipReason.BAD_PATTERN, expected=f"a STIX pattern ({problem})", found=pattern) from None
    except RecursionError:
        raise SkipError(SkipReason.BAD_PATTERN, expected="fewer brackets in brackets", found=pattern) from None
    return alternatives


def unsupported(found: str) -> SkipError:
    """The refusal of a pattern of which only a part could be looked for."""
    expected = "a pattern that one address, port and protocol say in full"
    return SkipError(SkipReason.UNSUPPORTED_PATTERN, expected=expected, found=found)


class _Tree:
    """What ``Pattern.visit`` hands its tree to."""

    def visit(self, tree: Any) -> Alternatives:
        return _of(tree)


def _of(node: Any) -> Alternatives:
    rule = _RULES.get(type(node))
    if rule is None:
        raise unsupported(node.getText())
    return rule(node)


def _followed_by(node: Any) -> Alternatives:
    return _only(node, node.FOLLOWEDBY(), node.observationExpressionOr)


def _both_observed(node: Any) -> Alternatives:
    return _only(node, node.AND(), node.observationExpression)


def _only(node: Any, operator: Any, inner: Callable[[], Any]) -> Alternatives:
    if operator:
        raise unsupported(node.getText())
    return _of(inner())


def _either_observed(node: Any) -> Alternatives:
    parts = _chain(node, lambda part: part.observationExpressionOr())
    return _either(part.observationExpressionAnd() for part in parts)


def _either_compared(node: Any) -> Alternatives:
    parts = _chain(node, lambda part: part.comparisonExpression())
    return _either(part.comparisonExpressionAnd() for part in parts)


def _chain(node: Any, inner: Callable[[Any], Any]) -> list[Any]:
    """The parts of ``a OR b OR c``, which stands as ``(a OR b) OR c``: a loop, since feeds join thousands."""
    parts = []
    while node.OR():
        node, right = inner(node)
        parts.append(right)
    return [node, *reversed(parts)]


def _either(parts: Iterable[Any]) -> Alternatives:
    alternatives: Alternatives = []
    for part in parts:
        alternatives += _of(part)
        if len(alternatives) > ALTERNATIVES_LIMIT:
            raise unsupported(part.getText())
    return alternatives


def _all_compared(node: Any) -> Alternatives:
    if not node.AND():
        return _of(node.propTest())
    left, right = (_of(part) for part in node.comparisonExpressionAnd())
    if len(left) * len(right) > ALTERNATIVES_LIMIT:
        raise unsupported(node.getText())
    return [(*one, *other) for one, other in product(left, right)]


def _equal(node: Any) -> Alternatives:
    return _tests(node, node.NOT() or node.NEQ(), [node.primitiveLiteral()])


def _one_of(node: Any) -> Alternatives:
    return _tests(node, node.NOT(), node.setLiteral().primitiveLiteral())


def _subset(node: Any) -> Alternatives:
    return _tests(node, node.NOT(), [node.StringLiteral()])


def _tests(node: Any, negated: Any, literals: Iterable[Any]) -> Alternatives:
    if negated:
        raise unsupported(node.getText())
    path = node.objectPath().getText()
    return [(Comparison(path=path, value=_plain(literal.getText())),) for literal in literals]


def _plain(literal: str) -> str:
    """A literal without its quotes and escapes."""
    if literal.startswith("'"):
        return literal[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    return literal


_RULES: dict[type, Callable[[Any], Alternatives]] = {
    Parser.PatternContext: lambda node: _of(node.observationExpressions()),
    Parser.ObservationExpressionsContext: _followed_by,
    Parser.ObservationExpressionOrContext: _either_observed,
    Parser.ObservationExpressionAndContext: _both_observed,
    Parser.ObservationExpressionSimpleContext: lambda node: _of(node.comparisonExpression()),
    Parser.ObservationExpressionCompoundContext: lambda node: _of(node.observationExpressions()),
    Parser.ComparisonExpressionContext: _either_compared,
    Parser.ComparisonExpressionAndContext: _all_compared,
    Parser.PropTestParenContext: lambda node: _of(node.comparisonExpression()),
    Parser.PropTestEqualContext: _equal,
    Parser.PropTestSetContext: _one_of,
    Parser.PropTestIsSubsetContext: _subset,
}
"""Construct of the grammar -> its alternatives."""
