"""What only shows when the settings are looked at together."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel

from smsnotify.base.errors import ConfigError
from smsnotify.base.secrets import Secret
from smsnotify.model.decision import Mode
from smsnotify.model.rule import APPRISE
from smsnotify.providers.registry import provider_names
from smsnotify.wiring.caps import check_caps
from smsnotify.wiring.models import Settings
from smsnotify.wiring.positions import Path
from smsnotify.wiring.problems import Findings, did_you_mean

RESERVED_ACCOUNTS: Final = ("detrack",)
"""Names that hooks have for something else: `/hooks/detrack` takes Detrack's own events."""

DETRACK_KEY: Final = ("detrack", "api_key")
WEBHOOK_SECRET: Final = ("conversation", "webhook_secret")

LOGO_TYPES: Final = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
}
"""What a logo may be: by the end of its name, its media type."""

MOST_LOGO_BYTES: Final = 200 << 10

_LOCAL: Final = ("http://localhost", "http://127.0.0.1", "http://[::1]")


def cross_check(settings: Settings, written: Mapping[str, Any], findings: Findings) -> None:
    """Add every problem that two settings make together, and the doubts about secrets."""
    _account_names(written, findings)
    _routes(settings, written, findings)
    _alarm_routes(settings, findings)
    _extras(settings, findings)
    _mode(settings, findings)
    _countries(settings, findings)
    _prices(settings, findings)
    check_caps(settings, written, findings)
    _keywords(settings, findings)
    _web(settings, findings)
    _tracking(settings, findings)
    _secrets(settings, findings)
    _file_mode(settings.file, (), findings)


def secrets_in(settings: Settings) -> Iterator[tuple[Path, Secret]]:
    """Yield every secret of the settings with its path."""
    for name, account in settings.accounts.items():
        for key, value in _fields(account):
            if isinstance(value, Secret):
                yield ("accounts", name, key), value
            elif isinstance(value, tuple):
                secrets = ((at, one) for at, one in enumerate(value) if isinstance(one, Secret))
                for place, secret in secrets:
                    yield ("accounts", name, key, place), secret
    if settings.detrack is not None:
        yield DETRACK_KEY, settings.detrack.api_key
    if settings.conversation.webhook_secret is not None:
        yield WEBHOOK_SECRET, settings.conversation.webhook_secret


def check_secrets(settings: Settings, findings: Findings) -> None:
    """Try to read every secret; one that cannot be read is an error, if texts need it to leave."""
    for path, secret in secrets_in(settings):
        try:
            secret.reveal()
        except ConfigError as error:
            if path in (DETRACK_KEY, WEBHOOK_SECRET):
                needs = "`pull detrack` needs" if path == DETRACK_KEY else "webhooks of plans need"
                told = f"{error.message}; only {needs} it"
                findings.warn(path, "unreadable_secret", told, error.hint)
            else:
                findings.add(path, "unreadable_secret", error.message, error.hint)


def _fields(model: BaseModel) -> Iterator[tuple[str, Any]]:
    for key in type(model).model_fields:
        yield key, getattr(model, key)


def _account_names(written: Mapping[str, Any], findings: Findings) -> None:
    accounts = written.get("accounts", {})
    for name in accounts if isinstance(accounts, Mapping) else ():
        if name in RESERVED_ACCOUNTS:
            findings.add(
                ("accounts", name),
                "reserved_name",
                f"an account cannot be called {name!r}: /hooks/{name} is for its events",
                "give it another name, and use that in [routes]",
            )
        elif "/" in name:
            findings.add(
                ("accounts", name),
                "bad_name",
                "an account's name has no slash in it: it is part of its hook's address",
            )


def _routes(settings: Settings, written: Mapping[str, Any], findings: Findings) -> None:
    known = written.get("accounts", {})
    names = [*known] if isinstance(known, Mapping) else []
    for route, stages in settings.routes.items():
        for index, stage in enumerate(stages):
            for account in stage:
                if account not in names:
                    findings.add(
                        ("routes", route, index),
                        "unknown_account",
                        f"there is no account {account!r}",
                        did_you_mean(account, names) or f"add [accounts.{account}]",
                    )


def _alarm_routes(settings: Settings, findings: Findings) -> None:
    """Names in `staff` and `allow` are routes that alarms can take."""
    for key in ("staff", "allow"):
        for index, name in enumerate(getattr(settings, key)):
            if "@" in name or name.startswith("+"):
                continue
            known = {*settings.routes, *settings.accounts}
            stages = settings.routes.get(name, ((name,),))
            led = [settings.accounts.get(one) for stage in stages for one in stage]
            if name not in known:
                findings.add(
                    (key, index),
                    "unknown_account",
                    f"there is no account or route {name!r}",
                    did_you_mean(name, known) or "a number is written as +65…",
                )
            elif not any(one is not None and one.provider == APPRISE for one in led):
                findings.add(
                    (key, index),
                    "no_alarm_account",
                    f"no account behind {name!r} is for alarms",
                    'give it provider = "apprise"',
                )


