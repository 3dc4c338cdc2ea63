"""What the codes of 8x8 mean in our words.

Source: https://developer.8x8.com/connect/docs/api-error-codes and
https://developer.8x8.com/connect/docs/delivery-receipts-error-codes (read July 2026). The codes
3007 to 3060 of chat apps are left out. The words and the classes are our reading.
"""

from __future__ import annotations

import re
from typing import Final

from smsnotify.model.message import ErrorWord, Result

_NO = Result.REJECTED
_LATER = Result.RETRY

REQUEST_CODES: Final[dict[str, tuple[Result, ErrorWord]]] = {
    "429": (_LATER, ErrorWord.RATE_LIMITED),  # rate limited: the sample repeats the status
    "1000": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid parameter
    "1001": (_NO, ErrorWord.BAD_CREDENTIALS),  # illegal subAccountId: no message would pass
    "1002": (_NO, ErrorWord.INVALID_NUMBER),  # invalid MSISDN
    "1003": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid encoding
    "1004": (_NO, ErrorWord.CONTENT_REJECTED),  # invalid text
    "1005": (_NO, ErrorWord.SENDER_REJECTED),  # invalid source
    "1006": (_NO, ErrorWord.EXPIRED),  # invalid expiry: ours is always well formed, so it is past
    "1007": (_NO, ErrorWord.CONTENT_REJECTED),  # invalid SMS template
    "1008": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid id
    "1009": (_NO, ErrorWord.INVALID_NUMBER),  # invalid country code
    "1010": (_NO, ErrorWord.UNKNOWN_ERROR),  # parameter out of range
    "1011": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid schedule time
    "1012": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid IP address
    "1014": (_NO, ErrorWord.BAD_CREDENTIALS),  # insecure protocol: TLS 1.3 wanted
    "1100": (_LATER, ErrorWord.RATE_LIMITED),  # bulk limit reached
    "1200": (_NO, ErrorWord.BAD_CREDENTIALS),  # unauthorized
    "1201": (_NO, ErrorWord.BAD_CREDENTIALS),  # access forbidden
    "1300": (_NO, ErrorWord.BAD_CREDENTIALS),  # not found: a send names only the sub-account
    "1400": (_LATER, ErrorWord.RATE_LIMITED),  # resending interval: too soon for this number
    "2000": (_NO, ErrorWord.PROVIDER_DOWN),  # internal error (with a 4xx; with 500 it is unknown)
    "2001": (_NO, ErrorWord.UNKNOWN_ERROR),  # not implemented
    "2002": (_NO, ErrorWord.BAD_CREDENTIALS),  # unsupported API version
    "2003": (_NO, ErrorWord.BAD_CREDENTIALS),  # unsupported product
    "3002": (_NO, ErrorWord.INVALID_NUMBER),  # MSISDN missing
    "3003": (_NO, ErrorWord.INVALID_NUMBER),  # MSISDN invalid
    "3004": (_NO, ErrorWord.CONTENT_REJECTED),  # content missing
    "3005": (_NO, ErrorWord.CONTENT_REJECTED),  # text missing
    "3006": (_NO, ErrorWord.CONTENT_REJECTED),  # text too long
    "3009": (_NO, ErrorWord.UNKNOWN_ERROR),  # clientMessageId too long
    "3011": (_NO, ErrorWord.SENDER_REJECTED),  # source too long
    "3012": (_NO, ErrorWord.UNKNOWN_ERROR),  # messages missing
    "3013": (_NO, ErrorWord.UNKNOWN_ERROR),  # too many messages
    "3014": (_NO, ErrorWord.UNKNOWN_ERROR),  # clientBatchId too long
    "3018": (_NO, ErrorWord.INVALID_NUMBER),  # invalid country code
    "3020": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid receipt callback URL
    "4018": (_NO, ErrorWord.UNKNOWN_ERROR),  # invalid export jobId
}
"""What a refused request's `code` comes to."""

