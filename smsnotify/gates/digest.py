"""Do several jobs share one text?"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from smsnotify.gates.ruling import Ruling
from smsnotify.model.decision import Draft, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import PHONE_FIELDS
from smsnotify.model.rule import Digest
from smsnotify.text.phone import read_number, split_numbers

NAME: Final = "digest"

_BETWEEN: Final = "\x1f"  # between the parts of a door, where no field can have put it


def digest_gate(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> Ruling | None:
    """Hold a text until the window of its door ends; the first one opens the window."""
    digest = draft.terms.digest
    if digest is None:
        return None
    ends_at = facts.doors.get(door_of(draft, digest, policy))
    does = "waits for more" if ends_at is None else "joins those"
    return Ruling(
        gate=NAME,
        verdict=Verdict.HOLD,
        reason=NAME,
        detail=f"{does} of the same {', '.join(digest.by)}",
        not_before=now + digest.wait if ends_at is None else max(ends_at, now),
    )


def open_door(draft: Draft, facts: Facts, policy: Policy, now: datetime) -> None:
    """Note in the facts that a text waits behind its door: the next one joins it."""
    digest = draft.terms.digest
    if digest is not None:
        facts.doors.setdefault(door_of(draft, digest, policy), now + digest.wait)


def door_of(draft: Draft, digest: Digest, policy: Policy) -> str:
    """Return what the texts of one digest have in common: rule, recipient, and the fields `by`.

    Letter case and spaces make no other door, and a phone number none by how it is written. Jobs
    that lack a field are alike in that.
    """
    key, job = draft.key, draft.event.job
    values = [_alike(field, getattr(job, field, None), draft, policy) for field in digest.by]
    return _BETWEEN.join((key.mode, key.rule, key.channel, key.recipient, *values))


def _alike(field: str, value: object, draft: Draft, policy: Policy) -> str:
    if value is None:
        return ""
    if field in PHONE_FIELDS:
        country = str(draft.event.job.country or "")
        written = value if isinstance(value, list) else [value]
        raws = [raw for one in written if one is not None for raw in split_numbers(str(one))]
        reads = (read_number(raw, country, policy.country).e164 or raw for raw in raws)
        return ";".join(sorted(set(reads)))
    return " ".join(str(value).replace(_BETWEEN, " ").split()).casefold()
