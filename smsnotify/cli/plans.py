"""`plans`: check, list and draw automation plans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smsnotify.cli import plans_people
from smsnotify.cli.frame import desk_of, example, group

app = group(
    "Check, list, draw and try automation plans.",
    "sms-notify plans validate",
    "sms-notify plans show quote",
)


@app.command(
    epilog=example("sms-notify plans validate", "sms-notify plans validate --json rules.yaml more/")
)
def validate(
    ctx: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Rule files or folders; else the settings'."),
    ] = None,
) -> None:
    """Check rule files, and whether every plan in them leads somewhere.

    Tells steps that nobody comes to or leaves, circles without a wait, answers and keywords that
    another one takes first, and senders of the settings that cannot hear the answers.
    Ends with 2 when something is wrong; warnings alone end with 0.
    """
    from smsnotify.cli.validating import tell_problems
    from smsnotify.plans.load import check_book

    desk = desk_of(ctx, brief=True)
    paths = tuple(files or desk.rule_paths)
    book, found = check_book(paths, country=desk.country, own_words=desk.own_words)
    if book is not None and desk.has_settings:
        from smsnotify.wiring.link_check import check_links
        from smsnotify.wiring.plan_settings import check_plan_settings

        found += check_links(book, desk.settings.public_url)
        found += check_plan_settings(book.plans, desk.settings)
        book = None if any(one.severity == "error" for one in found) else book
    tell_problems(desk, book, found)


@app.command("list", epilog=example("sms-notify plans list", "sms-notify plans list --json"))
def list_(ctx: typer.Context) -> None:
    """List the plans: how people come in, and how many steps they walk."""
    from smsnotify.base.durations import format_duration
    from smsnotify.cli import show
    from smsnotify.plans.outline import begins

    desk = desk_of(ctx, brief=True)
    rows = []
    for plan in desk.plans.all:
        if desk.json:
            show.emit_json(
                {
                    "type": "plan",
                    "name": plan.name,
                    "enabled": plan.enabled,
                    "version": plan.version,
                    "purpose": plan.purpose.value,
                    "keywords": plan.entry.keywords,
                    "match": plan.entry.match.value,
                    "any_text": plan.entry.any_text,
                    "events": sorted(plan.entry.events),
                    "re_enter": plan.re_enter,
                    "max_life": format_duration(plan.max_life),
                    "route": plan.route,
                    "steps": list(plan.steps),
                    "file": plan.file,
                    "line": plan.line,
                }
            )
        else:
            state = "on" if plan.enabled else "off"
            steps = ", ".join(plan.steps)
            rows.append((state, plan.name, begins(plan), plan.purpose.value, steps, plan.version))
    if not desk.json:
        columns = ("", "plan", "begins with", "purpose", "steps", "version")
        show.table(columns, rows, styles={"off": "dim"})


@app.command(
    epilog=example(
        "sms-notify plans show quote",
        "sms-notify plans show quote --mermaid > quote.mmd",
        "sms-notify plans show quote --svg > quote.svg",
    )
)
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plan's name.")],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flowchart.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="Print a picture, as SVG.")] = False,
) -> None:
    """Draw a plan: what each step does, and where each answer leads."""
    import sys

    from smsnotify.base.errors import UsageError
    from smsnotify.cli.plan_tree import draw, plan_json

    desk = desk_of(ctx, brief=True)
    plan = desk.plans.named(name)
    if mermaid + svg + desk.json > 1:
        raise UsageError("--mermaid, --svg and --json are three drawings", hint="choose one")
    if mermaid:
        from smsnotify.plans.mermaid import mermaid as as_mermaid

        sys.stdout.write(as_mermaid(plan))
    elif svg:
        from smsnotify.plans.svg import svg as as_svg

        sys.stdout.write(as_svg(plan))
    elif desk.json:
        from smsnotify.cli.show import emit_json

        emit_json(plan_json(plan))
    else:
        draw(plan)


@app.command(
    "test",
    epilog=example(
        "sms-notify plans test",
        "sms-notify plans test rules.quote.test.yaml",
        'sms-notify plans test --only "from HELLO"',
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
    """Play dialogues of *.test.yaml files and compare every text, with a clock of their own.

    Nothing is sent and the books are not touched. Prints which ways of the plans were never taken.
    Ends with 1 when a test fails and after --update, and with 2 when a file is wrong.
    """
    from smsnotify.cli.case_runner import run_cases

    run_cases(desk_of(ctx, brief=True), files or (), only=only, junit=junit, update=update)


@app.command(
    epilog=example(
        "sms-notify plans simulate quote",
        "sms-notify plans simulate quote --contact name=Ann --contact tier=gold",
        "sms-notify plans simulate quote --script dialogue.txt",
    )
)
def simulate(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plan's name.")],
    number: Annotated[
        str, typer.Option("--number", metavar="NUMBER", help="The customer's number.")
    ] = "",
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When it begins; else a Monday, at noon.")
    ] = "",
    contact: Annotated[
        list[str] | None,
        typer.Option(
            "--contact", metavar="KEY=VALUE", help="What is known of the customer; repeatable."
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(
            "--script", metavar="FILE", help="Lines to say; else they are typed, or on stdin."
        ),
    ] = None,
) -> None:
    """Play the customer in the terminal, and jump in time: /wait 2d, /fail, /event, /quit.

    Nothing is sent and the books are not touched.
    """
    from smsnotify.cli.plans_simulate import simulate as talk

    facts = tuple(contact or ())
    talk(desk_of(ctx, brief=True), name, number=number, at=at, facts=facts, script=script)


plans_people.add_to(app)
