"""Texts of a replay that wait by their rule's word, let go by the clock of its events.

`after` and `for` judge a text again when its time has come. A comparison of rules has to do the
same, or it would count texts that some later event cancels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from heapq import heappop, heappush

import msgspec

from smsnotify.engine.outgoing import to_message
from smsnotify.engine.release import AT_ONCE, count_held, facts_of_held, judge_again
from smsnotify.model.decision import Decision, MessageKey, Verdict
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.message import Message
from smsnotify.model.rule import RuleTerms
from smsnotify.rules.compile import RuleSet
from smsnotify.store.batch import JobRow
from smsnotify.store.held import HeldMessage
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.words import UNCHANGED

_Waiting = tuple[datetime, int, Message, Decision]


def waits(decision: Decision, policy: Policy) -> bool:
    """Say whether a text is held until a time, and has to be judged again then."""
    held = decision.verdict is Verdict.HOLD and decision.not_before is not None
    return held and lets_wait(decision.draft.terms, policy)


def lets_wait(terms: RuleTerms, policy: Policy) -> bool:
    """Say whether what a rule holds may come to something else: by `after`, `for`, or caps.

    Caps count a text when it leaves. What a digest puts together is left as it is.
    """
    if terms.waits:
        return True
    own = terms.bounds is not None and terms.bounds.caps != ()
    return terms.digest is None and (own or policy.caps is not None)


class WaitingTexts:
    """The texts that wait, by when their time comes, and the newest look of their jobs."""

    def __init__(self, rules: RuleSet, policy: Policy, memory: Rehearsal) -> None:
        """Nothing waits yet."""
        self._rules = rules
        self._policy = policy
        self._memory = memory
        self._heap: list[_Waiting] = []
        self._serial = 0
        self._jobs: dict[str, tuple[Job, str]] = {}  # and its phase, as a later chunk has it
        self._texts = Counter[str]()  # of each job
        self.keys: set[MessageKey] = set()

    def park(self, decisions: Iterable[Decision], rows: Sequence[JobRow], now: datetime) -> None:
        """Let texts wait; `rows` are the jobs that came with them, and with those before."""
        for row in rows if self._jobs else ():
            if row.subject in self._jobs:
                self._jobs[row.subject] = (row.job, row.state.phase)
        parked = set[str]()
        for decision in decisions:
            message = to_message(decision, "", now)
            parked.add(message.subject)
            self._jobs[message.subject] = (decision.draft.event.job, "")
            self._texts[message.subject] += 1
            self.keys.add(decision.draft.key)
            self._push(message, decision)
        for row in rows if parked else ():
            if row.subject in parked:
                self._jobs[row.subject] = (row.job, "")

    def release(self, now: datetime | None) -> Iterator[Decision]:
        """Judge again whatever has waited long enough at `now`; None is the end of time.

        Each is judged at its own time, by what had happened until then; what came in since then
        does not count.
        """
        while due := self._due(now):
            held = [HeldMessage(message, None) for _, _, message, _ in due]
            facts = facts_of_held(held, self._memory, self._rules, self._policy, due[0][0])
            for at, _, message, parked in due:
                yield from self._settled(message, parked, self._facts_at(at, message, facts), at)

    def _due(self, now: datetime | None) -> list[_Waiting]:
        """Take out what has waited long enough, the longest first, AT_ONCE at the most."""
        found: list[_Waiting] = []
        while self._heap and len(found) < AT_ONCE and (now is None or self._heap[0][0] <= now):
            found.append(heappop(self._heap))
        return found

    def _facts_at(self, at: datetime, message: Message, known: Facts) -> Facts:
        """Return what was known when the wait of one text was over."""
        if known.counts is not None:  # another hour counts in another place
            known = msgspec.structs.replace(known, counts=None)
            held = [HeldMessage(message, None)]
            count_held(known, held, self._memory, self._rules, self._policy, at)
        happened = known.happened.get(message.subject, ())
        past = [one for one in happened if one.at <= at]
        return msgspec.structs.replace(known, keys={}, happened={message.subject: past})

    def _settled(
        self, message: Message, parked: Decision, facts: Facts, at: datetime
    ) -> Iterator[Decision]:
        """Give what became of one text, nothing if it waits on."""
        decision = self._judge(message, parked, facts, at)
        if decision.verdict is Verdict.HOLD and (decision.not_before or at) > at:
            held = msgspec.structs.replace(message, not_before=decision.not_before)
            self._push(held, decision)
            return
        self._forget(message, parked)
        if decision.verdict is Verdict.STOP and decision.gate == UNCHANGED:
            self._memory.free([parked.draft.key])
        yield decision

    def _push(self, message: Message, decision: Decision) -> None:
        assert message.not_before is not None, "a wait has an end"
        self._serial += 1
        heappush(self._heap, (message.not_before, self._serial, message, decision))

    def _judge(self, message: Message, parked: Decision, facts: Facts, at: datetime) -> Decision:
        job, phase = self._jobs[message.subject]
        rules, policy = self._rules, self._policy
        again = judge_again(message, job, rules, policy, facts, at, phase=phase)
        if again.decision is None:
            return msgspec.structs.replace(
                parked, verdict=Verdict.STOP, gate="release", reason=again.reason, detail=""
            )
        if again.decision.verdict is Verdict.SEND:
            if facts.counts is not None:
                self._memory.add_counts(facts.counts.charges.values())
            return msgspec.structs.replace(again.decision, not_before=at)
        return again.decision

    def _forget(self, message: Message, parked: Decision) -> None:
        subject = message.subject
        self.keys.discard(parked.draft.key)
        self._texts[subject] -= 1
        if not self._texts[subject]:
            del self._texts[subject], self._jobs[subject]
