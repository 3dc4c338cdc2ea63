"""How many people came into a plan, how far they got, and how it ended."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import Connection

from smsnotify.model.report import Funnel
from smsnotify.store.instants import to_micros
from smsnotify.store.order import first_id
from smsnotify.store.rowset import execute, is_postgres, statement


@cache
def _where(plan: bool, since: bool) -> str:
    named = " AND plan = :plan" if plan else ""
    bounded = " AND enrolments.id >= :first AND entered_at >= :since" if since else ""
    return f"WHERE mode = :mode{named}{bounded}"


def funnels(
    connection: Connection, mode: str, plan: str = "", since: datetime | None = None
) -> dict[str, Funnel]:
    """Return the figures by plan, of one plan or of all, of people who came in since."""
    postgres = is_postgres(connection)
    where = _where(bool(plan), since is not None)
    values: dict[str, object] = {"mode": mode}
    if plan:
        values["plan"] = plan
    if since is not None:
        values |= {"first": first_id(since), "since": to_micros(since)}
    counted = statement(
        postgres,
        "SELECT plan, state, CASE WHEN state = 'waiting' THEN step ELSE '' END, count(*), "
        "sum(goal_value), sum(CASE WHEN answers <> '{}' THEN 1 ELSE 0 END) "
        f"FROM enrolments {where} GROUP BY 1, 2, 3",
    )
    found: dict[str, Funnel] = {}
    for name, state, step, count, value, answered in execute(
        connection, counted, values
    ).fetchall():
        funnel = found.setdefault(name, Funnel(plan=name))
        funnel.entered += int(count)
        funnel.answered += int(answered)
        funnel.goal_value += float(value)
        if state == "waiting":
            funnel.waiting[step] = int(count)
        else:
            funnel.outcomes[state] = funnel.outcomes.get(state, 0) + int(count)
    steps = (
        "SELECT plan, step_name, count(*) FROM enrolments, "
        "jsonb_object_keys(CAST(visits AS jsonb)) AS step_name "
        if postgres
        else "SELECT plan, key, count(*) FROM enrolments, json_each(visits) "
    )
    reached = statement(postgres, f"{steps}{where} GROUP BY 1, 2")
    for name, step, count in execute(connection, reached, values).fetchall():
        found[name].reached[step] = int(count)
    return found
