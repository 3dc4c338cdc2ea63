"""STOP, START and HELP in many languages, and texts that are likely opt-outs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsnotify.plans.consent_languages import WORDS
from smsnotify.plans.consent_words import USUAL_WORDS, ConsentWords, Family

CARRIERS = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")


@pytest.mark.parametrize("word", CARRIERS)
def test_the_carriers_stop_words_are_stop(word: str) -> None:
    for text in (word, word.lower(), f" {word}. ", f"'{word}'!", f"{word}\n"):
        assert USUAL_WORDS.family(text) is Family.STOP


@pytest.mark.parametrize(
    ("word", "family"),
    [
        ("START", Family.START),
        ("UNSTOP", Family.START),
        ("YES", Family.YES),
        ("HELP", Family.HELP),
        ("INFO", Family.HELP),
        ("退订", Family.STOP),
        ("berhenti", Family.STOP),
        ("நிறுத்து", Family.STOP),
        ("หยุด", Family.STOP),
        ("Hủy đăng ký", Family.STOP),
        ("itigil", Family.STOP),
        ("Abmelden", Family.STOP),
        ("ARRÊT", Family.STOP),
        ("Alto", Family.STOP),
        ("parar", Family.STOP),
        ("basta", Family.STOP),
        ("afmelden", Family.STOP),
        ("توقف", Family.STOP),
        ("ayuda", Family.HELP),
        ("NO", None),
        ("QUOTE", None),
        ("stop please", None),
        ("", None),
    ],
)
def test_a_whole_text_is_a_word_of_one_family(word: str, family: Family | None) -> None:
    assert USUAL_WORDS.family(word) is family


@pytest.mark.parametrize("language", WORDS)
def test_every_language_has_stop_start_and_help(language: str) -> None:
    for family in (Family.STOP, Family.START, Family.HELP):
        words = WORDS[language][family.value]
        assert words
        if family is Family.STOP:
            assert all(USUAL_WORDS.family(word) is Family.STOP for word in words)


@pytest.mark.parametrize(
    "text",
    [
        "STOP PLEASE",
        "please stop",
        "stop texting me",
        "Please remove me from your list",
        "remove my number",
        "don't text me again",
        "no more messages!!",
        "stop stop stop",
        "UNSUBSCRIBE ME",
        "I do not want to receive any texts",
        "opt me out",
        "请不要再发短信",
        "jangan hantar mesej lagi",
        "keine SMS mehr",
        "arrêtez de m'envoyer des messages",
        "no me manden más mensajes",
        "não quero mais receber mensagens",
        "non mi scrivete più",
        "geen sms meer",
        "stop 🛑",
        "S T O P",
        "s.t.o.p",
        "/stop",
        "sto p",
    ],
)
def test_a_text_that_probably_asks_for_no_more_is_a_likely_opt_out(text: str) -> None:
    assert USUAL_WORDS.family(text) is None
    assert USUAL_WORDS.is_likely_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "QUOTE",
        "stop by tomorrow",
        "Please stop by at 5",
        "I will be at the bus stop",
        "don't send the parcel tomorrow",
        "please leave it with my neighbour",
        "不要发货",
        "停车场门口",
        "where is my order",
        "No",
        "ok thanks",
        "s t o p - no, leave it at the bus stop",
        "👍",
        "",
    ],
)
def test_an_ordinary_text_is_no_opt_out(text: str) -> None:
    assert USUAL_WORDS.family(text) is not Family.STOP
    assert not USUAL_WORDS.is_likely_stop(text)


def test_settings_add_words_of_their_own() -> None:
    words = ConsentWords({"sg": {"stop": ["Dowan"], "help": ["Halp"], "start": ["on"]}})
    assert words.family("dowan!") is Family.STOP
    assert words.family("HALP") is Family.HELP
    assert words.family("on") is Family.START
    assert words.family("STOP") is Family.STOP
    assert words.is_likely_stop("dowan leh")
    assert USUAL_WORDS.family("dowan") is None
    assert "dowan" in set(words.words(Family.STOP))


@given(st.text(max_size=400))
def test_any_text_can_be_asked_about(text: str) -> None:
    USUAL_WORDS.family(text)
    USUAL_WORDS.is_likely_stop(text)
