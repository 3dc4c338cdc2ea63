"""Looks at the words that plans wait for: who takes them first, and who else claims them."""

from __future__ import annotations

from collections.abc import Sequence

from smsnotify.plans.build import PlacedPlan


def check_words(one: PlacedPlan) -> None:
    """Report answers of one plan that can never be given."""


def check_claims(placed: Sequence[PlacedPlan]) -> None:
    """Report words that two plans begin with."""
