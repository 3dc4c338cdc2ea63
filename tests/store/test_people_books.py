"""Consents in their order, people whom a file brings, and people who are forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from store_cases import NOW, NUMBER, decision, key, message, number

from smsnotify.model.contact import ConsentChange, Interaction
from smsnotify.model.facts import EVERYTHING, MARKETING
from smsnotify.model.message import InboundMessage, MessageState
from smsnotify.store.batch import Batch
from smsnotify.store.consents import standing_of
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.people_batch import BroughtPerson
from smsnotify.store.store import Store

SENDER = "sender:+6531590000"


def change(scope: str = EVERYTHING, out: bool = True, **rest: Any) -> ConsentChange:
    values = {"recipient": NUMBER, "source": "keyword", "at": NOW} | rest
    return ConsentChange(scope=scope, opted_out=out, **values)


@pytest.mark.parametrize(
    ("changes", "out", "refused", "marketing"),
    [
        ([], False, set(), False),
        ([(MARKETING, False)], False, set(), True),
        ([(MARKETING, False), (EVERYTHING, True)], True, set(), False),
        # START is no opt-in to marketing, and ends every narrower opt-out.
        ([(MARKETING, False), (EVERYTHING, True), (EVERYTHING, False)], False, set(), False),
        ([(MARKETING, True), (SENDER, True), (EVERYTHING, False)], False, set(), False),
        ([(EVERYTHING, True), (MARKETING, False)], True, set(), True),
        ([(SENDER, True), (MARKETING, True)], False, {SENDER, MARKETING}, False),
        ([(SENDER, True), (SENDER, False)], False, set(), False),
        ([(MARKETING, True), (MARKETING, False)], False, set(), True),
    ],
)
def test_what_was_said_last_holds_in_its_scope(
    changes: list[tuple[str, bool]], out: bool, refused: set[str], marketing: bool
) -> None:
    standing = standing_of(change(scope, said) for scope, said in changes)
    assert (standing.is_out, set(standing.refused)) == (out, refused)
    assert (standing.marketing is not None) == marketing


@given(st.lists(st.tuples(st.sampled_from([EVERYTHING, MARKETING, SENDER]), st.booleans())))
def test_a_stop_ends_every_opt_in_and_only_an_opt_in_ends_an_opt_out(
    said: list[tuple[str, bool]],
) -> None:
    stopped = standing_of([*(change(*one) for one in said), change(EVERYTHING, True)])
    assert stopped.is_out
    assert stopped.marketing is None
    started = standing_of([*(change(*one) for one in said), change(EVERYTHING, False)])
    assert not started.is_out
    assert not started.refused


def test_people_know_scopes_and_doubt(store: Store) -> None:
    store.note_consents([change(MARKETING, False, words="OFFER", at=NOW)], NOW)
    store.note_consents([change(SENDER, True)], NOW)
    person = store.people([NUMBER])[NUMBER]
    assert (person.refuses, person.marketing_since) == (frozenset({SENDER}), NOW)
    assert not person.opted_out
    reply = InboundMessage(provider_message_id="1", sender=number(7), to="+1", body="leave me")
    store.note_replies("main", [reply], NOW)
    assert store.people([number(7)]) == {}
    (kept,) = store.unworked_replies()
    store.set_reply_state(kept.id, was="new", state="doubtful", now=NOW)
    assert store.people([number(7)])[number(7)].in_doubt
    store.set_reply_state(kept.id, was="doubtful", state="worked", now=NOW)
    assert store.people([number(7)]) == {}


def bring(store: Store, *rows: BroughtPerson) -> Any:
    return store.keep_people(rows, NOW)


def test_a_person_is_made_once_whatever_address_comes(store: Store) -> None:
    mail = "mei@example.com"
    assert bring(store, BroughtPerson(addresses=(NUMBER,), facets={"tier": "gold"})).made == 1
    done = bring(store, BroughtPerson(addresses=(NUMBER, mail), name="Mei", tags=frozenset("a")))
    assert (done.made, done.changed) == (0, 1)
    found = store.contacts_of([NUMBER, mail])
    assert found[NUMBER] == found[mail]
    assert found[mail].addresses == (NUMBER, mail)
    assert (found[mail].name, dict(found[mail].facets)) == ("Mei", {"tier": "gold"})
    bring(store, BroughtPerson(addresses=(mail,), facets={"tier": None, "age": 3}))
    assert dict(store.contacts_of([mail])[mail].facets) == {"age": 3}


def test_rows_of_one_portion_join_and_clashes_are_told(store: Store) -> None:
    first = BroughtPerson(addresses=(number(1),), place=1)
    again = BroughtPerson(addresses=(number(1), "a@b.cd"), name="A", place=2)
    other = BroughtPerson(addresses=(number(2),), place=3)
    both = BroughtPerson(addresses=(number(1), number(2)), name="Both", place=4)
    done = bring(store, first, again, other, both)
    assert (done.made, done.clashing) == (2, (4,))
    found = store.contacts_of([number(1), "a@b.cd", number(2)])
    assert found[number(1)].addresses == (number(1), "a@b.cd")
    assert found[number(2)].name == ""


def test_an_import_undoes_no_word_of_the_person(store: Store) -> None:
    store.note_consents([change(EVERYTHING, True)], NOW)
    back = change(EVERYTHING, False, source="import")
    done = bring(store, BroughtPerson(addresses=(NUMBER,), consents=(back,)))
    assert (done.consents, done.stay_out) == (0, (NUMBER,))
    assert store.people([NUMBER])[NUMBER].opted_out
    theirs = change(EVERYTHING, True, source="import", recipient=number(1))
    bring(store, BroughtPerson(addresses=(number(1),), consents=(theirs,)))
    undone = change(EVERYTHING, False, source="import", recipient=number(1), at=NOW)
    assert bring(store, BroughtPerson(addresses=(number(1),), consents=(undone,))).consents == 1


def test_the_same_file_again_notes_nothing(store: Store) -> None:
    consents = (change(MARKETING, False, source="import", note="form 17"), change(SENDER, True))
    row = BroughtPerson(addresses=(NUMBER,), consents=consents)
    assert bring(store, row).consents == 2
    assert bring(store, row).consents == 0


def count(store: Store, tables: Iterable[str], where: str = "1 = 1") -> list[int]:
    with store.read() as connection:
        return [
            int(
                connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one()
            )
            for table in tables
        ]


def test_who_is_forgotten_leaves_a_hash_where_they_want_no_texts(store: Store) -> None:
    bring(store, BroughtPerson(addresses=(NUMBER, "mei@example.com"), name="Mei"))
    contact = store.contacts_of([NUMBER])[NUMBER]
    store.note_interactions(
        [Interaction(id="1" * 26, contact_id=contact.id, channel="web", event="x", at=NOW)]
    )
    store.note_replies(
        "main", [InboundMessage(provider_message_id="1", sender=NUMBER, to="+1", body="STOP")], NOW
    )
    (said,) = store.unworked_replies()
    store.set_reply_state(said.id, was="new", state="worked", now=NOW)
    store.add_links([NewLink(token="t", kind="opt_out", recipient=NUMBER)], NOW)
    mine = key(1)._replace(recipient=NUMBER)
    text_ = message(mine, state=MessageState.QUEUED)
    store.save(Batch([], [], [decision(message_key=mine)], {mine: text_}, NOW))
    store.note_consents(
        [change(EVERYTHING, True, note="said Mei Tan", words="STOP"), change(MARKETING, True)], NOW
    )

    done = store.forget("mei@example.com", NOW)

    assert done is not None
    assert (done.addresses, done.interactions, done.replies, done.texts) == (2, 1, 1, 1)
    assert (done.cancelled, done.opted_out) == (1, True)
    assert count(store, ["contacts", "addresses", "interactions", "links"]) == [0] * 4
    assert count(store, ["replies"], "sender <> '' OR body <> '' OR note <> ''") == [0]
    (row,) = store.list_messages(_all(), None)
    assert (row.recipient, row.intended, row.body, row.state) == ("", "", "", "cancelled")
    assert count(store, ["decisions"], "recipient <> ''") == [0]
    standing = store.standings([NUMBER])[NUMBER]
    assert standing.is_out
    assert {(one.note, one.words) for one in standing.changes} == {("", "")}
    assert store.people([NUMBER])[NUMBER].opted_out
    assert store.forget(number(9), NOW) is None


def test_of_who_never_opted_out_nothing_stays(store: Store) -> None:
    consents = (change(MARKETING, False),)
    bring(store, BroughtPerson(addresses=(NUMBER,), consents=consents))
    done = store.forget(NUMBER, NOW + timedelta(days=1))
    assert done is not None
    assert not done.opted_out
    assert count(store, ["consents", "contacts"]) == [0, 0]
    assert store.forget(NUMBER, NOW) is None


def _all() -> Any:
    from smsnotify.store.outbox import Wanted

    return Wanted()
