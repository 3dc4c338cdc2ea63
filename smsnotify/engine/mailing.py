"""One mail that a person asks for, handed over at once: it waits in no outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from smsnotify.engine.accounts import Account
from smsnotify.engine.handover import carry_mail
from smsnotify.engine.mail import MailCarrier
from smsnotify.engine.retry import FAIL_OVER
from smsnotify.model.message import OutboundMessage, Outcome, Result
from smsnotify.providers.base import MailProvider

TIMEOUT_S = 60.0


async def hand_over(
    accounts: Sequence[Account], messages: Sequence[OutboundMessage]
) -> list[Outcome]:
    """Hand mails over, each to the first of the accounts that takes it; return what became of each.

    The next account is asked only where the one before surely has not got it and is itself at
    fault.
    """
    outcomes = []
    async with MailCarrier() as carrier:
        for message in messages:
            for account in accounts:
                provider = cast(MailProvider, account.provider)
                [outcome] = await carry_mail(provider, message, carrier, TIMEOUT_S)
                at_fault = outcome.error in FAIL_OVER and outcome.result is not Result.UNKNOWN
                if outcome.result is Result.ACCEPTED or not at_fault:
                    break
            outcomes.append(outcome)
    return outcomes
