"""`rules diff`: what a change of rules would have changed, over real events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from smsnotify.base.errors import UsageError
from smsnotify.cli import show
from smsnotify.cli.decided import rejected_line
from smsnotify.cli.desk import Desk
from smsnotify.cli.inputs import known_format, readable
from smsnotify.cli.instants import local_time, read_as_of, read_since
from smsnotify.engine.diffing import Change, Differ, Kind, nobody
from smsnotify.engine.replay_clock import Timed, as_received, at_once, at_their_time
from smsnotify.events.read import read_chunks
from smsnotify.model.decision import Decision
from smsnotify.rules.load import load_rules
from smsnotify.wiring import build

_LIMITS: Final = ("people", "texts", "segments", "cost")
Limits = dict[str, tuple[Decimal, bool]]
"""Name → the most that may come, and whether that is a share (in per cent) of before."""

Sums = dict[str, tuple[Decimal, Decimal]]
"""Name → before and after."""

_TOLD_REJECTS: Final = 10
_WORDS: Final = re.compile(r"\s+|[^\s]+")


def diff_rules(
    desk: Desk,
    old: Path,
    new: Path,
    events: list[str],
    *,
    since: str,
    format: str,
    as_of: str,
    limit: int,
    fail_over: str,
) -> int:
    """Compare, show, and return the exit code.

    Raises:
        UsageError: no events were named, or in two ways.
    """

    limits = read_limits(fail_over)
    if bool(events) == bool(since):
        raise UsageError(
            "say which events to go through", hint="--events FILE, or --since 30d for stored ones"
        )
    known_format(format)
    readable(events)
    country = desk.country
    before, after = load_rules([old], country=country), load_rules([new], country=country)
    store = desk.existing_store
    differ = Differ(
        before,
        after,
        build.policy(desk.settings),
        store.people if store is not None else lambda numbers: {},
        format=format,
        contacts=store.contacts_of if store is not None else nobody,
    )
    shown = rejected_count = 0
    try:
        for source, portion in _portions(desk, events, since, as_of):
            changes, rejected = differ.take(portion.first, portion.lines, portion.now)
            for line in (replace(one, source=source) for one in rejected):
                rejected_count += 1
                if desk.json:
                    show.emit_json(line.as_json())
                elif rejected_count <= _TOLD_REJECTS:
                    desk.note(rejected_line(line))
            shown += _show_changes(desk, changes, limit - shown if limit else None)
        if rejected_count > _TOLD_REJECTS:
            desk.note(f"… and more: {rejected_count} lines rejected in all")
        shown += _show_changes(desk, differ.finish(), limit - shown if limit else None)
        over = _finish(desk, differ, limits, shown, rejected_count)
    finally:
        differ.close()
    return 1 if over or rejected_count else 0


def _portions(desk: Desk, events: list[str], since: str, as_of: str) -> Iterator[tuple[str, Timed]]:
    """Yield what is to be gone through, each portion with where it comes from."""
    now = read_as_of(as_of, desk.clock, desk.settings.timezone)()
    if since:
        start = read_since(since, now)
        if desk.existing_store is None:
            desk.note("no event was ever stored here")
            return
        for portion in as_received(desk.store.lines_since(start)):
            yield "stored", portion
        return
    for source in events:
        chunks = read_chunks(source, size=250)
        for portion in at_once(chunks, now) if as_of else at_their_time(chunks, now):
            yield source, portion


def read_limits(written: str) -> Limits:
    """Read `people=100,cost=5%` as name → (number, whether it is a share of before).

    Raises:
        UsageError: a name or a number that is none.
    """
    limits: Limits = {}
    for part in filter(None, written.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            number = Decimal(value.removesuffix("%"))
        except InvalidOperation:
            number = Decimal(-1)
        if name not in _LIMITS or not number.is_finite() or number < 0:
            raise UsageError(
                f"--fail-over: {part.strip()!r} is no limit",
                hint=f"write people=100,cost=5%; the names are {', '.join(_LIMITS)}",
            )
        if name == "people" and value.endswith("%"):
            raise UsageError("--fail-over: people are counted", hint="write people=100")
        limits[name] = (number, value.endswith("%"))
    return limits


def word_diff(before: str, after: str) -> str:
    """Return both texts in one: `[-gone-]` and `{+come+}` around words."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    parts: list[str] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append("".join(old[i:j]))
            continue
        if i < j:
            parts.append(f"[-{''.join(old[i:j])}-]")
        if k < m:
            parts.append(f"{{+{''.join(new[k:m])}+}}")
    return "".join(parts)


_SIGNS: Final[dict[Kind, str]] = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_STYLES: Final[dict[Kind, str]] = {
    "added": "green",
    "removed": "red",
    "changed": "yellow",
    "moved": "yellow",
}


