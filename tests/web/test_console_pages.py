"""The console's pages on both databases: what they show, and what a clerk does on them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from console_desk import Person, at_the_desk
from sqlalchemy import text
from web_desk import SETTINGS, event, rows, write_desk

from smsnotify.base.ids import new_id
from smsnotify.engine.conversing import converse
from smsnotify.model.message import InboundMessage
from smsnotify.store.open import open_store
from smsnotify.store.store import Store
from smsnotify.web.state import Serving
from smsnotify.wiring.conversations import desk
from smsnotify.wiring.loading import Sources

RULES = """
version: 1
rules:
  - name: delivered
    events: [completed]
    to: {fields: [phone_number]}
    body: "Hi, order {{ do_number }} has arrived."
  - name: north-only
    events: [completed]
    groups: [North]
    to: {fields: [phone_number]}
    body: "North: {{ do_number }}"
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - ask:
          send: "Reply QUOTE for 10 % off."
          wait: {for: 3d, replies: {QUOTE: offer}}
      - offer: {send: "Your code is TEN.", wait: {for: 1d, replies: {BUY: end}}}
"""
NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """The desk's books: on SQLite, then on PostgreSQL."""
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def sources(tmp_path: Path, database_url: str) -> Sources:
    """Rules with a plan."""
    prices = '[prices]\n"8x8" = {SG = 0.04}\n[accounts.main]'
    settings = SETTINGS.replace("[accounts.main]", prices, 1)
    return Sources(config=write_desk(tmp_path, settings, RULES), database=database_url)


@pytest.fixture
def clerk(serving: Serving, cheap: None) -> Iterator[Person]:
    """A clerk at a desk where DO-1 was delivered and somebody wrote."""
    with at_the_desk(serving) as person:
        person.log_in("clerk")
        yield person


def happens(serving: Serving, *numbers: str, **job: Any) -> None:
    """Take events in."""
    for number in numbers:
        told = event(number)
        told["job"] |= job
        serving.intake("auto").take(1, [json.dumps(told).encode()], serving.clock())


def writes(serving: Serving, *bodies: str, sender: str = "+6591230000") -> list[str]:
    """Somebody writes; what they wrote is worked. Return the replies' ids, the oldest first."""
    texts = [
        InboundMessage(
            provider_message_id=f"{sender} {body}", sender=sender, to="+15005550006", body=body
        )
        for body in bodies
    ]
    serving.store.note_replies("twilio", texts, serving.clock())
    loaded = serving.loaded
    converse(desk(loaded.settings, serving.store, loaded.book), serving.clock(), most=100)
    return [row["id"] for row in rows(serving.store, "replies")]


def shown(clerk: Person, path: str, status: int = 200) -> str:
    """Return a page as its reader sees it."""
    answer = clerk.get(path)
    assert answer.status_code == status, path
    return html.unescape(answer.text)


def message_id(store: Store) -> str:
    """Return the id of the only message."""
    (message,) = rows(store, "messages")
    return str(message["id"])


def test_a_message_of_a_digest_leads_to_the_others_and_is_not_sent_again_alone(
    clerk: Person, serving: Serving
) -> None:
    happens(serving, "DO-1", "DO-2")
    carrier, merged = (row["id"] for row in rows(serving.store, "messages"))
    with serving.store.begin() as connection:
        connection.execute(
            text(
                "UPDATE messages SET digest = 'w', state = 'cancelled', carried_by = "
                "CASE WHEN id = :carrier THEN '' ELSE :carrier END"
            ),
            {"carrier": carrier},
        )
    first, second = (shown(clerk, f"/console/messages/{one}") for one in (carrier, merged))
    assert f'/console/messages/{merged}"><bdi>DO-2' in first
    assert f'within <a href="/console/messages/{carrier}">' in second
    assert ("Send it again" in first, "Send it again" in second) == (True, False)


def test_today_counts_and_shows_what_waits(clerk: Person, serving: Serving) -> None:
    happens(serving, "DO-1", "DO-2")
    writes(serving, "where is it?")
    page = shown(clerk, "/console")
    assert "delivered" in page
    assert "where is it?" in page
    assert "1<span" in page, "the badge of the inbox"


