"""The `[accounts.NAME]` tables, each checked by the settings model of its provider."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from smsnotify.base.errors import ConfigError
from smsnotify.providers.base import AccountSettings
from smsnotify.providers.registry import load_provider, provider_names
from smsnotify.wiring.problems import Findings, did_you_mean


def read_accounts(written: Any, folder: Path, findings: Findings) -> dict[str, AccountSettings]:
    """Return the accounts that are right; what is wrong with the others goes to `findings`."""
    if not isinstance(written, Mapping):
        findings.add(("accounts",), "bad_value", "must be tables, such as [accounts.main]")
        return {}
    read = {}
    for name, table in written.items():
        account = _read_account(name, table, folder, findings)
        if account is not None:
            read[name] = account
    return read


def _read_account(
    name: str, table: Any, folder: Path, findings: Findings
) -> AccountSettings | None:
    path = ("accounts", name)
    if not isinstance(table, Mapping):
        findings.add(path, "bad_value", f"must be a table: [accounts.{name}]")
        return None
    provider = table.get("provider")
    if not isinstance(provider, str):
        hint = did_you_mean("", provider_names())
        if provider is None:
            findings.add((*path, "provider"), "missing", "is missing", hint)
        else:
            findings.add((*path, "provider"), "bad_value", "must be text in quotes", hint)
        return None
    try:
        model = load_provider(provider).settings_type
    except ConfigError as error:
        findings.add((*path, "provider"), "unknown_provider", error.message, error.hint)
        return None
    try:
        return model.model_validate(dict(table), context={"base": folder})
    except ValidationError as error:
        findings.add_invalid(error, model, path)
        return None
