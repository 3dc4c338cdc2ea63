"""Whose language a text speaks: the first that is known of contact, job and number, else one."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from smsnotify.model.contact import Contact
from smsnotify.model.job import Job
from smsnotify.model.rule import Languages
from smsnotify.text.languages import best_in, best_of


class Whose(StrEnum):
    """Who decided on the language of a text."""

    CONTACT = "contact"
    JOB = "job"
    COUNTRY = "country"
    FALLBACK = "fallback"


class Spoken(NamedTuple):
    """A language that a rule speaks, and who decided on it."""

    language: str
    whose: Whose

    def told(self, languages: Languages, country: str) -> str:
        """Say it in words: `in zh, the contact's language`."""
        why = {
            Whose.CONTACT: "the contact's language",
            Whose.JOB: f"as the job's {languages.field} says",
            Whose.COUNTRY: f"a language of {country}",
            Whose.FALLBACK: "because nothing else is known of the reader",
        }
        return f"in {self.language}, {why[self.whose]}"


def language_for(languages: Languages, contact: Contact, job: Job, country: str) -> Spoken:
    """Choose one of a rule's languages for a recipient whose number is of `country` (ISO 2)."""
    written = getattr(job, languages.field, None) if languages.field else None
    return choose(languages.offered, languages.fallback, contact.language, written, country)


def choose(
    offered: tuple[str, ...], fallback: str, contact: str, job: object, country: str
) -> Spoken:
    """Choose one of some languages by what the contact, the job and the number's country say."""
    if contact and (found := best_of(contact, offered)):
        return Spoken(found, Whose.CONTACT)
    if isinstance(job, str) and (found := best_of(job, offered)):
        return Spoken(found, Whose.JOB)
    if country and (found := best_in(country, offered)):
        return Spoken(found, Whose.COUNTRY)
    return Spoken(fallback, Whose.FALLBACK)
