"""Jobs from Detrack's list endpoint, without a client: requests are built, pages are read.

Facts: `GET {base_url}/dn/jobs`, header `X-API-KEY`, at most 100 records a page, `data` envelope
with `links.next` and sometimes `total_count` (seen in Detrack's own PHP and .NET packages, read
July 2026; the reference is https://detrackapiv2.docs.apiary.io/). Rate limits are not documented.

The list can be asked for one `date` at a time and for nothing like "changed since". So a pull
asks day by day, from `since` to a week ahead: reminders look at most 5 days ahead, and a job is
seen before it begins even if the dates of firm and server differ by one. `date` is required on
every job, so that no job is left out by asking for dates.

    pull = DetrackPull(api_key, base_url)
    for listing in pull.listings(since, today):
        while (request := listing.next_request()) is not None:
            lines = listing.feed(carry(request))     # then wait listing.wait_s, if it is set
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from smsnotify.base.errors import ConfigError, ProviderError
from smsnotify.base.redact import scrub
from smsnotify.base.secrets import Secret
from smsnotify.model.http import HttpRequest, HttpResponse

BASE_URL: Final = "https://app.detrack.com/api/v2"
PAGE_SIZE: Final = 100
DAYS_AHEAD: Final = 7

_MOST_PAGES: Final = 1000
_MOST_TRIES: Final = 5
_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 300.0

_ERRORS: Final = {
    "validation_failed": "a parameter of the list is refused",
    "not_found": "there is no such list; look at base_url",
    "forbidden": "this key may not list jobs",
    "invalid_data": "the request is refused as empty",
}


class DetrackPull:
    """One pull: the listings to read, and what was seen in them."""

    def __init__(self, api_key: Secret, base_url: str = BASE_URL, *, masked: bool = False) -> None:
        """Keep key and address; `masked` makes requests to be shown, with `***` for the key."""
        self._api_key = api_key
        self._base_url = base_url.rstrip("/")
        self._masked = masked
        self.seen: set[int] = set()

    def listings(
        self, since: date | None, today: date, *, days_ahead: int = DAYS_AHEAD
    ) -> list[Listing]:
        """Return a listing a day, from `since` to `days_ahead` after today.

        `since` None means every job that the account ever had, in one listing.
        """
        if since is None:
            return [Listing(self, None)]
        last = today + timedelta(days=days_ahead)
        count = max((last - since).days + 1, 0)
        return [Listing(self, since + timedelta(days=n)) for n in range(count)]

    def build_page(self, day: date | None, page: int) -> HttpRequest:
        """Build the request for one page. A fixed order keeps jobs from slipping between pages.

        Raises:
            ConfigError: the key cannot be read.
        """
        asked: dict[str, object] = {"page": page, "limit": PAGE_SIZE, "sort": "do_number"}
        if day is not None:
            asked["date"] = day.isoformat()
        return HttpRequest(
            method="GET",
            url=f"{self._base_url}/dn/jobs?{urlencode(asked)}",
            headers={"X-API-KEY": self._key(), "Accept": "application/json"},
        )

    def _key(self) -> str:
        key = "***" if self._masked else self._api_key.reveal().strip()
        if not key or not key.isprintable():
            raise ConfigError(
                f"the secret of [detrack] ({self._api_key.describe()}) is empty or has a line "
                "break in it",
                hint="write the key alone, on one line",
            )
        return key


class Listing:
    """The pages of one day. `wait_s` is how long to wait before the next request, if at all."""

    def __init__(self, pull: DetrackPull, day: date | None) -> None:
        """Begin at page 1."""
        self.day = day
        self.wait_s: float | None = None
        self._pull = pull
        self._waiting: list[int] = [1]
        self._asked: set[int] = {1}
        self._pages: set[int] = set()
        self._jobs = 0
        self._tries = 0

    def next_request(self) -> HttpRequest | None:
        """Return the next page to ask for; None when the listing is read."""
        if not self._waiting:
            return None
        return self._pull.build_page(self.day, self._waiting[0])

    def feed(self, response: HttpResponse) -> list[bytes]:
        """Read a page: the jobs that this pull has not seen yet, each as one line of JSON.

        Nothing and a `wait_s` when the same page is to be asked again (429, 5xx).

        Raises:
            ConfigError: Detrack refuses the key, or there is no such address.
            ProviderError: another refusal, an answer that cannot be read, or no end of 429s.
        """
        self.wait_s = None
        if response.status == 429 or response.status >= 500:
            return self._again(response)
        if response.status in (400, 404, 422) and self._waiting[0] != 1:
            self._waiting.pop(0)  # page 1 was there, so this is a page beyond either end
            return []
        if response.status != 200:
            raise _refusal(response)
        self._tries = 0
        page = self._waiting.pop(0)
        jobs, links, total = _read_page(response.body)
        self._jobs += len(jobs)
        fingerprint = hash(tuple(jobs))
        if fingerprint not in self._pages:  # a server that ignores `page` would never end
            self._pages.add(fingerprint)
            self._plan(page, len(jobs), links, total)
        return self._unseen(jobs)

    def _again(self, response: HttpResponse) -> list[bytes]:
        self._tries += 1
        if self._tries >= _MOST_TRIES:
            raise ProviderError(
                f"Detrack answered HTTP {response.status} {self._tries} times in a row",
                hint="try again later; what was read so far is kept",
            )
        written = response.headers.get("retry-after", "").strip()
        asked_s = float(written) if written.isascii() and written.isdigit() else 0.0
        self.wait_s = min(asked_s or _FIRST_WAIT_S * 2 ** (self._tries - 1), _LONGEST_WAIT_S)
        return []

    def _plan(self, page: int, count: int, links: dict[str, Any], total: int | None) -> None:
        """Decide which pages are still to be asked.

        Pages are believed to count from 1. Where they count from 0, the first page's link says
        so, or the total is more than what pages 1 and up held: then page 0 is asked too.
        """
        linked = _page_of(links.get("next"))
        missing = total is not None and self._jobs < total
        if linked is not None:
            self._ask(linked)
        elif count and (missing or (total is None and "next" not in links and count >= PAGE_SIZE)):
            self._ask(page + 1)
        elif missing:
            self._ask(0)
        if _page_of(links.get("first")) == 0:
            self._ask(0)

    def _ask(self, page: int) -> None:
        if page not in self._asked and len(self._asked) < _MOST_PAGES:
            self._asked.add(page)
            self._waiting.append(page)

    def _unseen(self, jobs: list[bytes]) -> list[bytes]:
        fresh = []
        for job in jobs:
            if (mark := hash(job)) not in self._pull.seen:
                self._pull.seen.add(mark)
                fresh.append(job)
        return fresh


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    links: dict[str, Any] | None = None
    total_count: Any = None


def _read_page(body: bytes) -> tuple[list[bytes], dict[str, Any], int | None]:
    """Return the jobs as compact JSON, the links, and how many there are in all.

    Raises:
        ProviderError: no list of jobs in it.
    """
    try:
        page = msgspec.json.decode(body, type=_Page)
        jobs = [msgspec.json.format(bytes(job), indent=-1) for job in page.data or ()]
        data, links, total = page.data, page.links, page.total_count
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        data, links, total = _read_loosely(body)
        jobs = [json.dumps(job, separators=(",", ":")).encode() for job in data]
    if data is None:
        raise ProviderError("Detrack's answer has no list of jobs (`data`)")
    return jobs, links or {}, total if isinstance(total, int) else None


def _read_loosely(body: bytes) -> tuple[list[Any], dict[str, Any], Any]:
    """Read a page in which one job breaks the strict decoder: that job alone is refused later.

    Raises:
        ProviderError: no page of jobs at all.
    """
    try:
        page = json.loads(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        page = None
    data = page.get("data") if isinstance(page, dict) else None
    if not isinstance(data, list):
        raise ProviderError(
            "Detrack's answer is not a page of jobs",
            hint="look at base_url: a proxy or a login page may stand in the way",
        )
    links = page.get("links")
    return data, links if isinstance(links, dict) else {}, page.get("total_count")


def _page_of(link: object) -> int | None:
    """Return the page number in a link, so that only our own address is ever asked."""
    if isinstance(link, int):
        return link
    if not isinstance(link, str):
        return None
    pages = parse_qs(urlsplit(link).query).get("page", [""])
    return int(pages[0]) if re.fullmatch(r"[0-9]{1,6}", pages[0]) else None


def _refusal(response: HttpResponse) -> ConfigError | ProviderError:
    code, message = _error_of(response.body)
    told = _ERRORS.get(code) or scrub(message)[:200]
    said = f"HTTP {response.status}" + (f", {told}" if told else "")
    if response.status in (401, 403):
        return ConfigError(
            f"Detrack refuses the key ({said})",
            hint="the key stands under Settings, Integration, API; set it in [detrack] api_key",
        )
    if response.status in (301, 302, 303, 307, 308, 404, 405):
        return ConfigError(
            f"Detrack has nothing at this address ({said})",
            hint=f"base_url in [detrack] is usually {BASE_URL}",
        )
    return ProviderError(f"Detrack refuses the list ({said})")


def _error_of(body: bytes) -> tuple[str, str]:
    """Read `{"code": "...", "message": "...", "errors": [...]}`."""
    try:
        read = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", ""
    if not isinstance(read, dict):
        return "", ""
    code, message = read.get("code"), read.get("message")
    return (code if isinstance(code, str) else "", message if isinstance(message, str) else "")
