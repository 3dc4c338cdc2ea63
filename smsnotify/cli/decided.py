"""Decisions and tallies in words."""

from __future__ import annotations

from smsnotify.base.printable import one_line
from smsnotify.cli import show
from smsnotify.cli.instants import local_time
from smsnotify.engine.intake import Rejected
from smsnotify.engine.tally import Tally
from smsnotify.model.decision import Decision, Verdict


def decision_line(decision: Decision, timezone: str) -> str:
    """Return one line: what becomes of it, of which rule, about which job, to whom, and why.

    A time is on the clock of `timezone`, the settings' zone.
    """
    draft = decision.draft
    told = [
        f"{decision.verdict.value:<4}",
        draft.terms.name,
        draft.event.name,
        draft.event.job.number or draft.event.subject,
        draft.recipient or "nobody",
    ]
    line = "  ".join(told)
    if decision.verdict is Verdict.HOLD and decision.not_before:
        line += f"  until {local_time(decision.not_before, timezone)}"
    if decision.reason:
        line += f"  {decision.reason}"
    if decision.detail:
        line += f": {decision.detail}"
    return one_line(line)


def rejected_line(line: Rejected) -> str:
    """Return one line: where it stands, why it is no event, and what to do about it."""
    told = f"{line.source}:{line.line}: rejected, {line.reason}: {line.message}"
    return f"{told} ({line.hint})" if line.hint else told


def summary_table(tally: Tally, *, dry_run: bool = False, released: int | None = None) -> None:
    """Print what a run came to; the stops by reason below. `released`: held texts judged again."""
    rows: list[tuple[str, object]] = [
        ("events", f"{tally.events:,}"),
        ("matched", f"{tally.matched:,}"),
        ("would be queued" if dry_run else "queued", f"{tally.queued:,}"),
    ]
    if released is not None:
        rows.append(("released", f"{released:,}"))
    if not dry_run:
        rows.append(("sent", f"{tally.sent:,}"))
    for name in ("held", "duplicates", "stopped", "rejected", "failed", "unknown"):
        count = getattr(tally, name)
        if count or name in ("held", "duplicates", "stopped"):
            rows.append((name, f"{count:,}"))
    if tally.into_plans:
        rows.append(("would enter plans" if dry_run else "into plans", f"{tally.into_plans:,}"))
    for reason, count in sorted(tally.stops.items()):
        if reason != "duplicate":
            rows.append((f"  {reason}", f"{count:,}"))
    show.pairs(rows, title="Dry run: nothing was stored or sent" if dry_run else "")
