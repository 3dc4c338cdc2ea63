"""A report as one HTML page that needs nothing else: to print, to mail, to keep."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from smsnotify.cli.report_words import (
    FUNNEL_HEAD,
    cost_per_job,
    funnel_rows,
    money,
    percent,
    seconds,
)
from smsnotify.model.report import AccountLine, Funnel, Report

# Okabe and Ito's colours, told apart by everybody and in grey print by their lightness.
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000")
_MOST_RULES: Final = 6
_EXTRAS: Final = re.compile(r"<script.*?</script>|<!--.*?-->", re.DOTALL)

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Texts from {{ r.since }} to {{ r.until }}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;color:#111;background:#fff;max-width:60rem;margin:2rem auto;
padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0 2rem;width:100%}
th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid #bbb}
th:first-child,td:first-child{text-align:left}
.keys{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1rem 0 2rem}
.keys div{min-width:8rem}.keys b{display:block;font-size:1.6rem}
figure{margin:0 0 2rem;break-inside:avoid}figure svg{width:100%;height:auto}
@media print{body{margin:0;max-width:none}}
</style></head><body>
<h1>Texts from {{ r.since }} to {{ r.until }}</h1>
<div class="keys">
<div><b>{{ r.texts }}</b>texts</div>
<div><b>{{ percent(r.delivered_share) or "-" }}</b>delivered, of {{ r.delivered + r.failed }}</div>
<div><b>{{ r.failed }}</b>failed</div>
<div><b>{{ money(r.cost, r.currency) }}</b>cost{{ per_job }}</div>
<div><b>{{ f.completed_jobs }}</b>completed jobs</div>
<div><b>{{ f.opt_outs.values() | sum }}</b>opt-outs</div>
<div><b>{{ f.replies.values() | sum }}</b>replies</div>
</div>
{% if r.unpriced %}<p>{{ r.unpriced }} texts have no price in the settings and are in no cost.</p>
{% endif %}
<figure><figcaption>Texts by day</figcaption>{{ by_day }}</figure>
{% macro table(head, rows) %}{% if rows %}<table><thead><tr>
{% for cell in head %}<th scope="col">{{ cell }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ "" if cell is none else cell }}</td>
{% endfor %}</tr>{% endfor %}</tbody></table>{% endif %}{% endmacro %}
{% for title, head, rows in tables %}{% if rows %}<h2>{{ title }}</h2>{{ table(head, rows) }}
{% endif %}{% endfor %}
{% for title, chart in charts %}<figure><figcaption>{{ title }}</figcaption>{{ chart }}</figure>
{% endfor %}
{% if errors %}<figure><figcaption>Why texts failed</figcaption>{{ errors }}</figure>{% endif %}
<p>Made {{ now }} by sms-notify.</p>
</body></html>
"""


