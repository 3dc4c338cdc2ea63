"""`preview`: the texts as the phone would show them; nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single
from smsnotify.model.decision import Decision, Draft, Verdict
from smsnotify.model.rule import EMAIL, SMS

app = single()


@app.command(
    epilog=example(
        "sms-notify preview events.jsonl",
        "sms-notify preview --rule delivered",
        "sms-notify preview --request events.jsonl",
    )
)
def preview(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="Job events; without it, a sample job."),
    ] = None,
    rule: Annotated[str, typer.Option("--rule", help="Only this rule, by name or id.")] = "",
    request: Annotated[
        bool, typer.Option("--request", help="Show the provider's request as curl, keys masked.")
    ] = False,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="TIME", help="Judge as if it were this time.")
    ] = "",
    format: Annotated[
        str, typer.Option("--format", help="auto, native, cloudevents or detrack.")
    ] = "auto",
) -> None:
    """Show the texts as the phone would, without sending any.

    Of a file's events, or of standard input (`-`); without either, of a sample job for each rule.
    """
    from smsnotify.cli.inputs import known_format, readable
    from smsnotify.cli.working import Working

    desk = desk_of(ctx)
    readable([file] if file else [])
    working = Working(desk, "preview", dry_run=True, as_of=as_of)
    _known_rule(working.rules, rule)
    for decisions in _decided(working, file or "", rule, known_format(format)):
        for decision in decisions:
            if not rule or rule in (decision.draft.terms.name, decision.draft.terms.id):
                working.tally.add([decision])
                _show(desk, decision, request=request)
    if not working.tally.matched:
        desk.note(_nothing_found(working, file or ""))
    working.memory.close()
    raise typer.Exit(int(working.tally.needs_a_look))


def _nothing_found(working: Any, source: str) -> str:
    if source and not working.tally.lines:
        return f"{source} is empty: there is nothing to preview"
    if not source:
        return "there is no rule to preview"
    return "no rule has anything to say about this; `sms-notify rules explain` says why"


def _known_rule(rules: Any, rule: str) -> None:
    from smsnotify.base.errors import UsageError

    names = {name for one in rules.all for name in (one.id, one.terms.name)}
    if rule and rule not in names:
        raise UsageError(
            f"there is no rule {rule!r}", hint=f"the rules are {', '.join(sorted(names))}"
        )


def _decided(working: Any, source: str, rule: str, format: str) -> Iterator[list[Decision]]:
    """Yield decisions chunk by chunk: of the file's events, or of each rule's sample."""
    if not source:
        yield _samples(working, rule)
        return
    from smsnotify.cli.decided import rejected_line
    from smsnotify.engine.intake import Intake
    from smsnotify.events.read import read_chunks

    intake = Intake(
        working.rules,
        working.policy,
        working.memory,
        source=source,
        format=format,
        ticket=working.run.ticket,
    )
    for chunk in read_chunks(source):
        taken = intake.take(chunk.first, chunk.lines, working.clock())
        working.tally.lines += len(chunk.lines)
        working.tally.rejected += len(taken.rejected)
        yield taken.decisions + _begun(working, taken.starts)
        for line in taken.rejected:
            if working.desk.json:
                show.emit_json(line.as_json())
            else:
                working.desk.note(rejected_line(line))


def _samples(working: Any, rule: str) -> list[Decision]:
    from smsnotify.engine.previewing import samples

    rules, plans = working.rules, working.desk.plans
    wanted = [one for one in rules.all if not rule or rule in (one.id, one.terms.name)]
    return samples(rules, wanted, working.policy, plans, working.memory, working.clock())


def _begun(working: Any, starts: Sequence[Draft]) -> list[Decision]:
    """Return what becomes of the first texts of plans that rules start."""
    if not starts:
        return []
    from smsnotify.engine.previewing import begun

    plans = working.desk.plans
    return begun(working.memory, working.policy, plans, starts, working.clock())


def _show(desk: Desk, decision: Decision, *, request: bool) -> None:
    if request:
        if decision.verdict is not Verdict.STOP:
            _show_request(desk, decision)
        return
    if desk.json:
        show.emit_json(decision.as_json())
        return
    from smsnotify.cli.decided import decision_line

    show.say(decision_line(decision, desk.settings.timezone), show.mark(decision.verdict.value))
    if decision.body:
        show.bubble(
            f"Subject: {decision.title}\n\n{decision.body}" if decision.title else decision.body,
            recipient=decision.to or decision.draft.recipient,
            footer=_footer(desk, decision),
            style=show.mark(decision.verdict.value),
        )


def _footer(desk: Desk, decision: Decision) -> str:
    from smsnotify.engine.costs import cost_of
    from smsnotify.engine.previewing import swaps
    from smsnotify.wiring import build

    if decision.draft.terms.channel == EMAIL:
        return "email, text and HTML"
    if decision.draft.terms.channel != SMS:
        return "an alarm to the firm's own people"
    count = decision.segments
    told = f"{count} segment{'' if count == 1 else 's'} {decision.encoding}"
    prices = desk.settings.prices
    cost = cost_of(
        decision, build.real_accounts(desk.settings), build.real_routes(desk.settings), prices.of
    )
    if cost is not None:
        told += f" · {cost} {prices.currency}"
    return f"{told} · {swaps(decision)}" if decision.swapped else told


def _show_request(desk: Desk, decision: Decision) -> None:
    from smsnotify.engine.accounts import first_account
    from smsnotify.engine.requests import curl_of
    from smsnotify.text.phone import country_of
    from smsnotify.wiring import build

    terms = decision.draft.terms
    account = first_account(
        build.real_accounts(desk.settings),
        build.real_routes(desk.settings),
        terms.route,
        country_of(decision.to),
        terms.channel,
    )
    if account is None:
        desk.note(f"no account of the route {terms.route!r} serves this destination")
    else:
        show.say(curl_of(account, decision))
