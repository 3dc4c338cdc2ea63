"""The first settings and rules of a new desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin

import msgspec

from smsnotify.base.errors import ConfigError
from smsnotify.base.secrets import Secret
from smsnotify.model.decision import Mode
from smsnotify.providers.base import AccountSettings
from smsnotify.providers.registry import load_provider, provider_names
from smsnotify.wiring.problems import as_error
from smsnotify.wiring.settings import check_text
from smsnotify.wiring.write import settings_text, write_private

RULES_NAME: Final = "rules.yaml"
DIGITS: Final = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
_NOT_ASKED: Final = ("webhook_token",)


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said; `''` means not said. `account` holds the provider's own keys."""

    mode: str = ""
    country: str = ""
    timezone: str = ""
    provider: str = ""
    sender: str = ""
    test_to: str = ""
    account: dict[str, str] = {}


class Question(NamedTuple):
    """A key of a provider's account that must have a value."""

    key: str
    is_secret: bool
    default: str


class Started(NamedTuple):
    """What was written; `rules` None when there were rules already."""

    settings: Path
    rules: Path | None
    next_steps: list[str]


def account_questions(provider: str) -> list[Question]:
    """Return what an account of this provider cannot do without.

    Raises:
        ConfigError: there is no such provider.
    """
    model = load_provider(provider).settings_type
    needed = [key for key, field in model.model_fields.items() if field.is_required()]
    secrets = [key for key in _secret_keys(model) if key not in _NOT_ASKED]
    if secrets and not set(secrets) & set(needed):
        needed.append(secrets[0])  # one of several ways to sign in; the usual one comes first
    return [
        Question(key, key in secrets, variable_name(provider, key) if key in secrets else "")
        for key in needed
        if key != "provider"
    ]


def variable_name(provider: str, key: str) -> str:
    """Return an environment variable for a secret: `8x8`, `api_key` → EIGHT_X_EIGHT_API_KEY."""
    spelled = re.sub(r"\d", lambda digit: f"_{DIGITS[int(digit.group())]}_", provider)
    return re.sub(r"\W+|_+", "_", f"{spelled}_{key}").strip("_").upper()


def default_zone(country: str, now: datetime) -> str:
    """Return the zone of a country (code or name) with one time, else UTC."""
    from smsnotify.text.country import country_code
    from smsnotify.text.zones import zone_of_country

    return zone_of_country(country_code(country), now) or "UTC"


def write_start(file: Path, answers: Answers, now: datetime, *, force: bool = False) -> Started:
    """Write settings, and the usual rules beside them unless there are rules already.

    Raises:
        ConfigError: an answer cannot be used, or the folder does not let us write.
    """
    answers = _understood(answers)
    first = first_settings(answers, now)
    text = settings_text(first)
    settings, problems = check_text(text, file)
    if settings is None:
        raise as_error(problems)
    rules = file.parent / RULES_NAME
    kept = rules.exists() and not force
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not kept:
            from smsnotify.rules.usual import usual_rules

            rules.write_text(usual_rules(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{rules} cannot be written: {error.strerror}") from None
    write_private(file, text)
    return Started(
        file, None if kept else rules, list(_next_steps(answers, first["timezone"], rules))
    )


def _understood(answers: Answers) -> Answers:
    """Return the answers with the country as its two letters; refuse a mode that cannot work."""
    from smsnotify.text.country import country_code

    if answers.mode in (Mode.TEST, Mode.LIVE) and not answers.provider:
        known = [name for name in provider_names() if name != Mode.SANDBOX]
        raise ConfigError(
            f"mode {answers.mode} needs a provider that sends the texts",
            hint=f"--provider {' or --provider '.join(known)}",
        )
    code = country_code(answers.country)
    return msgspec.structs.replace(answers, country=code or answers.country)


def first_settings(answers: Answers, now: datetime) -> dict[str, Any]:
    """Return the tables of a new settings file."""
    tables: dict[str, Any] = {
        "mode": answers.mode or "sandbox",
        "database": "sqlite:///sms-notify.db",
        "rules": [RULES_NAME],
    }
    if answers.country:
        tables["country"] = answers.country
    tables["timezone"] = answers.timezone or default_zone(answers.country, now)
    if answers.test_to:
        tables |= {"test_to": answers.test_to, "allow": [answers.test_to]}
    if answers.provider:
        tables["accounts"] = {"main": _first_account(answers)}
        tables["routes"] = {"default": ["main"]}
    return tables


def _first_account(answers: Answers) -> dict[str, Any]:
    account: dict[str, Any] = {"provider": answers.provider}
    secrets = _secret_keys(load_provider(answers.provider).settings_type)
    for question in account_questions(answers.provider):
        given = answers.account.get(question.key) or question.default
        if not given:
            raise ConfigError(
                f"an account of {answers.provider} needs {question.key}",
                hint=f"--with {question.key}=…",
            )
        account[question.key] = _reference(given) if question.is_secret else given
    for key, value in answers.account.items():
        account.setdefault(key, _reference(value) if key in secrets else value)
    if answers.sender:
        account["sender"] = answers.sender
    fields = load_provider(answers.provider).settings_type.model_fields
    many = {key for key, field in fields.items() if get_origin(field.annotation) is tuple}
    return {key: [value] if key in many else value for key, value in account.items()}


def _reference(written: str) -> dict[str, str]:
    """Read where a secret is: `file:PATH`, or the name of an environment variable."""
    kind, found, path = written.partition(":")
    if found and kind == "file" and path:
        return {"file": path}
    name = path if found and kind == "env" else written
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ConfigError(
            "a secret is named, not typed in: an environment variable, or file:PATH",
            hint="file:8x8.key reads that file",
        )
    return {"env": name}


def _secret_keys(model: type[AccountSettings]) -> list[str]:
    return [key for key, field in model.model_fields.items() if _holds_secret(field.annotation)]


def _holds_secret(annotation: Any) -> bool:
    """Say whether a key's type is Secret, alone or as one of several."""
    return annotation is Secret or any(map(_holds_secret, get_args(annotation)))


def _next_steps(answers: Answers, zone: str, rules: Path) -> Iterator[str]:
    if zone != answers.timezone and zone == "UTC":
        yield "the time zone is UTC; yours: sms-notify config set timezone Asia/Singapore"
    yield f"next: switch on the rules you want in {rules.name}: enabled: true"
    if answers.provider:
        yield "then: sms-notify providers check"
    yield "then: sms-notify preview   shows the texts, sends none"
    if answers.country == "SG" and answers.mode == Mode.LIVE:
        yield "in Singapore a sender that is a word must be registered before it may send"
