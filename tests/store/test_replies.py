"""Replies in the books: read in order, worked once, found by who sent them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation_cases import OURS, says, worked
from store_cases import NOW, number

from smsnotify.base.errors import OvertakenError
from smsnotify.model.message import InboundMessage
from smsnotify.store.conversation_batch import ConversationBatch, WorkedReply
from smsnotify.store.replies import WantedReplies
from smsnotify.store.store import Store

SECOND = timedelta(seconds=1)


def test_replies_are_read_as_they_came_the_oldest_first(store: Store) -> None:
    text = InboundMessage(
        provider_message_id="in-1",
        sender=number(1),
        to=OURS,
        body="\u261d\ufe0f Hello",
        at=NOW - SECOND,
        media=("https://x.example/1", "https://x.example/2"),
        keyword="START",
    )
    store.note_replies("main", [text], NOW)
    says(store, 2, "", NOW + SECOND)
    first, second = store.unworked_replies()
    assert (first.account, first.sender, first.to, first.body) == (
        "main",
        number(1),
        OURS,
        "\u261d\ufe0f Hello",
    )
    assert (first.media, first.keyword, first.at) == (text.media, "START", NOW - SECOND)
    assert (first.received_at, first.state, first.worked_at) == (NOW, "new", None)
    assert second.body == ""
    assert [one.id for one in store.unworked_replies(1)] == [first.id]


def test_what_a_reply_was_taken_for_stays_with_it(store: Store) -> None:
    first, second = says(store, 1, "QUOTE"), says(store, 2, "What?")
    batch = ConversationBatch(
        mode="live",
        worked=[
            *worked(first, contact_id="c1", enrolment_id="e1"),
            WorkedReply(id=second.id, state="inbox", verdict="unmatched", note="nobody knows"),
        ],
    )
    store.keep_conversation(batch, NOW + SECOND)
    assert store.unworked_replies() == []
    (one,) = store.list_replies(WantedReplies(states=frozenset({"inbox"})))
    assert (one.id, one.verdict, one.note) == (second.id, "unmatched", "nobody knows")
    assert one.worked_at == NOW + SECOND
    assert store.replies_called(first.id)[0].enrolment_id == "e1"


def test_a_reply_is_worked_once(store: Store) -> None:
    reply = says(store, 1, "QUOTE")
    store.keep_conversation(ConversationBatch(mode="live", worked=worked(reply)), NOW)
    with pytest.raises(OvertakenError):
        store.keep_conversation(ConversationBatch(mode="live", worked=worked(reply)), NOW)


def test_a_clerk_decides_on_what_is_still_open(store: Store) -> None:
    reply = says(store, 1, "please stop")
    doubt = WorkedReply(id=reply.id, state="doubtful", verdict="maybe_stop")
    store.keep_conversation(ConversationBatch(mode="live", worked=[doubt]), NOW)
    assert store.doubtful_senders([number(1), number(2)]) == {number(1)}
    assert not store.set_reply_state(reply.id, was="inbox", state="worked", now=NOW)
    assert store.set_reply_state(
        reply.id, was="doubtful", state="worked", now=NOW + SECOND, note="asked by phone\0"
    )
    assert store.doubtful_senders([number(1)]) == set()
    (found,) = store.replies_called(reply.id)
    assert (found.state, found.note, found.verdict) == (
        "worked",
        "asked by phone\ufffd",
        "maybe_stop",
    )
    answered = WorkedReply(id=reply.id, was="doubtful")
    with pytest.raises(OvertakenError):
        store.keep_conversation(ConversationBatch(mode="live", worked=[answered]), NOW)


def test_replies_are_found_by_their_senders(store: Store) -> None:
    for n in range(4):
        says(store, 1, f"text {n}", NOW + n * SECOND)
    other = says(store, 2, "Hi", NOW)
    found = store.replies_since([number(1), number(2), number(3)], NOW + SECOND)
    assert {who: [one.body for one in some] for who, some in found.items()} == {
        number(1): ["text 1", "text 2", "text 3"]
    }
    newest = store.replies_since([number(1)], NOW, limit=2)
    assert [one.body for one in newest[number(1)]] == ["text 2", "text 3"]
    assert store.counted_replies([number(1), number(2)], NOW) == {number(1): 4, number(2): 1}
    assert store.unworked_senders([number(1), number(2), number(3)]) == {number(1), number(2)}
    store.keep_conversation(ConversationBatch(mode="live", worked=worked(other)), NOW)
    assert store.unworked_senders([number(1), number(2)]) == {number(1)}
    assert store.replies_since([], NOW) == {}
    assert store.counted_replies([], NOW) == {}
    assert store.unworked_senders([]) == set()


def test_replies_are_listed_by_page(store: Store) -> None:
    made = [says(store, n % 2, f"text {n}", NOW + n * SECOND) for n in range(6)]
    newest = store.list_replies(WantedReplies(), 2)
    assert [one.body for one in newest] == ["text 5", "text 4"]
    page = store.list_replies(WantedReplies(sender=number(1), before=made[3].id), None)
    assert [one.body for one in page] == ["text 1"]
    since = store.list_replies(WantedReplies(since=NOW + 4 * SECOND, account="main"))
    assert len(since) == 2
    assert store.list_replies(WantedReplies(account="other")) == []
    assert len(store.list_replies(WantedReplies(states=frozenset({"new", "inbox"})))) == 6
    assert len(store.list_replies(WantedReplies(states=frozenset({"new"})))) == 6
    assert store.replies_called("no id!") == []
    assert store.replies_called(made[0].id[:-1])[0].id == made[0].id


def test_words_that_no_database_can_hold_do_not_stop_the_work(store: Store) -> None:
    reply = says(store, 1, "half \ud83d and \0")
    assert reply.body == "half ? and \ufffd"
    taken = WorkedReply(id=reply.id, note="half \ud83d and \0")
    store.keep_conversation(ConversationBatch(mode="live", worked=[taken]), NOW)
    assert store.replies_called(reply.id)[0].note == "half ? and \ufffd"
    assert store.contacts_of(["+65\ud83d\0"]) == {}