RECEIPT_CODES: Final[dict[str, ErrorWord]] = {
    "0": ErrorWord.UNKNOWN_ERROR,  # no reason
    "1": ErrorWord.UNREACHABLE,  # absent subscriber
    "2": ErrorWord.CONTENT_REJECTED,  # content related
    "3": ErrorWord.UNKNOWN_ERROR,  # data missing
    "4": ErrorWord.UNREACHABLE,  # deferred delivery
    "5": ErrorWord.UNREACHABLE,  # pending upstream
    "7": ErrorWord.UNREACHABLE,  # delivery failure
    "8": ErrorWord.BLOCKED,  # deny
    "9": ErrorWord.UNREACHABLE,  # equipment protocol
    "10": ErrorWord.PROVIDER_DOWN,  # external entity at the operator
    "11": ErrorWord.RATE_LIMITED,  # flooding
    "12": ErrorWord.UNREACHABLE,  # home register error
    "13": ErrorWord.INVALID_NUMBER,  # illegal subscriber or equipment
    "14": ErrorWord.PROVIDER_DOWN,  # internal error
    "15": ErrorWord.INVALID_NUMBER,  # invalid destination
    "16": ErrorWord.CONTENT_REJECTED,  # invalid format
    "17": ErrorWord.CONTENT_REJECTED,  # invalid length
    "18": ErrorWord.UNKNOWN_ERROR,  # invalid parameter
    "19": ErrorWord.SENDER_REJECTED,  # invalid source
    "20": ErrorWord.UNKNOWN_ERROR,  # local cancel
    "21": ErrorWord.UNREACHABLE,  # memory full
    "22": ErrorWord.UNREACHABLE,  # message being retried
    "23": ErrorWord.UNREACHABLE,  # network failure
    "24": ErrorWord.BLOCKED,  # age verification
    "25": ErrorWord.UNREACHABLE,  # aborted by network or user
    "26": ErrorWord.BLOCKED,  # operation barred
    "27": ErrorWord.UNREACHABLE,  # permanent operator error
    "28": ErrorWord.UNREACHABLE,  # permanent phone error
    "29": ErrorWord.UNREACHABLE,  # phone related
    "30": ErrorWord.UNREACHABLE,  # portability
    "31": ErrorWord.BLOCKED,  # premium SMS
    "32": ErrorWord.UNREACHABLE,  # roaming
    "33": ErrorWord.UNREACHABLE,  # route error
    "34": ErrorWord.BLOCKED,  # screening
    "35": ErrorWord.PROVIDER_DOWN,  # service-centre congestion
    "36": ErrorWord.EXPIRED,  # SMS expired
    "37": ErrorWord.LANDLINE,  # SMS not supported there
    "38": ErrorWord.CONTENT_REJECTED,  # malformed
    "39": ErrorWord.UNKNOWN_ERROR,  # service-centre cancel
    "40": ErrorWord.PROVIDER_DOWN,  # service-centre error
    "41": ErrorWord.UNKNOWN_ERROR,  # service-centre reject
    "42": ErrorWord.NO_CREDIT,  # no credit at source
    "43": ErrorWord.CONTENT_REJECTED,  # spam filter
    "44": ErrorWord.BLOCKED,  # subscriber billing
    "45": ErrorWord.UNREACHABLE,  # subscriber busy
    "46": ErrorWord.UNREACHABLE,  # not reachable
    "47": ErrorWord.UNREACHABLE,  # temporarily unavailable
    "48": ErrorWord.PROVIDER_DOWN,  # system failure
    "49": ErrorWord.UNREACHABLE,  # signalling error
    "50": ErrorWord.RATE_LIMITED,  # throttling
    "51": ErrorWord.UNREACHABLE,  # time-out
    "52": ErrorWord.UNKNOWN_ERROR,  # undecodable response
    "53": ErrorWord.UNKNOWN_ERROR,  # unexpected data
    "54": ErrorWord.UNKNOWN_ERROR,  # unexpected error
    "55": ErrorWord.INVALID_NUMBER,  # unidentified subscriber
    "56": ErrorWord.UNKNOWN_ERROR,  # unknown delivery state
    "57": ErrorWord.UNKNOWN_ERROR,  # unknown error
    "58": ErrorWord.UNREACHABLE,  # unknown service centre
    "59": ErrorWord.INVALID_NUMBER,  # unknown subscriber
    "60": ErrorWord.CONTENT_REJECTED,  # content filtered
    "61": ErrorWord.UNREACHABLE,  # session expired
}
"""What a receipt's `status.errorCode` comes to; 6 is not documented."""

TRANSIENT_RECEIPT_CODES: Final = frozenset(
    ["1", "4", "5", "21", "22", "23", "35", "45", "46", "47", "48", "50", "51"]
)
"""Temporary by nature, so worth one later resend: our judgement."""

REJECTED_DESCRIPTIONS: Final[tuple[tuple[str, Result, ErrorWord], ...]] = (
    # Accepted requests may still refuse a message, and say why in a sentence without a code.
    # The first beginning of a word that fits decides, so the narrow ones stand first.
    ("internal", _LATER, ErrorWord.PROVIDER_DOWN),
    ("expir", _NO, ErrorWord.EXPIRED),
    ("source", _NO, ErrorWord.SENDER_REJECTED),
    ("sender", _NO, ErrorWord.SENDER_REJECTED),
    ("blacklist", _NO, ErrorWord.BLOCKED),
    ("balance", _NO, ErrorWord.NO_CREDIT),
    ("credit", _NO, ErrorWord.NO_CREDIT),
    ("e.164", _NO, ErrorWord.INVALID_NUMBER),
    ("msisdn", _NO, ErrorWord.INVALID_NUMBER),
    ("destination", _NO, ErrorWord.INVALID_NUMBER),
    ("number", _NO, ErrorWord.INVALID_NUMBER),
    ("text", _NO, ErrorWord.CONTENT_REJECTED),
    ("body", _NO, ErrorWord.CONTENT_REJECTED),
)


def rejected_description(sentence: str) -> tuple[Result, ErrorWord]:
    """Read the sentence of a message that an accepted request refused."""
    told = sentence.lower()
    for part, result, word in REJECTED_DESCRIPTIONS:
        if re.search(rf"\b{re.escape(part)}", told):
            return result, word
    return Result.REJECTED, ErrorWord.UNKNOWN_ERROR
