"""Readers for single values of the settings file; each raises ValueError with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from smsnotify.base.durations import parse_duration
from smsnotify.base.redact import mask_number
from smsnotify.model.fault import read_latency

A = TypeVar("A", int, Decimal)

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_SCHEMES: Final = ("sqlite", "postgresql", "postgresql+psycopg", "postgres")
_BOTH: Final = ("soft", "hard")
_MOST_MONEY: Final = 1_000_000_000
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_NAME: Final = re.compile(r"[A-Za-z][\w-]{0,63}", re.ASCII)
_PRINTED: Final = re.compile(r"[!-~]+")
_WHY_NOT: Final = {
    "landline": "is a landline, which receives no texts",
    "not_a_number": "is not a number that exists",
}


def _text(written: Any, example: str) -> str:
    if not isinstance(written, str):
        raise ValueError(f"must be text in quotes, such as {example}")
    return written.strip()


def country(written: Any) -> str:
    """Read an ISO 3166 code of two letters; names and lower case are understood."""
    text = _text(written, '"SG"')
    if not text:
        return ""
    from smsnotify.text.country import country_code

    code = country_code(text)
    if not code:
        raise ValueError(f"{text!r} is no country; write its two letters, such as SG or MY")
    return code


def number(written: Any) -> str:
    """Read a mobile number in E.164."""
    text = re.sub(r"[ \-()]", "", _text(written, '"+6591230000"'))
    if not text:
        return ""
    if not _E164.fullmatch(text):
        raise ValueError(
            f"{mask_number(text)!r} is no full number; begin with + and the country code"
        )
    from smsnotify.text.phone import read_number

    read = read_number(text, "", "")
    if read.reason:
        raise ValueError(f"{mask_number(text)} {_WHY_NOT.get(read.reason, 'cannot be texted')}")
    return read.e164


def email(written: Any) -> str:
    """Read an email address."""
    from smsnotify.text.address import read_email

    text = _text(written, '"ops@example.com"')
    if text and not read_email(text):
        raise ValueError("is no email address, such as ops@example.com")
    return read_email(text)


def recipient(written: Any) -> str:
    """Read a mobile number in E.164, an email address, or the route of alarms."""
    return email(written) if isinstance(written, str) and "@" in written else colleague(written)


def colleague(written: Any) -> str:
    """Read a mobile number in E.164, or the route of alarms: a name that begins with a letter."""
    text = _text(written, '"+6591230000"')
    return text if _NAME.fullmatch(text) else number(written)


def zone(written: Any) -> str:
    """Read the name of a time zone, such as `Asia/Singapore`."""
    from zoneinfo import ZoneInfo, available_timezones

    text = _text(written, '"Asia/Singapore"')
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(text, available_timezones(), n=1, cutoff=0.5)
        more = f"; did you mean {near[0]}?" if near else ", such as Asia/Singapore"
        raise ValueError(f"{text!r} is no time zone{more}") from None
    return text


def web_address(written: Any) -> str:
    """Read an http or https address; a slash at its end is dropped."""
    text = _text(written, '"https://notify.example.com"')
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise ValueError("must be a web address that begins with https://")
    return text.rstrip("/")


def page_language(written: Any) -> str:
    """Read the tag of a language that our pages speak."""
    from smsnotify.text.languages import PAGES_SPEAK, best_of

    text = _text(written, '"en"')
    if not best_of(text, PAGES_SPEAK):
        raise ValueError(
            f"{text!r} is no language of our pages; they speak {', '.join(PAGES_SPEAK)}"
        )
    return text


def span(written: Any) -> timedelta:
    """Read a time such as `2s` or `1m`."""
    return parse_duration(_text(written, '"2s"'))


def session_span(written: Any) -> timedelta:
    """Read how long somebody stays logged in: a minute to 30 days."""
    read = parse_duration(_text(written, '"12h"'))
    if not timedelta(minutes=1) <= read <= timedelta(days=30):
        raise ValueError("must be from 1m to 30d")
    return read


def latency(written: Any) -> timedelta:
    """Read how late an answer shall be."""
    return read_latency(_text(written, '"200ms"'))


def database_url(written: Any) -> str:
    """Read where the books are: `sqlite:///file.db`, `postgresql://…`, or a path of a file."""
    text = _text(written, '"sqlite:///sms-notify.db"')
    scheme, found, rest = text.partition("://")
    if not found:
        if not text:
            raise ValueError("must name a database, such as sqlite:///sms-notify.db")
        return f"sqlite:///{text}"
    if scheme not in _SCHEMES:
        raise ValueError(
            f"{scheme!r} databases are not known; write sqlite:///sms-notify.db or postgresql://…"
        )
    if scheme == "sqlite" and not rest.startswith("/"):
        raise ValueError("a SQLite database is written with three slashes: sqlite:///sms-notify.db")
    return text


def as_list(written: Any) -> Any:
    """Let one text stand for a list of one."""
    return [written] if isinstance(written, str) else written


def route(written: Any) -> tuple[tuple[str, ...], ...]:
    """Read `["main", "backup"]` or `[["main", "second"], "backup"]` into stages."""
    if isinstance(written, str):
        return ((written,),)
    if not isinstance(written, list) or not written:
        raise ValueError('must be a list of account names, such as ["main", "backup"]')
    stages = []
    for stage in written:
        names = [stage] if isinstance(stage, str) else stage
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise ValueError('must be a list of account names, such as ["main", "backup"]')
        stages.append(tuple(names))
    return tuple(stages)


def absolute_database(url: str, folder: Path) -> str:
    """Return the address with a SQLite file's path made absolute from `folder`."""
    head, found, path = url.partition("sqlite:///")
    if not found or head or path in ("", ":memory:"):
        return url
    file, mark, query = path.partition("?")
    return f"sqlite:///{(folder / Path(file).expanduser()).absolute().as_posix()}{mark}{query}"


