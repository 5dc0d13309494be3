"""The owner's answers: a mistake is named, a statement is found by id or address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sekisho.checkup.device import Device
from sekisho.checkup.situation import OwnerAnswers, read_answers
from sekisho.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[device."192.0.2.9"]\nmodle = "x"\n', "modle"),
        ('[device."192.0.2.9"]\nin_use = "yes"\n', "in_use"),
        ("[network]\nresolvers = 5\n", "resolvers"),
        ('[device."192.0.2.9"]\ncommunications = ["all"]\n', "communications"),
        ('[device."192.0.2.9".reply]\nsource = "mail"\n', "reply"),
        ('[device."192.0.2.9".reply]\ndate = "yesterday"\nsource = "mail"\n', "reply"),
        ('[device."192.0.2.9".reply]\ndate = "2026-09-20"\nsource = "mail"\nsupport_until = "soon"\n', "reply"),
        ('[device."192.0.2.9".reply]\ndate = "2026-09-20"\nsource = "mail"\nprice = "5"\n', "price"),
    ],
)
def test_a_wrong_key_or_type_is_named(tmp_path: Path, text: str, place: str) -> None:
    """File, key, expected, found."""
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=place):
        read_answers(path)


def test_what_is_no_toml_is_an_input_error(tmp_path: Path) -> None:
    """One sentence that names the file."""
    path = tmp_path / "answers.toml"
    path.write_text("[device")
    with pytest.raises(InputError, match=r"answers\.toml"):
        read_answers(path)


def test_statements_are_found_by_id_before_address() -> None:
    """The id stays when the address changes."""
    device = Device(id="d1", addresses=("192.0.2.9",))
    answers = OwnerAnswers(devices={"192.0.2.9": {"model": "old"}, "d1": {"model": "new"}})
    assert answers.about(device) == {"model": "new"}
    assert answers.about(Device(id="x", addresses=("192.0.2.1",))) == {}
