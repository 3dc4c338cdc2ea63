"""Words that stand in the books, for those that do not read them from a database."""

from __future__ import annotations

from typing import Final

ID: Final = "id:"
"""How a name begins that is Detrack's own id."""

NUMBER_AND_DATE: Final = "do:"
"""How a name begins that is made of type, D.O. number and date."""

VOLUME_GUARD: Final = "volume_guard"
"""The gate of messages that a run's guard holds back."""

UNCHANGED: Final = "unchanged"
"""The gate of messages whose job must stay as it is."""

OPT_OUT: Final = "opt_out"
"""The kind of page where a recipient says that they want no more texts."""

TRACKING: Final = "tracking"
"""The kind of page where a recipient sees where their job is, and rates it."""
