"""Which gates a rule brings into play by its own keys: what its tests should show at work."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from smsnotify.model.rule import Bounds, Purpose, RuleTerms

EVERYDAY: Final = ("number", "duplicate", "opted_out")
"""Gates that any text can meet, whatever its rule says."""

_NO_BOUNDS: Final = Bounds()
_USUAL_AGE: Final = timedelta(hours=24)


def asked_gates(terms: RuleTerms, *, to_staff: bool = False) -> tuple[str, ...]:
    """Return the names of the gates that some key of a rule switches on or sets, in order.

    `to_staff`: the rule texts fixed numbers alone, whom no quiet hours or caps keep. A reminder
    leaves outside them anyway, and a rule that begins a plan sends no text itself.
    """
    marketing = terms.purpose is Purpose.MARKETING
    is_quiet = not (to_staff or terms.pre_job is not None or terms.start_plan)
    bounds = terms.bounds or _NO_BOUNDS
    asked = {
        "active": bounds.active_from is not None or bounds.active_until is not None,
        "inhibited": bounds.inhibited_by is not None and not terms.start_plan,
        "after": bounds.after is not None,
        "unchanged": bounds.unchanged is not None,
        "begun": terms.pre_job is not None,
        "consent": marketing,
        "freshness": bool(terms.max_ages) or terms.max_age not in (None, _USUAL_AGE),
        "caps": bool(bounds.caps) and not (to_staff or terms.start_plan),
        "quiet_hours": is_quiet and terms.quiet_hours is not None,
        "marketing_hours": marketing,
        "digest": terms.digest is not None,
    }
    return tuple(gate for gate, is_asked in asked.items() if is_asked)
