"""What Twilio's error codes mean in our words.

Source: https://www.twilio.com/docs/api/errors (meanings, read August 2026); the words and classes
are our reading. A code may turn up at request time and in a receipt alike, so each table falls
back to the other.
"""

from __future__ import annotations

from typing import Final

from smsnotify.model.message import ErrorWord, Result

_NO = Result.REJECTED
_LATER = Result.RETRY

REQUEST_CODES: Final[dict[str, tuple[Result, ErrorWord]]] = {
    "20003": (_NO, ErrorWord.BAD_CREDENTIALS),  # wrong credentials, or no permission
    "20006": (_NO, ErrorWord.BAD_CREDENTIALS),  # access denied
    "20008": (_NO, ErrorWord.BAD_CREDENTIALS),  # test credentials on another resource
    "20403": (_NO, ErrorWord.BAD_CREDENTIALS),  # forbidden
    "20404": (_NO, ErrorWord.BAD_CREDENTIALS),  # not found: a send names only the account
    "20409": (Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR),  # conflict: look before deciding
    "20429": (_LATER, ErrorWord.RATE_LIMITED),  # too many concurrent requests
    "20500": (Result.UNKNOWN, ErrorWord.PROVIDER_DOWN),  # internal error
    "20503": (_LATER, ErrorWord.PROVIDER_DOWN),  # unavailable
    "21211": (_NO, ErrorWord.INVALID_NUMBER),  # invalid To, also To == From
    "21212": (_NO, ErrorWord.SENDER_REJECTED),  # invalid From
    "21408": (_NO, ErrorWord.SENDER_REJECTED),  # this account may not text that region
    "21502": (_NO, ErrorWord.BAD_CREDENTIALS),  # bad StatusCallback: no message would pass
    "21602": (_NO, ErrorWord.CONTENT_REJECTED),  # no body
    "21603": (_NO, ErrorWord.SENDER_REJECTED),  # no sender given
    "21604": (_NO, ErrorWord.INVALID_NUMBER),  # no To
    "21606": (_NO, ErrorWord.SENDER_REJECTED),  # From cannot text that destination
    "21608": (_NO, ErrorWord.SENDER_REJECTED),  # trial account, To not verified
    "21609": (_NO, ErrorWord.BAD_CREDENTIALS),  # bad StatusCallback: no message would pass
    "21610": (_NO, ErrorWord.OPTED_OUT),  # the recipient said STOP
    "21611": (_LATER, ErrorWord.RATE_LIMITED),  # the sender's queue is full
    "21612": (_NO, ErrorWord.SENDER_REJECTED),  # this pair cannot be served: another sender may
    "21614": (_NO, ErrorWord.LANDLINE),  # not a mobile number
    "21617": (_NO, ErrorWord.CONTENT_REJECTED),  # over 1600 characters
    "21618": (_NO, ErrorWord.CONTENT_REJECTED),  # filtered by all carriers
    "21619": (_NO, ErrorWord.CONTENT_REJECTED),  # no body, no media
    "21620": (_NO, ErrorWord.CONTENT_REJECTED),  # bad media URL
    "21623": (_NO, ErrorWord.CONTENT_REJECTED),  # more than ten media
    "21624": (_NO, ErrorWord.UNKNOWN_ERROR),  # ValidityPeriod outside 1 to 36000
    "21654": (_NO, ErrorWord.CONTENT_REJECTED),  # content template not found
    "21655": (_NO, ErrorWord.CONTENT_REJECTED),  # content template invalid
    "21656": (_NO, ErrorWord.CONTENT_REJECTED),  # content variables invalid
    "21701": (_NO, ErrorWord.SENDER_REJECTED),  # the messaging service does not exist
    "21702": (_NO, ErrorWord.SENDER_REJECTED),
    "21703": (_NO, ErrorWord.SENDER_REJECTED),  # the messaging service has no sender
    "21704": (_NO, ErrorWord.SENDER_REJECTED),
    "21705": (_NO, ErrorWord.SENDER_REJECTED),
    "30409": (_NO, ErrorWord.UNKNOWN_ERROR),  # cannot be cancelled any more
    "30454": (_NO, ErrorWord.NO_CREDIT),  # message limit of a trial account
    "35111": (_NO, ErrorWord.UNKNOWN_ERROR),  # schedule parameters: we never schedule there
    "35114": (_NO, ErrorWord.UNKNOWN_ERROR),
    "35115": (_NO, ErrorWord.UNKNOWN_ERROR),
    "35117": (_NO, ErrorWord.UNKNOWN_ERROR),
    "35118": (_NO, ErrorWord.UNKNOWN_ERROR),
    "35125": (_LATER, ErrorWord.RATE_LIMITED),  # too many scheduled messages
    "63017": (_LATER, ErrorWord.RATE_LIMITED),  # over 2000 messages a second
    "63018": (_LATER, ErrorWord.RATE_LIMITED),  # over the channel's rate
    "63038": (_LATER, ErrorWord.RATE_LIMITED),  # the account's messages of the day are used up
}
"""What a refused request's `code` comes to."""

