"""Jobs from another system's API, as the same chunks of lines that a file gives.

Asked one page at a time with httpx: a desk without a public address pulls from cron every few
minutes, and the other side decides how fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date

import httpx

from smsnotify.base.errors import ProviderError
from smsnotify.events.read import Chunk
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.sources.detrack import DetrackPull

TIMEOUT_S = 60.0
LONGEST_WAIT_S = 120.0

Sleep = Callable[[float], None]


def pull_chunks(
    pull: DetrackPull, since: date, today: date, *, sleep: Sleep = time.sleep
) -> Iterator[Chunk]:
    """Yield a chunk for every page of every listing; lines count on over the pages.

    Raises:
        ConfigError: the key is refused or cannot be read.
        ProviderError: the other side cannot be reached, or answers with nonsense.
    """
    first = 1
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
        for listing in pull.listings(since, today):
            while (request := listing.next_request()) is not None:
                jobs = listing.feed(_ask(client, request))
                if listing.wait_s:
                    sleep(min(listing.wait_s, LONGEST_WAIT_S))
                if jobs:
                    yield Chunk(first, jobs)
                    first += len(jobs)


def _ask(client: httpx.Client, request: HttpRequest) -> HttpResponse:
    try:
        answer = client.request(
            request.method, request.url, headers=dict(request.headers), content=request.body
        )
    except httpx.HTTPError as error:
        raise ProviderError(
            f"Detrack cannot be reached: {type(error).__name__}",
            hint="check [detrack] base_url and the network; nothing is lost, pull again later",
        ) from None
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return HttpResponse(status=answer.status_code, headers=headers, body=answer.content)
