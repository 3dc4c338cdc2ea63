import pytest

from smsnotify.text.gsm7 import BASIC, EXTENSION, PLAIN_LATIN1, is_gsm7


def test_the_alphabet_has_127_characters_and_the_escape() -> None:
    assert len(BASIC) == 127
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize("char", "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\n\r")
def test_what_the_standard_lists_costs_one_septet(char: str) -> None:
    assert char in BASIC


@pytest.mark.parametrize("char", "^{}\\[~]|€\f")
def test_what_the_extension_table_lists_is_gsm7_too(char: str) -> None:
    assert char in EXTENSION
    assert is_gsm7(char)


@pytest.mark.parametrize("char", "`\tçÁêëÀ’“–…\u00a0\x1b\x00я你😀")  # noqa: RUF001
def test_what_neither_table_lists_is_not_gsm7(char: str) -> None:
    assert not is_gsm7(f"a{char}b")


def test_plain_latin1_leaves_out_what_costs_two_septets() -> None:
    plain = set(PLAIN_LATIN1.decode("latin-1"))
    assert plain == {char for char in BASIC if ord(char) < 256}
    assert not plain & EXTENSION


def test_an_empty_text_is_gsm7() -> None:
    assert is_gsm7("")
