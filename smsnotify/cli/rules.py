"""`rules`: check, list, write and explain rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group

app = group(
    "Check, list, write and explain rules.",
    "sms-notify rules validate",
    "sms-notify rules explain event.json",
)


@app.command(
    epilog=example("sms-notify rules validate", "sms-notify rules validate --json rules.yaml more/")
)
def validate(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Rule files or folders; else the settings'."),
    ] = None,
) -> None:
    """Check rule files and tell every mistake with its place.

    Ends with 2 when something is wrong; warnings alone end with 0.
    """
    from smsnotify.cli.validating import advice_of_settings, tell_problems
    from smsnotify.plans.load import check_book
    from smsnotify.wiring.link_check import check_links

    desk = desk_of(ctx, brief=True)
    paths = tuple(files or desk.rule_paths)
    book, found = check_book(paths, country=desk.country, own_words=desk.own_words)
    if book is not None and not files:
        url = desk.settings.public_url if desk.has_settings else ""
        found += check_links(book, url)
        wrong = any(one.severity == "error" for one in found)
        if desk.has_settings and not wrong:
            found += advice_of_settings(book.rules, desk.settings)
        book = None if wrong else book
    tell_problems(desk, book, found)


@app.command(
    "test",
    epilog=example(
        "sms-notify rules test",
        "sms-notify rules test rules.test.yaml --only late",
        "sms-notify rules test --junit results.xml",
    ),
)
def run_tests(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE", help="Test files or folders; else those beside the rule files."
        ),
    ] = None,
    only: Annotated[
        str, typer.Option("--only", metavar="TEXT", help="Only tests with this in their name.")
    ] = "",
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write the results as JUnit's XML too."),
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Write into the files what came, in place of what differs."),
    ] = False,
) -> None:
    """Play the events of *.test.yaml files and compare every text, with a clock of their own.

    Nothing is sent and the books are not touched. Prints which rules, conditions and gates no test
    has shown at work. Ends with 1 when a test fails and after --update, and with 2 when a file is
    wrong.
    """
    from smsnotify.cli.case_runner import run_cases

    run_cases(
        desk_of(ctx, brief=True), files or (), only=only, of="rules", junit=junit, update=update
    )


@app.command("list", epilog=example("sms-notify rules list", "sms-notify rules list --json"))
def list_(ctx: typer.Context) -> None:
    """List the rules: what they listen to, and whom they text."""
    from smsnotify.cli import show

    desk = desk_of(ctx)
    rows = []
    for rule in desk.rules.all:
        to = [*rule.recipient_fields, *rule.fixed]
        if desk.json:
            show.emit_json(
                {
                    "type": "rule",
                    "id": rule.id,
                    "name": rule.terms.name,
                    "enabled": rule.enabled,
                    "job_type": rule.job_type,
                    "events": sorted(rule.events),
                    "groups": sorted(rule.groups),
                    "reasons": sorted(rule.reasons),
                    "where": [f"{each.name} {each.describe()}" for each in rule.conditions],
                    "to": {"fields": rule.recipient_fields, "fixed": rule.fixed},
                    "route": rule.terms.route,
                    "purpose": rule.terms.purpose,
                    "body": rule.source,
                    "start_plan": rule.terms.start_plan,
                    "file": rule.file,
                    "line": rule.line,
                }
            )
        else:
            when = ", ".join(sorted(rule.events))
            body = " ".join(rule.source.split())
            if rule.terms.start_plan:
                body = f"→ plan {rule.terms.start_plan}"
            rows.append(("on" if rule.enabled else "off", rule.id, when, ", ".join(to), body))
    if not desk.json:
        show.table(("", "rule", "events", "to", "text"), rows, styles={"off": "dim"})


@app.command(epilog=example("sms-notify rules schema > sms-notify.schema.json"))
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of a rule file, for editors."""
    import json
    import sys

    from smsnotify.cli.show import emit_json
    from smsnotify.plans.jsonschema import book_schema

    if desk_of(ctx, brief=True).json:
        emit_json(book_schema())
    else:
        sys.stdout.write(json.dumps(book_schema(), indent=2, ensure_ascii=False) + "\n")


