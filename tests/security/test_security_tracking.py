"""Strangers at the tracking page: guessed tokens, other sites' forms, markup in every field."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smsnotify.base.clock import Clock, fixed_clock
from smsnotify.engine.api_keys import hash_key, make_key
from smsnotify.model.job import JOB_FIELDS
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.open import open_store
from smsnotify.wiring.loading import Sources

sys.path.append(str(Path(__file__).parent.parent / "web"))

from tracking_desk import MEI, TRACKED, Desk, desk, job
from web_desk import PUBLIC, rows, write_desk

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{'k'*9}}"


@pytest.fixture
def made(tmp_path: Path, sqlite_url: str, clock: Clock) -> Iterator[Desk]:
    sources = Sources(config=write_desk(tmp_path), database=sqlite_url)
    shown = [name for name, kind in JOB_FIELDS.items() if kind != "list" and name != "assign_to"]
    tracked = f"{TRACKED}\nfields = {shown}\ndriver_name = true\nproof = true\n"
    with open_store(sqlite_url) as store:
        key = make_key()
        assert store.add_key("test", hash_key(key), clock())
        with desk(store, sources, clock, key, tracked=tracked) as opened:
            yield opened


def is_plain(page: str) -> bool:
    return "<script>alert" not in page and "<img src=x" not in page and "k" * 9 not in page


def test_markup_in_every_field_and_comment_is_text(made: Desk) -> None:
    text = [name for name, kind in JOB_FIELDS.items() if kind == "text"]
    own = {"phone_number", "time_zone", "status", "type", "country", "do_number", "id"}
    fields = {name: EVIL for name in text if name not in own and name != "tracking_link"}
    made.happens("completed", **fields)
    page = made.page()
    told = made.client.get(page).text
    assert is_plain(told)
    assert told.count("&lt;script&gt;") >= 20
    assert made.rate(page, goods="5", comment=EVIL).status_code == 303
    assert is_plain(made.client.get(page).text)
    wrong = made.rate(page, goods="9", comment=EVIL)
    assert (wrong.status_code, is_plain(wrong.text)) == (400, True)


def test_markup_in_any_one_field_is_text_whatever_the_field_holds(made: Desk) -> None:
    """Dates, instants, numbers, flags, names and zones too: each of them alone."""
    shown = 0
    for place, name in enumerate(JOB_FIELDS):
        if name in ("phone_number", "tracking_link"):
            continue
        told: dict[str, Any] = job(f"DO-{place}", **{name: EVIL})
        if JOB_FIELDS[name] == "list":
            told[name] = [{"sku": EVIL, "description": EVIL, "quantity": EVIL}]
        event = {"event": "completed", "job": told}
        answer = made.client.post("/v1/events", json=event, headers={"X-API-Key": made.key})
        assert answer.status_code in (200, 400), name
        assert "<script>" not in answer.text or answer.headers["content-type"] == (
            "application/json"
        )
        if answer.status_code == 200 and answer.json()["decisions"]["queued"]:
            assert is_plain(made.client.get(made.page()).text), name
            shown += 1
    assert shown > 40


def test_wrong_tokens_are_refused_alike(made: Desk, now: datetime) -> None:
    made.happens("completed")
    page = made.page()
    opt_out = made.store.opt_out_token(MEI)
    made.store.add_links([NewLink(token=opt_out, kind="opt_out", recipient=MEI)], now)
    guesses = ["A" * 22, opt_out, page[3:-1], page[3:] + "A", page[3:].swapcase(), "%3Cscript%3E"]
    guesses += ["a" * 5000, "é" * 22, "..%2F..%2Fetc%2Fpasswd"]
    answers = [made.client.get(f"/t/{guess}") for guess in guesses[:-1]]
    answers += [made.client.post(f"/t/{guess}", data={"goods": "1"}) for guess in guesses[:-1]]
    made.serving.clock = fixed_clock(now + timedelta(days=99))
    answers += [made.client.get(page), made.client.post(page, data={"goods": "1"})]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert made.client.get(f"/t/{guesses[-1]}").status_code == 404
    assert rows(made.store, "feedback") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_form_rates_nothing(made: Desk, headers: dict[str, str]) -> None:
    made.happens("completed")
    page = made.page()
    form: dict[str, Any] = {"proof": made.proof(page), "goods": "1"}
    assert made.client.post(page, data=form, headers=headers).status_code == 403
    assert rows(made.store, "feedback") == []
    own = {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
    assert made.client.post(page, data=form, headers=own).status_code == 303


def test_a_proof_is_of_one_page(made: Desk) -> None:
    made.happens("completed")
    first = made.page()
    made.happens("completed", number="DO-2")
    second = made.page()
    assert first != second
    for proof in (made.proof(first), "", "é", "1.x"):
        answer = made.client.post(second, data={"proof": proof, "goods": "1"})
        assert answer.status_code == 403
    assert rows(made.store, "feedback") == []


def test_a_page_is_rated_so_often_and_no_more(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    proof = made.proof(page)
    answers = [
        made.client.post(page, data={"proof": proof, "goods": str(n % 5 + 1)}) for n in range(25)
    ]
    assert [one.status_code for one in answers] == [303] * 20 + [429] * 5
    assert answers[-1].headers["retry-after"] == "600"
    assert len(rows(made.store, "feedback")) == 1


def test_long_and_odd_forms(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    assert made.client.post(page, content=b"x" * 20_000).status_code == 413
    proof = made.proof(page)
    for form in ({}, {"comment": "   "}, {"goods": "0"}, {"goods": "²"}, {"comment": "x" * 1001}):
        assert made.client.post(page, data={"proof": proof, **form}).status_code == 400
    assert made.rate(page, comment="a\0b\ud7ff").status_code == 303
    assert rows(made.store, "feedback")[0]["comment"] == "ab\ud7ff"


def test_every_answer_has_the_headers(made: Desk) -> None:
    made.happens("completed")
    page = made.page()
    for path in (page, "/t/" + "A" * 22, "/t/static/tracking.css"):
        headers = made.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
    policy = made.client.get(page).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "set-cookie" not in made.client.get(page).headers
