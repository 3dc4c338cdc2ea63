"""How an HTTP answer is read, the same for every provider.

What is certain and what is not is decided here: refused, not taken, or maybe taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from smsnotify.base.clock import system_clock
from smsnotify.base.redact import scrub
from smsnotify.model.http import HttpResponse
from smsnotify.model.message import ErrorWord, Result
from smsnotify.providers.base import CheckResult

_BY_STATUS: Final[dict[int, tuple[Result, ErrorWord]]] = {
    # The account is set up wrong: key, address, API version or TLS. No message would pass.
    401: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    403: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    404: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    405: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    407: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    410: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    426: (Result.REJECTED, ErrorWord.BAD_CREDENTIALS),
    402: (Result.REJECTED, ErrorWord.NO_CREDIT),
    413: (Result.REJECTED, ErrorWord.CONTENT_REJECTED),
    # The server gave up on us, or says that it is busy with the same thing: maybe taken.
    408: (Result.UNKNOWN, ErrorWord.PROVIDER_DOWN),
    409: (Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR),
    # Certainly not taken.
    425: (Result.RETRY, ErrorWord.PROVIDER_DOWN),
    429: (Result.RETRY, ErrorWord.RATE_LIMITED),
    503: (Result.RETRY, ErrorWord.PROVIDER_DOWN),
    # A 303 answers a POST that was carried out; the other redirects refuse it.
    303: (Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR),
}


def by_status(status: int) -> tuple[Result, ErrorWord]:
    """Return what an HTTP status alone says of a send, when nothing better is known.

    A 2xx that got here had a body that could not be read: maybe taken.
    """
    known = _BY_STATUS.get(status)
    if known:
        return known
    if 400 <= status < 500:
        return Result.REJECTED, ErrorWord.UNKNOWN_ERROR
    if 300 <= status < 400:
        return Result.RETRY, ErrorWord.PROVIDER_DOWN
    if status >= 500:
        return Result.UNKNOWN, ErrorWord.PROVIDER_DOWN
    return Result.UNKNOWN, ErrorWord.UNKNOWN_ERROR


_LONGEST_WAIT_S: Final = 24 * 3600.0


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`: seconds or an HTTP date; None when absent or unreadable.

    A date is measured against the answer's own `Date`, so that a wrong clock here does no harm.
    At most a day. Source: RFC 9110 section 10.2.3.
    """
    written = headers.get("retry-after", "").strip()
    if not written:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", written):
        return min(float(written), _LONGEST_WAIT_S)
    until = read_http_date(written)
    if until is None:
        return None
    now = read_http_date(headers.get("date", "")) or system_clock()
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT_S)


def read_http_date(written: str) -> datetime | None:
    """Read an RFC 2822 date (`Mon, 02 Feb 2026 09:00:00 +0000`, also GMT) as UTC, or None."""
    try:
        return _as_utc(parsedate_to_datetime(written))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def read_iso_instant(written: object) -> datetime | None:
    """Read an ISO 8601 instant with 0 to 9 fraction digits as UTC, or None.

    Python 3.11 reads any fraction length but keeps microseconds. Without a zone: UTC.
    """
    if not isinstance(written, str):
        return None
    try:
        return _as_utc(datetime.fromisoformat(written.strip()))
    except (ValueError, OverflowError):
        return None


def _as_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def answer_text(text: object) -> str:
    """Make a provider's sentence fit for the books: masked, one line, at most 200 characters."""
    return scrub(" ".join(str(text or "").split())[:400])[:200]


def json_object(body: bytes) -> dict[str, Any] | None:
    """Read a JSON object; None for anything else (a proxy's HTML page, half an answer)."""
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def text_of(table: Mapping[str, Any], key: str) -> str:
    """Return a value as text: `''` for null, a list or an object."""
    value = table.get(key)
    if isinstance(value, bool) or value is None:
        return ""
    if not isinstance(value, (str, int, float)):
        return ""
    # A database may refuse NUL and half an emoji, and no text needs them.
    text = str(value).replace("\x00", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def count_of(value: object) -> int:
    """Read a small count, written as a number or as digits; 0 for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,4}", value):
        return int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9999
    return value if isinstance(value, int) and is_count else 0


def table_of(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a nested object, empty when it is missing or something else."""
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def refused_check(response: HttpResponse, said: str) -> CheckResult:
    """Say why a credentials check failed, from the status and the provider's sentence."""
    error = by_status(response.status)[1]
    reasons = {
        ErrorWord.BAD_CREDENTIALS: "the provider refuses these credentials",
        ErrorWord.RATE_LIMITED: "the provider asks us to slow down; try again later",
        ErrorWord.PROVIDER_DOWN: "the provider is not available now; try again later",
    }
    reason = reasons.get(error, "the provider gave an answer that we do not know")
    told = f"HTTP {response.status}: {reason}"
    return CheckResult(
        ok=False,
        detail=f"{told} ({said})" if said else told,
        error=error,
        http_status=response.status,
    )
