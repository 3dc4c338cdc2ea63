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

from smsnotify.engine.diff_waiting import WaitingTexts, lets_wait, waits
from smsnotify.engine.intake import NO_RUN, Intake, Rejected
from smsnotify.engine.keep import judge_remembering, keep
from smsnotify.gates.duplicate import NAME as DUPLICATE
from smsnotify.model.contact import Contact
from smsnotify.model.decision import Decision, Draft, Earlier, MessageKey, Verdict
from smsnotify.model.facts import Person, Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.store.batch import Batch, JobRow
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.words import UNCHANGED

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
        self._policy = policy
        self._lets_wait = any(lets_wait(rule.terms, policy) for rule in rules.rules)
        self.memory = _Replay(people, contacts)
        self.intake = Intake(rules, policy, self.memory, format=format)
        self.waiting = WaitingTexts(rules, policy, self.memory)
        self.texts = 0
        self.segments: Counter[tuple[str, str, str]] = Counter()
        self.stops: Counter[str] = Counter()

    def take(
        self, first: int, lines: Sequence[bytes], now: datetime
    ) -> tuple[dict[MessageKey, Decision], list[Decision], list[Rejected], int]:
        """Return the texts of a chunk by key, its stops, what was rejected, and its events.

        What waits is left out, and what has waited until then is among them.
        """
        self.memory.joined.clear()
        taken = self.intake.take(first, lines, now)
        decisions = self._parked(taken.decisions, now)
        released = list(self.waiting.release(now))
        if released:
            decisions = released + self._parked(self._heard_too_soon(decisions, released, now), now)
        texts, stops = self._settle(decisions)
        return texts, stops, taken.rejected, taken.events

    def _parked(self, decisions: list[Decision], now: datetime) -> list[Decision]:
        """Let wait what waits, and return the others."""
        if not self._lets_wait:
            return decisions
        parked = [decision for decision in decisions if waits(decision, self._policy)]
        self.waiting.park(parked, self.memory.rows, now)
        return [one for one in decisions if not waits(one, self._policy)] if parked else decisions

    def _heard_too_soon(
        self, decisions: list[Decision], released: Sequence[Decision], now: datetime
    ) -> list[Decision]:
        """Judge again what doubled a text that had given up its key by then.

        A portion's events are judged before those that waited for a time within the portion.
        """
        free = {one.draft.key for one in released if one.gate == UNCHANGED}
        others, again = list[Decision](), list[Draft]()
        for one in decisions:
            if one.reason == DUPLICATE and one.draft.key in free:
                again.append(one.draft)
            else:
                others.append(one)
        if not again:
            return decisions
        judged = judge_remembering(again, self.memory, self._policy, NO_RUN, now)
        return others + keep(judged, self.memory, NO_RUN, now)

    def finish(self) -> tuple[dict[MessageKey, Decision], list[Decision]]:
        """Return the texts that still waited, and what stopped some of them."""
        return self._settle(self.waiting.release(None))

    def _settle(
        self, decisions: Iterable[Decision]
    ) -> tuple[dict[MessageKey, Decision], list[Decision]]:
        texts: dict[MessageKey, Decision] = {}
        stops: list[Decision] = []
        for decision in decisions:
            if decision.verdict is Verdict.STOP:
                self.stops[decision.reason] += 1
                stops.append(decision)
                continue
            draft = decision.draft
            texts[draft.key] = decision
            if draft.key in self.memory.joined:
                continue
            self.texts += 1
            self.segments[draft.terms.route, draft.country, draft.terms.channel] += (
                decision.segments
            )
        return texts, stops

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
    """Books of one replay: people are the real ones, everything else begins anew.

    `joined` are the texts of the last chunk that leave within another one: they are counted, and
    paid for, once.
    """

    def __init__(self, people: PeopleOf, contacts: ContactsOf) -> None:
        super().__init__(None)
        self.joined: set[MessageKey] = set()
        self._windows: set[int] = set()
        self._people_of = people
        self._contacts_of = contacts
        # The jobs of the last chunk.
        self.rows: Sequence[JobRow] = ()

    def save(self, batch: Batch) -> dict[MessageKey, Earlier]:
        self.rows = batch.jobs
        for key, one in batch.waiting.items():
            window = hash((one.door, one.ends_at))
            if window in self._windows:
                self.joined.add(key)
            self._windows.add(window)
        return super().save(batch)

    def people(self, numbers: Iterable[str]) -> dict[str, Person]:
        return self._people_of(numbers)

    def contacts_of(self, addresses: Collection[str]) -> dict[str, Contact]:
        return self._contacts_of(addresses)


class _Early:
    """Texts of one side that the other side lets wait: compared when it lets them go."""

    def __init__(self) -> None:
        self._texts: dict[MessageKey, Decision] = {}

    def meet(
        self,
        own: dict[MessageKey, Decision],
        others: dict[MessageKey, Decision],
        stopped: Sequence[Decision],
        waiting: Collection[MessageKey],
    ) -> None:
        """Take out of `own` what waits on the other side, and put in what waits no more."""
        if self._texts:
            # A stop may be of another text that would have had the same key.
            for key in (*others, *(decision.draft.key for decision in stopped)):
                if key in self._texts and key not in waiting:
                    own[key] = self._texts.pop(key)
        if waiting:
            for key in [key for key in own if key in waiting]:
                self._texts[key] = own.pop(key)


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
        self._early_before, self._early_after = _Early(), _Early()

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
        return self._compare(before, stopped_before, after, stopped_after), rejected

    def finish(self) -> list[Change]:
        """Compare the texts that wait for a time after the last event."""
        before, stopped_before = self.before.finish()
        after, stopped_after = self.after.finish()
        return self._compare(before, stopped_before, after, stopped_after)

    def _compare(
        self,
        before: dict[MessageKey, Decision],
        stopped_before: Sequence[Decision],
        after: dict[MessageKey, Decision],
        stopped_after: Sequence[Decision],
    ) -> list[Change]:
        self._early_before.meet(before, after, stopped_after, self.after.waiting.keys)
        self._early_after.meet(after, before, stopped_before, self.before.waiting.keys)
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
        return changes

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
