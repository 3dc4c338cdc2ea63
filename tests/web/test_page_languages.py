"""The languages of our pages: every word in each, and whose language a page speaks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
import pytest
from tracking_desk import MEI, RULES, TRACKED, Desk, desk
from web_desk import SETTINGS, write_desk

from smsnotify.base.clock import Clock
from smsnotify.base.errors import ConfigError
from smsnotify.model.contact import Contact
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.store import Store
from smsnotify.text.languages import PAGES_SPEAK
from smsnotify.web.page_words import page_words, words_for
from smsnotify.wiring.loading import Sources, read_settings

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture
def made(store: Store, sources: Sources, clock: Clock, key: str) -> Iterator[Desk]:
    with desk(store, sources, clock, key) as opened:
        yield opened


def flat(words: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in words.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


@pytest.mark.parametrize("language", PAGES_SPEAK)
def test_every_word_is_there_in_every_language(language: str) -> None:
    english = dict(flat(msgspec.to_builtins(page_words("en"))))
    words = dict(flat(msgspec.to_builtins(page_words(language))))
    assert words.keys() == english.keys()
    for name, said in words.items():
        assert said.strip() == said != ""
        assert set(re.findall(r"\{\w+\}", said)) == set(re.findall(r"\{\w+\}", english[name]))


@pytest.mark.parametrize(
    ("recipient", "known", "accepted", "chosen"),
    [
        ("+6591230000", ("zh-TW",), "de", "zh"),  # the reader's own
        ("+6591230000", ("", "ms"), "de", "ms"),  # then what else the books have
        ("+6591230000", ("xx",), "de", "en"),  # then the number's country
        ("+84912345678", (), "de", "vi"),
        ("mei@example.com", (), "ja, fr-CA;q=0.9, de;q=0.3", "fr"),  # then the browser
        ("", (), "de;q=0, *", "ta"),  # then the settings
        ("", (), "de;q=x;;,,\0", "ta"),
    ],
)
def test_whose_language_a_page_speaks(
    recipient: str, known: tuple[str, ...], accepted: str, chosen: str
) -> None:
    assert words_for(recipient, known, accepted, "ta-IN").language == chosen


def test_the_page_speaks_to_its_reader(made: Desk, now: datetime) -> None:
    made.happens("completed", pod_at="2026-03-02T05:58:00Z")
    page = made.page()
    assert '<html lang="en" dir="ltr">' in made.client.get(page, headers=GERMAN).text
    person = Contact(id="c1", addresses=(MEI,), language="ar")
    made.store.add_contacts([person], now)
    told = made.client.get(page, headers=GERMAN)
    assert '<html lang="ar" dir="rtl">' in told.text
    assert page_words("ar").said["completed"] in told.text
    assert "13:58" in told.text
    assert "Delivered" not in told.text
    wrong = made.rate(page, goods="9")
    assert page_words("ar").told["bad_stars"] in wrong.text
    old = made.client.post(page, data={"proof": "1.x"})
    assert page_words("ar").told["old_form"] in old.text


def test_the_jobs_field_names_the_language(
    store: Store, sources: Sources, clock: Clock, key: str
) -> None:
    rules = RULES.replace("version: 1", "version: 1\ndefaults: {language_field: group_name}")
    with desk(store, sources, clock, key, rules=rules) as made:
        made.happens("completed", group_name="fr")
        assert '<html lang="fr"' in made.client.get(made.page(), headers=GERMAN).text


def test_a_stranger_is_told_in_the_browsers_language(made: Desk) -> None:
    gone = made.client.get("/t/" + "A" * 22, headers=GERMAN)
    assert page_words("de").told["nowhere"] in gone.text
    assert gone.headers["vary"] == "Accept-Language"
    assert "This page is no longer available" in made.client.get("/t/" + "A" * 22).text


def test_the_opt_out_page_speaks_to_its_reader(made: Desk, now: datetime) -> None:
    person = Contact(id="c1", addresses=(MEI,), language="th")
    made.store.add_contacts([person], now)
    token = made.store.opt_out_token(MEI)
    made.store.add_links([NewLink(token=token, kind="opt_out", recipient=MEI)], now)
    page = made.client.get(f"/o/{token}", headers=GERMAN)
    assert '<html lang="th" dir="ltr">' in page.text
    assert page_words("th").opt_out.button in page.text
    assert page_words("de").opt_out.nowhere in made.client.get("/o/x", headers=GERMAN).text


def test_pages_speak_no_language_that_they_have_not(sources: Sources) -> None:
    assert sources.config is not None
    write_desk(sources.config.parent, 'language = "ja"\n' + SETTINGS + TRACKED)
    with pytest.raises(ConfigError) as refused:
        read_settings(sources)
    assert "they speak en, zh, ms" in str(refused.value)
