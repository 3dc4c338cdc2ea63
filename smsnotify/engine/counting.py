"""Fetches the counters that caps are held against; costs nothing where no cap holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final, NamedTuple, Protocol

from smsnotify.gates.caps import caps_on
from smsnotify.gates.zones import known_zone
from smsnotify.model.caps import Cap, Caps
from smsnotify.model.counts import CountKey, Counts
from smsnotify.model.decision import Draft, Earlier, MessageKey
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.rule import RuleTerms
from smsnotify.store.instants import to_micros
from smsnotify.store.order import first_id

_NO_CAPS: Final = Caps()


class Counters(Protocol):
    """Whoever keeps counters: the store, or a rehearsal."""

    def counts(self, keys: Collection[CountKey]) -> dict[CountKey, int]:
        """Return the counters that there are."""

    def counted_among(self, ids: Collection[str]) -> set[str]:
        """Return those of some messages that counted when they were stored."""


class Asked(NamedTuple):
    """For whom counters are wanted."""

    terms: RuleTerms
    recipient: str
    country: str


def asked_for(drafts: Sequence[Draft], policy: Policy) -> list[Asked]:
    """Return for whom the counters of drafts are; nobody, where no cap holds for any of them."""
    if not are_capped(policy, drafts):
        return []
    return [Asked(draft.terms, draft.recipient, draft.country) for draft in drafts]


def windows(policy: Policy, now: datetime) -> tuple[int, int]:
    """Return when the present hour and day began, on the clock of the settings' zone.

    In microseconds. A day of a change of clocks has 23 or 25 hours.
    """
    hour, day = _began(policy, now)
    return to_micros(hour), to_micros(day)


def _began(policy: Policy, now: datetime) -> tuple[datetime, datetime]:
    zone = known_zone(policy.timezone) or UTC
    local = now.astimezone(zone)
    hour = local.replace(minute=0, second=0, microsecond=0)
    return hour, datetime.combine(local.date(), time(), tzinfo=zone)


def empty_counts(policy: Policy, now: datetime, run: str = "") -> Counts:
    """Return counters that stand at nothing."""
    hour, day = windows(policy, now)
    return Counts(policy.mode.value, hour, day, run)


class _HasTerms(Protocol):
    @property
    def terms(self) -> RuleTerms: ...


def are_capped(policy: Policy, some: Iterable[_HasTerms]) -> bool:
    """Say whether any cap holds for some drafts, rules, or what is asked for."""
    if policy.caps is not None:
        return True
    for one in some:  # once a draft of a dry run: a generator in any() would cost twice as much
        bounds = one.terms.bounds
        if bounds is not None and bounds.caps:
            return True
    return False


def learn_counts(
    facts: Facts,
    asked: Collection[Asked],
    memory: Counters,
    policy: Policy,
    now: datetime,
    *,
    run: str = "",
    replaced: Mapping[MessageKey, Earlier] | None = None,
) -> None:
    """Fetch the counters that judging these needs into the facts, as far as they are not there.

    `replaced` are messages whose place new ones take; what they counted counts no second time.
    """
    if not asked or not are_capped(policy, asked):
        return
    counts = facts.counts
    if counts is None:
        counts = facts.counts = empty_counts(policy, now, run)
    caps = policy.caps or _NO_CAPS
    wanted = {
        key
        for terms, recipient, country in asked
        for _, key, _ in caps_on(terms, recipient, country, counts, caps)
    }
    wanted -= counts.amounts.keys()
    if wanted:
        counts.amounts |= dict.fromkeys(wanted, 0) | memory.counts(wanted)
    if replaced:
        counts.counted = _counted(replaced, memory, now, policy)


def _counted(
    replaced: Mapping[MessageKey, Earlier], memory: Counters, now: datetime, policy: Policy
) -> dict[MessageKey, tuple[str, ...]]:
    ids = memory.counted_among([earlier.id for earlier in replaced.values()])
    hour, day = _began(policy, now)
    began = {"hour": first_id(hour), "day": first_id(day)}
    return {
        key: tuple(span for span, first in began.items() if earlier.id >= first)
        for key, earlier in replaced.items()
        if earlier.id in ids
    }


def standing(policy: Policy, memory: Counters, now: datetime) -> list[tuple[Cap, int]]:
    """Return the caps over everything and by country, and how much of each is used today."""
    caps = policy.caps
    if caps is None:
        return []
    counts = empty_counts(policy, now)
    keys = [(cap, counts.key(cap, "")) for cap in caps.desk if cap.span != "run"]
    for country, some in caps.countries.items():
        keys += [(cap, counts.key(cap, country)) for cap in some]
    found = memory.counts([key for _, key in keys]) if keys else {}
    return [(cap, found.get(key, 0)) for cap, key in keys]
