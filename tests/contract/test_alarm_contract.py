"""What every provider of alarms must keep, whatever its name."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from provider_cases import alarm_providers

from smsnotify.base.errors import ConfigError
from smsnotify.model.alarm import Alarm, AlarmWord
from smsnotify.model.message import OutboundMessage, Result
from smsnotify.providers.registry import load_provider

SETTINGS = {"apprise": {"urls": ["json://chat.acme.test/s3cret", "slack://a/b/c"]}}
ALARM = OutboundMessage(
    id="01M", recipient="ops", body="DO-1: 1 star.\nRude.", encoding="", title="Low\nrating"
)


@pytest.fixture(params=alarm_providers())
def provider(request: pytest.FixtureRequest) -> Any:
    made: Any = load_provider(request.param)
    return made(made.settings_type.model_validate(SETTINGS[request.param]))


def test_an_alarm_has_one_line_of_heading_and_the_whole_body(provider: Any) -> None:
    assert provider.build_alarm(ALARM) == Alarm("Low rating", "DO-1: 1 star.\nRude.")


@pytest.mark.parametrize("words", list(product(AlarmWord, repeat=2)))
def test_only_where_everybody_took_it_it_is_accepted(
    provider: Any, words: tuple[AlarmWord, AlarmWord]
) -> None:
    outcome = provider.parse_alarm(ALARM, words)
    assert (outcome.result is Result.ACCEPTED) == (set(words) == {AlarmWord.TOOK})
    assert (outcome.result is Result.UNKNOWN) == (AlarmWord.SILENT in words)
    if outcome.result is not Result.ACCEPTED:
        assert f"{words.count(AlarmWord.TOOK)} of 2 addresses" in outcome.raw_text


def test_nobody_is_told_by_a_check(provider: Any) -> None:
    assert provider.parse_check([AlarmWord.TOOK, AlarmWord.TOOK]).ok
    assert not provider.parse_check([AlarmWord.TOOK, AlarmWord.NO_ADDRESS]).ok


def test_what_holds_a_token_shows_nowhere(provider: Any) -> None:
    made: Any = type(provider)
    shown = made(provider.settings, masked=True)
    assert shown.addresses() == ("***", "***")
    assert "s3cret" not in f"{provider.settings!r} {provider.settings.model_dump_json()}"


def test_a_secret_that_is_no_address_is_said_without_it(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Any = type(provider)
    monkeypatch.setenv("CHAT", "s3cret-without-a-service")
    settings = made.settings_type.model_validate({"urls": [{"env": "CHAT"}]})
    with pytest.raises(ConfigError) as refused:
        made(settings).addresses()
    assert "url 1" in refused.value.message
    assert "s3cret" not in str(refused.value)
