"""What every provider of mails must keep, whatever its name."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from provider_cases import mail_providers

from smsnotify.model.mail import MailAnswer, MailStep
from smsnotify.model.message import ABOUT_ACCOUNT, OutboundMessage, Result
from smsnotify.providers.registry import load_provider

SETTINGS = {"smtp": {"host": "mail.acme.test", "sender": "Acmé <n@acme.test>"}}
MAIL = OutboundMessage(
    id="01M", recipient="mei@münchen.test", body="Hi Mei 你好", encoding="", title="A\nB: x@y",
    markup="Hi **Mei** 你好", opt_out_url="https://notify.acme.test/o/t",
)  # fmt: skip


@pytest.fixture(params=mail_providers())
def provider(request: pytest.FixtureRequest) -> Any:
    made: Any = load_provider(request.param)
    return made(made.settings_type.model_validate(SETTINGS[request.param]))


def test_a_mail_is_whole_and_keeps_its_id(provider: Any) -> None:
    mail = provider.build_mail(MAIL)
    assert mail.recipient == "mei@xn--mnchen-3ya.test"
    assert mail.content.isascii()
    read: Any = message_from_bytes(mail.content, policy=default)
    assert read["Subject"] == "A B: x@y"
    assert read["Message-ID"] == "<01M@acme.test>"
    again: Any = message_from_bytes(provider.build_mail(MAIL).content, policy=default)
    assert again["Message-ID"] == read["Message-ID"]
    assert "你好" in read.get_body(("plain",)).get_content()
    assert "<strong>Mei</strong> 你好" in read.get_body(("html",)).get_content()


@pytest.mark.parametrize("step", list(MailStep))
@pytest.mark.parametrize("code", [-1, 250, 421, 450, 530, 535, 550, 554])
def test_only_the_word_after_the_content_accepts(provider: Any, step: MailStep, code: int) -> None:
    outcome = provider.parse_answer(MAIL, MailAnswer(step, code, "5.1.1 no"))
    took = step is MailStep.CONTENT and code == 250
    assert (outcome.result is Result.ACCEPTED) == took
    assert outcome.result is not Result.UNKNOWN
    if 400 <= code < 500:
        assert outcome.result is Result.RETRY
    if step is MailStep.LOGIN and code >= 500:
        assert outcome.error in ABOUT_ACCOUNT


def test_a_log_in_that_worked_and_one_that_did_not(provider: Any) -> None:
    assert provider.parse_check(MailAnswer(MailStep.LOGIN, 250)).ok
    assert not provider.parse_check(MailAnswer(MailStep.LOGIN, 535, "no")).ok