@app.command(
    epilog=example("sms-notify rules explain event.json", "sms-notify rules explain --json - < e")
)
def explain(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Job events; - is stdin.")],
    rule: Annotated[str, typer.Option("--rule", help="Only this rule, by name or id.")] = "",
) -> None:
    """Tell for every rule why an event fires it or not.

    Condition by condition: what is expected, what the event has, and the verdict.
    A snapshot without an event name stands for all that it shows by itself.
    """
    from smsnotify.cli.explaining import explain_events

    raise typer.Exit(explain_events(desk_of(ctx), file, rule))


@app.command(
    epilog=example(
        "sms-notify rules add",
        "sms-notify rules add --yes --name arrived --event arrived --to phone_number "
        '--text "Your driver is at the door."',
    )
)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Option(help="What the rule is called.")] = "",
    event: Annotated[list[str] | None, typer.Option(help="What triggers it; repeatable.")] = None,
    job_type: Annotated[str, typer.Option(help="job, delivery or collection.")] = "",
    group_name: Annotated[
        list[str] | None, typer.Option("--group", help="Only jobs of this group; repeatable.")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="Only this reason of failure; repeatable.")
    ] = None,
    days_before: Annotated[int, typer.Option(help="For pre_job: days before the job.")] = -1,
    at: Annotated[str, typer.Option(help="For pre_job: the local time, HH:MM.")] = "",
    to: Annotated[
        list[str] | None, typer.Option(help="A phone field, or a number with +; repeatable.")
    ] = None,
    text: Annotated[str, typer.Option(help="What the text says.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="The rule file; else the settings' first.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> None:
    """Ask for a rule, show its text, and write it into the rule file."""
    from smsnotify.cli.rule_form import Form, add_rule

    given = Form(
        name=name,
        job_type=job_type,
        events=event or [],
        groups=group_name or [],
        reasons=reason or [],
        days_before=days_before,
        at=at,
        to=to or [],
        body=text,
    )
    add_rule(desk_of(ctx), given, file or _first_file(desk_of(ctx)), ask=not yes)


@app.command(
    epilog=example(
        "sms-notify rules diff rules.yaml new.yaml --events events.jsonl",
        "sms-notify rules diff old/ new/ --since 30d --fail-over people=100,cost=5%",
    )
)
def diff(
    ctx: typer.Context,
    old: Annotated[Path, typer.Argument(help="The rules of before: a file or a folder.")],
    new: Annotated[Path, typer.Argument(help="The rules to come: a file or a folder.")],
    events: Annotated[
        list[str] | None, typer.Option("--events", metavar="FILE", help="Events; several.")
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="The stored events of: 30d, or a date.")
    ] = "",
    format: Annotated[
        str, typer.Option("--format", help="auto, native, cloudevents or detrack.")
    ] = "auto",
    as_of: Annotated[
        str,
        typer.Option("--as-of", metavar="TIME", help="Judge all at one instant, not at their own."),
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Show so many differences; 0: all.")
    ] = 20,
    fail_over: Annotated[
        str,
        typer.Option(
            "--fail-over",
            metavar="LIMITS",
            help="End with 1 above these: people=100,texts=5%,segments=5%,cost=5%.",
        ),
    ] = "",
) -> None:
    """Replay events through two sets of rules and show which texts differ.

    Added, removed, changed word by word, moved in time; people touched, segments and money before
    and after. Nothing is stored or sent. Opt-outs and contacts are the real ones.
    """

    from smsnotify.cli.rules_diff import diff_rules

    code = diff_rules(
        desk_of(ctx),
        old,
        new,
        events or [],
        since=since,
        format=format,
        as_of=as_of,
        limit=limit,
        fail_over=fail_over,
    )
    if code:
        raise typer.Exit(code)


@app.command(
    epilog=example(
        "sms-notify rules lint", "sms-notify rules lint rules.yaml --events events.jsonl --strict"
    )
)
def lint(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Rule files or folders; else the settings'."),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option("--events", metavar="FILE", help="Events to try them on; several."),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="Else the stored events of so long.")
    ] = "30d",
    strict: Annotated[bool, typer.Option("--strict", help="Any advice ends with 1.")] = False,
) -> None:
    """Advise on rules: what makes texts dear, missing values, rules that never fire.

    Looks at the rules and at what they would have done to real events; stores and sends nothing.
    """
    from smsnotify.cli.rules_lint import lint_rules

    code = lint_rules(desk_of(ctx), files or [], events or [], since=since, strict=strict)
    if code:
        raise typer.Exit(code)


def _first_file(desk: Desk) -> Path:
    first = desk.rule_paths[0]
    return first / "rules.yaml" if first.is_dir() else first
