"""Whose language a text speaks."""

from __future__ import annotations

import pytest

from smsnotify.model.contact import Contact
from smsnotify.model.job import Job
from smsnotify.model.rule import Languages, RuleTerms
from smsnotify.text.speaking import Whose, language_for

TERMS = RuleTerms(id="a", name="a", body=lambda job: "")
OFFERED = ("zh", "en", "ms")
LANGUAGES = Languages(
    terms=dict.fromkeys(OFFERED, TERMS), offered=OFFERED, fallback="zh", field="group_name"
)


@pytest.mark.parametrize(
    ("contact", "job", "country", "language", "whose"),
    [
        ("ms-MY", "en", "CN", "ms", Whose.CONTACT),
        ("fr", "EN-sg", "CN", "en", Whose.JOB),
        ("", "North", "MY", "ms", Whose.COUNTRY),
        ("", None, "SG", "en", Whose.COUNTRY),
        ("", 5, "VN", "zh", Whose.FALLBACK),
        ("", "", "", "zh", Whose.FALLBACK),
    ],
)
def test_the_first_that_is_known(
    contact: str, job: object, country: str, language: str, whose: Whose
) -> None:
    chosen = language_for(LANGUAGES, Contact(language=contact), Job(group_name=job), country)
    assert (chosen.language, chosen.whose) == (language, whose)
    assert chosen.told(LANGUAGES, country).startswith(f"in {language}, ")
