"""One request to one provider account, and what it came to for each message in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from smsnotify.base.errors import ConfigError, NotSentError, OutcomeUnknownError
from smsnotify.base.redact import scrub
from smsnotify.engine.alarms import AlarmCarrier
from smsnotify.engine.client import Transport
from smsnotify.engine.lanes import Lane
from smsnotify.engine.mail import MailCarrier
from smsnotify.model.message import (
    ErrorWord,
    MessageState,
    OutboundMessage,
    Outcome,
    Result,
)
from smsnotify.model.rule import EMAIL, SMS
from smsnotify.providers.base import AlarmProvider, HttpProvider, LocalProvider, MailProvider
from smsnotify.store.claims import Claimed
from smsnotify.store.instants import from_micros

log = logging.getLogger(__name__)

CallbackUrl = Callable[[str, str], str]
"""(message id, account name) → where receipts for it shall come; `''` for none."""


class Tried(msgspec.Struct, frozen=True, gc=False):
    """A request that is over: one outcome per message, in order.

    `at` is when it went out in microseconds of the machine's clock, as the provider's log has it
    (of the run's clock where there is no provider), `started` in seconds of the monotonic one.
    `states` is only filled by local providers that know at once what became of a
    message. `split`: the provider refused the batch as a whole, and each message shall go alone.
    """

    lane: Lane
    messages: Sequence[Claimed]
    outcomes: Sequence[Outcome]
    at: int
    started: float
    latency_ms: float
    split: bool = False
    states: dict[str, MessageState] = {}


OptOutUrl = Callable[[str], str]
"""Recipient → their own opt-out page; `''` for none."""


def outbound(
    message: Claimed, lane: Lane, callback_url: CallbackUrl, opt_out_url: OptOutUrl
) -> OutboundMessage:
    """Return what the adapter gets of a message."""
    if message.channel != SMS:
        return OutboundMessage(
            id=message.id,
            recipient=message.recipient,
            body=message.body,
            encoding="",
            sender=sender_of(message, lane),
            expires_at=from_micros(message.expires_at),
            title=message.title,
            markup=message.markup,
            opt_out_url=opt_out_url(message.recipient) if message.channel == EMAIL else "",
        )
    return OutboundMessage(
        id=message.id,
        recipient=message.recipient,
        body=message.body,
        encoding=message.encoding,
        sender=sender_of(message, lane),
        callback_url=callback_url(message.id, lane.name),
        expires_at=from_micros(message.expires_at),
    )


def sender_of(message: Claimed, lane: Lane) -> str:
    """Return the sender: the one that a conversation began on, else the account's own."""
    if message.sender and message.account == lane.name:
        return message.sender
    return lane.sender_for(message.country)


async def carry(
    provider: HttpProvider,
    messages: Sequence[OutboundMessage],
    transport: Transport,
    timeout_s: float,
) -> tuple[list[Outcome], bool]:
    """Make one request; return the outcomes, and whether the batch must be split. Never raises."""
    try:
        request = provider.build_request(messages)
    except ConfigError as error:
        return _all(messages, Result.REJECTED, ErrorWord.BAD_CREDENTIALS, str(error)), False
    except Exception as error:
        log.exception("an adapter could not build a request", extra={"provider": provider.name})
        return _all(messages, Result.REJECTED, ErrorWord.UNKNOWN_ERROR, type(error).__name__), False
    try:
        response = await transport.send(request, timeout_s)
    except NotSentError as error:
        return _all(messages, Result.RETRY, ErrorWord.PROVIDER_DOWN, str(error)), False
    except OutcomeUnknownError as error:
        return _all(messages, Result.UNKNOWN, ErrorWord.PROVIDER_DOWN, str(error)), False
    except asyncio.CancelledError:
        # Only the delivery loop cancels, when its time to stop is over.
        return _all(messages, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, "stopped meanwhile"), False
    except Exception as error:
        log.exception("a request ended in an unforeseen way", extra={"provider": provider.name})
        return _all(messages, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, type(error).__name__), False
    try:
        outcomes = provider.parse_response(messages, response)
        split = len(messages) > 1 and provider.must_split(messages, response)
    except Exception:
        log.exception("an adapter could not read an answer", extra={"provider": provider.name})
        outcomes, split = [], False
    if len(outcomes) != len(messages):
        told = "the answer cannot be read"
        outcomes = _all(messages, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, told, response.status)
    return outcomes, split


async def carry_mail(
    provider: MailProvider, message: OutboundMessage, carrier: MailCarrier, timeout_s: float
) -> list[Outcome]:
    """Hand one mail over; return what came of it. Never raises."""
    only = [message]
    try:
        mail = provider.build_mail(message)
    except ConfigError as error:
        return _all(only, Result.REJECTED, ErrorWord.INVALID_NUMBER, str(error))
    except Exception as error:
        log.exception("an adapter could not write a mail", extra={"provider": provider.name})
        return _all(only, Result.REJECTED, ErrorWord.UNKNOWN_ERROR, type(error).__name__)
    try:
        answer = await carrier.send(provider, mail, timeout_s)
    except ConfigError as error:
        return _all(only, Result.REJECTED, ErrorWord.BAD_CREDENTIALS, str(error))
    except NotSentError as error:
        return _all(only, Result.RETRY, ErrorWord.PROVIDER_DOWN, str(error))
    except OutcomeUnknownError as error:
        return _all(only, Result.UNKNOWN, ErrorWord.PROVIDER_DOWN, str(error))
    except asyncio.CancelledError:
        # Only the delivery loop cancels, when its time to stop is over.
        return _all(only, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, "stopped meanwhile")
    except Exception as error:
        log.exception("a mail ended in an unforeseen way", extra={"provider": provider.name})
        return _all(only, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, type(error).__name__)
    outcome = provider.parse_answer(message, answer)
    return [msgspec.structs.replace(outcome, raw_text=scrub(outcome.raw_text))]


async def carry_alarm(
    provider: AlarmProvider, message: OutboundMessage, carrier: AlarmCarrier, timeout_s: float
) -> list[Outcome]:
    """Tell the firm's own people; return what came of it. Never raises."""
    only = [message]
    try:
        async with asyncio.timeout(timeout_s):
            words = await carrier.send(provider, message.id, provider.build_alarm(message))
    except ConfigError as error:
        return _all(only, Result.REJECTED, ErrorWord.BAD_CREDENTIALS, str(error))
    except TimeoutError:
        return _all(only, Result.UNKNOWN, ErrorWord.PROVIDER_DOWN, "apprise took too long")
    except asyncio.CancelledError:
        # Only the delivery loop cancels, when its time to stop is over.
        return _all(only, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, "stopped meanwhile")
    except Exception as error:
        log.error("an alarm ended in an unforeseen way", extra={"error": type(error).__name__})
        return _all(only, Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR, type(error).__name__)
    return [provider.parse_alarm(message, words)]


def hand_to_local(
    provider: LocalProvider, messages: Sequence[OutboundMessage]
) -> tuple[list[Outcome], dict[str, MessageState]]:
    """Give messages to a provider without network; return outcomes, and states known at once."""
    outcomes = provider.send(messages)
    receipts = provider.receipts_for(outcomes)
    return outcomes, {one.message_id: one.state for one in receipts if one.state is not None}


def _all(
    messages: Sequence[OutboundMessage],
    result: Result,
    error: ErrorWord,
    told: str,
    http_status: int = 0,
) -> list[Outcome]:
    return [
        Outcome(
            message_id=message.id,
            result=result,
            error=error,
            raw_text=scrub(told),
            http_status=http_status,
        )
        for message in messages
    ]
