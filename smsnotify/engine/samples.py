"""An invented job to show a rule with, when nobody brings a real one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from smsnotify.model.contact import CONTACT_FIELDS, Contact, Facet
from smsnotify.model.decision import Draft
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.model.job import Job, Scalar
from smsnotify.rules.compile import CompiledRule, RuleSet

SAMPLE_NUMBER: Final = "+6591230000"
SAMPLE_ADDRESS: Final = "mei.tan@example.com"

_SAMPLE: Final[dict[str, Scalar]] = {
    "id": "65f000000000000000000000",
    "type": "Delivery",
    "do_number": "DO-SAMPLE",
    "detrack_number": "DET0000000",
    "tracking_number": "T-SAMPLE",
    "order_number": "SO-SAMPLE",
    "attempt": 1,
    "status": "dispatched",
    "tracking_status": "Out for delivery",
    "deliver_to_collect_from": "Mei Tan",
    "customer": "Acme",
    "company_name": "Acme",
    "address": "12 Example Street, Singapore 560012",
    "postal_code": "560012",
    "assign_to": "Van 3",
    "group_name": "North",
    "reason": "Nobody at home",
    "time_window": "0900 - 1100 hrs",
    "eta_time": "14:30",
    "live_eta": "15:10",
    "tracking_link": "https://trk.la/sample",
    "received_by_sent_by": "Mei Tan",
    "goods_service_rating": 2,
    "driver_rating": 5,
    "customer_feedback": "The box was wet.",
    "items_count": 2,
}


def sample_job(job_type: type[Job], day: date, recipient: str = SAMPLE_NUMBER) -> Job:
    """Return the sample as the rules' own job type, planned for `day`, to one phone number."""
    values: dict[str, object] = {
        name: value for name, value in _SAMPLE.items() if name in job_type.__struct_fields__
    }
    for name in job_type.__struct_fields__:
        if name.endswith("phone_number") or name == "other_phone_numbers":
            values[name] = recipient
        elif "email" in name:
            values[name] = SAMPLE_ADDRESS
        elif name in ("date", "start_date"):
            values[name] = day.isoformat()
    return msgspec.convert(values, job_type)


def sample_entry(job_type: type[Job], day: date, recipient: str) -> dict[str, Any]:
    """Return the sample job as a feed would write it."""
    written = msgspec.to_builtins(sample_job(job_type, day, recipient))
    return {name: value for name, value in written.items() if value is not None}


def sample_event(rule: CompiledRule, rules: RuleSet, now: datetime, recipient: str) -> Event:
    """Return an event that the rule listens to, with the sample job of a matching type."""
    name = min(rule.events, default="completed")
    day = now.date() + timedelta(days=1)
    job = sample_job(rules.job_type, day, recipient)
    if rule.job_type == "collection":
        job = msgspec.structs.replace(job, type="Collection")
    return Event(name, job, f"id:{job.id}", "sample", None)


def sample_drafts(
    rules: RuleSet, wanted: Iterable[CompiledRule], policy: Policy, now: datetime
) -> list[Draft]:
    """Return what rules would say to whomever they mean about the sample job."""
    from smsnotify.engine.drafting import drafts_of  # and every gate, for `rules validate` too

    return [
        msgspec.structs.replace(draft, terms=msgspec.structs.replace(draft.terms, contact_tests=()))
        for rule in wanted
        for draft in drafts_of(rule, sample_event(rule, rules, now, SAMPLE_NUMBER), policy, now)
    ]


def by_language(drafts: Sequence[Draft]) -> Iterator[tuple[str, list[Draft]]]:
    """Give the drafts of rules with one wording, then each language with those that speak it."""
    yield "en", [draft for draft in drafts if draft.terms.languages is None]
    spoken: dict[str, list[Draft]] = {}
    for draft in drafts:
        for tag in draft.terms.languages.offered if draft.terms.languages is not None else ():
            spoken.setdefault(tag, []).append(draft)
    yield from spoken.items()


def sample_contacts(recipients: Iterable[str], language: str = "en") -> dict[str, Contact]:
    """Return an invented contact behind each recipient, who has every facet that is asked for."""
    return {
        recipient: Contact(
            id="sample",
            addresses=(recipient, "mei.tan@example.com"),
            name="Mei Tan",
            language=language,
            facets=_AnyFacet(),
        )
        for recipient in recipients
    }


class _AnyFacet(Mapping[str, Facet]):
    """Every facet, with its own name as the value."""

    def __getitem__(self, name: str) -> Facet:
        if name in CONTACT_FIELDS:
            raise KeyError(name)
        return name.replace("_", " ")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
