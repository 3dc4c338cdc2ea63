"""What a text costs on the air."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Encoding(StrEnum):
    """The alphabet of a text; decided by its characters, for the whole text."""

    GSM7 = "GSM7"
    UCS2 = "UCS2"


class TextSize(msgspec.Struct, frozen=True, gc=False):
    """Encoding, billed segments, and units: septets in GSM-7, UTF-16 code units in UCS-2."""

    encoding: Encoding
    segments: int
    units: int
