"""People who work at the desk: what they may do, and the trail of what they did."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a user of the console may do: a viewer reads, a clerk also decides and changes."""

    VIEWER = "viewer"
    CLERK = "clerk"


class User(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody who may log in. Their password is known to the database alone, as a hash."""

    id: str
    name: str
    role: Role
    created_at: datetime
    logged_in_at: datetime | None = None
    disabled_at: datetime | None = None

    @property
    def is_clerk(self) -> bool:
        """True for those who may change something."""
        return self.role is Role.CLERK

    def as_json(self) -> dict[str, object]:
        """`{"type": "user", "name", "role", "created_at", "logged_in_at", "disabled_at"}`."""
        return {
            "type": "user",
            "id": self.id,
            "name": self.name,
            "role": self.role.value,
            "created_at": self.created_at.isoformat(),
            "logged_in_at": self.logged_in_at.isoformat() if self.logged_in_at else None,
            "disabled_at": self.disabled_at.isoformat() if self.disabled_at else None,
        }


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who did what, when, through which door (`console` or `cli`), and what became of it.

    `what` is a word such as `reply.answer`, `about` names the thing; `before` and `after` hold
    states and settings, never a body or a full number.
    """

    id: str
    at: datetime
    who: str
    door: str
    what: str
    about: str = ""
    before: str = ""
    after: str = ""

    def as_json(self) -> dict[str, object]:
        """`{"type": "audit", "id", "at", "who", "door", "what", "about", "before", "after"}`."""
        return {"type": "audit", **msgspec.to_builtins(self)}