def page(report: Report, now: datetime) -> str:
    """Return the whole page; every value in it is escaped."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True).from_string(_PAGE)
    return template.render(
        r=report,
        f=report.figures,
        money=money,
        percent=percent,
        by_day=_by_day(report),
        errors=_errors(report) if report.errors else "",
        charts=list(_charts(report)),
        per_job=cost_per_job(report),
        tables=_tables(report),
        now=f"{now:%Y-%m-%d %H:%M} UTC",
    )


def _tables(report: Report) -> list[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
    figures, currency = report.figures, report.currency
    return [
        (
            "Rules",
            ("rule", "texts", "delivered", "failed", "segments", "cost"),
            [
                (
                    line.rule,
                    line.texts,
                    percent(line.delivered_share),
                    line.failed,
                    line.segments,
                    money(line.cost, currency),
                )
                for line in report.rules
            ],
        ),
        (
            "Accounts and countries",
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
                    money(line.cost, currency),
                )
                for line in report.accounts
            ],
        ),
        ("Opt-outs", ("source", "people"), list(figures.opt_outs.items())),
        ("Replies", ("taken for", "texts"), list(figures.replies.items())),
        ("Plans", FUNNEL_HEAD, [row for one in figures.funnels for row in funnel_rows(one)]),
        (
            "Ratings",
            ("driver", "group", "ratings", "goods", "driver's stars"),
            [
                (one.driver, one.group, one.count, one.goods, one.driver_stars)
                for one in figures.ratings
            ],
        ),
        (
            "First attempts",
            ("", "jobs", "failed", "share"),
            [
                (name, one.jobs, one.failed, percent(one.failed_share))
                for name, one in (
                    ("with a reminder", figures.reminded),
                    ("without", figures.not_reminded),
                )
                if one.jobs
            ],
        ),
    ]


def _by_day(report: Report) -> Markup:
    chart = _pygal().StackedBar(**_look(), x_label_rotation=30)
    chart.x_labels = [f"{day:%d %b}" for day in report.figures.days]
    for line in report.rules[:_MOST_RULES]:
        chart.add(line.rule, list(line.by_day))
    rest = [line.by_day for line in report.rules[_MOST_RULES:]]
    if rest:
        chart.add("others", [sum(counts) for counts in zip(*rest, strict=True)])
    return _drawn(chart)


def _charts(report: Report) -> Iterator[tuple[str, Markup]]:
    timed = [line for line in report.accounts if line.p50_s is not None]
    if timed:
        yield "Seconds until delivered", _times(timed)
    shared = [line for line in report.accounts if line.delivered_share is not None]
    if shared:
        yield "Delivered, of texts with a final word, in percent", _shares(shared)
    for funnel in report.figures.funnels:
        yield f"How far people got in {funnel.plan}", _funnel(funnel)


def _times(lines: Sequence[AccountLine]) -> Markup:
    chart = _bars(2 * len(lines))
    chart.x_labels = [_where(line) for line in lines]
    chart.add("half within", [line.p50_s for line in lines])
    chart.add("95 % within", [line.p95_s for line in lines])
    return _drawn(chart)


def _shares(lines: Sequence[AccountLine]) -> Markup:
    chart = _bars(len(lines), show_legend=False, range=(0, 100))
    chart.x_labels = [_where(line) for line in lines]
    chart.add("delivered", [round(100 * (line.delivered_share or 0), 1) for line in lines])
    return _drawn(chart)


def _where(line: AccountLine) -> str:
    return f"{line.account} {line.country}".strip()


def _funnel(funnel: Funnel) -> Markup:
    reached = [(step, funnel.reached[step]) for step in funnel.steps()]
    steps = [("entered", funnel.entered), *reached, *sorted(funnel.outcomes.items())]
    chart = _bars(len(steps), show_legend=False)
    chart.x_labels = [name for name, _ in reversed(steps)]  # pygal draws from below
    chart.add("people", [count for _, count in reversed(steps)])
    return _drawn(chart)


def _errors(report: Report) -> Markup:
    chart = _bars(len(report.errors), show_legend=False)
    chart.x_labels = list(report.errors)
    chart.add("texts", list(report.errors.values()))
    return _drawn(chart)


def _pygal() -> Any:
    """Import the charts, and take away the import hook that they leave for plug-ins.

    The hook knows only an interface that Python has given up, which warns at every later import.
    """
    import pygal

    sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != "pygal"]
    return pygal


def _bars(count: int, **more: Any) -> Any:
    """Return a chart of so many bars that lie, each as thick as in every other chart."""
    return _pygal().HorizontalBar(**_look() | {"height": 90 + 34 * count} | more)


def _look() -> dict[str, Any]:
    """Return how charts look: no script, no font and no address of anybody else's."""
    from pygal.style import Style

    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="#111",
        foreground_strong="#111",
        foreground_subtle="#555",
        colors=COLOURS,
        opacity="1",
        font_family="system-ui, sans-serif",
    )
    return {
        "style": style,
        "js": (),
        "width": 900,
        "height": 360,
        "print_values": False,
        "disable_xml_declaration": True,
        "no_data_text": "nothing",
        "pretty_print": False,
    }


def _drawn(chart: Any) -> Markup:
    drawn = _EXTRAS.sub("", chart.render(is_unicode=True))
    # pygal escapes what it writes; the page's own escaping would show the picture's source.
    return Markup(drawn)  # noqa: S704
