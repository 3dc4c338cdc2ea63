from __future__ import annotations

import json
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from smsnotify.base.errors import ConfigError, ProviderError
from smsnotify.base.secrets import Secret
from smsnotify.model.http import HttpRequest, HttpResponse
from smsnotify.sources.detrack import BASE_URL, DetrackPull

TODAY = date(2026, 3, 2)
KEY = Secret("plain", "det-key")


class FakeDetrack:
    """The list endpoint as the reference tells it, with the doubts as switches."""

    def __init__(self, jobs: list[dict[str, Any]], *, base: int = 1, links: bool = False) -> None:
        self.jobs, self.base, self.links = jobs, base, links
        self.total = True
        self.asked: list[tuple[str, int]] = []

    def answer(self, request: HttpRequest) -> HttpResponse:
        query = {key: value[0] for key, value in parse_qs(urlsplit(request.url).query).items()}
        page, limit, day = int(query["page"]), int(query["limit"]), query.get("date", "")
        self.asked.append((day, page))
        index = page - self.base
        if index < 0:
            return HttpResponse(status=422, body=b'{"code": "validation_failed"}')
        all_jobs = [job for job in self.jobs if day in ("", job["date"])]
        body: dict[str, Any] = {"data": all_jobs[index * limit : (index + 1) * limit]}
        if self.total:
            body["total_count"] = len(all_jobs)
        if self.links:
            more = (index + 1) * limit < len(all_jobs)
            body["links"] = {
                "first": f"{BASE_URL}/dn/jobs?page={self.base}",
                "next": f"https://elsewhere.example/jobs?page={page + 1}" if more else None,
            }
        return HttpResponse(status=200, body=json.dumps(body, indent=2).encode())


def jobs(count: int, day: str = "2026-03-02") -> list[dict[str, Any]]:
    return [{"id": f"{n:024x}", "do_number": f"DO-{n}", "date": day} for n in range(count)]


def pull(server: FakeDetrack, since: date | None) -> list[Any]:
    read = []
    for listing in DetrackPull(KEY).listings(since, TODAY):
        while (request := listing.next_request()) is not None:
            read += [json.loads(line) for line in listing.feed(server.answer(request))]
    return read


def test_a_page_is_asked_for_as_the_reference_says():
    request = DetrackPull(KEY).build_page(TODAY, 3)
    assert request.method == "GET"
    assert request.url == (
        "https://app.detrack.com/api/v2/dn/jobs?page=3&limit=100&sort=do_number&date=2026-03-02"
    )
    assert request.headers["X-API-KEY"] == "det-key"


def test_every_day_from_since_to_a_week_ahead_is_asked_for():
    server = FakeDetrack(jobs(1, "2026-02-28") + jobs(1, "2026-03-09") + jobs(1, "2026-03-10"))
    read = pull(server, date(2026, 2, 28))
    assert [day for day, _ in server.asked] == [
        *("2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"),
        *("2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09"),
    ]
    assert [job["date"] for job in read] == ["2026-02-28", "2026-03-09"]


def test_without_since_one_listing_holds_everything():
    server = FakeDetrack(jobs(120, "2020-01-01"))
    assert len(pull(server, None)) == 120
    assert server.asked == [("", 1), ("", 2)]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 250])
@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize(("links", "total"), [(True, True), (False, True), (True, False)])
def test_every_job_is_read_once_whatever_the_pages_look_like(count, base, links, total):
    server = FakeDetrack(jobs(count), base=base, links=links)
    server.total = total
    read = [job["do_number"] for job in pull(server, None)]
    assert sorted(read) == sorted(job["do_number"] for job in jobs(count))


@pytest.mark.parametrize("count", [0, 99, 100, 101, 200])
def test_without_links_and_total_full_pages_lead_on(count):
    server = FakeDetrack(jobs(count))
    server.total = False
    assert len(pull(server, None)) == count


def test_a_server_that_ignores_the_page_does_not_turn_in_a_circle():
    body = json.dumps({"data": jobs(100), "total_count": 900}).encode()
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    asked = 0
    lines = []
    while listing.next_request() is not None:
        lines += listing.feed(HttpResponse(status=200, body=body))
        asked += 1
    assert (asked, len(lines)) == (2, 100)


