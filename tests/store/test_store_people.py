"""People: consent with evidence, and what else is known of a number."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from store_cases import NOW, NUMBER, number

from smsnotify.model.contact import ConsentChange
from smsnotify.model.facts import Person
from smsnotify.store.order import id_after
from smsnotify.store.store import Store


def test_nobody_is_known_at_first(store: Store) -> None:
    assert store.people([NUMBER, ""]) == {}
    assert store.is_blank()


def test_an_opt_out_holds_with_its_evidence(store: Store) -> None:
    store.opt_out(NUMBER, NOW, source="reply", note="STOP at noon")
    assert store.people([NUMBER, number(1)]) == {
        NUMBER: Person(opted_out=True, opted_out_source="reply", opted_out_at=NOW)
    }
    (contact,) = store.contacts()
    assert (contact.address, contact.opted_out, contact.source, contact.note, contact.at) == (
        NUMBER,
        True,
        "reply",
        "STOP at noon",
        NOW,
    )


@pytest.mark.parametrize("clock", [timedelta(0), timedelta(hours=1), timedelta(hours=-1)])
def test_what_was_said_last_holds_whatever_the_clock_does(store: Store, clock: timedelta) -> None:
    store.opt_out(NUMBER, NOW, source="hand")
    store.opt_in(NUMBER, NOW + clock, source="hand")
    assert not store.people([NUMBER])[NUMBER].opted_out
    store.opt_out(NUMBER, NOW - clock, source="hand")
    assert store.people([NUMBER])[NUMBER].opted_out


def test_every_change_stays_as_proof(store: Store) -> None:
    for _ in range(3):
        store.opt_out(NUMBER, NOW, source="hand")
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM consents")).scalar() == 3
        assert connection.execute(text("SELECT count(*) FROM contacts")).scalar() == 1


def test_an_import_brings_many_at_once_with_their_own_dates(store: Store) -> None:
    long_ago = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
    changes = [
        ConsentChange(recipient=number(n), opted_out=True, source="import", at=long_ago)
        for n in range(1200)
    ]
    assert store.note_consents(changes, NOW) == 1200
    found = store.people([number(n) for n in range(2000)])
    assert len(found) == 1200
    assert found[number(7)].opted_out_at == long_ago


def test_contacts_come_in_order_and_by_consent(store: Store) -> None:
    store.note_consents(
        [
            ConsentChange(recipient=number(n), opted_out=n % 2 == 0, source="import", at=NOW)
            for n in range(700)
        ],
        NOW,
    )
    everyone = [contact.address for contact in store.contacts()]
    assert everyone == [number(n) for n in range(700)]
    assert len(list(store.contacts(opted_out=True))) == 350
    assert next(store.contacts(opted_out=False)).address == number(1)


def test_a_time_zone_is_known_with_and_without_a_consent(store: Store) -> None:
    store.set_contact(NUMBER, NOW, name="Ms Tan", time_zone="Asia/Tokyo")
    store.set_contact(number(1), NOW, language="de")
    assert store.people([NUMBER, number(1)]) == {NUMBER: Person(time_zone="Asia/Tokyo")}
    store.opt_out(NUMBER, NOW, source="hand")
    assert store.people([NUMBER])[NUMBER].time_zone == "Asia/Tokyo"
    store.set_contact(NUMBER, NOW, time_zone="")
    (other, known) = store.contacts()
    assert (known.name, known.time_zone, other.language) == ("Ms Tan", "", "de")
    assert other.at is None


def test_an_id_follows_the_last_one_even_at_the_end_of_the_alphabet() -> None:
    last = "z" * 10 + "y" + "z" * 15
    assert id_after(last, NOW) == "z" * 11 + "0" * 15
    assert len(id_after("", NOW)) == 26
