"""What a change of rules would have changed: the same events through both, compared.

Two rehearsals that remember nothing but themselves go through the events side by side. A text is
the same text on both sides when its key is: so a rule may be renamed as long as it keeps its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

import msgspec

from smsnotify.engine.intake import Intake, Rejected
from smsnotify.model.contact import Contact
from smsnotify.model.decision import Decision, MessageKey, Verdict
from smsnotify.model.facts import Person, Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.store.rehearsal import Rehearsal

Kind = Literal["added", "removed", "changed", "moved"]
KINDS: Final[tuple[Kind, ...]] = ("added", "removed", "changed", "moved")

PeopleOf = Callable[[Iterable[str]], dict[str, Person]]
ContactsOf = Callable[[Collection[str]], dict[str, Contact]]


def nobody(addresses: Collection[str]) -> dict[str, Contact]:
    """Know of nobody."""
    return {}


"""What is really known of recipients: opt-outs and zones count in a replay too."""

PriceOf = Callable[[str, str, str], Decimal | None]
"""(route, destination country, channel) → money for one segment, None when unpriced."""


class Change(msgspec.Struct, frozen=True):
    """One text that differs; `before` or `after` None: there was, or will be, none."""

    kind: Kind
    before: Decision | None
    after: Decision | None

    @property
    def decision(self) -> Decision:
        """Whichever there is: rule, job and recipient are the same on both."""
        found = self.after or self.before
        assert found is not None, "a change has a side"
        return found

    def as_json(self) -> dict[str, object]:
        """`{"type": "change", "kind", "rule", "job", "event", "recipient", "before", "after"}`."""
        draft = self.decision.draft
        return {
            "type": "change",
            "kind": self.kind,
            "rule": draft.terms.name,
            "event": draft.event.name,
            "job": draft.event.job.number,
            "recipient": draft.recipient,
            "before": _shown(self.before),
            "after": _shown(self.after),
        }


def _shown(decision: Decision | None) -> dict[str, object] | None:
    if decision is None:
        return None
    return {
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "body": decision.body,
        "segments": decision.segments,
        "encoding": decision.encoding.value if decision.encoding else None,
        "not_before": decision.not_before.isoformat() if decision.not_before else None,
    }


class Side:
    """One set of rules on its way through the events, and what it comes to."""

    def __init__(
        self,
        rules: RuleSet,
        policy: Policy,
        people: PeopleOf,
        format: str,
        contacts: ContactsOf = nobody,
    ) -> None:
        """Start with empty books."""
        self.rules = rules
        self.memory = _Replay(people, contacts)
        self.intake = Intake(rules, policy, self.memory, format=format)
        self.texts = 0
        self.segments: Counter[tuple[str, str, str]] = Counter()
        self.stops: Counter[str] = Counter()

    def take(
        self, first: int, lines: Sequence[bytes], now: datetime
    ) -> tuple[dict[MessageKey, Decision], list[Decision], list[Rejected], int]:
        """Return the texts of a chunk by key, its stops, what was rejected, and its events."""
        taken = self.intake.take(first, lines, now)
        texts: dict[MessageKey, Decision] = {}
        stops: list[Decision] = []
        for decision in taken.decisions:
            if decision.verdict is Verdict.STOP:
                self.stops[decision.reason] += 1
                stops.append(decision)
                continue
            draft = decision.draft
            texts[draft.key] = decision
            self.segments[draft.terms.route, draft.country, draft.terms.channel] += (
                decision.segments
            )
        self.texts += len(texts)
        return texts, stops, taken.rejected, taken.events

    def money(self, price: PriceOf) -> tuple[Decimal, int]:
        """Return what the texts cost, and how many segments have no price."""
        cost, unpriced = Decimal(0), 0
        for (route, country, channel), segments in self.segments.items():
            each = price(route, country, channel)
            if each is None:
                unpriced += segments
            else:
                cost += each * segments
        return cost, unpriced


class _Replay(Rehearsal):
    """Books of one replay: people are the real ones, everything else begins anew."""

    def __init__(self, people: PeopleOf, contacts: ContactsOf) -> None:
        super().__init__(None)
        self._people_of = people
        self._contacts_of = contacts

    def people(self, numbers: Iterable[str]) -> dict[str, Person]:
        return self._people_of(numbers)

    def contacts_of(self, addresses: Collection[str]) -> dict[str, Contact]:
        return self._contacts_of(addresses)


class Differ:
    """Takes chunks of events through old and new rules, and tells what differs."""

    def __init__(
        self,
        old: RuleSet,
        new: RuleSet,
        policy: Policy,
        people: PeopleOf,
        *,
        format: str = "auto",
        contacts: ContactsOf = nobody,
    ) -> None:
        """`policy` is the settings', the same for both."""
        self.before = Side(old, policy, people, format, contacts)
        self.after = Side(new, policy, people, format, contacts)
        self.events = 0
        self.counts: Counter[Kind] = Counter()
        self.by_rule: Counter[tuple[str, Kind]] = Counter()
        self._people: set[int] = set()
        # Keys that only one side has had so far: the other may come to them with a later event.
        self._open: dict[int, Kind] = {}

    @property
    def people(self) -> int:
        """How many recipients would see any difference."""
        return len(self._people)

    def take(
        self, first: int, lines: Sequence[bytes], now: datetime
    ) -> tuple[list[Change], list[Rejected]]:
        """Compare one chunk; return what differs in it, and the lines that are no events.

        A line that the new rules cannot read (a custom event that is gone) counts as rejected.
        """
        before, stopped_before, _, _ = self.before.take(first, lines, now)
        after, stopped_after, rejected, events = self.after.take(first, lines, now)
        self.events += events
        changes = [
            Change("changed" if old.body != new.body else "moved", old, new)
            for key, old in before.items()
            if (new := after.get(key)) is not None
            and (old.body != new.body or old.not_before != new.not_before)
        ]
        gone = before.keys() - after.keys()
        if gone:
            stops = {one.draft.key: one for one in stopped_after}
            changes += [
                Change("removed", old, stops.get(key)) for key, old in before.items() if key in gone
            ]
        come = after.keys() - before.keys()
        if come:
            stops = {one.draft.key: one for one in stopped_before}
            changes += [
                Change("added", stops.get(key), new) for key, new in after.items() if key in come
            ]
        for change in changes:
            self._note(change)
        return changes, rejected

    def _note(self, change: Change) -> None:
        kind, draft = change.kind, change.decision.draft
        self._people.add(hash(draft.recipient))
        if kind in ("added", "removed"):
            earlier = self._open.pop(hash(draft.key), None)
            if earlier is not None and earlier != kind:
                # The other side has had this text already, with another event.
                self.counts[earlier] -= 1
                self.by_rule[draft.terms.name, earlier] -= 1
                kind = "moved"
            else:
                self._open[hash(draft.key)] = kind
        self.counts[kind] += 1
        self.by_rule[draft.terms.name, kind] += 1

    def close(self) -> None:
        """Let go of the temporary files."""
        self.before.memory.close()
        self.after.memory.close()
