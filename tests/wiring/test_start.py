"""The first settings and rules of a new desk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from smsnotify.base.errors import ConfigError
from smsnotify.providers.registry import provider_names
from smsnotify.wiring.build import load_ruleset
from smsnotify.wiring.settings import check_settings, load_settings
from smsnotify.wiring.start import (
    Answers,
    account_questions,
    default_zone,
    variable_name,
    write_start,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_desk_that_answers_nothing_is_in_order(tmp_path: Path) -> None:
    started = write_start(tmp_path / "new" / "s.toml", Answers(), NOW)
    settings = load_settings(started.settings)
    rules = load_ruleset(settings)
    assert rules.all
    assert not rules.rules, "the usual rules are off until chosen"


@pytest.mark.parametrize("provider", [name for name in provider_names() if name != "sandbox"])
def test_every_provider_can_be_started_with_its_secrets_named(
    tmp_path: Path, provider: str
) -> None:
    asked = {question.key: "AC" + "0" * 32 for question in account_questions(provider)}
    if "host" in asked:  # a mail server, which sends as an address
        asked |= {"host": "mail.acme.test", "sender": "Acme <notify@acme.test>"}
    secrets = {question.key for question in account_questions(provider) if question.is_secret}
    assert secrets
    plain = {key: value for key, value in asked.items() if key not in secrets}
    answers = Answers(mode="live", country="sg", provider=provider, account=plain)
    started = write_start(tmp_path / "s.toml", answers, NOW)
    settings, problems = check_settings(started.settings)
    assert settings is not None
    assert problems == []
    assert settings.timezone == "Asia/Singapore"
    assert settings.accounts["main"].provider == provider


def test_what_an_account_cannot_do_without_is_asked_for() -> None:
    answers = Answers(provider="8x8")
    with pytest.raises(ConfigError, match="needs subaccount_id") as raised:
        write_start(Path("s.toml"), answers, NOW)
    assert raised.value.hint == "--with subaccount_id=…"


def test_a_secret_itself_is_not_taken(tmp_path: Path) -> None:
    answers = Answers(provider="8x8", account={"subaccount_id": "acme", "api_key": "sk-12+34"})
    with pytest.raises(ConfigError) as raised:
        write_start(tmp_path / "s.toml", answers, NOW)
    assert "sk-12" not in f"{raised.value} {raised.value.hint}"
    assert list(tmp_path.iterdir()) == []


def test_rules_that_are_there_are_kept(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("mine", encoding="utf-8")
    assert write_start(tmp_path / "s.toml", Answers(), NOW).rules is None
    assert rules.read_text(encoding="utf-8") == "mine"
    assert write_start(tmp_path / "s.toml", Answers(), NOW, force=True).rules == rules


def test_a_variable_name_can_be_typed_in_a_shell() -> None:
    assert variable_name("8x8", "api_key") == "EIGHT_X_EIGHT_API_KEY"
    assert variable_name("twilio", "auth_token") == "TWILIO_AUTH_TOKEN"


def test_a_country_of_many_zones_gets_none_of_them() -> None:
    assert default_zone("us", NOW) == "UTC"


def test_a_country_may_be_written_as_a_name(tmp_path: Path) -> None:
    started = write_start(tmp_path / "s.toml", Answers(country="Singapore"), NOW)
    settings = load_settings(started.settings)
    assert (settings.country, settings.timezone) == ("SG", "Asia/Singapore")
    assert 'country = "SG"' in started.settings.read_text(encoding="utf-8")


def test_a_zone_that_the_country_does_not_settle_is_told(tmp_path: Path) -> None:
    told = write_start(tmp_path / "s.toml", Answers(country="US"), NOW).next_steps
    assert any("time zone is UTC" in step for step in told)
    said = Answers(country="US", timezone="America/Denver")
    told = write_start(tmp_path / "t.toml", said, NOW).next_steps
    assert not any("time zone" in step for step in told)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_mode_that_sends_needs_a_provider(tmp_path: Path, mode: str) -> None:
    with pytest.raises(ConfigError, match="needs a provider") as raised:
        write_start(tmp_path / "s.toml", Answers(mode=mode), NOW)
    assert "--provider 8x8" in raised.value.hint
    assert list(tmp_path.iterdir()) == []
