"""`report`: what went out, what arrived, what it cost."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from smsnotify.base.errors import StoppedError, UsageError
from smsnotify.cli import show
from smsnotify.cli.desk import Desk
from smsnotify.cli.frame import desk_of, example, single
from smsnotify.cli.instants import read_since
from smsnotify.cli.report_words import (
    FUNNEL_HEAD,
    cost_line,
    counts,
    funnel_rows,
    money,
    percent,
    seconds,
    spark,
)

_MOST_DAYS = 400

app = single()


@app.command(
    epilog=example(
        "sms-notify report",
        "sms-notify report --since 30d --html report.html",
        "sms-notify report --csv > texts.csv",
        "sms-notify report --since 30d --mail boss@example.com",
    )
)
def report(
    ctx: typer.Context,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From when on: 7d, or a date.")
    ] = "7d",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one page with charts, to keep or mail."),
    ] = None,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print one line a day, rule, account and state.")
    ] = False,
    mail: Annotated[
        list[str] | None,
        typer.Option(
            "--mail",
            metavar="ADDRESS",
            help="Mail the page through the settings' email account; repeatable.",
        ),
    ] = None,
) -> None:
    """Sum up what happened: texts, arrivals, times, failures, money.

    Days are the firm's own. Money needs [prices] in the settings.
    """
    if csv and html is not None:
        raise UsageError("--csv and --html are two forms of one report", hint="choose one")
    if csv and mail:
        raise UsageError("--mail sends the page: --csv prints another form", hint="choose one")
    desk = desk_of(ctx)
    made = _read(desk, since)
    if made is None:
        desk.note("nothing was ever queued here")
        return
    if csv:
        _print_csv(made)
    elif html is not None or mail:
        from smsnotify.cli.report_page import page

        whole = page(made, desk.clock())
        if html is not None:
            _write(html, whole)
            desk.note(f"wrote {html}")
        if mail:
            from smsnotify.cli.report_mail import mail_report

            mail_report(desk, mail, made, whole)
    elif desk.json:
        import msgspec

        show.emit_json({"type": "report", **msgspec.to_builtins(made)})
    else:
        _print(made)


def _read(desk: Desk, since: str) -> Any:
    """Return the report of the days from `since` until today; None without a database."""
    from smsnotify.engine.reporting import local_days, make_report
    from smsnotify.gates.zones import known_zone
    from smsnotify.wiring import build

    zone = known_zone(desk.settings.timezone) or ZoneInfo("UTC")
    now = desk.clock().astimezone(zone)
    try:
        first = date.fromisoformat(since)
    except ValueError:
        first = read_since(since, now).astimezone(zone).date()
        if since.strip().endswith("d"):
            first += timedelta(days=1)  # seven days are today and the six before
    last = now.date()
    if first > last:
        raise UsageError(f"--since {since} is still to come")
    if (last - first).days >= _MOST_DAYS:
        raise UsageError(
            f"--since {since} is too long ago", hint=f"a report covers at most {_MOST_DAYS} days"
        )
    if desk.existing_store is None:
        return None
    days = local_days(first, last, zone)
    figures = desk.store.report_figures(days, desk.settings.mode.value)
    return make_report(figures, build.prices(desk.settings), desk.settings.prices.currency)


def _write(path: Path, text: str) -> None:
    """Write a report; a new file is its owner's alone, one that was there keeps its mode."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise StoppedError(f"cannot write {path}: {error.strerror}") from None


def _print(made: Any) -> None:
    figures = made.figures
    show.pairs(
        [
            ("days", f"{made.since} to {made.until}"),
            ("texts", f"{made.texts}  {spark(made.by_day)}"),
            ("delivered", f"{made.delivered}  {percent(made.delivered_share)}"),
            ("failed", made.failed),
            ("cost", cost_line(made)),
            ("completed jobs", figures.completed_jobs),
            ("opt-outs", counts(figures.opt_outs)),
            ("replies", counts(figures.replies)),
        ]
    )
    if made.rules:
        show.say()
        show.table(
            ("rule", "texts", "by day", "delivered", "failed", "segments", "cost"),
            [
                (
                    line.rule,
                    line.texts,
                    spark(line.by_day),
                    percent(line.delivered_share),
                    line.failed,
                    line.segments,
                    money(line.cost, made.currency),
                )
                for line in made.rules
            ],
        )
    if made.accounts:
        show.say()
        show.table(
            ("account", "country", "texts", "delivered", "failed", "p50", "p95", "cost"),
            [
                (
                    line.account,
                    line.country,
                    line.texts,
                    percent(line.delivered_share),
                    line.failed,
                    seconds(line.p50_s),
                    seconds(line.p95_s),
                    money(line.cost, made.currency),
                )
                for line in made.accounts
            ],
        )
    if made.errors:
        show.say()
        show.table(("failure", "texts"), list(made.errors.items()))
    if figures.funnels:
        show.say()
        show.table(FUNNEL_HEAD, [row for one in figures.funnels for row in funnel_rows(one)])
    if figures.ratings:
        show.say()
        show.table(
            ("driver", "group", "ratings", "goods", "driver's stars"),
            [
                (one.driver, one.group, one.count, one.goods, one.driver_stars)
                for one in figures.ratings
            ],
        )
    if figures.reminded.jobs or figures.not_reminded.jobs:
        show.say()
        show.table(
            ("first attempts", "jobs", "failed", "share"),
            [
                (name, one.jobs, one.failed, percent(one.failed_share))
                for name, one in (
                    ("with a reminder", figures.reminded),
                    ("without", figures.not_reminded),
                )
            ],
        )


def _print_csv(made: Any) -> None:
    import csv
    import sys

    import msgspec

    from smsnotify.model.report import TextCount

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(TextCount.__struct_fields__)
    for line in made.figures.texts:
        writer.writerow(msgspec.structs.astuple(line))
