"""A report as one HTML page that needs nothing else: to print, to mail, to keep."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import Any, Final

from markupsafe import Markup

from smsnotify.cli.report import money, percent, seconds
from smsnotify.model.report import Report

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
figure{margin:0 0 2rem;break-inside:avoid}figure svg{width:100%;height:auto;max-height:26rem}
@media print{body{margin:0;max-width:none}}
</style></head><body>
<h1>Texts from {{ r.since }} to {{ r.until }}</h1>
<div class="keys">
<div><b>{{ r.texts }}</b>texts</div>
<div><b>{{ percent(r.delivered_share) or "-" }}</b>delivered, of {{ r.delivered + r.failed }}</div>
<div><b>{{ r.failed }}</b>failed</div>
<div><b>{{ money(r.cost, r.currency) }}</b>cost</div>
<div><b>{{ f.completed_jobs }}</b>completed jobs</div>
<div><b>{{ f.opt_outs.values() | sum }}</b>opt-outs</div>
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
        (
            "Plans",
            ("plan", "state", "people", "goals"),
            [(one.plan, one.state, one.count, f"{one.goal_value:g}") for one in figures.plans],
        ),
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


def _errors(report: Report) -> Markup:
    chart = _pygal().HorizontalBar(**_look(), show_legend=False)
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