@pytest.mark.parametrize("asked", ["q=DO-1", "q=%2B6591230000", "rule=delivered", "state=queued"])
def test_messages_are_found(clerk: Person, serving: Serving, asked: str) -> None:
    happens(serving, "DO-1")
    assert "order DO-1 has arrived" in shown(clerk, f"/console/messages?{asked}")


@pytest.mark.parametrize(
    "asked", ["q=DO-9", "q=%2B6591239999", "rule=other", "state=failed", "q=DO-1&state=failed"]
)
def test_messages_that_are_not_meant_are_not_found(
    clerk: Person, serving: Serving, asked: str
) -> None:
    happens(serving, "DO-1")
    assert "order DO-1 has arrived" not in shown(clerk, f"/console/messages?{asked}")


def test_messages_come_in_pages(clerk: Person, serving: Serving) -> None:
    happens(serving, *(f"DO-{number}" for number in range(60)))
    page = clerk.get("/console/messages").text
    assert page.count("has arrived") == 50
    older = html.unescape(page.split('class="button" href="')[1].split('"')[0])
    assert clerk.get(older).text.count("has arrived") == 10


def test_the_one_box_finds_what_is_meant(clerk: Person, serving: Serving, store: Store) -> None:
    happens(serving, "DO-1")

    def leads(word: str) -> str:
        return str(clerk.get(f"/console/find?q={word}").headers["location"])

    assert leads("DO-1") == "/console/jobs/of?name=DO-1"
    assert leads("%2B6591230000") == "/console/contacts/of?who=%2B6591230000"
    assert leads("9123 0000") == "/console/contacts/of?who=%2B6591230000"
    assert leads(message_id(store)) == f"/console/messages/{message_id(store)}"
    assert leads("nothing like it") == "/console/messages?q=nothing+like+it"
    assert leads("") == "/console/messages?q="


def test_a_message_is_cancelled_and_sent_again_and_that_is_written_down(
    clerk: Person, serving: Serving, store: Store
) -> None:
    happens(serving, "DO-1")
    path = f"/console/messages/{message_id(store)}"
    assert "Cancel it" in shown(clerk, path)
    assert clerk.do(f"{path}/cancel").status_code == 303
    assert clerk.do(f"{path}/cancel").status_code == 409
    assert "Send it again" in shown(clerk, path)
    assert clerk.do(f"{path}/retry").status_code == 303
    assert rows(store, "messages")[0]["state"] == "queued"
    told = [(one["what"], one["before"], one["after"]) for one in rows(store, "audit")[-3:]]
    assert told == [
        ("message.cancel", "queued", "cancelled"),
        ("message.cancel", "cancelled", "nothing"),
        ("message.retry", "cancelled", "queued"),
    ]
    assert "clerk" in shown(clerk, path)


def test_a_message_that_is_maybe_sent_goes_again_only_if_somebody_says_so(
    clerk: Person, serving: Serving, store: Store
) -> None:
    happens(serving, "DO-1")
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET state = 'unknown', attempts = 1"))
    path = f"/console/messages/{message_id(store)}"
    assert "it may arrive twice" in shown(clerk, path)
    assert clerk.do(f"{path}/retry").status_code == 409
    assert clerk.do(f"{path}/retry", unknown="yes").status_code == 303


def test_what_another_mode_did_is_not_here(clerk: Person, serving: Serving, store: Store) -> None:
    happens(serving, "DO-1")
    with store.begin() as connection:
        connection.execute(text("UPDATE messages SET mode = 'sandbox'"))
    path = f"/console/messages/{message_id(store)}"
    assert clerk.get(path).status_code == 404
    assert clerk.do(f"{path}/cancel").status_code == 404
    assert "has arrived" not in shown(clerk, "/console/messages")


def test_a_job_says_why(clerk: Person, serving: Serving) -> None:
    happens(serving, "DO-1", group_name="South")
    page = shown(clerk, "/console/jobs/of?name=DO-1")
    assert "delivered → +6591230000: queued" in page
    assert "north-only is silent: group should be" in page
    assert "DO-1" in shown(clerk, "/console/jobs?day=2026-03-02")
    assert "no job of that day" in shown(clerk, "/console/jobs?day=2026-03-01")
    assert clerk.get("/console/jobs?day=nonsense").status_code == 200
    assert clerk.get("/console/jobs/of?name=DO-9").status_code == 404
    assert clerk.get("/console/jobs/of").status_code == 404


