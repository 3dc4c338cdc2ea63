"""The time zone that a whole country keeps."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=512)
def _zones(country: str) -> tuple[str, ...]:
    from babel.core import get_global  # 20 ms: only where quiet hours ask

    return tuple(sorted(z for z, c in get_global("zone_territories").items() if c == country))


def zone_of_country(country: str, now: datetime) -> str:
    """Return an IANA zone if all zones of a country agree at `now`, else `''`.

    Malaysia has two zones and one time: either name will do. The United States have many
    times: a country is not enough to know the hour there.
    """
    if not country:
        return ""
    names = []
    offsets = set()
    for name in _zones(country):
        try:
            offsets.add(now.astimezone(ZoneInfo(name)).utcoffset())
        except (KeyError, ValueError, OSError):  # a zone that this machine does not have
            continue
        names.append(name)
    return names[0] if len(offsets) == 1 else ""
