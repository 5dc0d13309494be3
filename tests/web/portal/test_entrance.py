"""Who gets in, who does not, and what may be learnt from trying."""

from __future__ import annotations

import pytest

from cases.documents import DAY_MS
from sekisho.cases.answers import dismiss
from sekisho.cases.code import SPECIMEN
from sekisho.cases.database import writing
from sekisho.cases.lifecycle import Act
from sekisho.cases.states import Disposition
from sekisho.core.errors import Unavailable
from sekisho.web.portal.entrance import ENTRIES_BY_CASE, WRONG_BY_ADDRESS, WRONG_BY_CASE
from web.portal.conftest import World, enter, form_of, inside

WRONG = "当社の記録と合いません"


@pytest.mark.parametrize("fact", ["5670", "５６７０", "100-0000", "〒1000000", "03-1234-5670"])
def test_one_fact_is_enough_however_it_is_typed(world: World, fact: str) -> None:
    """The end of the telephone number or the postal code, full-width or not."""

    async def visit(browser) -> None:
        assert (await enter(browser, world.codes["L1"], fact)).status_code == 303

    world.run(visit)


def test_what_was_typed_comes_back_as_text(world: World) -> None:
    """A code with markup in it is a code that is wrong."""

    async def visit(browser) -> None:
        answer = await enter(browser, '"><script>alert(1)</script>', "0000")
        assert answer.status_code == 403
        assert "<script" not in answer.text

    world.run(visit)


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        (SPECIMEN, "5670"),
        ("x", "5670"),
        ("L1", "5671"),
        ("L1", ""),
        ("L1", "0"),
        ("L1", "567"),
        ("L2", "5670"),
        ("", ""),
    ],
)
def test_a_wrong_code_and_a_wrong_fact_are_told_alike(world: World, code: str, fact: str) -> None:
    """The page does not tell which it was."""

    async def visit(browser) -> None:
        answer = await enter(browser, world.codes.get(code, code), fact)
        assert answer.status_code == 403
        assert WRONG in answer.text
        assert f'value="{world.codes.get(code, code)}"' in answer.text
        assert (await browser.get("/case")).status_code == 303

    world.run(visit)


def test_twenty_wrong_tries_and_the_owner_still_enters(world: World) -> None:
    """From the same /64 the right code has to wait, from anywhere else it opens; after an hour it does there, too."""

    async def attack(browser) -> None:
        for number in range(WRONG_BY_ADDRESS):
            assert (await enter(browser, SPECIMEN, f"{number:04d}")).status_code == 403
        answer = await enter(browser, world.codes["L1"], "5670")
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 3600

    async def neighbour(browser) -> None:
        assert (await enter(browser, world.codes["L1"], "5670")).status_code == 429

    async def owner(browser) -> None:
        await inside(browser, world)

    world.run(attack, address="2001:db8:1:2::1")
    world.run(neighbour, address="2001:db8:1:2:ffff::9")
    world.run(owner, address="2001:db8:1:3::1")
    assert world.portal.counts == {"wrong": WRONG_BY_ADDRESS, "wait": 2, "entered": 1}
    world.clock.ms += 3_600_001
    world.run(owner, address="2001:db8:1:2::1")


def test_a_code_alone_gives_ten_guesses(world: World) -> None:
    """However many addresses they come from; other cases are not held up."""

    async def guess(browser) -> None:
        assert (await enter(browser, world.codes["L1"], "9999")).status_code == 403

    for number in range(WRONG_BY_CASE):
        world.run(guess, address=f"192.0.2.{number}")

    async def right(browser) -> None:
        assert (await enter(browser, world.codes["L1"], "5670")).status_code == 429
        await inside(browser, world, "L2")

    world.run(right, address="198.51.100.1")


def test_a_case_is_not_entered_without_end(world: World) -> None:
    """Each entering is a row of the audit trail; who is in stays in."""

    async def visit(browser) -> None:
        assert (await enter(browser, world.codes["L1"], "5670")).status_code == 303

    world.run(visit)
    for _ in range(ENTRIES_BY_CASE - 1):
        world.portal.entrance._entries.note("1")

    async def once_more(browser) -> None:
        assert (await enter(browser, world.codes["L1"], "5670")).status_code == 429
        await inside(browser, world, "L2")

    world.run(once_more)


def test_an_expired_code_is_told_to_its_owner_only(world: World) -> None:
    """With the wrong fact it is as wrong as any other."""
    world.clock.ms += 61 * DAY_MS

    async def visit(browser) -> None:
        assert "有効期間" in (await enter(browser, world.codes["L1"], "5670")).text
        assert WRONG in (await enter(browser, world.codes["L1"], "9999")).text

    world.run(visit)


def test_a_matter_that_is_no_matter_opens_nothing(world: World) -> None:
    """Its notice was ours, and there is nothing to do; nobody is looked up for it."""
    with writing(world.url) as connection:
        dismiss(connection, 1, Disposition.WRONG_LINE, Act(actor="a", purpose="consent", at_ms=world.clock.ms))
    world.book.fails = AssertionError("nobody may be asked")

    async def visit(browser) -> None:
        answer = await enter(browser, world.codes["L1"], "5670")
        assert (answer.status_code, "すでに終了しています" in answer.text) == (403, True)

    world.run(visit)


def test_whom_nobody_can_make_sure_of_is_asked_to_call(world: World) -> None:
    """A line without a contact; contacts that do not answer now."""

    async def visit(browser) -> None:
        assert "お電話ください" in (await enter(browser, world.codes["L4"], "5673")).text
        world.book.fails = Unavailable("contacts: no answer")
        assert (await enter(browser, world.codes["L1"], "5670")).status_code == 503

    world.run(visit)


def test_an_hour_of_idling_ends_the_session(world: World) -> None:
    """Looking keeps it."""

    async def visit(browser) -> None:
        await inside(browser, world)
        for _ in range(3):
            world.clock.ms += 50 * 60_000
            assert (await browser.get("/case")).status_code == 200
        world.clock.ms += 60 * 60_000
        assert (await browser.get("/case")).headers["location"] == "/?again=1"
        assert "もう一度入力してください" in (await browser.get("/?again=1")).text

    world.run(visit)


def test_entering_gives_a_new_session(world: World) -> None:
    """A value that somebody put into the browser before is worth nothing afterwards."""

    async def visit(browser) -> None:
        await browser.get("/")
        before = browser.cookies["sekisho_portal"]
        page = await inside(browser, world)
        assert browser.cookies["sekisho_portal"] != before
        assert form_of(page)

    world.run(visit)