def test_a_clerk_answers_a_reply(clerk: Person, serving: Serving, store: Store) -> None:
    happens(serving, "DO-1")
    (reply,) = writes(serving, "where is it?")
    assert "where is it?" in shown(clerk, "/console/replies")
    path = f"/console/replies/{reply}"
    assert "order DO-1 has arrived" in shown(clerk, path), "the talk is beside it"
    assert clerk.do(f"{path}/answer", body="  ").status_code == 400
    assert clerk.do(f"{path}/answer", body="x" * 1601).status_code == 400
    done = clerk.do(f"{path}/answer", body="It comes\r\nat noon.")
    assert done.headers["location"] == f"{path}?done=queued"
    answer = rows(store, "messages")[-1]
    assert (answer["body"], answer["rule"], answer["route"]) == (
        "It comes\nat noon.",
        "clerk",
        "twilio",
    )
    assert rows(store, "replies")[0]["state"] == "worked"
    empty, audited = [one for one in rows(store, "audit") if one["what"] == "reply.answer"]
    assert empty["after"] == "refused: usage"
    assert (audited["who"], audited["about"], audited["after"]) == ("clerk", reply, "send")
    assert "noon" not in str(rows(store, "audit"))
    assert "Nobody waits" in shown(clerk, "/console/replies")


def test_an_answer_that_is_sent_twice_goes_once(
    clerk: Person, serving: Serving, store: Store
) -> None:
    (reply,) = writes(serving, "where is it?")
    path = f"/console/replies/{reply}"
    found = re.search(r'name="once" value="(\w{26})"', shown(clerk, path))
    assert found
    for _ in range(2):
        done = clerk.do(f"{path}/answer", body="At noon.", once=found[1])
        assert done.headers["location"] == f"{path}?done=queued"
    assert [row["body"] for row in rows(store, "messages")] == ["At noon."]
    assert clerk.do(f"{path}/answer", body="At noon.", once="' OR 1").status_code == 303
    assert len(rows(store, "messages")) == 2, "what a form never carried is an answer of its own"


def test_a_likely_opt_out_is_decided_first(clerk: Person, serving: Serving, store: Store) -> None:
    (reply,) = writes(serving, "please stop texting me all the time ok")
    path = f"/console/replies/{reply}"
    assert "It is no opt-out" in shown(clerk, path)
    assert 'name="body"' not in shown(clerk, path)
    assert clerk.do(f"{path}/answer", body="why?").status_code == 400
    assert clerk.do(f"{path}/opt-out").status_code == 303
    assert store.people(["+6591230000"])["+6591230000"].opted_out
    assert "+6591230000" not in str(rows(store, "audit"))
    assert "opted out" in shown(clerk, "/console/contacts/of?who=%2B6591230000")
    refused = clerk.do(f"{path}/answer", body="sorry")
    assert refused.status_code == 409
    assert "opted out" in refused.text


def test_a_likely_opt_out_that_is_none_rests(clerk: Person, serving: Serving, store: Store) -> None:
    (reply,) = writes(serving, "please stop texting me all the time ok")
    path = f"/console/replies/{reply}"
    assert clerk.do(f"{path}/dismiss").status_code == 303
    assert clerk.do(f"{path}/dismiss").status_code == 409
    assert rows(store, "replies")[0]["state"] == "worked"
    assert "doubtful" in shown(clerk, path), "the trail of it"


def test_a_contact_shows_the_dialogue_and_is_answered(
    clerk: Person, serving: Serving, store: Store
) -> None:
    happens(serving, "DO-1")
    writes(serving, "HELLO", "QUOTE", "and the colour?")
    page = shown(clerk, "/console/contacts/of?who=91230000")
    for said in ("order DO-1 has arrived", "Reply QUOTE", "Your code is TEN", "and the colour?"):
        assert said in page
    done = clerk.do("/console/contacts/answer", who="+6591230000", body="Blue.")
    assert "done=queued" in done.headers["location"]
    assert rows(store, "messages")[-1]["body"] == "Blue."
    assert clerk.do("/console/contacts/answer", who="+6591230001", body="x").status_code == 409
    assert clerk.do("/console/contacts/answer", who="nobody", body="x").status_code == 409
    assert clerk.get("/console/contacts/of?who=%2B6591230001").status_code == 404


