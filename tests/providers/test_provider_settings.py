from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from smsnotify.base.errors import ConfigError
from smsnotify.model.message import OutboundMessage
from smsnotify.providers.base import AccountSettings, is_numeric
from smsnotify.providers.eight_x_eight import EightXEight, EightXEightSettings
from smsnotify.providers.sandbox import SandboxSettings
from smsnotify.providers.twilio import Twilio, TwilioSettings

EIGHT = {"provider": "8x8", "api_key": "k3y-value", "subaccount_id": "acme_notify"}
TWILIO = {"provider": "twilio", "account_sid": "AC" + "0" * 32, "auth_token": "t0ken-value"}
HI = OutboundMessage(id="m1", recipient="+6591230000", body="Hi", encoding="GSM7")


def eight(**more: Any) -> EightXEightSettings:
    return EightXEightSettings.model_validate(EIGHT | more)


def twilio(**more: Any) -> TwilioSettings:
    return TwilioSettings.model_validate(TWILIO | more)


def test_the_sender_goes_by_destination_country():
    settings = eight(sender="ACME", senders={"us": "+15017122661"})
    assert settings.sender_for("US") == "+15017122661"
    assert settings.sender_for("SG") == "ACME"
    assert eight().sender_for("SG") == ""


def test_a_route_asks_whether_an_account_serves_a_country():
    assert eight().serves("MY")
    assert eight(countries=["sg"]).serves("SG")
    assert not eight(countries=["sg"]).serves("MY")


def test_limits_have_their_defaults():
    settings = eight()
    assert settings.concurrency == 32
    assert settings.messages_per_second is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"senders": {"Singapore": "ACME"}},
        {"senders": {"SG": " "}},
        {"countries": ["SGP"]},
        {"messages_per_second": 0},
        {"messages_per_second": float("inf")},
        {"concurrency": 0},
        {"base_url": "sms.8x8.com"},
        {"base_url": "https://"},
        {"base_url": "https://user:pass@host"},
        {"base_url": "https://host/?a=1"},
        {"apikey": "k"},
        {"region": "mars"},
        {"subaccount_id": "a b"},
        {"api_key": ""},
        {"api_key": {"env": "A", "file": "B"}},
        {"api_key": 17},
        {"sender": ""},
        {"sender": "AcmeDelivery1"},
        {"sender": "Ácme"},
        {"sender": "+12345678901234567"},
        {"sender": "12"},
        {"senders": {"SG": "Acme_notify"}},
    ],
)
def test_a_wrong_setting_of_8x8_is_refused(wrong):
    with pytest.raises(ValidationError):
        eight(**wrong)


@pytest.mark.parametrize("sender", ["ACME", "Acme 24", "+6591230000", "77123", "6591230000123456"])
def test_a_sender_within_the_limits_of_8x8_passes(sender):
    assert eight(sender=sender).sender == sender


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_token": None},
        {"api_key_sid": "SK1"},
        {"api_key_secret": "s"},
        {"account_sid": "SK" + "0" * 32},
        {"account_sid": "AC/../x"},
        {"sender": "+15005550006", "messaging_service_sid": "MG" + "0" * 32},
        {"edge": "Dublin.evil.example/"},
    ],
)
def test_a_wrong_setting_of_twilio_is_refused(wrong):
    with pytest.raises(ValidationError):
        twilio(**wrong)


def test_no_error_and_no_view_of_settings_echoes_a_secret():
    with pytest.raises(ValidationError) as caught:
        eight(api_key=["k3y-value"], region="mars")
    settings = eight(webhook_token="h00k-value")
    for text in (str(caught.value), repr(settings), str(settings.model_dump())):
        assert "k3y-value" not in text
        assert "h00k-value" not in text


def test_a_secret_file_is_relative_to_the_settings(tmp_path: Path):
    (tmp_path / "twilio.token").write_text("from-a-file\n")
    table = TWILIO | {"auth_token": {"file": "twilio.token"}}
    settings = TwilioSettings.model_validate(table, context={"base": tmp_path})
    assert settings.auth_token is not None
    assert settings.auth_token.reveal() == "from-a-file"


def test_a_secret_is_read_once_and_only_when_something_is_built(tmp_path: Path):
    path = tmp_path / "key"
    table = EIGHT | {"api_key": {"file": "key"}}
    account = EightXEight(EightXEightSettings.model_validate(table, context={"base": tmp_path}))
    with pytest.raises(ConfigError):
        account.build_request([HI])
    path.write_text("late-key")
    assert account.build_request([HI]).headers["Authorization"] == "Bearer late-key"
    path.unlink()
    assert account.build_check().headers["Authorization"] == "Bearer late-key"


@pytest.mark.parametrize("key", ["two\nlines", "  "])
def test_a_secret_that_would_break_a_header_is_refused(key):
    with pytest.raises(ConfigError, match=r"\(\*\*\*\)") as caught:
        EightXEight(eight(api_key=key)).build_request([HI])
    assert "two" not in str(caught.value)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("apac", "https://sms.8x8.com/"),
        ("na", "https://sms.us.8x8.com/"),
        ("eu", "https://sms.8x8.uk/"),
        ("id", "https://sms.8x8.id/"),
    ],
)
def test_each_region_of_8x8_has_its_host(region, host):
    assert EightXEight(eight(region=region)).build_request([HI]).url.startswith(host)


@pytest.mark.parametrize(
    ("more", "host"),
    [
        ({}, "https://api.twilio.com/"),
        ({"region": "ie1"}, "https://api.ie1.twilio.com/"),
        ({"edge": "dublin"}, "https://api.dublin.us1.twilio.com/"),
        ({"edge": "dublin", "region": "ie1"}, "https://api.dublin.ie1.twilio.com/"),
    ],
)
def test_edge_and_region_of_twilio_make_the_host(more, host):
    assert Twilio(twilio(**more)).build_request([HI]).url.startswith(host)


def test_an_api_key_signs_requests_while_the_path_keeps_the_account():
    account = Twilio(twilio(api_key_sid="SK" + "1" * 32, api_key_secret="s3cret"))
    request = account.build_request([HI])
    assert "/Accounts/AC000" in request.url
    # base64 of "SK111…"
    assert request.headers["Authorization"].startswith("Basic U0sxMTEx")


@pytest.mark.parametrize(
    ("sender", "numeric"),
    [("+6591230000", True), ("77123", True), ("ACME", False), ("", False), ("24Seven", False)],
)
def test_only_a_number_can_receive(sender, numeric):
    assert is_numeric(sender) is numeric
    assert EightXEight(eight()).can_receive(sender) is numeric


def test_a_messaging_service_can_receive():
    service = "MG" + "7" * 32
    assert Twilio(twilio(messaging_service_sid=service)).can_receive("")
    assert Twilio(twilio()).can_receive(service)
    assert not Twilio(twilio()).can_receive("ACME")


def test_the_sandbox_needs_nothing():
    assert SandboxSettings.model_validate({"provider": "sandbox"}).sender is None


def test_every_settings_model_describes_itself_as_json_schema():
    for model in (AccountSettings, EightXEightSettings, TwilioSettings, SandboxSettings):
        assert model.model_json_schema()["additionalProperties"] is False
