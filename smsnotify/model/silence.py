"""A silence: for some time some rules text nobody, and somebody has said why."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Silence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From `starts_at` until just before `ends_at`, or until it was ended by hand.

    `group` and `rule` (an id) narrow it; `''` is every one.
    """

    id: str
    group: str = ""
    rule: str = ""
    reason: str
    author: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    expired_at: datetime | None = None

    def covers(self, rule: str, group: str, now: datetime) -> bool:
        """Say whether it silences a rule for a job of a group; letter case does not count."""
        return (
            self.state(now) == "running"
            and self.rule in ("", rule)
            and (not self.group or self.group.casefold() == group.strip().casefold())
        )

    def state(self, now: datetime) -> str:
        """Return `planned`, `running`, `over`, or `expired` when it was ended by hand."""
        if self.expired_at is not None and self.expired_at <= now:
            return "expired"
        if now < self.starts_at:
            return "planned"
        return "running" if now < self.ends_at else "over"

    def as_json(self, now: datetime) -> dict[str, object]:
        """`{"type": "silence", "id", "state", "group", "rule", "reason", "author", …}`."""
        return {
            "type": "silence",
            "id": self.id,
            "state": self.state(now),
            "group": self.group,
            "rule": self.rule,
            "reason": self.reason,
            "author": self.author,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "created_at": self.created_at.isoformat(),
            "expired_at": self.expired_at.isoformat() if self.expired_at else None,
        }