def test_a_person_is_opted_out_with_the_proof(
    clerk: Person, serving: Serving, store: Store
) -> None:
    happens(serving, "DO-1")
    who = "+6591230000"
    assert clerk.do("/console/contacts/opt-out", who=who, note=" ").status_code == 400
    assert clerk.do("/console/contacts/opt-out", who="x", note="called").status_code == 400
    assert clerk.do("/console/contacts/opt-out", who=who, note="called").status_code == 303
    assert store.people([who])[who].opted_out
    assert rows(store, "messages")[0]["state"] == "cancelled"
    entry = rows(store, "audit")[-1]
    assert entry["what"] == "contact.opt_out"
    assert who not in entry["about"]
    page = shown(clerk, "/console/contacts/of?who=%2B6591230000")
    assert "called" in page
    assert "contact opt out" in page


def test_plans_show_funnel_and_drawing(clerk: Person, serving: Serving) -> None:
    writes(serving, "HELLO")
    assert "quote" in shown(clerk, "/console/plans")
    page = shown(clerk, "/console/plans/of?name=quote")
    assert 'max="1" value="1"' in page
    assert "+6591230000" in page
    drawing = clerk.get("/console/plans/drawing?name=quote")
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert drawing.text.startswith("<svg")
    assert "script" not in drawing.headers["content-security-policy"]
    assert clerk.get("/console/plans/of?name=nothing").status_code == 400


def test_rules_say_what_they_would_about_an_event(
    clerk: Person, serving: Serving, store: Store
) -> None:
    before = {table: len(rows(store, table)) for table in ("messages", "decisions", "events")}
    written = json.dumps(event("DO-7"), indent=2)
    page = clerk.do("/console/rules/try", event=written).text
    assert "order DO-7 has arrived" in page
    assert "1 segment GSM7" in page
    assert "0.04 USD" in page
    assert "north-only" in page
    assert before == {table: len(rows(store, table)) for table in before}, "nothing is stored"


def test_an_event_that_was_told_is_tried_again(clerk: Person, serving: Serving) -> None:
    happens(serving, "DO-1")
    stored = serving.store.newest_lines()[0]
    page = shown(clerk, f"/console/rules?event={stored.id}")
    assert '"do_number": "DO-1"' in page
    written = stored.raw.decode()
    assert "duplicate" in clerk.do("/console/rules/try", event=written).text
    fresh = clerk.do("/console/rules/try", event=written, books="fresh").text
    assert "duplicate" not in fresh


@pytest.mark.parametrize("written", ["{", "[]", "null", '{"event": "completed"}', "\x00", "1\n2"])
def test_what_is_no_event_is_told(clerk: Person, written: str) -> None:
    answer = clerk.do("/console/rules/try", event=written)
    assert answer.status_code == 200
    assert "0 decisions" in answer.text or "write an event" in answer.text


def test_what_is_wrong_is_told_once_in_a_page_and_in_a_part(clerk: Person) -> None:
    form = {"proof": clerk.proof("/console"), "event": " "}
    page = clerk.post("/console/rules/try", form).text
    part = clerk.post("/console/rules/try", form, headers={"HX-Request": "true"}).text
    assert page.count("Write an event") == 1
    assert "Write an event" in part.split('id="tried"')[1]


def test_a_rule_shows_a_sample(clerk: Person) -> None:
    page = shown(clerk, "/console/rules/of?id=delivered")
    assert "has arrived" in page
    assert clerk.get("/console/rules/of?id=nothing").status_code == 404


