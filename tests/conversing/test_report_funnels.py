"""Plans in the report: who came in, how far they got, how it ended."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from talk import BEN, Talk

from smsnotify.cli.report_words import funnel_rows
from smsnotify.engine.reporting import local_days


def test_a_plan_is_told_as_a_funnel_of_those_who_came_in_then(talk: Talk) -> None:
    talk.hears("HELLO")
    talk.later(minutes=1).hears("QUOTE")
    talk.hears("HELLO", BEN)
    day = date.fromisoformat(talk.now.date().isoformat())
    days = local_days(day, day, ZoneInfo("UTC"))
    (funnel,) = talk.store.report_figures(days, "live").funnels
    assert (funnel.plan, funnel.entered, funnel.answered) == ("quote", 2, 1)
    assert funnel.steps() == ["ask", "offer"]
    assert funnel_rows(funnel) == [
        ("quote", "entered", 2, "1 answered", ""),
        ("", "ask", 2, "1 there now", ""),
        ("", "offer", 1, "1 there now", ""),
    ]
    talk.later(minutes=1).hears("BUY")
    (funnel,) = talk.store.report_figures(days, "live").funnels
    assert ("", "finished", 1, "", "10") in funnel_rows(funnel)
    after = local_days(date(2030, 1, 1), date(2030, 1, 1), ZoneInfo("UTC"))
    assert talk.store.report_figures(after, "live").funnels == ()
