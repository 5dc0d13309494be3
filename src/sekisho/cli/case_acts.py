"""``sekisho cases``: what people do to a case. Each names a purpose, needs a role, and stands in the audit trail."""

from __future__ import annotations

import json
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho.cases.roles import Action, require
from sekisho.cases.states import AnswerKind, Disposition  # noqa: TC001 (Typer reads them at run time)
from sekisho.cli.analyze import Form, Language
from sekisho.cli.cases import (
    CasesOption,
    ConfigOption,
    FormOption,
    LanguageOption,
    app,
    configuration,
    database_of,
    looking,
)
from sekisho.cli.hunt import caller
from sekisho.core.purposes import purpose_of
from sekisho.core.time import now_ms
from sekisho.measures.model import MeasureId, MeasureState  # noqa: TC001 (Typer reads them at run time)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from sekisho.cases.lifecycle import Act
    from sekisho.cases.policy import Policy
    from sekisho.core.config import Config


class FilterForm(StrEnum):
    """As what a filter is written."""

    FLOWSPEC = "flowspec"
    ACL = "acl"
    RTBH = "rtbh"


Number = Annotated[int, typer.Argument(metavar="CASE", help="Number of the case.")]
NoticeNumber = Annotated[int, typer.Argument(metavar="NOTICE", help="Number of the notice.")]
PurposeOption = Annotated[str, typer.Option("--purpose", metavar="CODE", help="What for, a code of the policy.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence; it stays in the history.")]
OWN = "own_network_protection"


@contextmanager
def acting(
    action: Action, url: str | None, config: Path | None, purpose: str
) -> Iterator[tuple[Connection, Act, Policy, Config]]:
    """A transaction of a person who may do this, for a purpose that the policy knows."""
    from sekisho.cases.accounts.people import roles_of
    from sekisho.cases.database import writing
    from sekisho.cases.lifecycle import Act
    from sekisho.cases.policy import load_policy

    settings = configuration(config)
    policy = load_policy(settings.cases.policy)
    person = caller()
    act = Act(actor=person, purpose=purpose_of(purpose, policy.purposes).code, at_ms=now_ms())
    with writing(database_of(url, settings)) as connection:
        require(action, roles_of(connection, person), person)
        yield connection, act, policy, settings


@app.command()
def outbox(
    cases: CasesOption = None, config: ConfigOption = None, number: Annotated[int | None, typer.Option("--case")] = None
) -> None:
    """List notices: number, case, kind, channel, state."""
    from sekisho.cases.outbox import of_cases

    with looking(Action.LOOK, cases, config) as connection:
        for notice in of_cases(connection, case_id=number):
            cells = (notice.number, notice.case, notice.kind, notice.channel, notice.state, notice.reason or "")
            typer.echo("\t".join(map(str, cells)))


@app.command()
def propose(cases: CasesOption = None, config: ConfigOption = None, purpose: PurposeOption = OWN) -> None:
    """Draft the notices that are due by the policy; nothing in mode observe."""
    from sekisho.cases import ladder

    with acting(Action.ESCALATE, cases, config, purpose) as (connection, act, policy, _):
        drafts = ladder.propose(connection, policy, act.at_ms)
    typer.echo("\n".join(map(str, drafts)), nl=bool(drafts))


@app.command()
def approve(
    number: NoticeNumber, cases: CasesOption = None, config: ConfigOption = None, purpose: PurposeOption = OWN
) -> None:
    """Let a notice leave, after whose line it was has been asked anew."""
    from sekisho.cases import outbox
    from sekisho.pipeline.settling import resolver

    # Before the database is taken: reading the sources may take a while, and the collector would wait.
    resolve = resolver(configuration(config))
    with acting(Action.APPROVE, cases, config, purpose) as (connection, act, policy, _):
        state = outbox.approve(connection, number, act, policy, resolve)
    typer.echo(state)


