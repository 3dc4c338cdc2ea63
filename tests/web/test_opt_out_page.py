"""The page behind an opt-out link: looking changes nothing, the button does."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from web_desk import PUBLIC, SETTINGS, Caller, event, rows, write_desk

from smsnotify.base.clock import Clock, fixed_clock
from smsnotify.base.errors import RuleFileError
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.store import Store
from smsnotify.web.app import create_app
from smsnotify.web.state import Serving
from smsnotify.wiring.loading import Sources, load, read_settings

MEI = "+6591230000"


@pytest.fixture
def page(store: Store, now: datetime) -> str:
    token = store.opt_out_token(MEI)
    store.add_links([NewLink(token=token, kind="opt_out", recipient=MEI)], now)
    return f"/o/{token}"


def proof_of(client: Caller, page: str) -> str:
    found = re.search(r'name="proof" value="([^"]+)"', client.get(page).text)
    assert found
    return found[1]


def press(client: Caller, page: str, proof: str) -> int:
    return client.post(page, data={"proof": proof}).status_code


def test_looking_changes_nothing(client: Caller, store: Store, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert "Stop texting me" in answer.text
    assert MEI not in answer.text
    assert rows(store, "consents") == []
    assert client.request("HEAD", page).status_code == 200
    assert rows(store, "consents") == []
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_the_button_opts_out_with_evidence(client: Caller, store: Store, page: str) -> None:
    proof = proof_of(client, page)
    assert press(client, page, proof) == 200
    assert press(client, page, proof) == 200  # twice: one word is proof enough
    (consent,) = rows(store, "consents")
    assert (consent["scope"], consent["source"], bool(consent["opted_out"])) == (
        "all",
        "link",
        True,
    )
    assert store.people([MEI])[MEI].opted_out


@pytest.mark.parametrize("proof", ["", "1.x", "99999999999999.x", "é.x", "1772424000.0000"])
def test_another_form_does_nothing(client: Caller, store: Store, page: str, proof: str) -> None:
    assert press(client, page, proof) == 400
    assert rows(store, "consents") == []


def test_a_proof_is_of_one_page_and_one_day(
    client: Caller, store: Store, page: str, serving: Serving, now: datetime
) -> None:
    other = store.opt_out_token("+6591230001")
    store.add_links([NewLink(token=other, kind="opt_out", recipient="+6591230001")], now)
    assert press(client, page, proof_of(client, f"/o/{other}")) == 400
    proof = proof_of(client, page)
    serving.clock = fixed_clock(now + timedelta(hours=25))
    assert press(client, page, proof) == 400
    assert rows(store, "consents") == []


def test_a_link_that_leads_nowhere(client: Caller, store: Store, now: datetime) -> None:
    store.add_links(
        [
            NewLink(token="old", kind="opt_out", recipient=MEI, expires_at=now),
            NewLink(token="other", kind="rating", recipient=MEI),
        ],
        now,
    )
    for token in ("old", "other", "none", "<script>", "a" * 5000):
        assert client.get(f"/o/{token}").status_code == 404
        answer = client.post(f"/o/{token}", data={"proof": "1.x"})
        assert answer.status_code == 404
        assert "<script>" not in answer.text
    assert rows(store, "consents") == []


def test_a_long_form_is_refused(client: Caller, page: str) -> None:
    assert client.post(page, content=b"x" * 5000).status_code == 413


def test_the_same_person_has_the_same_link_and_nobody_elses(store: Store) -> None:
    token = store.opt_out_token(MEI)
    assert token == store.opt_out_token(MEI)
    assert re.fullmatch(r"[0-9A-Za-z]{22}", token)
    assert len({store.opt_out_token(f"+65912300{n:02}") for n in range(100)}) == 100


def test_from_the_text_to_the_page_to_no_more_texts(
    store: Store, sources: Sources, clock: Clock, key: str
) -> None:
    assert sources.config is not None
    rules = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "{{ do_number }} is there. No more texts: {{ opt_out_link }}"
"""
    write_desk(sources.config.parent, rules=rules)
    serving = Serving(store, load(read_settings(sources), sources), clock=clock)
    caller = Caller(create_app(serving))
    try:
        for number, stops in (("A", {}), ("B", {"opted_out": 1})):
            posted = caller.post("/v1/events", json=event(number), headers={"X-API-Key": key})
            assert posted.json()["decisions"]["stops"] == stops
            if not stops:
                (text,) = rows(store, "messages")
                address = text["body"].rpartition(" ")[2]
                assert address.startswith(f"{PUBLIC}/o/")
                page = address.removeprefix(PUBLIC)
                assert press(caller, page, proof_of(caller, page)) == 200
        (text,) = rows(store, "messages")
        assert (text["state"], text["reason"]) == ("cancelled", "opted_out")
    finally:
        caller.close()
        serving.close()


def test_rules_with_a_link_and_no_public_address_are_not_served(sources: Sources) -> None:
    assert sources.config is not None
    terms = "events: [completed], to: {fields: [phone_number]}, body: '{{ opt_out_link }}'"
    settings = SETTINGS.replace(f'public_url = "{PUBLIC}"', "")
    config = write_desk(sources.config.parent, settings, f"rules:\n  - {{name: r, {terms}}}\n")
    with pytest.raises(RuleFileError) as refused:
        load(read_settings(Sources(config=config)), Sources(config=config))
    assert refused.value.problems[0].code == "no_public_url"


@pytest.mark.parametrize("form", ["data", "files"])
def test_a_mail_program_opts_an_address_out_with_one_click(
    client: Caller, store: Store, page: str, now: datetime, form: str
) -> None:
    address = "mei.tan@example.com"
    token = store.opt_out_token(address)
    store.add_links([NewLink(token=token, kind="opt_out", recipient=address)], now)
    said = "One-Click" if form == "data" else (None, "One-Click")
    click: dict[str, Any] = {form: {"List-Unsubscribe": said}}
    assert client.post(f"/o/{token}", **click).status_code == 200
    assert store.people([address])[address].opted_out
    assert client.post(page, **click).status_code == 400, "of a text nobody asks that way"
    assert store.people([MEI]) == {}