WAIT_S: Final = {"21611": 60.0, "35125": 3600.0, "63038": 3600.0}
"""Seconds to wait when Twilio gives no `Retry-After`: these do not clear in a second."""

RECEIPT_CODES: Final[dict[str, tuple[ErrorWord, bool]]] = {
    "30001": (ErrorWord.RATE_LIMITED, True),  # queue overflow
    "30002": (ErrorWord.BAD_CREDENTIALS, False),  # account suspended
    "30003": (ErrorWord.UNREACHABLE, True),  # off, no signal, maybe a landline
    "30004": (ErrorWord.BLOCKED, False),  # by the recipient, the carrier, a register, STOP
    "30005": (ErrorWord.INVALID_NUMBER, False),  # the number is gone
    "30006": (ErrorWord.LANDLINE, False),  # landline or unreachable carrier
    "30007": (ErrorWord.CONTENT_REJECTED, False),  # filtered
    "30008": (ErrorWord.UNKNOWN_ERROR, True),
    "30017": (ErrorWord.PROVIDER_DOWN, True),  # carrier congestion
    "30018": (ErrorWord.SENDER_REJECTED, False),  # sender ID registration needed
    "30019": (ErrorWord.CONTENT_REJECTED, False),  # too large for the carrier
    "30022": (ErrorWord.RATE_LIMITED, True),  # A2P 10DLC rate
    "30023": (ErrorWord.RATE_LIMITED, True),  # A2P 10DLC daily cap
    "30024": (ErrorWord.SENDER_REJECTED, False),  # numeric sender not provisioned
    "30027": (ErrorWord.RATE_LIMITED, True),  # A2P 10DLC daily cap
    "30032": (ErrorWord.SENDER_REJECTED, False),  # toll-free number not verified
    "30033": (ErrorWord.SENDER_REJECTED, False),  # campaign suspended
    "30034": (ErrorWord.SENDER_REJECTED, False),  # not in an A2P 10DLC campaign
    "30035": (ErrorWord.SENDER_REJECTED, True),  # the number is still being configured
    "30036": (ErrorWord.EXPIRED, True),  # validity period over
    "30037": (ErrorWord.SENDER_REJECTED, False),  # outbound disabled
    "30038": (ErrorWord.UNKNOWN_ERROR, False),  # inbound only: one-time password redacted
    "30039": (ErrorWord.UNKNOWN_ERROR, False),  # inbound only: loop filter
    "30040": (ErrorWord.SENDER_REJECTED, False),  # sender ID not registered
    "30041": (ErrorWord.SENDER_REJECTED, False),  # UK registration
    "30042": (ErrorWord.SENDER_REJECTED, False),  # generic sender ID
    "30043": (ErrorWord.SENDER_REJECTED, False),  # international over domestic
    "30410": (ErrorWord.PROVIDER_DOWN, True),  # time-out downstream: a resend may double
    "30450": (ErrorWord.RATE_LIMITED, True),  # pumping protection, lifts by itself
    "30453": (ErrorWord.RATE_LIMITED, True),
    "30485": (ErrorWord.RATE_LIMITED, True),
    "30500": (ErrorWord.PROVIDER_DOWN, True),  # internal error
}
"""What a receipt's `ErrorCode` comes to, and whether one later resend may help."""


def request_code(code: str, otherwise: tuple[Result, ErrorWord]) -> tuple[Result, ErrorWord]:
    """Read a code at request time; an unknown one leaves what the HTTP status said."""
    known = REQUEST_CODES.get(code)
    if known is None and code in RECEIPT_CODES:
        word, transient = RECEIPT_CODES[code]
        known = (_LATER if transient else _NO, word)
    return known or otherwise


def receipt_code(code: str) -> ErrorWord:
    """Read a receipt's code; an unknown one or none is `unknown_error`."""
    if code in RECEIPT_CODES:
        return RECEIPT_CODES[code][0]
    return REQUEST_CODES[code][1] if code in REQUEST_CODES else ErrorWord.UNKNOWN_ERROR


def is_transient(code: str) -> bool:
    """Say whether one later resend may help: unknown codes of the 30000s are taken as such."""
    if code in RECEIPT_CODES:
        return RECEIPT_CODES[code][1]
    if code in REQUEST_CODES:
        return REQUEST_CODES[code][0] is Result.RETRY
    return len(code) == 5 and code.startswith("30") and code.isdigit()