def _show_changes(desk: Desk, changes: list[Change], most: int | None) -> int:
    """Show changes, `most` of them; return how many."""
    shown = changes if most is None else changes[:most]
    for change in shown:
        _show_change(desk, change)
    return len(shown)


def _show_change(desk: Desk, change: Change) -> None:
    if desk.json:
        show.emit_json(change.as_json())
        return
    draft = change.decision.draft
    sign, style = _SIGNS[change.kind], _STYLES[change.kind]
    job, to = draft.event.job.number, draft.recipient
    show.say(
        f"{sign} {change.kind}: {draft.terms.name}, {draft.event.name} of {job}, to {to}", style
    )
    before, after = change.before, change.after
    if change.kind in ("added", "removed"):
        there, other = (after, before) if change.kind == "added" else (before, after)
        show.say(f"    {there.body if there else ''}")
        if other is not None:
            when = "before" if change.kind == "added" else "now"
            show.say(f"    {when} stopped: {other.reason}", "dim")
    elif before is not None and after is not None:
        if before.body != after.body:
            show.say(f"    {word_diff(before.body, after.body)}")
        else:
            show.say(f"    {_moved(before, after, desk.settings.timezone)}")


def _moved(before: Decision, after: Decision, timezone: str) -> str:
    return f"{_when(before, timezone)} -> {_when(after, timezone)}"


def _when(decision: Decision, timezone: str) -> str:
    return local_time(decision.not_before, timezone) if decision.not_before else "at once"


def _finish(desk: Desk, differ: Differ, limits: Limits, shown: int, rejected: int) -> list[str]:
    """Show the sums; return which limits are exceeded."""
    old_cost, old_unpriced = differ.before.money(build.Pricing(desk.settings))
    new_cost, new_unpriced = differ.after.money(build.Pricing(desk.settings))
    old_segments = sum(differ.before.segments.values())
    new_segments = sum(differ.after.segments.values())
    sums = {
        "texts": (Decimal(differ.before.texts), Decimal(differ.after.texts)),
        "segments": (Decimal(old_segments), Decimal(new_segments)),
        "cost": (old_cost, new_cost),
    }
    over = exceeded(limits, differ.people, sums)
    currency = desk.settings.prices.currency
    if desk.json:
        show.emit_json(
            {
                "type": "diff",
                "events": differ.events,
                "people": differ.people,
                **dict(_counts(differ)),
                "texts": [differ.before.texts, differ.after.texts],
                "segments": [old_segments, new_segments],
                "cost": [str(old_cost), str(new_cost)],
                "currency": currency,
                "unpriced_segments": [old_unpriced, new_unpriced],
                "rejected": rejected,
                "over": over,
            }
        )
        return over
    total = sum(differ.counts.values())
    if total > shown:
        desk.note(f"{total - shown} more: --limit 0 shows all")
    _show_sums(differ, sums, currency, old_unpriced or new_unpriced)
    for name in over:
        desk.warn(f"more {name} than --fail-over allows")
    _note_old(desk, differ)
    return over


def _counts(differ: Differ) -> Iterator[tuple[str, int]]:
    for kind in _SIGNS:
        yield kind, differ.counts[kind]


def _show_sums(differ: Differ, sums: Sums, currency: str, unpriced: int) -> None:
    if differ.by_rule:
        rules = sorted({name for name, _ in differ.by_rule})
        show.say()
        show.table(
            ("rule", *_SIGNS),
            [(rule, *(differ.by_rule[rule, kind] or "" for kind in _SIGNS)) for rule in rules],
        )
    show.say()
    rows: list[tuple[str, object]] = [("events", differ.events), ("people touched", differ.people)]
    for name, (old, new) in sums.items():
        money = name == "cost"
        told = f"{old:.2f} -> {new:.2f} {currency}" if money else f"{old} -> {new}"
        if old and old != new:
            told += f"  ({(new - old) / old:+.1%})"
        if money and unpriced:
            told += f"  ({unpriced} segments have no price in the settings)"
        rows.append((name, told))
    show.pairs(rows)


def _note_old(desk: Desk, differ: Differ) -> None:
    """Say so when hardly anything was compared because all of it was old news."""
    old = differ.after.stops["too_old"]
    if old and old >= differ.after.texts:
        desk.note(f"{old} texts stopped as too old: --as-of TIME judges all of them at that time")


def exceeded(
    limits: Limits,
    people: int,
    sums: Sums,
) -> list[str]:
    """Return the limits that are exceeded; of sums the growth counts, not the fall."""
    over = []
    for name, (allowed, is_share) in limits.items():
        if name == "people":
            grown = Decimal(people)
        else:
            old, new = sums[name]
            grown = new - old
            if is_share:
                grown = grown * 100 / old if old else Decimal("Infinity" if grown > 0 else 0)
        if grown > allowed:
            over.append(name)
    return over
