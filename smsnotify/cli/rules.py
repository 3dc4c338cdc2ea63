"""`rules`: check, list, write and explain rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, group

WRONG: Final = 2

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
    from smsnotify.rules.load import check_rules

    desk = desk_of(ctx, brief=True)
    paths = tuple(files or desk.rule_paths)
    rules, found = check_rules(paths, country=desk.country)
    if desk.json:
        from smsnotify.cli.show import emit_json, problem_json

        for problem in found:
            emit_json(problem_json(problem))
    elif found:
        from smsnotify.cli.show import problems

        problems(found)
    wrong = sum(problem.severity == "error" for problem in found)
    doubts = len(found) - wrong
    told = f"{len(rules.all)} rules, {len(rules.rules)} of them on: in order" if rules else ""
    desk.note(told or f"{wrong} {'mistake' if wrong == 1 else 'mistakes'}")
    if doubts:
        desk.note(f"{doubts} {'warning' if doubts == 1 else 'warnings'}")
    if wrong:
        raise typer.Exit(WRONG)


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
                    "where": [f"{each.field} {each.describe()}" for each in rule.conditions],
                    "to": {"fields": rule.recipient_fields, "fixed": rule.fixed},
                    "route": rule.terms.route,
                    "body": rule.source,
                    "file": rule.file,
                    "line": rule.line,
                }
            )
        else:
            when = ", ".join(sorted(rule.events))
            body = " ".join(rule.source.split())
            rows.append(("on" if rule.enabled else "off", rule.id, when, ", ".join(to), body))
    if not desk.json:
        show.table(("", "rule", "events", "to", "text"), rows, styles={"off": "dim"})


@app.command(epilog=example("sms-notify rules schema > sms-notify.schema.json"))
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of a rule file, for editors."""
    import json
    import sys

    from smsnotify.cli.show import emit_json
    from smsnotify.rules.jsonschema import rules_schema

    if desk_of(ctx, brief=True).json:
        emit_json(rules_schema())
    else:
        sys.stdout.write(json.dumps(rules_schema(), indent=2, ensure_ascii=False) + "\n")


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


def _first_file(desk: Desk) -> Path:
    first = desk.rule_paths[0]
    return first / "rules.yaml" if first.is_dir() else first
