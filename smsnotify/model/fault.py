"""What a provider may do wrong, as the sandbox plays it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from smsnotify.base.durations import parse_duration


class Fault(StrEnum):
    """A way in which a send or a receipt fails."""

    TOO_MANY = "429"
    BROKEN = "500"
    UNAVAILABLE = "503"
    TIMEOUT = "timeout"
    CUT = "cut"
    RESET = "reset"
    LOST_RECEIPT = "lost-receipt"
    DOUBLED_RECEIPT = "doubled-receipt"
    LATE_RECEIPT = "late-receipt"


SEND_FAULTS: Final = (
    Fault.TOO_MANY,
    Fault.BROKEN,
    Fault.UNAVAILABLE,
    Fault.TIMEOUT,
    Fault.CUT,
    Fault.RESET,
)
"""Those that meet a send; at most one of them each."""

RECEIPT_FAULTS: Final = (Fault.LOST_RECEIPT, Fault.DOUBLED_RECEIPT, Fault.LATE_RECEIPT)
"""Those that meet a receipt; at most one of them each."""

FAULT_HELP: Final = {
    Fault.TOO_MANY: "refused as too many, with Retry-After; not taken",
    Fault.BROKEN: "answered with an internal error; not taken, but nobody can know",
    Fault.UNAVAILABLE: "refused as unavailable; not taken",
    Fault.TIMEOUT: "taken and never answered",
    Fault.CUT: "taken, then the line breaks before the answer",
    Fault.RESET: "the line breaks, not taken",
    Fault.LOST_RECEIPT: "the receipt never comes",
    Fault.DOUBLED_RECEIPT: "the receipt comes twice",
    Fault.LATE_RECEIPT: "the receipt comes late, after those that follow it",
}
"""What each does, in a few words."""


def read_share(text: str) -> tuple[Fault, float]:
    """Read `429:0.1` or `lost-receipt:5%`: a fault and its share, 0 to 1.

    Raises:
        ValueError: with what is wrong.
    """
    name, colon, share = text.partition(":")
    try:
        fault = Fault(name.strip().lower())
    except ValueError:
        names = ", ".join(Fault)
        raise ValueError(f"there is no fault {name.strip()!r}; there are {names}") from None
    written = share.strip()
    try:
        read = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        read = -1.0
    if not colon or not 0 <= read <= 1:
        raise ValueError(f"{text!r} has no share; write {fault.value}:0.1 or {fault.value}:10%")
    return fault, read


def read_latency(text: str) -> timedelta:
    """Read how late an answer shall be: `200ms`, `2s`; at most a minute.

    Raises:
        ValueError: it is no such time.
    """
    read = parse_duration(text)
    if read > timedelta(minutes=1):
        raise ValueError("a latency is at most one minute")
    return read
