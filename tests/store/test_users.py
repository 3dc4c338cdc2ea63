"""Users, sessions, tries to log in and the audit, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from smsnotify.base.ids import new_id
from smsnotify.model.user import AuditEntry, Role, User
from smsnotify.store.store import Store

HOUR = timedelta(hours=1)


def entry(now: datetime, what: str = "user.add", **more: Any) -> AuditEntry:
    return AuditEntry(id=new_id(now), at=now, who="root", door="cli", what=what, **more)


def added(store: Store, now: datetime, name: str = "mei") -> User:
    made = store.add_user(name, Role.CLERK, "hash-1", now, entry(now, about=name))
    assert made is not None
    return made


def test_a_user_is_kept_once_and_with_an_entry(store: Store, now: datetime) -> None:
    made = added(store, now)
    assert store.find_user("mei") == (made, "hash-1")
    assert store.add_user("mei", Role.VIEWER, "other", now, entry(now)) is None
    assert store.list_users() == [made]
    assert [one.about for one in store.list_changes()] == ["mei"]


def test_a_session_is_found_while_it_counts(store: Store, now: datetime) -> None:
    user = added(store, now)
    store.add_session("s" * 64, user, now, 12 * HOUR, entry(now))
    found = store.find_session("s" * 64, now + HOUR / 2, HOUR)
    assert found is not None
    assert (found.user.name, found.user.logged_in_at) == ("mei", now)
    assert store.find_session("x" * 64, now, HOUR) is None
    assert store.find_session("s" * 64, now + HOUR, HOUR) is None, "idle for too long"
    store.note_seen(found, now + HOUR / 2)
    assert store.find_session("s" * 64, now + HOUR, HOUR) is not None
    assert store.find_session("s" * 64, now + 12 * HOUR, 24 * HOUR) is None, "over"


def test_a_sight_is_written_once_a_minute(store: Store, now: datetime) -> None:
    user = added(store, now)
    store.add_session("s" * 64, user, now, 12 * HOUR, entry(now))
    found = store.find_session("s" * 64, now, HOUR)
    assert found is not None
    store.note_seen(found, now + timedelta(seconds=59))
    again = store.find_session("s" * 64, now, HOUR)
    assert again is not None
    assert again.seen_at == now


def test_another_role_counts_at_once(store: Store, now: datetime) -> None:
    user = added(store, now)
    store.add_session("s" * 64, user, now, HOUR, entry(now))
    store.set_role(user, Role.VIEWER, entry(now))
    found = store.find_session("s" * 64, now, HOUR)
    assert found is not None
    assert found.user.role is Role.VIEWER


def test_another_password_ends_the_other_sessions(store: Store, now: datetime) -> None:
    user = added(store, now)
    for one in "ab":
        store.add_session(one * 64, user, now, HOUR, entry(now))
    store.set_password(user, "hash-2", entry(now), but="a" * 64)
    assert store.find_session("a" * 64, now, HOUR) is not None
    assert store.find_session("b" * 64, now, HOUR) is None
    assert store.find_user("mei") == (store.list_users()[0], "hash-2")


def test_who_is_disabled_or_removed_has_no_session(store: Store, now: datetime) -> None:
    user = added(store, now)
    store.add_session("s" * 64, user, now, HOUR, entry(now))
    store.set_disabled(user, now, entry(now))
    assert store.find_session("s" * 64, now, HOUR) is None
    store.set_disabled(user, None, entry(now))
    assert store.find_session("s" * 64, now, HOUR) is None, "it ended; it does not come back"
    store.remove_user(user, entry(now))
    assert store.list_users() == []
    assert len(store.list_changes()) == 5, "what they did stays"


def test_tries_are_counted_until_the_span_is_over(store: Store, now: datetime) -> None:
    span = timedelta(minutes=15)
    for second in range(3):
        assert store.count_try({"a": 3, "b": 9}, now + timedelta(seconds=second), span) is None
    assert store.count_try({"a": 3, "b": 9}, now + timedelta(seconds=9), span) == now + span
    assert store.count_try({"b": 9}, now + timedelta(seconds=9), span) is None
    assert store.count_try({"a": 3}, now + span, span) is None, "counting begins anew"
    for _ in range(2):
        assert store.count_try({"a": 3}, now + span, span) is None
    store.forget_tries(["a"])
    assert store.count_try({"a": 3}, now + span, span) is None


def test_the_audit_is_read_in_pages_and_by_what_it_is_about(store: Store, now: datetime) -> None:
    for number in range(5):
        at = now + timedelta(seconds=number)
        store.note_change(entry(at, "reply.answer", about=f"r{number % 2}"))
    newest = store.list_changes(limit=2)
    assert [one.at.second for one in newest] == [4, 3]
    older = store.list_changes(before=newest[-1].id)
    assert [one.at.second for one in older] == [2, 1, 0]
    assert [one.at.second for one in store.list_changes(about="r1")] == [3, 1]
    assert store.list_changes(who="nobody") == []
    store.note_outcome(newest[0], "queued")
    assert store.list_changes(limit=1)[0].after == "queued"


def test_old_sessions_tries_and_entries_are_forgotten(store: Store, now: datetime) -> None:
    user = added(store, now)
    store.add_session("s" * 64, user, now, HOUR, entry(now))
    store.count_try({"a": 3}, now, HOUR)
    assert store.prune(now).sessions == 0
    later = store.prune(now + timedelta(days=2))
    assert (later.sessions, later.login_tries, later.audit) == (1, 1, 0)
    assert store.prune(now + timedelta(days=401)).audit == 2
