"""The table of outcomes: each has a verdict, a measure and complete texts, and the checks use only rows that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from sekisho.checkup import checks
from sekisho.checkup.outcomes import Outcome, outcomes
from sekisho.measures.model import Language, MeasureId
from sekisho.measures.report import Verdict

FOLDER = Path(checks.__file__).parent


OUTCOME_ID = re.compile(r"(?:c\d\.\d\w?|c\d|maker)\.[a-z_]+")


def named_in(file: Path) -> set[str]:
    """String literals of a module that look like outcome ids."""
    constants = [node.value for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Constant)]
    return {value for value in constants if isinstance(value, str) and OUTCOME_ID.fullmatch(value)}


@pytest.mark.parametrize("name", list(checks.CHECKS))
def test_every_check_can_be_loaded_and_names_outcomes_of_its_own(name: str) -> None:
    """Each row of the table has a module with both functions; the ids that it names exist and carry its number."""
    module = checks.check(name)
    assert callable(module.jobs)
    assert callable(module.fold)
    used = named_in(FOLDER / f"{checks.CHECKS[name]}.py")
    assert used
    assert used <= set(outcomes())
    assert {outcome.rpartition(".")[0] for outcome in used} == {name}


def test_every_outcome_is_used_by_a_check() -> None:
    """A text that nothing can show is not kept."""
    used = set().union(*(named_in(FOLDER / f"{module}.py") for module in checks.CHECKS.values()))
    assert set(outcomes()) - used == {"any.failed"}


@pytest.mark.parametrize("outcome", outcomes().values(), ids=lambda o: o.id)
def test_texts_have_the_same_placeholders_in_both_languages(outcome: Outcome) -> None:
    """What one language tells the other tells too."""
    for text in (outcome.found, outcome.do):
        names = {
            (language): {n for _, n, _, _ in Formatter().parse(wording) if n}
            for (language, _), wording in text.wording.items()
        }
        assert names[Language.JA] == names[Language.EN]


@pytest.mark.parametrize("outcome", outcomes().values(), ids=lambda o: o.id)
def test_no_text_promises_safety(outcome: Outcome) -> None:
    """The words that the rules forbid stand nowhere."""
    for text in (outcome.found, outcome.do):
        for wording in text.wording.values():
            assert " is safe" not in wording
            assert "安全です" not in wording


def test_verdicts_and_measures_are_the_rules() -> None:
    """Default pairs that were not accepted are never OK; nor is a list without a match, nor a second router."""
    table = outcomes()
    for name in ("c1.6.not_accepted", "c3.no_match", "c3.identity_unknown", "c2.7.outside", "c2.3.unknown"):
        assert table[name].verdict is Verdict.CANNOT_TELL
    assert table["c2.2b.double_router"].verdict is not Verdict.OK
    for outcome in table.values():
        number = outcome.id[:2]
        measure = {"c1": MeasureId.CREDENTIALS, "c2": MeasureId.CONNECTIONS, "c3": MeasureId.VULNERABILITIES}
        assert outcome.measure is measure.get(number, outcome.measure)
