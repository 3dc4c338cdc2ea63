"""Making a silence of what somebody wrote, on a command line or in a form."""

from __future__ import annotations

from datetime import datetime, timedelta

from smsnotify.base.durations import parse_duration
from smsnotify.base.errors import UsageError
from smsnotify.base.ids import new_id
from smsnotify.model.silence import Silence
from smsnotify.rules.compile import RuleSet

_LONGEST = 200


def make_silence(
    *,
    group: str,
    rule: str,
    reason: str,
    author: str,
    begins: datetime,
    lasting: timedelta,
    now: datetime,
) -> Silence:
    """Return a new silence; its words are checked already.

    Raises:
        UsageError: it would be over already, or last for ever.
    """
    try:
        ends = begins + lasting
    except OverflowError:
        raise UsageError("that is too long for a silence", hint="write 3h or 2d") from None
    if ends <= now:
        raise UsageError(
            "this silence would be over already", hint="a later beginning, or a longer time"
        )
    return Silence(
        id=new_id(now),
        group=group,
        rule=rule,
        reason=reason,
        author=author,
        starts_at=begins,
        ends_at=ends,
        created_at=now,
    )


def read_span(written: str, named: str) -> timedelta:
    """Return how long a silence lasts; `named` is how the place is called where it was written.

    Raises:
        UsageError: it is no duration.
    """
    try:
        span = parse_duration(written)
    except ValueError:
        span = timedelta(0)
    if span <= timedelta(0):
        raise UsageError(f"{named} {written!r} is no duration", hint="write 90m, 3h or 2d")
    return span


def read_line(written: str, named: str, *, needed: str = "") -> str:
    """Return one line of words; with `needed`, the hint for who wrote none.

    Raises:
        UsageError: it is longer than a line may be, or cannot be printed.
    """
    text = written.strip()
    if needed and not text:
        raise UsageError(f"{named} is empty", hint=needed)
    if len(text) > _LONGEST or (text and not text.isprintable()):
        raise UsageError(
            f"{named} is one line of at most {_LONGEST} characters that can be printed"
        )
    return text


def rule_id(rules: RuleSet, wanted: str) -> str:
    """Return the id of a rule that is called by its id or its name, `''` for `''`.

    Raises:
        UsageError: there is none.
    """
    if not wanted:
        return ""
    for one in rules.all:
        if wanted in (one.id, one.terms.name):
            return one.id
    names = ", ".join(one.id for one in rules.all)
    raise UsageError(f"there is no rule {wanted!r}", hint=f"the rules are {names}")


def silenced(group: str, rule: str) -> str:
    """Say what is silenced: `ACME`, `rule delayed`, `rule delayed for ACME`, `everything`."""
    if rule:
        return f"rule {rule}" + (f" for {group}" if group else "")
    return group or "everything"