@app.command()
def refuse(
    number: NoticeNumber,
    reason: ReasonOption,
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Decide that a notice does not leave."""
    from sekisho.cases import outbox

    with acting(Action.REFUSE, cases, config, purpose) as (connection, act, _, _):
        outbox.refuse(connection, number, act, reason)


@app.command()
def dismiss(
    number: Number,
    why: Annotated[Disposition, typer.Option("--as", help="What it was instead.")],
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Close a case that is none; the effect report counts why."""
    from sekisho.cases.answers import dismiss as close

    with acting(Action.DISMISS, cases, config, purpose) as (connection, act, _, _):
        close(connection, number, why, act)


@app.command()
def escalate(
    number: Number,
    reason: ReasonOption,
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Ask for more than notices."""
    from sekisho.cases import decisions

    with acting(Action.ESCALATE, cases, config, purpose) as (connection, act, _, _):
        decisions.escalate(connection, number, act, reason)


@app.command()
def answer(
    number: Number,
    kind: Annotated[AnswerKind, typer.Option("--kind", help="What came back.")],
    note: Annotated[str | None, typer.Option(help="In a sentence, without personal data.")] = None,
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Record what a subscriber answered."""
    from sekisho.cases import answers

    with acting(Action.ANSWER, cases, config, purpose) as (connection, act, _, _):
        answers.answer(connection, number, kind, act, note=note)


@app.command()
def measure(
    number: Number,
    which: Annotated[MeasureId, typer.Argument(metavar="MEASURE", help="Which of the measures.")],
    state: Annotated[MeasureState, typer.Argument(metavar="STATE", help="How far it is.")],
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Record how far one measure is."""
    from sekisho.cases import decisions

    with acting(Action.MEASURE, cases, config, purpose) as (connection, act, _, _):
        decisions.note_measure(connection, number, which, state, act)


@app.command()
def reveal(number: Number, purpose: PurposeOption, cases: CasesOption = None, config: ConfigOption = None) -> None:
    """Show where the traffic of an open case went, truncated; that it was shown is recorded."""
    from sekisho.cases.reveal import reveal as shown

    with acting(Action.REVEAL, cases, config, purpose) as (connection, act, _, _):
        found = shown(connection, number, act)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=1))


@app.command()
def release(cases: CasesOption = None, config: ConfigOption = None, purpose: PurposeOption = OWN) -> None:
    """Release the brake: what was held may leave."""
    from sekisho.cases import brake

    with acting(Action.RELEASE, cases, config, purpose) as (connection, act, _, _):
        typer.echo(brake.release(connection, act))


@app.command()
def hold(
    number: Number,
    reason: ReasonOption,
    end: Annotated[bool, typer.Option("--end", help="End the hold instead.")] = False,
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Keep a case from the erasure run: a legal hold."""
    from sekisho.cases import retention

    with acting(Action.HOLD, cases, config, purpose) as (connection, act, _, _):
        if end:
            retention.release_hold(connection, number, act)
        else:
            retention.hold(connection, number, act, reason)


@app.command()
def erase(cases: CasesOption = None, config: ConfigOption = None, purpose: PurposeOption = OWN) -> None:
    """Remove what is past the clocks of the policy, and report it."""
    from sekisho.cases.retention import erase as run

    with acting(Action.ERASE, cases, config, purpose) as (connection, act, policy, _):
        done = run(connection, policy, act)
    typer.echo(json.dumps({"removed": done.rows, "held": done.held}, indent=1))


@app.command()
def export(
    line: Annotated[str, typer.Argument(metavar="LINE", help="Identifier of the line.")],
    purpose: PurposeOption,
    cases: CasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Write everything that is held about a line, for the person whose line it is."""
    from sekisho.cases.subject_access import export as document

    with acting(Action.EXPORT, cases, config, purpose) as (connection, act, _, _):
        found = document(connection, line, act)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=1))


@app.command()
def effect(
    cases: CasesOption = None,
    config: ConfigOption = None,
    form: FormOption = Form.TABLE,
    lang: LanguageOption = None,
) -> None:
    """Show what notices achieved, beside the lines that got none; mistakes of ours first."""
    from sekisho.cases.effect import effect as counted

    with looking(Action.LOOK, cases, config) as connection:
        found = counted(connection, now_ms())
    if form is Form.TABLE:
        from sekisho.cli import effect_view

        effect_view.show(found, (lang or Language.of_environment()).value)
        return
    rows = [
        {"kind": r.kind, "channel": r.channel, "cases": r.cases, "clean": r.clean, "interval_95": list(r.interval_95)}
        for r in found.rows
    ]
    ours = {name: getattr(found, name) for name in ("wrong_lines", "look_alikes", "complaints", "notices")}
    typer.echo(json.dumps({**ours, "rows": rows}, indent=1))


@app.command("filter")
def filter_text(
    event: Annotated[int, typer.Argument(metavar="EVENT", help="Number of the event.")],
    form: Annotated[FilterForm, typer.Option("--as", help="As what it is written.")] = FilterForm.FLOWSPEC,
    hours: Annotated[int, typer.Option(min=1, max=168, help="When it should be gone.")] = 24,
    cases: CasesOption = None,
    config: ConfigOption = None,
    purpose: PurposeOption = OWN,
) -> None:
    """Write a filter proposal for an event, to be read and applied by a person; nothing is sent."""
    from sekisho.cases import audit, filters

    with acting(Action.PROPOSE_FILTER, cases, config, purpose) as (connection, act, _, _):
        scope = filters.scope_of_event(connection, event, now_ms=act.at_ms, hours=hours)
        audit.append(connection, "propose_filter", act, details={"event": event, "form": form})
    typer.echo(filters.FORMS[form](scope), nl=False)
