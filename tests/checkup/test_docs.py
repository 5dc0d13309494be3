"""The pages on the check-up name what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from sekisho.checkup.checks import CHECKS
from sekisho.checkup.credentials.owner import read_logins
from sekisho.checkup.credentials.pairs import read_pairs
from sekisho.checkup.situation import read_answers

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "checkup.md").read_text("utf-8")
EXPLANATION = (DOCS / "explanation" / "checkup.md").read_text("utf-8")


def test_every_check_stands_in_the_explanation_once_and_in_order() -> None:
    """The table of the page is the table of the code."""
    assert re.findall(r"^\| `([\w.]+)` \|", EXPLANATION, re.MULTILINE) == list(CHECKS)


def test_the_examples_of_the_how_to_are_read_as_they_stand(tmp_path: Path) -> None:
    """Answers, logins and a catalogue that a person copies from the page are accepted."""
    answers, logins, pairs = re.findall(r"```toml\n(.*?)```", HOW_TO, re.DOTALL)
    (tmp_path / "answers.toml").write_text(answers)
    (tmp_path / "logins.toml").write_text(logins)
    (tmp_path / "pairs.toml").write_text(pairs)
    assert read_answers(tmp_path / "answers.toml").network["upnp_needed"] is True
    assert set(read_logins(tmp_path / "logins.toml")) == {"192.168.1.1", "192.168.1.30"}
    assert read_pairs(tmp_path / "pairs.toml")[0].lock_after == 5


def test_every_answer_that_can_be_given_is_explained() -> None:
    """The example names each key but those that only other parts write."""
    from sekisho.checkup.situation import _DEVICE_KEYS, _NETWORK_KEYS

    tables = tomllib.loads(re.findall(r"```toml\n(.*?)```", HOW_TO, re.DOTALL)[0])
    named = set(tables["network"]) | set(tables["device"]["192.168.1.20"])
    assert set(_DEVICE_KEYS) | set(_NETWORK_KEYS) == named | {"password_score"}
