"""`send-test`: one sample text, real, to the test number."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smsnotify.base.errors import ConfigError, InputError, UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single
from smsnotify.model.rule import APPRISE, EMAIL

app = single()

NOT_SENT = "not_sent"
PLAIN = "This is a test text from sms-notify."


@app.command(
    epilog=example(
        "sms-notify send-test",
        "sms-notify send-test --rule delivered",
        'sms-notify send-test "Hello from Acme" --account backup',
        "sms-notify send-test --rule delivered --event job.json --to +6591230000",
    )
)
def send_test(
    ctx: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A plain text instead of a rule's.")
    ] = "",
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="NUMBER|ADDRESS",
            help="Instead of the settings' test_to; an email address gets a mail.",
        ),
    ] = "",
    rule: Annotated[str, typer.Option("--rule", help="The rule to show, by name or id.")] = "",
    account: Annotated[str, typer.Option("--account", help="The account to send through.")] = "",
    event: Annotated[
        str, typer.Option("--event", metavar="FILE", help="A job instead of the sample.")
    ] = "",
) -> None:
    """Send one sample text, for real, to the test number.

    In every mode it leaves through a real account, if the settings have one. Without a text and a
    rule it says that it is a test.
    """
    from smsnotify.cli import delivering
    from smsnotify.engine.accounts import Account
    from smsnotify.engine.previewing import swaps
    from smsnotify.engine.sendtest import ROUTE, decide_test, queue_test
    from smsnotify.model.decision import Verdict
    from smsnotify.store.outbox import Wanted
    from smsnotify.wiring import build

    desk = desk_of(ctx)
    if text and rule:
        raise UsageError("a text or --rule NAME, not both")
    if event and not rule:
        raise UsageError("--event is for a rule's text", hint="say which one: --rule NAME")
    now = desk.clock()
    accounts: dict[str, Account] = build.real_accounts(desk.settings) or build.accounts(
        desk.settings
    )
    recipient = account if _is_for_alarms(accounts, account) else _recipient(desk, to)
    chosen = _account(desk, accounts, account, recipient)
    policy = build.policy(desk.settings)
    draft = _draft(desk, policy, text, rule, event, recipient)
    decision = decide_test(draft, recipient, desk.store, policy, now)
    if decision.verdict is not Verdict.SEND:
        _show(desk, decision.as_json(), f"not sent: {decision.reason}, {decision.detail}")
        raise typer.Exit(1)
    run = decision.draft.key.subject
    queue_test(decision, desk.store, run, now)
    report = delivering.deliver(
        desk, desk.clock, run=run, accounts={chosen.name: chosen}, routes={ROUTE: ((chosen.name,),)}
    )
    if report.report.left:
        # Whoever waits for a test sees that it did not come; an hour later it would only puzzle.
        desk.store.cancel(Wanted(run=run), now, reason=NOT_SENT)
    message = desk.store.list_messages(Wanted(run=run))[0]
    if not desk.json:
        footer = f"account {chosen.name}"
        if decision.swapped:
            footer += f" · {swaps(decision)}"
        shown = f"Subject: {message.title}\n\n{message.body}" if message.title else message.body
        show.bubble(shown, recipient=message.recipient, footer=footer)
    told = f"{message.state.value} by {chosen.name}"
    if message.reason == NOT_SENT:
        told = f"not sent by {chosen.name}, and not kept for later"
    told += f" as {message.provider_message_id}" if message.provider_message_id else ""
    told += f": {message.error} {message.error_text}".rstrip() if message.error else ""
    _show(desk, message.as_json(), told)
    raise typer.Exit(report.exit_code)


def _show(desk: Desk, value: dict[str, object], told: str) -> None:
    if desk.json:
        show.emit_json(value)
    else:
        show.say(told)


def _is_for_alarms(accounts: Any, name: str) -> bool:
    return name in accounts and accounts[name].channel == APPRISE


def _recipient(desk: Desk, to: str) -> str:
    from smsnotify.text.address import read_email
    from smsnotify.text.phone import read_number

    written = to or desk.settings.test_to
    if not written:
        raise ConfigError(
            "there is no test number", hint="set test_to in the settings, or give --to +65…"
        )
    if "@" in written:
        address = read_email(written)
        if not address:
            raise UsageError(
                "the test address cannot be mailed: not_an_address", hint="ops@example.com"
            )
        return address
    number = read_number(written, "", desk.settings.country)
    if number.reason:
        raise UsageError(
            f"the test number cannot be texted: {number.reason}",
            hint="write it with + and country code",
        )
    return number.e164


def _account(desk: Desk, accounts: Any, name: str, recipient: str) -> Any:
    from smsnotify.engine.accounts import first_account
    from smsnotify.engine.sendtest import channel_of
    from smsnotify.text.phone import country_of
    from smsnotify.wiring import build

    if name:
        if name not in accounts:
            raise UsageError(
                f"there is no account {name!r}", hint=f"the accounts are {', '.join(accounts)}"
            )
        return accounts[name]
    routes = (
        build.real_routes(desk.settings) if desk.settings.accounts else build.routes(desk.settings)
    )
    country = country_of(recipient)
    chosen = first_account(accounts, routes, "default", country, channel_of(recipient))
    if chosen is None:
        raise ConfigError(f"no account of the default route serves {country or 'this recipient'}")
    return chosen


def _draft(desk: Desk, policy: Any, text: str, rule: str, event: str, recipient: str) -> Any:
    from smsnotify.engine.samples import SAMPLE_NUMBER, sample_event
    from smsnotify.engine.sendtest import channel_of, rule_draft, text_draft

    now = desk.clock()
    if not rule:
        return text_draft(text or PLAIN, channel_of(recipient))
    found = [one for one in desk.rules.all if rule in (one.id, one.terms.name)]
    if not found:
        names = ", ".join(one.terms.name for one in desk.rules.all)
        raise UsageError(f"there is no rule {rule!r}", hint=f"the rules are {names}")
    happened = (
        _first_event(desk, event)
        if event
        else sample_event(found[0], desk.rules, now, SAMPLE_NUMBER)
    )
    draft = rule_draft(found[0], channel_of(recipient), happened, policy, now)
    if draft is None:
        does = {EMAIL: "it mails: see --to", APPRISE: "it alarms: --account NAME of the alarms"}
        raise UsageError(
            f"the rule {rule!r} sends nothing to such a recipient",
            hint=does.get(found[0].terms.channel, "it texts: see --to"),
        )
    return draft


def _first_event(desk: Desk, source: str) -> Any:
    from smsnotify.events.decode import Decoder
    from smsnotify.events.read import read_chunks
    from smsnotify.model.event import Event

    decoder = Decoder(desk.rules.job_type, custom_events=desk.rules.custom_events)
    for chunk in read_chunks(source):
        for line in chunk.lines:
            if line.strip():
                parsed = decoder.decode(line)[0]
                return Event(parsed.event or "completed", parsed.job, "", parsed.id, parsed.time)
    raise InputError(f"{source} holds no event")
