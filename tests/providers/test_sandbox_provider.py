from __future__ import annotations

from smsnotify.model.http import HttpResponse
from smsnotify.model.message import MessageState, OutboundMessage, Outcome, Result
from smsnotify.providers.adapter import HttpAdapter
from smsnotify.providers.sandbox import Sandbox, SandboxSettings

TWO = [
    OutboundMessage(id=f"m{n}", recipient="+6591230000", body="Hi", encoding="GSM7") for n in (1, 2)
]


def test_every_text_is_accepted_under_its_own_id_and_delivered_at_once():
    account = Sandbox(SandboxSettings())
    outcomes = account.send(TWO)
    assert [outcome.provider_message_id for outcome in outcomes] == ["sb_m1", "sb_m2"]
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    receipts = account.receipts_for(outcomes)
    assert [receipt.message_id for receipt in receipts] == ["m1", "m2"]
    assert {receipt.state for receipt in receipts} == {MessageState.DELIVERED}


def test_the_same_texts_get_the_same_ids_again():
    assert Sandbox(SandboxSettings()).send(TWO) == Sandbox(SandboxSettings()).send(TWO)


def test_only_what_was_accepted_is_delivered():
    refused = Outcome(message_id="m1", result=Result.REJECTED)
    assert Sandbox(SandboxSettings()).receipts_for([refused]) == []


def test_replies_are_not_stood_in_the_way_of():
    account = Sandbox(SandboxSettings(sender="ACME"))
    assert account.local
    assert account.can_receive(account.sender_for("SG"))


class Plain(HttpAdapter[SandboxSettings]):
    """An HTTP adapter that adds nothing to what all of them answer."""


def test_an_http_adapter_without_balance_and_prices_says_so():
    plain = Plain(SandboxSettings())
    answer = HttpResponse(status=200, body=b"{}")
    assert plain.build_balance() is None
    assert plain.build_prices("SG") is None
    assert plain.parse_balance(answer).detail == "this provider has no call for it"
    assert plain.parse_prices(answer) == []
    assert not plain.must_split(TWO, answer)