def _extras(settings: Settings, findings: Findings) -> None:
    """Say which package an account's provider needs besides."""
    for name, account in settings.accounts.items():
        if account.provider == APPRISE and find_spec(APPRISE) is None:
            findings.add(
                ("accounts", name, "provider"),
                "missing_extra",
                "alarms need the package apprise, the extra `alarms`",
                "pip install 'sms-notify[alarms]'",
                "warning" if settings.mode is Mode.SANDBOX else "error",
            )


def _mode(settings: Settings, findings: Findings) -> None:
    if settings.mode is Mode.SANDBOX:
        return
    if not settings.accounts and not findings.failed:
        findings.add(
            ("mode",),
            "no_account",
            f"mode {settings.mode.value} needs an account to send with",
            "add one, such as [accounts.main], or run sms-notify init",
        )
    if settings.mode is Mode.TEST and not settings.test_to:
        findings.warn(
            ("mode",),
            "no_test_to",
            "mode test without test_to: texts to numbers outside `allow` stop with not_allowed",
            'test_to = "+65…" gets them instead',
        )


def _countries(settings: Settings, findings: Findings) -> None:
    allowed = settings.countries
    if allowed is not None and settings.country and settings.country not in allowed:
        findings.warn(
            ("countries",),
            "country_left_out",
            f"{settings.country} is not in the list: texts to your own country will stop",
        )
    if settings.country or findings.failed:
        return
    findings.warn(
        ("country",),
        "no_country",
        "no country is set: numbers without + and country code cannot be read",
        'country = "SG"',
    )


def _prices(settings: Settings, findings: Findings) -> None:
    priced = settings.prices.amounts
    known = provider_names() if priced else ()
    for provider in priced:
        if provider not in known:
            findings.unknown_key(("prices", provider), [*known, "currency"])


def _keywords(settings: Settings, findings: Findings) -> None:
    if not settings.keywords:
        return
    from smsnotify.plans.words import normalise

    for language, own in settings.keywords.items():
        for family in type(own).model_fields:
            for index, word in enumerate(getattr(own, family)):
                if not normalise(word):
                    findings.add(
                        ("keywords", language, family, index),
                        "bad_value",
                        f"{word!r} has nothing in it that is compared",
                        "write a word",
                    )


def _web(settings: Settings, findings: Findings) -> None:
    url = settings.public_url
    if url.startswith("http://") and not url.startswith(_LOCAL):
        findings.warn(
            ("public_url",), "not_https", "receipts and tracking pages would travel unencrypted"
        )


def _tracking(settings: Settings, findings: Findings) -> None:
    tracking = settings.tracking
    if tracking.enabled and not settings.public_url:
        findings.add(
            ("tracking", "enabled"),
            "no_public_url",
            "tracking pages need an address that the world can reach",
            'public_url = "https://notify.example.com"',
        )
    if tracking.logo:
        file = settings.folder / FilePath(tracking.logo).expanduser()
        if file.suffix.lower() not in LOGO_TYPES:
            findings.add(
                ("tracking", "logo"), "bad_value", f"must be one of {', '.join(LOGO_TYPES)}"
            )
        elif not file.is_file():
            findings.add(("tracking", "logo"), "no_file", f"there is no file {tracking.logo}")
        elif file.stat().st_size > MOST_LOGO_BYTES:
            findings.add(
                ("tracking", "logo"),
                "bad_value",
                f"is larger than {MOST_LOGO_BYTES >> 10} KiB: phones load it on every first view",
            )


def _secrets(settings: Settings, findings: Findings) -> None:
    for path, secret in secrets_in(settings):
        if secret.is_plain:
            findings.warn(
                path,
                "plain_secret",
                "a secret stands in the file as it is",
                'write { env = "NAME" } or { file = "PATH" }; cron knows no variables',
            )
        elif secret.file is not None:
            _file_mode(secret.file, path, findings)
    if "@" in settings.database and ":" in settings.database.partition("://")[2].split("@")[0]:
        findings.warn(
            ("database",),
            "plain_secret",
            "the database's password stands in the file as it is",
            "PostgreSQL reads it from ~/.pgpass too",
        )


def _file_mode(file: FilePath | None, path: Path, findings: Findings) -> None:
    if file is None or os.name == "nt":
        return
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return
    if mode & 0o077:
        findings.warn(
            path,
            "readable_by_others",
            f"{file} can be read by other users of this machine",
            f"chmod 600 {file}",
        )
