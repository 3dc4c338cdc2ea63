"""`report`: what went out, what arrived, what it cost."""

from __future__ import annotations

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

_MOST_DAYS = 400
_MOST_BARS = 31
_SPARKS = "▁▂▃▄▅▆▇█"

app = single()


@app.command(
    epilog=example(
        "sms-notify report",
        "sms-notify report --since 30d --html report.html",
        "sms-notify report --csv > texts.csv",
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
) -> None:
    """Sum up what happened: texts, arrivals, times, failures, money.

    Days are the firm's own. Money needs [prices] in the settings.
    """
    if csv and html is not None:
        raise UsageError("--csv and --html are two forms of one report", hint="choose one")
    desk = desk_of(ctx)
    made = _read(desk, since)
    if made is None:
        desk.note("nothing was ever queued here")
        return
    if csv:
        _print_csv(made)
    elif html is not None:
        from smsnotify.cli.report_page import page

        _write(html, page(made, desk.clock()))
        desk.note(f"wrote {html}")
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
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoppedError(f"cannot write {path}: {error.strerror}") from None


def spark(values: tuple[int, ...]) -> str:
    """Draw numbers as a line of bars, the highest being full; many days share a bar."""
    together = -(-len(values) // _MOST_BARS) or 1
    values = tuple(
        sum(values[start : start + together]) for start in range(0, len(values), together)
    )
    top = max(values, default=0)
    if not top:
        return _SPARKS[0] * len(values)
    return "".join(_SPARKS[value * (len(_SPARKS) - 1) // top] for value in values)


def percent(share: float | None) -> str:
    """Write a share for people, `''` for none."""
    return "" if share is None else f"{share:.1%}"


def seconds(value: int | None) -> str:
    """Write a time to deliver for people: `4s`, `3m`, `2h`."""
    if value is None:
        return ""
    return (
        f"{value}s" if value < 120 else f"{value // 60}m" if value < 7200 else f"{value // 3600}h"
    )


def money(value: Any, currency: str) -> str:
    """Write money for people, `''` for what nobody priced."""
    return "" if value is None else f"{value:.2f} {currency}"


def _print(made: Any) -> None:
    figures = made.figures
    show.pairs(
        [
            ("days", f"{made.since} to {made.until}"),
            ("texts", f"{made.texts}  {spark(made.by_day)}"),
            ("delivered", f"{made.delivered}  {percent(made.delivered_share)}"),
            ("failed", made.failed),
            ("cost", _cost_line(made)),
            ("completed jobs", figures.completed_jobs),
            ("opt-outs", _counts(figures.opt_outs)),
            ("replies", _counts(figures.replies)),
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
    if figures.plans:
        show.say()
        show.table(
            ("plan", "state", "people", "goals"),
            [(one.plan, one.state, one.count, f"{one.goal_value:g}") for one in figures.plans],
        )
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


def _cost_line(made: Any) -> str:
    told = money(made.cost, made.currency)
    if made.cost_per_completed_job is not None:
        told += f", {made.cost_per_completed_job:.3f} a completed job"
    if made.unpriced:
        told += f" ({made.unpriced} texts have no price in the settings)"
    return told


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def _print_csv(made: Any) -> None:
    import csv
    import sys

    import msgspec

    from smsnotify.model.report import TextCount

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(TextCount.__struct_fields__)
    for line in made.figures.texts:
        writer.writerow(msgspec.structs.astuple(line))
