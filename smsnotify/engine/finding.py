"""What somebody means who types a word into the one search box."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from smsnotify.engine.inquiry import address_meant
from smsnotify.store.store import Store

_SHORTEST_ID: Final = 10


class Kind(StrEnum):
    """What was found."""

    MESSAGE = "message"
    JOB = "job"
    PERSON = "person"
    NOTHING = "nothing"


class Found(NamedTuple):
    """What it is, and how it is called: an id, a job's name, an address."""

    kind: Kind
    ref: str


def find(store: Store, written: str, country: str) -> Found:
    """Return what a word means: a message's id (ours or a provider's), a job, a number, an email.

    Whatever is in the books comes before what could be.
    """
    word = written.strip()
    address = address_meant(word, country)
    if word.startswith("+") and address:
        return Found(Kind.PERSON, address)
    if word and store.knows_job(word):
        return Found(Kind.JOB, word)
    if address:
        return Found(Kind.PERSON, address)
    if len(word) >= _SHORTEST_ID:
        called = store.messages_called(word)
        if len(called) == 1:
            return Found(Kind.MESSAGE, called[0].id)
        if ours := store.message_with_provider_id(word):
            return Found(Kind.MESSAGE, ours)
    return Found(Kind.NOTHING, word)