def test_a_server_that_ignores_the_date_gives_every_job_once():
    class Ignoring(FakeDetrack):
        def answer(self, request: HttpRequest) -> HttpResponse:
            url = "&".join(p for p in request.url.split("&") if not p.startswith("date="))
            return super().answer(HttpRequest(method="GET", url=url))

    assert len(pull(Ignoring(jobs(30)), TODAY)) == 30


def test_a_job_is_one_line_of_json_with_all_its_fields():
    body = b'{"data": [{\n "do_number": "DO-1",\n "note": "a\\nb", "x": [1, {"y": null}]}]}'
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    (line,) = listing.feed(HttpResponse(status=200, body=body))
    assert line == b'{"do_number":"DO-1","note":"a\\nb","x":[1,{"y":null}]}'


def test_one_broken_job_does_not_cost_the_page():
    body = b'{"data": [{"note": "half \\ud83d"}, {"do_number": "DO-2"}], "links": 3}'
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    assert listing.feed(HttpResponse(status=200, body=body)) == [
        b'{"note":"half \\ud83d"}',
        b'{"do_number":"DO-2"}',
    ]


def test_a_busy_server_is_asked_again_after_its_own_wait_or_a_growing_one():
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    first = listing.next_request()
    waits = []
    for headers, status in (({"retry-after": "7"}, 429), ({}, 429), ({}, 503), ({}, 500)):
        assert listing.feed(HttpResponse(status=status, headers=headers)) == []
        waits.append(listing.wait_s)
        assert listing.next_request() == first
    assert waits == [7.0, 4.0, 8.0, 16.0]
    with pytest.raises(ProviderError, match="5 times in a row"):
        listing.feed(HttpResponse(status=429))


def test_a_good_answer_after_a_busy_one_needs_no_wait():
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    listing.feed(HttpResponse(status=429))
    assert len(listing.feed(FakeDetrack(jobs(1)).answer(listing.next_request()))) == 1
    assert listing.wait_s is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_a_setting_to_mend(status):
    with pytest.raises(ConfigError, match="refuses the key") as caught:
        listing_fed(status, b'{"code": "forbidden", "message": "key det-key +6591230000"}')
    assert "det-key" not in str(caught.value)
    assert "91230000" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 404, 405])
def test_a_wrong_address_is_a_setting_to_mend(status):
    with pytest.raises(ConfigError, match="nothing at this address") as caught:
        listing_fed(status, b"<html>")
    assert BASE_URL in caught.value.hint


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"code": "validation_failed"}', "a parameter of the list is refused"),
        (b'{"code": "new_word", "message": "no +6591230000"}', r"no \+65••••••00"),
        (b"[]", "HTTP 422"),
        (b"\xff", "HTTP 422"),
    ],
)
def test_another_refusal_is_told_by_its_code(body, told):
    with pytest.raises(ProviderError, match=told):
        listing_fed(422, body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[]", b'{"data": {}}', b'{"data": [', b"[" * 100000]
)
def test_an_answer_without_a_list_of_jobs_is_an_error(body):
    with pytest.raises(ProviderError):
        listing_fed(200, body)


def listing_fed(status: int, body: bytes) -> list[bytes]:
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    return listing.feed(HttpResponse(status=status, body=body))


def test_page_numbers_as_numbers_lead_on_too():
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    body = json.dumps({"data": jobs(1), "links": {"next": 2}}).encode()
    listing.feed(HttpResponse(status=200, body=body))
    request = listing.next_request()
    assert request is not None
    assert "page=2&" in request.url


def test_a_page_beyond_the_end_that_is_not_found_is_the_end():
    (listing,) = DetrackPull(KEY).listings(None, TODAY)
    listing.feed(HttpResponse(status=200, body=json.dumps({"data": jobs(100)}).encode()))
    assert listing.feed(HttpResponse(status=404, body=b'{"code": "not_found"}')) == []
    assert listing.next_request() is None


def test_a_key_that_would_break_the_header_is_refused():
    with pytest.raises(ConfigError, match="line break"):
        DetrackPull(Secret("plain", "a\nb")).build_page(None, 1)


def test_a_shown_request_needs_no_key():
    gone = Secret("env", "SMS_NOTIFY_TEST_SURELY_NOT_SET")
    assert DetrackPull(gone, masked=True).build_page(None, 1).headers["X-API-KEY"] == "***"
    with pytest.raises(ConfigError):
        DetrackPull(gone).build_page(None, 1)
