"""What a run came to, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from smsnotify.model.decision import Decision, Verdict

WORTH_A_LOOK = frozenset({"missing_value", "too_long", "not_registered"})
"""Stops that somebody can mend in a rule or a job: a run with one of them ends with exit 1."""

_SEND, _HOLD = Verdict.SEND, Verdict.HOLD
_COUNTS = (
    *("lines", "events", "matched", "queued", "held", "duplicates", "stopped", "rejected"),
    *("sent", "failed", "unknown", "stops", "holds", "into_plans", "beyond"),
)


class Tally:
    """Counts of one run; `as_json` is the `summary` line.

    `matched` = `queued` + `held` + `duplicates` + `stopped`. In a dry run `queued` is what would
    be. `sent`, `failed` and `unknown` are what became of the queued in this run. `lines` counts
    what was read, blank lines too. `into_plans` people came into plans, or would in a dry run.
    `beyond` counts texts by the soft cap that they are beyond.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.lines = self.events = self.matched = self.queued = self.held = 0
        self.duplicates = self.stopped = self.rejected = 0
        self.sent = self.failed = self.unknown = self.into_plans = 0
        self.stops: Counter[str] = Counter()
        self.holds: Counter[str] = Counter()
        self.beyond: Counter[str] = Counter()
        self._look_at_held = False

    def add(self, decisions: Iterable[Decision]) -> None:
        """Count what was decided."""
        matched = queued = 0
        for decision in decisions:
            matched += 1
            verdict, reason = decision.verdict, decision.reason
            if verdict is _SEND:
                queued += 1
            elif verdict is _HOLD:
                self.held += 1
                self.holds[reason] += 1
            else:
                self.stops[reason] += 1
                if reason == "duplicate":
                    self.duplicates += 1
                else:
                    self.stopped += 1
            if decision.beyond:
                self.beyond.update(decision.beyond)
        self.matched += matched
        self.queued += queued

    def add_talk(
        self, *, queued: int, held: int, held_for: Counter[str], stopped_for: Counter[str]
    ) -> None:
        """Count the texts of a conversation; those that stopped count by the gate's reason."""
        stopped, duplicates = stopped_for.total(), stopped_for["duplicate"]
        self.matched += queued + held + stopped
        self.queued += queued
        self.held += held
        self.holds += held_for
        self.stops += stopped_for
        self.stopped += stopped - duplicates
        self.duplicates += duplicates

    def note_again(self, decision: Decision) -> None:
        """Count the second judgement of a held text only if somebody has to look at it."""
        if decision.verdict is Verdict.STOP and decision.reason in WORTH_A_LOOK:
            self._look_at_held = True

    @classmethod
    def sum(cls, parts: Iterable[Tally]) -> Tally:
        """Return the counts of several parts of one run together."""
        total = cls()
        for part in parts:
            for name in _COUNTS:
                setattr(total, name, getattr(total, name) + getattr(part, name))
        return total

    @property
    def needs_a_look(self) -> bool:
        """True when the run ends with exit 1."""
        return bool(
            self.rejected
            or self.failed
            or self.unknown
            or self._look_at_held
            or any(self.stops[reason] for reason in WORTH_A_LOOK)
        )

    def decided(self) -> dict[str, object]:
        """What was decided, as answers to those who post events tell it."""
        return {
            "matched": self.matched,
            "queued": self.queued,
            "held": self.held,
            "duplicates": self.duplicates,
            "stopped": self.stopped,
            "stops": dict(sorted(self.stops.items())),
        }

    def as_json(self) -> dict[str, object]:
        """The outside shape: `{"type": "summary", "events": …, …, "stops": {reason: count}}`.

        With soft caps that were passed also `beyond`: {cap: count}.
        """
        beyond = {"beyond": dict(sorted(self.beyond.items()))} if self.beyond else {}
        return {
            "type": "summary",
            "events": self.events,
            "matched": self.matched,
            "queued": self.queued,
            "sent": self.sent,
            "held": self.held,
            "duplicates": self.duplicates,
            "stopped": self.stopped,
            "rejected": self.rejected,
            "into_plans": self.into_plans,
            "failed": self.failed,
            "unknown": self.unknown,
            "stops": dict(sorted(self.stops.items())),
            **beyond,
        }
