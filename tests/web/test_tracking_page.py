"""The tracking page: a link in the text, a page behind it, a rating, and what the rules say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from tracking_desk import MEI, RULES, STAFF, TRACKED, Desk, desk
from web_desk import SETTINGS, rows, write_desk

from smsnotify.base.clock import Clock, fixed_clock
from smsnotify.base.errors import ConfigError
from smsnotify.engine.timeline import history_of
from smsnotify.store.store import Store
from smsnotify.web.pace import Pace, address_of
from smsnotify.web.tracking_look import legible_on
from smsnotify.wiring.loading import Sources, read_settings


@pytest.fixture
def made(store: Store, sources: Sources, clock: Clock, key: str) -> Iterator[Desk]:
    with desk(store, sources, clock, key) as opened:
        yield opened


def test_from_the_text_to_the_rating_to_the_alarm(made: Desk) -> None:
    made.happens("out_for_delivery")
    page = made.page()
    first = made.client.get(page)
    assert first.status_code == 200
    assert "On the vehicle" in first.text
    assert "DO-1" in first.text
    assert "Acme &lt;Logistics&gt;" in first.text
    assert 'href="tel:+6561234567"' in first.text
    assert "<form" not in first.text

    made.happens("completed", pod_at="2026-03-02T05:58:00Z", assign_to="Tan", status="completed")
    assert made.page() == page  # the same job and person: the same link
    told = made.client.get(page).text
    assert "Delivered" in told
    assert "Mon 2 Mar, 13:58" in told  # the job's own stamp, where the job is
    assert "Tan" not in told
    assert made.page(STAFF) != page

    answer = made.rate(page, goods="2", driver="5", comment="Too late & wet")
    assert answer.status_code == 303
    assert f"/t/{answer.headers['location']}" == page
    assert made.texts()[-1] == "DO-1: 2 stars. Too late & wet"
    (row,) = rows(made.store, "feedback")
    assert (row["goods"], row["driver"], row["comment"]) == (2, 5, "Too late & wet")
    again = made.client.get(page).text
    assert "Thank you for your rating" in again
    assert "Too late &amp; wet" in again


def test_a_rating_may_be_changed_for_a_day(made: Desk, now: datetime) -> None:
    made.happens("completed")
    page = made.page()
    assert made.rate(page, goods="5").status_code == 303
    proof = made.proof(page)
    assert made.rate(page, goods="1", comment="No, it is broken").status_code == 303
    assert made.texts()[-1].startswith("DO-1: 1 stars")
    (row,) = rows(made.store, "feedback")
    assert row["goods"] == 1
    made.serving.clock = fixed_clock(now + timedelta(hours=25))
    assert "<form" not in made.client.get(page).text
    assert made.client.post(page, data={"proof": proof, "goods": "5"}).status_code in (403, 409)
    (row,) = rows(made.store, "feedback")
    assert row["goods"] == 1


def test_the_same_rating_twice_is_one_event(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    for _ in range(2):
        assert made.rate(page, goods="1").status_code == 303
    told = [row for row in rows(made.store, "events") if row["name"] == "feedback"]
    assert len(told) == 1


def test_looking_changes_nothing(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    before = {name: rows(made.store, name) for name in ("events", "jobs", "links", "messages")}
    for method in ("GET", "HEAD"):
        for query in ("", "?goods=1&driver=1&comment=robot"):
            assert made.client.request(method, page + query).status_code == 200
    assert {name: rows(made.store, name) for name in before} == before
    assert rows(made.store, "feedback") == []


def test_staff_see_the_page_and_rate_nothing(made: Desk) -> None:
    made.happens("completed")
    page = made.page(STAFF)
    assert "Delivered" in made.client.get(page).text
    assert "<form" not in made.client.get(page).text
    proof = made.proof(made.page())
    assert made.client.post(page, data={"proof": proof, "goods": "1"}).status_code == 403
    assert rows(made.store, "feedback") == []


def test_an_unchanged_page_is_not_sent_again(made: Desk) -> None:
    made.happens("out_for_delivery")
    page = made.page()
    first = made.client.get(page)
    assert first.headers["cache-control"] == "private, no-cache"
    same = made.client.get(page, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    made.happens("completed")
    assert made.client.get(page, headers={"If-None-Match": first.headers["etag"]}).is_success


def test_the_page_goes_with_the_jobs_date(made: Desk, now: datetime) -> None:
    made.happens("out_for_delivery", number="DO-2", id="j2")
    page = made.page()
    made.serving.clock = fixed_clock(now + timedelta(days=15))
    gone = made.client.get(page)
    assert gone.status_code == 404
    assert "no longer available" in gone.text
    unknown = made.client.get("/t/" + "A" * 22)
    assert (unknown.status_code, unknown.text) == (gone.status_code, gone.text)
    made.happens("scheduled", number="DO-2", id="j2", date="2026-03-20")
    assert made.client.get(page).status_code == 200


def test_a_job_with_a_link_of_its_own_keeps_it(made: Desk) -> None:
    made.happens("completed", tracking_link="https://trk.la/x")
    assert made.texts() == ["Order DO-1\nhttps://trk.la/x"] * 2
    assert [row for row in rows(made.store, "links") if row["kind"] == "tracking"] == []


def test_the_link_stands_where_the_rule_says(
    store: Store, sources: Sources, clock: Clock, key: str
) -> None:
    rules = RULES.replace('"Order {{ do_number }}"', '"See {{ tracking_link }} for it"')
    with desk(store, sources, clock, key, rules=rules) as made:
        made.happens("completed")
        assert re.fullmatch(r"See https://notify.example.test/t/\w{22} for it", made.texts()[0])


def test_switched_off_there_is_no_link_and_no_page(
    store: Store, sources: Sources, clock: Clock, key: str
) -> None:
    with desk(store, sources, clock, key) as made:
        made.happens("completed")
        page = made.page()
    with desk(store, sources, clock, key, tracked="") as made:
        made.happens("failed", number="DO-9")
        assert made.texts()[-1] == "Order DO-9"
        assert made.client.get(page).status_code == 404


def test_what_the_settings_allow(store: Store, sources: Sources, clock: Clock, key: str) -> None:
    assert sources.config is not None
    (sources.config.parent / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    tracked = TRACKED + (
        'fields = ["deliver_to_collect_from", "date"]\ndriver_name = true\nproof = true\n'
        'logo = "logo.svg"\ncolour = "#FFDD00"\n'
    )
    with desk(store, sources, clock, key, tracked=tracked) as made:
        made.happens(
            "completed",
            deliver_to_collect_from="Mei",
            assign_to="Tan",
            address="Secret Road 1",
            received_by_sent_by="Guard",
            photo_1_file_url="https://files.example.test/1.jpg",
            photo_2_file_url="javascript:alert(1)",
            signature_file_url="https://x.test; script-src *",
        )
        page = made.client.get(made.page())
        assert all(word in page.text for word in ("Mei", "Mon 2 Mar 2026", "Tan", "Guard"))
        assert "Secret Road" not in page.text
        assert page.text.count("<img class") == 1
        policy = page.headers["content-security-policy"]
        assert "img-src 'self' data: https://files.example.test;" in policy
        assert "script-src *" not in policy
        logo = made.client.get("/t/static/logo")
        assert logo.headers["content-type"] == "image/svg+xml"
        assert "sandbox" in logo.headers["content-security-policy"]
        assert "--on-brand:#000000" in made.client.get("/t/static/brand.css").text
        assert made.client.get("/t/static/nothing").status_code == 404
        own = [made.client.get(f"/t/static/{name}") for name in ("tracking.css", "tracking.js")]
        assert len(page.content) + sum(len(one.content) for one in own) < 30_000


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('colour = "red"', "six digits"),
        ('contact = "javascript:alert(1)"', "mailto:"),
        ('fields = ["do_numbr"]', "do_number"),
        ('fields = ["assign_to"]', "driver_name"),
        ('logo = "logo.exe"', ".svg"),
        ('logo = "none.svg"', "no file"),
        ("keep_days = 0", "keep_days"),
    ],
)
def test_wrong_settings_are_told(sources: Sources, written: str, told: str) -> None:
    assert sources.config is not None
    write_desk(sources.config.parent, f"{SETTINGS}\n[tracking]\n{written}\n")
    with pytest.raises(ConfigError) as refused:
        read_settings(sources)
    assert told in str(refused.value)


def test_pages_need_an_address(sources: Sources) -> None:
    assert sources.config is not None
    settings = re.sub("public_url = .*", "", SETTINGS)
    write_desk(sources.config.parent, settings + TRACKED)
    with pytest.raises(ConfigError) as refused:
        read_settings(sources)
    assert "the world can reach" in str(refused.value)


def test_a_pace_forgets() -> None:
    now = 0.0
    pace = Pace(2, 10, lambda: now)
    assert [pace.takes("a") for _ in range(3)] == [True, True, False]
    assert pace.takes("b")
    now = 11.0
    assert pace.takes("a")


def test_whom_an_address_stands_for() -> None:
    assert address_of("8.8.8.8") == "8.8.8.8"
    assert address_of("2a00:1450:4001:80b::2") == address_of("2a00:1450:4001:80b:1::3")
    assert [address_of(host) for host in ("127.0.0.1", "10.1.2.3", "::1", "socket", "")] == [""] * 5


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#777777", "#1f4b99", "#ffdd00"])
def test_words_on_the_brand_colour_are_legible(colour: str) -> None:
    assert legible_on(colour) in ("#000000", "#ffffff")
    assert legible_on("#ffffff") == "#000000"
    assert legible_on("#000000") == "#ffffff"


def test_the_one_whom_it_is_about(made: Desk) -> None:
    made.happens("completed")
    kinds = {(row["kind"], row["recipient"]) for row in rows(made.store, "links")}
    assert kinds == {("tracking", MEI), ("tracking", STAFF)}
    token = made.page().removeprefix("/t/").encode()
    assert all(token not in row["token_hash"] for row in rows(made.store, "links"))


def test_who_opens_their_page_in_a_browser_is_told_of_once_a_day(
    made: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsnotify.web.page_views.WAIT_S", 0)
    made.happens("out_for_delivery")
    page, by_hand = made.page(), {"Sec-Fetch-Dest": "document"}
    made.client.get(page)  # a message program looks what there is
    made.client.get(made.page(STAFF), headers=by_hand)
    for _ in range(2):
        assert made.client.get(page, headers=by_hand).status_code == 200
    assert made.client.get(page, headers=by_hand).status_code == 200
    made.happens("completed")  # behind it in the line of what is written
    (view,) = rows(made.store, "interactions")
    assert (view["event"], view["channel"], view["ref"]) == ("page_view", "web", "")
    assert "DO-1" in view["data"]
    token = page.removeprefix("/t/")
    assert token not in str(view)
    (history,) = [history_of(made.store, MEI, 50)]
    assert history is not None
    assert [one.told for one in history.moments if one.kind == "event"] == [
        "page_view on web: page tracking, do_number DO-1"
    ]