def test_a_silence_is_added_and_ended(clerk: Person, store: Store, now: datetime) -> None:
    def add(**form: str) -> Any:
        return clerk.do("/console/silences", **({"lasting": "3h", "reason": "flood"} | form))

    assert add(group="ACME").status_code == 303
    (silence,) = store.silences(now)
    assert (silence.group, silence.author, silence.reason) == ("ACME", "clerk", "flood")
    assert "flood" in shown(clerk, "/console/silences")
    path = f"/console/silences/{silence.id}/expire"
    assert clerk.do(path).status_code == 303
    assert clerk.do(path).status_code == 409
    assert clerk.do("/console/silences/x/expire").status_code == 404
    assert store.silences(now) == ()
    for wrong in (
        {},
        {"what": "all", "group": "ACME"},
        {"rule": "nothing"},
        {"group": "ACME", "lasting": "soon"},
        {"group": "ACME", "reason": " "},
        {"group": "ACME", "begins": "tomorrow"},
        {"group": "ACME", "begins": "2020-01-01T10:00"},
    ):
        assert add(**wrong).status_code == 400, wrong
    assert add(what="all", begins="2026-03-03T10:00").status_code == 303
    assert store.list_silences()[-1].starts_at.isoformat() == "2026-03-03T02:00:00+00:00"


def test_an_account_is_paused_and_resumed(clerk: Person, store: Store) -> None:
    page = shown(clerk, "/console/accounts")
    assert "8x8" in page
    assert clerk.do("/console/accounts/pause", account="main").status_code == 303
    assert store.paused().accounts == {"main"}
    assert "Paused: main." in shown(clerk, "/console")
    assert clerk.do("/console/accounts/resume", account="main").status_code == 303
    assert clerk.do("/console/accounts/pause", account="everything").status_code == 303
    assert store.paused().everything
    assert clerk.do("/console/accounts/pause", account="nobody").status_code == 404
    what = [one["what"] for one in rows(store, "audit")[-3:]]
    assert what == ["account.pause", "account.resume", "account.pause"]
    assert "account pause" in shown(clerk, "/console/changes")


def test_changes_come_in_pages_and_by_person(clerk: Person, store: Store) -> None:
    for _ in range(105):
        newest = store.list_changes(limit=1)[0]
        store.note_change(msgspec.structs.replace(newest, id=new_id(newest.at)))
    page = clerk.get("/console/changes").text
    older = html.unescape(page.split('class="button" href="')[1].split('"')[0])
    assert clerk.get(older).status_code == 200
    assert "Nobody has changed anything" in shown(clerk, "/console/changes?who=nobody")


def test_ids_of_nothing_are_not_there(clerk: Person) -> None:
    for path in ("/console/messages/x", "/console/replies/x", "/console/replies/%00"):
        assert clerk.get(path).status_code == 404
    for path in ("/console/messages/x/retry", "/console/replies/x/answer"):
        assert clerk.do(path, body="x").status_code == 404


def test_nothing_that_a_stranger_wrote_is_more_than_text(
    clerk: Person, serving: Serving, store: Store
) -> None:
    fields = ("deliver_to_collect_from", "group_name", "reason", "address", "assign_to")
    happens(serving, NASTY, **dict.fromkeys(fields, NASTY))
    (reply,) = writes(serving, NASTY)
    clerk.do("/console/silences", group=NASTY[:60], lasting="3h", reason=NASTY[:60])
    paths = [
        "/console",
        "/console/messages",
        f"/console/messages?q={quote(NASTY)}&rule={quote(NASTY)}",
        f"/console/messages/{message_id(store)}",
        f"/console/jobs/of?name={quote(NASTY)}",
        "/console/jobs?day=2026-03-02",
        "/console/replies",
        f"/console/replies/{reply}",
        "/console/contacts",
        "/console/contacts/of?who=%2B6591230000",
        "/console/silences",
        f"/console/changes?who={quote(NASTY)}",
        f"/console/rules?event={quote(NASTY)}",
        "/console/rules",
    ]
    pages = [clerk.get(path).text for path in paths]
    pages.append(clerk.do("/console/rules/try", event=json.dumps(event(NASTY))).text)
    pages.append(clerk.do(f"/console/replies/{reply}/answer", body=NASTY * 30).text)
    pages.append(clerk.do("/console/silences", group=NASTY, lasting=NASTY, reason="x").text)
    found = 0
    for path, page in zip([*paths, "try", "answer", "silence"], pages, strict=True):
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "`49" not in page, path
        found += "&lt;script&gt;alert" in page
    assert found > 10
