"""The objects that the engine works with, made from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from smsnotify.gates.volume_guard import VolumeLimit
from smsnotify.model.decision import Mode
from smsnotify.model.facts import Policy
from smsnotify.wiring.models import NO_GUARD, Settings, VolumeGuard

SANDBOX: Final = "sandbox"


def policy(settings: Settings) -> Policy:
    """Return the settings that decide who is texted.

    Without `countries` the home country is the only destination; without both, any is.
    """
    countries = settings.countries
    if countries is None and settings.country:
        countries = (settings.country,)
    return Policy(
        mode=settings.mode,
        country=settings.country,
        countries=None if countries is None else frozenset(countries),
        timezone=settings.timezone,
        allow=frozenset(settings.allow),
        test_to=settings.test_to,
    )


def volume_limit(settings: Settings) -> VolumeLimit | None:
    """Return the volume guard; None when it is off: by `false`, or unsaid in a rehearsal."""
    guard = settings.volume_guard
    if guard is None and settings.mode is Mode.LIVE:
        guard = VolumeGuard()
    if guard is None or guard == NO_GUARD:
        return None
    return VolumeLimit(first_live=guard.first_live, times_usual=guard.times_usual)


def database_url(settings: Settings) -> str:
    """Return where the books are; a SQLite path in it is absolute."""
    return settings.database


def open_books(settings: Settings) -> Any:
    """Open the database of the settings and return its `Store`.

    Raises:
        StoreError: it cannot be reached, or is of another version.
    """
    from smsnotify.store.open import open_store

    return open_store(database_url(settings))


def rule_paths(settings: Settings) -> tuple[Path, ...]:
    """Return the rule files and folders, absolute."""
    return tuple(settings.folder / Path(written).expanduser() for written in settings.rules)


def load_ruleset(settings: Settings, paths: tuple[Path, ...] = ()) -> Any:
    """Return the compiled `RuleSet` of the settings, or of the files that were named instead.

    Raises:
        RuleFileError: with every problem of every file.
    """
    from smsnotify.rules.load import load_rules

    return load_rules(paths or rule_paths(settings), country=settings.country)