class Limits(NamedTuple):
    """What a cap allows; None for either that is not said."""

    soft: int | Decimal | None
    hard: int | Decimal | None


def cap(written: Any) -> Limits:
    """Read a cap on texts: a number is hard, `{soft = 4000, hard = 5000}` says both or either."""
    return _limits(written, _count, "5000", "{soft = 4000, hard = 5000}")


def money_cap(written: Any) -> Limits:
    """Read a cap on money, written alike."""
    return _limits(written, _money, "400", "{soft = 300, hard = 400}")


def _limits(written: Any, read: Callable[[Any, str], A], one: str, two: str) -> Limits:
    example = f"{one} or {two}"
    if not isinstance(written, dict):
        return Limits(None, read(written, example))
    if not written or not written.keys() <= {"soft", "hard"}:
        raise ValueError(f"must be {example}")
    soft, hard = (read(written[key], example) if key in written else None for key in _BOTH)
    if soft is not None and hard is not None and soft >= hard:
        raise ValueError(
            f"soft {soft} is not below hard {hard}: soft warns before hard stops, such as {two}"
        )
    return Limits(soft, hard)


def _count(written: Any, example: str) -> int:
    if isinstance(written, bool) or not isinstance(written, int):
        raise ValueError(f"must be a whole number, such as {example}")
    return _above_zero(written, example)


def _money(written: Any, example: str) -> Decimal:
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise ValueError(f"must be a number, such as {example}")
    amount = Decimal(str(written))
    if not amount.is_finite() or amount > _MOST_MONEY:
        raise ValueError(f"must be a number, such as {example}")
    return _above_zero(amount, example)


def _above_zero(number: A, example: str) -> A:
    if number == 0:
        raise ValueError("a cap of zero lets nothing go; to send nothing: sms-notify pause")
    if number < 0:
        raise ValueError(f"must be above zero, such as {example}")
    return number


def colour(written: Any) -> str:
    """Read a colour such as `#0b6e4f`."""
    text = _text(written, '"#0b6e4f"').lower()
    if not _COLOUR.fullmatch(text):
        raise ValueError('must be a colour of six digits, such as "#0b6e4f"')
    return text


def contact_link(written: Any) -> str:
    """Read where people get in touch: a web address, `mailto:` or `tel:`."""
    text = _text(written, '"mailto:help@example.com"')
    if text.startswith(("mailto:", "tel:")) and _PRINTED.fullmatch(text.partition(":")[2]):
        return text
    if text and (not text.startswith(("https://", "http://")) or not _PRINTED.fullmatch(text)):
        raise ValueError('must begin with https://, mailto: or tel:, such as "tel:+6561234567"')
    return web_address(text)


def shown_fields(written: Any) -> tuple[str, ...]:
    """Read the fields of a job that its tracking page may show."""
    if not isinstance(written, list | tuple):
        raise ValueError('must be a list, such as ["do_number", "time_window"]')
    from smsnotify.model.job import JOB_FIELDS

    for name in written:
        if name not in JOB_FIELDS or JOB_FIELDS[name] == "list":
            near = get_close_matches(str(name), JOB_FIELDS, n=1)
            more = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{str(name)[:60]!r} is no single field of a job{more}")
        if name == "assign_to":
            raise ValueError("the driver's name is shown with driver_name = true")
    return tuple(dict.fromkeys(written))


def network(written: Any) -> str:
    """Read an address, or a network such as `10.0.0.0/8`."""
    text = _text(written, '"127.0.0.1"')
    try:
        return str(ip_network(text))
    except ValueError:
        pass
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text[:60]!r} is no address and no network, such as 127.0.0.1 or 10.0.0.0/8"
        ) from None
    raise ValueError(f"{text!r} is an address within a network; the network is {found}")
