"""What is told of a person: the timeline, contacts, interactions, links, errands, choices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_cases import (
    DAY,
    contact,
    enrolment,
    let_in,
    moved,
    plan_text,
    says,
    turn,
    worked,
)
from sqlalchemy import text as sql
from store_cases import NOW, batch, number

from smsnotify.base.errors import OvertakenError
from smsnotify.model.contact import Contact, Interaction
from smsnotify.model.enrolment import Errand
from smsnotify.model.message import Message, MessageState, Receipt
from smsnotify.store.contacts import changed
from smsnotify.store.conversation_batch import (
    ContactChange,
    ConversationBatch,
    NewErrand,
    NewLink,
    OpenChoice,
)
from smsnotify.store.errands import SettledErrand
from smsnotify.store.receipts import StoredReceipt, take
from smsnotify.store.replies import StoredReply
from smsnotify.store.store import Store
from smsnotify.store.timeline import PlanMove

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_a_timeline_merges_everything_in_the_order_of_time(store: Store) -> None:
    let_in(store, [1])
    store.save(batch([1, 2], NOW - DAY))
    reply = says(store, 1, "QUOTE", NOW + SECOND)
    after = moved(enrolment(1), step="offer")
    said, messages = plan_text(after.enrolment, "offer/1", NOW + SECOND, account="main")
    (text,) = messages.values()
    goal = Interaction(
        id="i1", contact_id=f"c{1:025}", channel="sms", event="goal", at=NOW + SECOND, value=2.5
    )
    store.keep_conversation(
        ConversationBatch(
            mode="live",
            worked=worked(reply),
            moved=[after],
            transitions=[turn(after.enrolment, at=NOW + SECOND, ref=reply.id)],
            decisions=[said],
            messages=messages,
            interactions=[goal],
        ),
        NOW + SECOND,
    )
    told = Receipt(message_id=text.id, state=MessageState.DELIVERED, at=NOW + MINUTE)
    with store.begin() as connection:
        sent = sql("UPDATE messages SET state = 'accepted' WHERE id = :id")
        connection.execute(sent, {"id": text.id})
        take(connection, "main", [told], NOW + MINUTE)
    moments = store.timeline(f"c{1:025}")
    assert [type(one.what) for one in moments] == [
        Message,
        StoredReply,
        PlanMove,
        Interaction,
        Message,
        StoredReceipt,
    ]
    assert [one.at for one in moments] == [
        NOW - DAY,
        *[NOW + SECOND] * 4,
        NOW + MINUTE,
    ]
    assert store.timeline(f"c{1:025}", 2) == moments[-2:]
    assert store.timeline("nobody") == []


def test_the_newest_text_about_a_job_is_found_by_number(store: Store) -> None:
    store.save(batch([1, 2], NOW - DAY, state=MessageState.DELIVERED))
    store.save(batch([3], NOW, state=MessageState.QUEUED))
    asked = [number(n) for n in (1, 2, 3, 4)]
    found = store.newest_messages_to(asked, "live", NOW - 2 * DAY)
    assert {who: one.job for who, one in found.items()} == {number(1): "DO1", number(2): "DO2"}
    assert store.newest_messages_to(asked, "live", NOW) == {}
    assert store.newest_messages_to(asked, "test", NOW - 2 * DAY) == {}
    with store.begin() as connection:
        connection.execute(
            sql("UPDATE messages SET mode = 'test', recipient = '+6599999999' WHERE job = 'DO1'")
        )
    found = store.newest_messages_to(["+6599999999", number(1)], "test", NOW - 2 * DAY)
    assert {who: one.job for who, one in found.items()} == {"+6599999999": "DO1"}


def test_a_contact_has_numbers_and_addresses_in_order(store: Store) -> None:
    one = Contact(
        id="c1",
        addresses=("+6591230001", "ms.tan@example.com"),
        name="Ms Tan",
        language="zh-Hant",
        time_zone="Asia/Singapore",
        tags=frozenset({"vip", "\u65b0"}),
        facets={"tier": "gold", "visits": 3, "rating": 4.5, "member": True},
        created_at=NOW,
    )
    store.add_contacts([one], NOW)
    found = store.contacts_of(["ms.tan@example.com", "+6591230001", "+6599"])
    assert found == {"+6591230001": one, "ms.tan@example.com": one}
    assert store.contacts_by_id(["c1", "c2"]) == {"c1": one}
    assert store.contacts_by_id([]) == {}
    with pytest.raises(OvertakenError):
        store.add_contacts([contact(9), Contact(id="c2", addresses=("+6591230001",))], NOW)
    assert store.contacts_of([number(9)]) == {}


def test_what_becomes_known_is_added_and_nothing_else_is_lost(store: Store) -> None:
    store.add_contacts([contact(1, name="Ms Tan", facets={"tier": "gold"})], NOW)
    changes = [
        ContactChange(contact_id=f"c{1:025}", facets={"visits": 1}, tags=frozenset({"a", "b"})),
        ContactChange(
            contact_id=f"c{1:025}", facets={"tier": None}, untagged=frozenset({"a"}), language="de"
        ),
        ContactChange(contact_id="nobody", name="X"),
    ]
    assert store.change_contacts(changes, NOW) == 1
    (found,) = store.contacts_of([number(1)]).values()
    assert (found.name, found.language, found.tags) == ("Ms Tan", "de", {"b"})
    assert found.facets == {"visits": 1}
    assert store.change_contacts([], NOW) == 0
    assert changed(found, ContactChange(contact_id=found.id, name="", time_zone="UTC")).name == ""


def test_what_is_told_twice_is_kept_once(store: Store) -> None:
    def told(one: str, outside: str) -> Interaction:
        return Interaction(
            id=one,
            contact_id="c1",
            channel="web",
            event="page_view",
            at=NOW,
            data={"page": "/a\0", "n": [1, {"x": None}]},
            outside_id=outside,
        )

    assert store.note_interactions([told("1", "w1"), told("2", ""), told("3", "")]) == {
        "1",
        "2",
        "3",
    }
    assert store.note_interactions([told("4", "w1"), told("5", "w2")]) == {"5"}
    newest = store.interactions_of("c1", 2)
    assert [one.id for one in newest] == ["5", "3"]
    assert newest[0].data == {"page": "/a\ufffd", "n": [1, {"x": None}]}
    assert store.note_interactions([]) == set()


def test_a_link_is_known_by_its_token_alone(store: Store) -> None:
    link = NewLink(token="t0ken", kind="opt_out", recipient=number(1), subject="s")
    brief = NewLink(token="brief", kind="rate", expires_at=NOW + SECOND)
    assert store.add_links([link, brief], NOW) == 2
    assert store.add_links([NewLink(token="t0ken", kind="other")], NOW) == 0
    found = store.find_link("t0ken")
    assert found is not None
    assert (found.kind, found.recipient, found.subject, found.created_at) == (
        "opt_out",
        number(1),
        "s",
        NOW,
    )
    assert not found.is_over(NOW + 400 * DAY)
    ending = store.find_link("brief")
    assert ending is not None
    assert (ending.is_over(NOW), ending.is_over(NOW + SECOND)) == (False, True)
    assert store.find_link("T0KEN") is None


def errand(key: str, **rest: object) -> NewErrand:
    what = Errand(kind=str(rest.pop("kind", "emit")), key=key, data={"event": "moved"})
    return NewErrand(errand=what, **rest)  # type: ignore[arg-type]


def add(store: Store, *errands: NewErrand) -> None:
    store.keep_conversation(ConversationBatch(mode="live", errands=list(errands)), NOW)


def test_an_errand_is_taken_by_one_and_due_again_when_that_one_dies(store: Store) -> None:
    add(store, errand("k1"), errand("k2", kind="webhook", enrolment_id="e1"))
    add(store, errand("k1"), errand("k3", due_at=NOW + MINUTE))
    assert len(store.errands_due("live", NOW)) == 2
    (one,) = store.claim_errands("live", NOW, kinds=["webhook"])
    assert (one.key, one.kind, one.enrolment_id, one.attempts) == ("k2", "webhook", "e1", 1)
    assert [each.key for each in store.claim_errands("live", NOW)] == ["k1"]
    assert store.claim_errands("live", NOW) == []
    assert store.claim_errands("test", NOW + DAY) == []
    again = store.claim_errands("live", NOW + MINUTE)
    assert [(each.key, each.attempts) for each in again] == [("k1", 2), ("k2", 2), ("k3", 1)]


def test_only_the_newest_attempt_says_that_an_errand_failed(store: Store) -> None:
    add(store, errand("k1"), errand("k2"))
    first = {one.key: one for one in store.claim_errands("live", NOW)}
    second = {one.key: one for one in store.claim_errands("live", NOW + MINUTE)}
    late = [
        SettledErrand(id=first["k1"].id, attempts=1, state="failed", error="410 \0"),
        SettledErrand(id=first["k2"].id, attempts=1, state="done"),
    ]
    assert store.settle_errands(late, NOW + MINUTE) == 1
    retry = SettledErrand(
        id=second["k1"].id, attempts=2, state="due", error="503 \0", due_at=NOW + 5 * MINUTE
    )
    given_up = SettledErrand(id=second["k2"].id, attempts=2, state="failed")
    assert store.settle_errands([retry, given_up], NOW + MINUTE) == 1
    (done,) = store.list_errands("live", ["done"])
    assert (done.key, done.done_at) == ("k2", NOW + MINUTE)
    assert store.errands_due("live", NOW + 4 * MINUTE) == []
    (due,) = store.errands_due("live", NOW + 5 * MINUTE)
    assert (due.key, due.error, due.done_at) == ("k1", "503 \ufffd", None)
    assert store.settle_errands([], NOW) == 0


def test_the_newest_question_is_the_open_one(store: Store) -> None:
    def ask(reply: str) -> OpenChoice:
        return OpenChoice(
            number=number(1),
            reply_id=reply,
            options=("e1", "e2"),
            asked_at=NOW,
            due_at=NOW + MINUTE,
        )

    store.keep_conversation(ConversationBatch(mode="live", choices=[ask("r1"), ask("r2")]), NOW)
    store.keep_conversation(
        ConversationBatch(mode="live", choices=[ask("r3")], cleared=[number(1)]), NOW
    )
    assert store.open_choices([number(1), number(2)], "live") == {number(1): ask("r3")}
    assert store.open_choices([number(1)], "test") == {}
    assert store.open_choices([], "live") == {}
    store.keep_conversation(ConversationBatch(mode="live", cleared=[number(1)]), NOW)
    assert store.open_choices([number(1)], "live") == {}
